"""The long window that ends now, in which an inspiral is looked for, and its whitening. Knows no signal."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from workloads import psd
from workloads.drift import LINES_HZ, NONE, Drift
from workloads.searching.channels import signal_channels
from workloads.spec import STREAMS
from workloads.unit import Unit

RATE_HZ = 128
BAND_HZ = (5.0, 56.0)
"""The band that is searched: from the floor of the noise curve to where the sampling ends."""
SEARCHED_S = 1024.0
EDGE_S = 2.0
"""Data lost to the whitening at either end: the last of them a latency of the data, not of the computing."""
SAMPLES = round(SEARCHED_S * RATE_HZ)
UNIT_S = SEARCHED_S + 2 * EDGE_S
UNIT_SAMPLES = round(UNIT_S * RATE_HZ)
CHANNELS = STREAMS - 1
STRIDE_S = 16.0
"""How often the question is asked."""
UNIT = Unit(
    "strain",
    f"the strain of the last {UNIT_S:g} s, low-passed and sampled at {RATE_HZ} Hz",
    ("detector", "sample"),
    (STREAMS, UNIT_SAMPLES),
    float(RATE_HZ),
    longest_repeat=16,
    may_miss=STREAMS - 1,
    advice=f"The search wants three streams, resampled to {RATE_HZ} Hz",
)


def whitened(strain: NDArray[np.float64]) -> NDArray[np.float32]:
    """Signal channels (batch, CHANNELS, SAMPLES) of unit noise in BAND_HZ, from units (batch, *UNIT.shape)."""
    channels = np.asarray(signal_channels(strain), np.float64)
    return psd.filter_valid(channels, _kernel()).astype(np.float32)


def transfer(n: int) -> NDArray[np.float64]:
    """What whitening multiplies a spectrum by, on the rfft grid of `n` samples."""
    return psd.response(_kernel(), n)


def noise_power(n: int) -> NDArray[np.float64]:
    """Power of whitened noise on the rfft grid of `n` samples, relative to unit white noise."""
    return psd.load().filtered(_kernel(), RATE_HZ, n)


def noise(n: int, rng: np.random.Generator, drift: Drift = NONE) -> NDArray[np.float64]:
    """Units (n, *UNIT.shape) of noise alone, independent in the three streams, as `drift` changes it.

    Of its lines those below half of RATE_HZ.
    """
    curve = psd.load() if drift == NONE else drift.curve(psd.load())
    kernel = curve.colouring(RATE_HZ, EDGE_S)
    made = np.stack(
        [
            psd.filter_valid(rng.standard_normal((STREAMS, UNIT_SAMPLES + kernel.size - 1)), kernel)
            for _ in range(n)
        ]
    )
    if drift.lines:
        t = np.arange(UNIT_SAMPLES) / RATE_HZ
        for f, amplitude in zip(LINES_HZ, drift.tones(curve), strict=True):
            if f < RATE_HZ / 2:
                phases = rng.uniform(0, 2 * np.pi, (n, STREAMS, 1))
                made += amplitude * np.sin(2 * np.pi * f * t + phases)
    return np.asarray(np.abs(drift.gains)[:, None] * made)


@cache
def _kernel() -> NDArray[np.float64]:
    return psd.load().whitening(RATE_HZ, EDGE_S, BAND_HZ)
