"""Domain guard: says of each segment whether models taught on the usual data interpolate there or extrapolate.

It answers for the searches and data-quality models of this house alike, because all were taught on data of one
kind. It does not say that an answer is wrong, only that nobody tried whether it is right.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import decisions, lessons, segments, training
from workloads.dataquality import domain
from workloads.sky import CLASSES
from workloads.spec import NETWORK, RATE_HZ, SEGMENT_S, WHITEN_HALF_S, Outputs, Program, Progress, Settings
from workloads.training import Batch, Course, Taught
from workloads.whitening import whiten

if TYPE_CHECKING:
    import torch

STEPS, RATE = 3_000, 1e-3
SETTLE = 20_000
FALSE_FLAG = 1e-3
"""Fraction of segments of the usual kind, a third each of noise, signals and glitches, that may be flagged."""
_BATCH, _HELD_OUT, _SETTLE_SEED = 128, 4_096, 7_011


class DomainGuard:
    """A segment's score is minus the log density of its features, per feature: the higher, the stranger."""

    name = "domain-guard"
    task = "data-quality"
    unit = segments.strain_unit(domain.SAMPLES / RATE_HZ + 2 * WHITEN_HALF_S)
    outcome = "flag"
    runtimes = NETWORK
    tries = (10_000, 200)
    limits = ("Quiet signals of an unusual kind: what the noise hides from the features is not seen.",)

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Features of each window, shape (batch, domain.FEATURES)."""
        return domain.features(whiten(units))

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> Outputs:
        """Flag above the threshold; the time is the middle of the segment."""
        score = raw[:, 0].astype(np.float64)
        return Outputs(score, score > settings["threshold"], None, np.full(len(score), SEGMENT_S / 2))

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Windows of noise, signals and glitches."""
        return segments.examples(self.unit, n, seed)

    def module(self) -> torch.nn.Module:
        """The untrained density: (row, domain.FEATURES) to (row, [score])."""
        return domain.network()

    def teach(self, course: Course) -> Taught:
        """The density of the features of noise, binaries and glitches as models are taught on, drawn afresh."""
        seed = course.seed
        known, unseen = (lessons.prepare(n, n // 4, np.random.default_rng([seed, n])) for n in (3000, 1000))
        held_out = _batch(unseen, _HELD_OUT, np.random.default_rng([seed, 2]))
        mean, spread = held_out[0].mean(axis=0), held_out[0].std(axis=0)

        def batch(done: float, rng: np.random.Generator) -> Batch:
            return _batch(known, _BATCH, rng)

        build = partial(domain.network, mean, spread)
        fitted = training.fit(course, build, batch, _mean, held_out, STEPS, RATE)
        return fitted.taught(
            {
                "data": "windows of Gaussian noise, two fifths with a signal, one with a glitch of SNR 6-100, "
                "unseen binaries and bursts; the same windows chose the checkpoint",
                "n": _HELD_OUT,
                "minus_log_density_per_feature": round(
                    float(training.apply(fitted.module, held_out[0]).mean()), 4
                ),
            }
        )

    def settle(
        self, program: Program, tries: int | None, progress: Progress
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The threshold that FALSE_FLAG of usual segments exceed: noise, signals and glitches in equal parts."""
        third = (tries or SETTLE) // 3
        rng = np.random.default_rng(_SETTLE_SEED)
        parts = [decisions.noise_outputs(program, third, _SETTLE_SEED, progress)]
        glitches = CLASSES[1:]
        for cls, n in ((CLASSES[0], third), *((cls, -(-third // len(glitches))) for cls in glitches)):
            snr = training.log_uniform(*domain.SNR, n, rng).astype(np.float64)
            parts.append(decisions.event_outputs(program, cls, snr, _SETTLE_SEED + len(parts), progress))
        score = decisions.joined(parts).score
        return {"threshold": float(np.quantile(score, 1 - FALSE_FLAG))}, {
            "segments": len(score),
            "flagged": FALSE_FLAG,
            "snr": list(domain.SNR),
        }


def _batch(known: lessons.Lessons, n: int, rng: np.random.Generator) -> Batch:
    return domain.features(domain.windows(known, n, rng)), np.zeros(n, np.float32)


def _mean(score: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return score.mean()


WORKLOAD = DomainGuard()
