"""How the detectors are taught: on noise, binaries and glitches in a reduced basis, drawn afresh at each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import packing, training
from workloads.searching import examples, network
from workloads.searching.basis import Complex
from workloads.training import Batch, Course, Taught

if TYPE_CHECKING:
    import torch

_BINARIES, _BURSTS, _HELD_OUT = 4_000, 200, 2_048
_CHOSEN_FROM = 600
_BATCH = 64
_LOUDNESS = (6.0, 60.0)


def teach(
    course: Course,
    build: Callable[[], torch.nn.Module],
    begin: Callable[[torch.nn.Module, Complex], torch.nn.Module],
    steps: int,
    rate: float,
    bits: int = 32,
) -> Taught:
    """Weights of what `build` makes and its metrics on unseen binaries and bursts.

    A training from scratch starts with what `begin` makes of it and of unit-SNR spectra (n, basis.BINS) of
    binaries. Weights are rounded to what is stored of them with `bits`, and the metrics are those of what is left.
    """
    known, unseen = (
        examples.prepare(n, m, np.random.default_rng([course.seed, n]))
        for n, m in ((_BINARIES, _BURSTS), (_BINARIES // 4, _BURSTS // 4))
    )
    rng = np.random.default_rng([course.seed, 2])
    held_out = examples.batch(unseen, _HELD_OUT, _LOUDNESS, rng, course.recorded)

    def begun() -> torch.nn.Module:
        return build() if course.start is not None else begin(build(), known.binaries[:_CHOSEN_FROM])

    def batch(done: float, rng: np.random.Generator) -> Batch:
        return examples.batch(known, _BATCH, _LOUDNESS, rng, course.recorded)

    fitted = training.fit(course, begun, batch, segment_loss, held_out, steps, rate)
    network.taken(fitted.module, packing.rounded(fitted.taught({}).weights, bits))
    raw = training.apply(fitted.module, held_out[0])
    metrics = {
        "data": "windows of noise, half of them with a binary of SNR 6-60, an eighth with a glitch of "
        "SNR 4-200 instead, one in 32 with both; unseen binaries and bursts; they also chose the checkpoint",
        "n": _HELD_OUT,
        "auc": round(training.auc(raw.max(axis=1), held_out[1] > 0), 4),
        "loss": round(_loss(raw, held_out[1]), 4),
    }
    return fitted.taught(metrics)


def segment_loss(raw: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the segment's largest logit: where in the second a binary merges is not told."""
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(raw.amax(1), truth)


def _loss(raw: NDArray[np.float32], truth: NDArray[Any]) -> float:
    import torch

    return float(segment_loss(torch.from_numpy(raw), torch.from_numpy(truth)))
