"""Early warning: finds an inspiral before it merges, with a network that weighs the evidence for each.

It learns from noise and inspirals only. The filters before it are cheap ones; what they lose it cannot win back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from workloads import training
from workloads.premerger import drifted, evidence, examples, lessons, level, quality, slides, window
from workloads.premerger.quality import EarlyWarning
from workloads.profile import Figure
from workloads.spec import NETWORK, Program, Progress, Quality, Settings
from workloads.training import Batch, Course, Fitted, Taught

if TYPE_CHECKING:
    import torch

STEPS, LOOKS = 1000, 4_000
_BATCH, _PIECES, _HELD_OUT = 32, 1600, 256
_KNOWN, _UNSEEN = 240, 64
_RATE = 1e-2


class EarlyWarningNetwork:
    """A unit's score is the largest logit of an inspiral yet to merge, over chirp mass and time to merger."""

    name = "early-warning"
    task = "early-warning"
    unit = window.UNIT
    outcome = None
    runtimes = NETWORK
    drifts = drifted.DRIFTS
    limits = (
        quality.LIMIT,
        drifted.LIMIT,
        "Glitches, and lines that begin within the unit: it has seen none. A binary that has merged within the "
        "unit may be warned of as well.",
        "Faint signals: the filter, coherent in wider bands, finds them earlier, at a higher cost.",
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Maps of evidence, shape (batch, *evidence.shape())."""
        spectra = (level.levelled(scipy.fft.rfft(white)) for white in window.whitened(units))
        return np.stack([evidence.evidence(s) for s in spectra])

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> EarlyWarning:
        """Warn where the score exceeds the threshold."""
        score, merger_in_s, log_mass = raw.T.astype(np.float64)
        return EarlyWarning(score, score > settings["threshold"], merger_in_s, np.exp(log_mass))

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Noise and inspirals of every class."""
        return examples.units(n, seed)

    def module(self) -> torch.nn.Module:
        """The untrained network: maps (row, *evidence.shape()) to (row, [logit, time to merger, log mass])."""
        return evidence.network()

    def teach(self, course: Course) -> Taught:
        """Taught to say whether and where there is an inspiral; its few weights cannot learn examples by heart."""
        x, y = _examples(course, _KNOWN, _PIECES)
        held_out = _examples(course, _UNSEEN, _HELD_OUT)

        def batch(done: float, rng: np.random.Generator) -> Batch:
            drawn = rng.integers(_PIECES, size=_BATCH)
            return x[drawn], y[drawn]

        fitted = training.fit(_inner(course), evidence.logits, batch, lessons.surprise, held_out, STEPS, _RATE)
        score = np.array([np.logaddexp.reduce(x, axis=None) for x in training.apply(fitted.module, held_out[0])])
        module = self.module()
        module.get_submodule("logits").load_state_dict(fitted.module.state_dict())
        return Fitted(module, fitted.steps, fitted.earlier_wall_s, fitted.earlier_cpu_s).taught(
            {
                "data": "pieces of maps of Gaussian noise, every second one around an unseen inspiral of SNR 7-40 "
                "in the window; the same pieces chose the checkpoint",
                "n": _HELD_OUT,
                "surprise": round(float(lessons.surprise(*_tensors(fitted.module, held_out))), 4),
                "auc": round(training.auc(score, held_out[1][:, 0] > 0), 4),
            }
        )

    def settle(
        self, program: Program, tries: int | None, progress: Progress
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A threshold for the common false-alarm probability; the tail of logits is exponential."""

        def score(power: NDArray[np.float32]) -> float:
            return float(program.network(evidence.mapped(power, window.CHANNELS)[None])[0, 0])

        bank = evidence.stack()
        scores = slides.scores(score, bank.filters, bank.bands, tries or LOOKS, progress)
        return quality.settle(scores, np.asarray, np.asarray)

    def judge(self, program: Program, effort: float, seed: int, progress: Progress) -> Quality:
        """How long before the merger it warns, by class and final SNR."""
        return quality.judge(program, effort, seed, progress)

    def judge_drifted(
        self, program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
    ) -> dict[str, Figure]:
        """What it warns of in noise that has drifted, and of inspirals in it."""
        return drifted.judge(program, drift, effort, seed, progress)


def _examples(course: Course, inspirals: int, pieces: int) -> Batch:
    """So many pieces of maps with so many inspirals among them; half of the pieces are noise."""
    rng = np.random.default_rng([course.seed, inspirals])
    known = lessons.pool(inspirals, rng)
    parts = []
    for first in range(0, pieces, _BATCH):
        course.progress(0.0, f"examples {first} of {pieces}")
        parts.append(lessons.batch(known, min(_BATCH, pieces - first), rng))
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def _inner(course: Course) -> Course:
    """The course for the part that is trained: its names in what there is to start from."""
    if course.start is None:
        return replace(course, every=50)
    inner = {k.removeprefix("logits."): v for k, v in course.start.items() if k.startswith("logits.")}
    return replace(course, start=inner, every=50)


def _tensors(module: torch.nn.Module, held_out: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    return torch.from_numpy(training.apply(module, held_out[0])), torch.from_numpy(held_out[1])


WORKLOAD = EarlyWarningNetwork()
