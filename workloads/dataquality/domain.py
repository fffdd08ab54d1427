"""Whether an input is like what models were taught on: forty features of a window, and their density there.

The features are logarithms of power in bands, on average and at the loudest moment, in the signal channels and in
the null stream, and how far single frequencies stick out. A normalising flow learns their joint density in data of
the training's kind; where it is low, a model taught on those data extrapolates. Knows no model.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from workloads import lessons
from workloads.dataquality.triangle import NULL, draw_gains, rotation
from workloads.spec import RATE_HZ, RINGDOWN_S, SEGMENT_S
from workloads.training import log_uniform

if TYPE_CHECKING:
    import torch

SAMPLES = 4096
BANDS_HZ = (20.0, 30.0, 45.0, 70.0, 110.0, 170.0, 260.0, 400.0, 900.0)
FEATURES = 5 * (len(BANDS_HZ) - 1)
MERGER_S = (SAMPLES / RATE_HZ - RINGDOWN_S - SEGMENT_S, SAMPLES / RATE_HZ - RINGDOWN_S)
"""Where in a window the searched second lies."""
SNR = (6.0, 100.0)
_FRAME, _HOP = 256, 128
_AMPLITUDE_ERROR = 0.03
"""Standard deviation of a stream's calibration that counts as usual."""
_FLOOR = 1e-3
Array = NDArray[np.float32]


def features(white: Array) -> Array:
    """Features (n, FEATURES) of whitened windows (n, stream, SAMPLES)."""
    channels = np.matmul(rotation().astype(np.float32), white)
    frames = np.lib.stride_tricks.sliding_window_view(channels, _FRAME, axis=-1)[..., ::_HOP, :]
    short = np.abs(scipy.fft.rfft(frames * np.hanning(_FRAME).astype(np.float32))) ** 2
    moments = short @ _bands(_FRAME)
    both = np.stack([moments[:, :NULL].mean(axis=1), moments[:, NULL]], axis=1)
    long = (np.abs(scipy.fft.rfft(white * np.hanning(SAMPLES).astype(np.float32))) ** 2).mean(axis=1)
    where = _bands(SAMPLES)
    sharp = np.stack([long[:, row > 0].max(axis=1) for row in where.T], axis=1) / (long @ where + _FLOOR)
    parts = [both.mean(axis=2), both.max(axis=2)]
    rows = np.concatenate([p.reshape(len(white), -1) for p in parts] + [sharp], axis=1)
    return np.asarray(np.log(rows + _FLOOR), dtype=np.float32)


def windows(known: lessons.Lessons, n: int, rng: np.random.Generator) -> Array:
    """`n` whitened windows (n, stream, SAMPLES) of the kind that models are taught on.

    Two fifths hold noise, as many a binary, a fifth a glitch in one stream; SNRs are log-uniform. Streams are
    miscalibrated by a few per cent.
    """
    x = np.stack([lessons.noise((n, SAMPLES), rng) for _ in range(3)], axis=1)
    at_s = rng.uniform(*MERGER_S, n).astype(np.float32)
    snr = log_uniform(*SNR, n, rng)
    fifth = n // 5
    heard, burst = slice(0, 2 * fifth), slice(2 * fifth, 3 * fifth)
    x[heard] += lessons.signals(known, 2 * fifth, SAMPLES, at_s[heard], snr[heard], rng)
    family = rng.integers(len(known.glitches), size=fifth)
    bursts = lessons.glitches(known, family, SAMPLES, at_s[burst], snr[burst], rng)
    x[burst] += lessons.in_one_stream(bursts, rng)
    return np.asarray(np.abs(draw_gains(n, _AMPLITUDE_ERROR, 0.0, rng))[..., None] * x, dtype=np.float32)


def network(mean: Array | None = None, spread: Array | None = None) -> torch.nn.Module:
    """The untrained density: rows (row, FEATURES) to minus its logarithm (row, 1), per feature.

    `mean` and `spread` (FEATURES,) put the features on one scale.
    """
    import torch
    import zuko
    from torch import nn

    class Density(nn.Module):
        mean: torch.Tensor
        spread: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.zeros(FEATURES) if mean is None else torch.from_numpy(mean))
            self.register_buffer("spread", torch.ones(FEATURES) if spread is None else torch.from_numpy(spread))
            self.flow = zuko.flows.MAF(FEATURES, transforms=4, randperm=True, hidden_features=(96, 96))

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            scaled = ((rows - self.mean) / self.spread).clamp(-_FAR, _FAR)
            return -self.flow().log_prob(scaled)[:, None] / FEATURES  # type: ignore[no-any-return]

    return Density()


_FAR = 50.0
"""Features further from the mean, in standard deviations, count as that far."""


@cache
def _bands(n: int) -> Array:
    """Weights (bin, band) on the rfft grid of `n` samples that average over each band."""
    f = np.fft.rfftfreq(n, 1 / RATE_HZ)
    rows = np.array([(f >= low) & (f < high) for low, high in pairwise(BANDS_HZ)], np.float32)
    return np.asarray((rows / rows.sum(axis=1, keepdims=True)).T)
