"""A training as it stands at a step, in one file: safetensors with its numbers as JSON beside them. No pickle.

What is read back continues to the same bits: weights, their average, the best so far, optimiser, schedule, chance.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

_MODULES = ("module", "average", "best")


class CheckpointMismatchError(ValueError):
    """A checkpoint is damaged or belongs to another training."""


@dataclass
class Snapshot:
    """What changes during a training, optimiser and schedule apart."""

    module: torch.nn.Module
    average: torch.nn.Module
    best: torch.nn.Module
    rng: np.random.Generator
    step: int
    best_loss: float


def fingerprint(weights: Mapping[str, NDArray[Any]] | None) -> str:
    """A digest of weights by name; '' for none."""
    if weights is None:
        return ""
    whole = sha256()
    for name in sorted(weights):
        whole.update(name.encode() + np.ascontiguousarray(weights[name]).tobytes())
    return whole.hexdigest()


def save(
    path: Path | None,
    identity: Mapping[str, Any],
    state: Snapshot,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    spent: tuple[float, float],
) -> None:
    """Write `path` in one go; `spent` is wall-clock and CPU seconds so far. Nothing for None."""
    if path is None:
        return
    import torch
    from safetensors.torch import save_file

    tensors = {"torch": torch.get_rng_state()}
    for part in _MODULES:
        tensors |= {f"{part}/{k}": v.clone() for k, v in getattr(state, part).state_dict().items()}
    whole = optimiser.state_dict()
    for index, held in whole["state"].items():
        tensors |= {f"optimiser/{index}/{k}": v.clone() for k, v in held.items()}
    numbers = {
        "identity": dict(identity),
        "step": state.step,
        "best_loss": state.best_loss,
        "rng": state.rng.bit_generator.state,
        "groups": whole["param_groups"],
        "schedule": {k: v for k, v in schedule.state_dict().items() if not callable(v)},
        "spent_s": list(spent),
    }
    beside = path.with_suffix(".tmp")
    save_file(tensors, beside, metadata={"numbers": json.dumps(numbers)})
    beside.replace(path)


def resume(
    path: Path | None,
    identity: Mapping[str, Any],
    state: Snapshot,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> tuple[float, float]:
    """Put what `path` holds into `state`, `optimiser` and `schedule`; wall-clock and CPU seconds spent before.

    Without a file nothing changes. CheckpointMismatchError when it is of another seed, length or start.
    """
    if path is None or not path.is_file():
        return 0.0, 0.0
    import torch

    numbers, tensors = _read(path)
    if numbers["identity"] != identity:
        before = numbers["identity"]
        apart = ", ".join(
            f"{k} {_short(before.get(k))}, now {_short(v)}" for k, v in identity.items() if before.get(k) != v
        )
        raise CheckpointMismatchError(f"{path}: of another training ({apart}). Delete it or ask for the same")
    for part in _MODULES:
        getattr(state, part).load_state_dict(_under(tensors, f"{part}/"))
    held: dict[int, dict[str, Any]] = {}
    for key, tensor in _under(tensors, "optimiser/").items():
        index, _, name = key.partition("/")
        held.setdefault(int(index), {})[name] = tensor
    optimiser.load_state_dict({"state": held, "param_groups": numbers["groups"]})
    schedule.load_state_dict(numbers["schedule"])
    state.rng.bit_generator.state = numbers["rng"]
    torch.set_rng_state(tensors["torch"])
    state.step, state.best_loss = numbers["step"], numbers["best_loss"]
    wall_s, cpu_s = numbers["spent_s"]
    return wall_s, cpu_s


def _short(value: Any) -> str:
    """A value of an identity; of a digest its beginning."""
    return f"{value[:12]}…" if isinstance(value, str) and len(value) > 12 else repr(value)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return json.loads(file.metadata()["numbers"]), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointMismatchError(f"{path}: not a readable checkpoint ({error}). Delete it") from error


def _under(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
