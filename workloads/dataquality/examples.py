"""Whitened windows to learn from: noise and signals in a triangle, with errors of calibration, never a glitch.

Made to be quick; what is reported is measured on `workloads.strain` instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workloads import lessons, waveform
from workloads.dataquality.triangle import draw_gains
from workloads.spec import RATE_HZ, STREAMS

if TYPE_CHECKING:
    from workloads.recording import Recording

BEFORE_S, AFTER_S = 2.8, 2.0
"""Whitened waveform kept before and after its merger."""
AMPLITUDE_ERROR, PHASE_ERROR_RAD = 0.03, np.deg2rad(3.0)
"""Standard deviations of the calibration of each stream: a few per cent and degrees, as LIGO's in O3
(Sun et al. 2020, arXiv:2005.02531)."""
Array = NDArray[np.float32]


def waveforms(n: int, rng: np.random.Generator) -> NDArray[np.complex64]:
    """Whitened analytic waveforms (n, sample) of random binaries with unit SNR, from BEFORE_S to AFTER_S."""
    return np.array([lessons.whitened(waveform.draw_binary(rng), BEFORE_S, AFTER_S) for _ in range(n)])


def windows(
    known: NDArray[np.complex64],
    n: int,
    samples: int,
    at_s: tuple[float, float],
    snr: tuple[float, float],
    rng: np.random.Generator,
    recorded: Recording | None = None,
) -> Array:
    """`n` windows (n, stream, sample), every second one with one of the `known` signals.

    Signals merge `at_s` after a window's start with log-uniform network SNR; each stream has a gain of its own.
    The noise is drawn, or taken from what was `recorded`.
    """
    gains = draw_gains(n, AMPLITUDE_ERROR, PHASE_ERROR_RAD, rng)
    noise = lessons.noise((n, STREAMS, samples), rng) if recorded is None else recorded.white(n, samples, rng)
    x = np.abs(gains)[..., None].astype(np.float32) * noise
    loud = n // 2
    factors = np.array([waveform.draw_antenna(rng) for _ in range(loud)])
    ratio = snr[0] * (snr[1] / snr[0]) ** rng.random(loud)
    factors *= (ratio / np.linalg.norm(factors, axis=1))[:, None]
    start = np.round((BEFORE_S - rng.uniform(*at_s, loud)) * RATE_HZ).astype(np.intp)
    rows = known[rng.integers(len(known), size=loud)[:, None], start[:, None] + np.arange(samples)]
    heard = (factors * gains[:loud]).astype(np.complex64)
    x[:loud] += (heard[:, :, None] * rows[:, None]).real
    return x
