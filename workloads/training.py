"""Fitting a network to examples made on the fly: progress, checkpoints, and a resumption to the same bits.

For the recipes of the workloads; knows no strain and no file but its checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import checkpoints, packing
from workloads.checkpoints import Snapshot
from workloads.spec import Progress

if TYPE_CHECKING:
    import torch

    from workloads.recording import Recording

Array = NDArray[np.float32]
Batch = tuple[Array, NDArray[Any]]
Metrics = dict[str, Any]
Loss = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
_EVERY = 250
_EMA = 0.995
_RATE, _REFINING_RATE = 3e-3, 1e-3


class TrainingError(ValueError):
    """A training cannot go on as asked: the message says what to change."""


@dataclass(frozen=True)
class Course:
    """What a recipe is given: seed, length, whom to tell, what to start from, where to keep what it has.

    `steps` None is the recipe's own number. `start` holds weights by name to go on from (transfer learning).
    `checkpoint` is the file that a training is resumed from if it is there; None keeps nothing. `recorded` takes
    the place of drawn noise, for workloads that say they learn from recordings.
    """

    seed: int
    progress: Progress
    steps: int | None = None
    start: Mapping[str, NDArray[Any]] | None = None
    checkpoint: Path | None = None
    recorded: Recording | None = None
    every: int = _EVERY
    clock: Callable[[], float] = field(default=time.perf_counter)
    cpu_clock: Callable[[], float] = field(default=time.process_time)

    def from_scratch_only(self, name: str, why: str) -> None:
        """TrainingError when there is something to start from."""
        if self.start is not None:
            raise TrainingError(f"{name} cannot be refined: {why}. Leave --refine out")


@dataclass(frozen=True)
class Taught:
    """What came of it: weights by name, metrics on held-out data, steps done, and s spent before a resumption."""

    weights: Mapping[str, NDArray[Any]]
    held_out: Metrics
    steps: int = 0
    parameters: int = 0
    earlier_wall_s: float = 0.0
    earlier_cpu_s: float = 0.0


@dataclass(frozen=True)
class Fitted:
    """A trained module, and the seconds that went into it before this process."""

    module: torch.nn.Module
    steps: int
    earlier_wall_s: float = 0.0
    earlier_cpu_s: float = 0.0

    def taught(self, held_out: Metrics) -> Taught:
        """The module's weights with their metrics."""
        weights = {k: v.detach().numpy() for k, v in self.module.state_dict().items()}
        parameters = sum(p.numel() for p in self.module.parameters())
        return Taught(weights, held_out, self.steps, parameters, self.earlier_wall_s, self.earlier_cpu_s)


def fit(
    course: Course,
    build: Callable[[], torch.nn.Module],
    batch: Callable[[float, np.random.Generator], Batch],
    loss: Loss,
    held_out: Batch,
    steps: int,
    rate: float | None = None,
) -> Fitted:
    """What `build` makes, trained for `course.steps` or `steps`: the averaged weights that did best on `held_out`.

    `batch` gives examples from the part of the training that is done (0 to 1) and the training's own chance.
    A refinement starts with the course's weights, which count among the candidates. Peak learning rate is `rate`.
    """
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(course.seed)
    total = course.steps or steps
    state = _beginning(course, build(), loss, held_out)
    peak = rate or (_RATE if course.start is None else _REFINING_RATE)
    optimiser = torch.optim.AdamW(state.module.parameters(), lr=peak, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak, total_steps=total, pct_start=0.1)
    identity = {
        "seed": course.seed,
        "steps": total,
        "every": course.every,
        "refined": checkpoints.fingerprint(course.start),
        "begun with": checkpoints.fingerprint({k: v.numpy() for k, v in state.module.state_dict().items()}),
    }
    if course.recorded is not None:
        identity["recorded"] = str(course.recorded.as_json())
    earlier = checkpoints.resume(course.checkpoint, identity, state, optimiser, schedule)
    wall_s, cpu_s = earlier[0] - course.clock(), earlier[1] - course.cpu_clock()
    truth = torch.from_numpy(held_out[1])
    for step in range(state.step + 1, total + 1):
        x, y = (torch.from_numpy(a) for a in batch(step / total, state.rng))
        optimiser.zero_grad()
        value = loss(state.module(x), y)
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        _follow(state.average, state.module, min(_EMA, step / (step + 10)))
        state.step = step
        if step % course.every == 0 or step == total:
            held = float(loss(torch.from_numpy(apply(state.average, held_out[0])), truth))
            course.progress(step / total, f"loss {value.item():.4f}, held out {held:.4f}")
            if held < state.best_loss:
                state.best, state.best_loss = deepcopy(state.average), held
            spent = wall_s + course.clock(), cpu_s + course.cpu_clock()
            checkpoints.save(course.checkpoint, identity, state, optimiser, schedule, spent)
    return Fitted(state.best.eval(), total, *earlier)


def apply(module: torch.nn.Module, x: Array, batch: int = 64) -> Array:
    """`module` on rows `x`, `batch` at a time, without gradients."""
    import torch

    was_training = module.training
    module.eval()
    with torch.inference_mode():
        parts = [module(torch.from_numpy(x[i : i + batch])).numpy() for i in range(0, len(x), batch)]
    module.train(was_training)
    return np.concatenate(parts)


def auc(score: Array, positive: NDArray[np.bool_]) -> float:
    """Probability that a positive example scores higher than a negative one."""
    rank = np.argsort(np.argsort(score)) + 1.0
    n, m = int(positive.sum()), int((~positive).sum())
    return float((rank[positive].sum() - n * (n + 1) / 2) / (n * m))


def log_uniform(low: float, high: float, n: int, rng: np.random.Generator) -> Array:
    """`n` numbers between `low` and `high`, uniform in their logarithm."""
    return np.asarray(low * (high / low) ** rng.random(n), dtype=np.float32)


def _beginning(course: Course, module: torch.nn.Module, loss: Loss, held_out: Batch) -> Snapshot:
    import torch

    best_loss = np.inf
    if course.start is not None:
        try:
            packing.fill(module, course.start)
        except ValueError as error:
            raise TrainingError(f"what is to be refined is {error}") from error
        best_loss = float(loss(torch.from_numpy(apply(module, held_out[0])), torch.from_numpy(held_out[1])))
        course.progress(0.0, f"held out {best_loss:.4f} before refinement")
    rng = np.random.default_rng([course.seed, 1])
    return Snapshot(module, deepcopy(module), deepcopy(module), rng, 0, best_loss)


def _follow(average: torch.nn.Module, module: torch.nn.Module, keep: float) -> None:
    import torch

    with torch.no_grad():
        for slow, fast in zip(average.parameters(), module.parameters(), strict=True):
            slow.lerp_(fast, 1 - keep)
        for held, now in zip(average.buffers(), module.buffers(), strict=True):
            held.copy_(now)
