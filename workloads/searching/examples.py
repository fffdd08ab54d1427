"""Training examples for searches on a reduced basis: whitened spectra of noise, binaries and glitches.

All is made in the basis's band and window, where noise is as good as circular; decisions are measured on
`workloads.strain` instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workloads import glitch, psd, waveform
from workloads.dataquality.triangle import NULL, rotation
from workloads.searching import basis
from workloads.searching.basis import Complex
from workloads.sky import GLITCHES
from workloads.spec import RATE_HZ, SEGMENT_S, STREAMS, WHITEN_HALF_S
from workloads.training import log_uniform
from workloads.whitening import noise_power, whiten

if TYPE_CHECKING:
    from workloads.recording import Recording

BEGIN_S = WHITEN_HALF_S + basis.MEMORY_S
"""Where in the window the searched second begins."""
_HALF_S = 1.375
"""Half length of what is kept of a burst."""
Real = NDArray[np.float32]


@dataclass(frozen=True)
class Sources:
    """Unit-SNR whitened events: `binaries` (n, BINS) merging at time zero, `bursts` (family, n, sample)."""

    binaries: Complex
    bursts: Real


def prepare(n_binaries: int, n_bursts: int, rng: np.random.Generator) -> Sources:
    """`n_binaries` drawn as the population is, and `n_bursts` of each family of glitches."""
    binaries = np.array([basis.unit_spectrum(waveform.draw_binary(rng)) for _ in range(n_binaries)])
    return Sources(binaries, np.array([_bursts(cls, n_bursts, rng) for cls in GLITCHES]))


def noise(n: int, rng: np.random.Generator) -> Complex:
    """Spectra (n, channel, BINS) of whitened noise."""
    shape = (n, STREAMS, basis.BINS)
    white = rng.standard_normal(shape, np.float32) + 1j * rng.standard_normal(shape, np.float32)
    return np.asarray(white * _amplitude(), dtype=np.complex64)


def signals(sources: Sources, at_s: Real, snr: Real, rng: np.random.Generator) -> Complex:
    """Spectra (n, channel, BINS) of random binaries that merge `at_s` (n,) after the searched second's start.

    `snr` (n,) is the network optimal SNR in the band of `workloads.spec`; nothing of it is in the null channel.
    """
    n = len(at_s)
    factors = np.array([waveform.draw_antenna(rng) for _ in range(n)])
    channels = factors @ rotation().T
    channels *= (snr / np.linalg.norm(channels, axis=1))[:, None]
    channels[:, NULL] = 0
    pick = rng.integers(len(sources.binaries), size=n)
    moved = basis.delayed(sources.binaries[pick], BEGIN_S + at_s)
    return np.asarray(channels[:, :, None] * moved[:, None], dtype=np.complex64)


def glitches(sources: Sources, at_s: Real, snr: Real, rng: np.random.Generator) -> Complex:
    """Spectra (n, channel, BINS) of bursts of random families, each in one stream, centred `at_s` (n,).

    `at_s` counts from the searched second's start; `snr` (n,) is that in the glitch's own stream.
    """
    n, (families, kept, samples) = len(at_s), sources.bursts.shape
    rows = sources.bursts[rng.integers(families, size=n), rng.integers(kept, size=n)]
    series = np.zeros((n, basis.SAMPLES), np.float32)
    for row, burst, start_s in zip(series, rows, BEGIN_S + at_s - _HALF_S, strict=True):
        start = round(float(start_s) * RATE_HZ)
        low, high = max(start, 0), min(start + samples, basis.SAMPLES)
        row[low:high] = burst[low - start : high - start]
    spectrum = basis.band_of(series) * (snr * rng.choice(np.array([-1, 1], np.float32), n))[:, None]
    streams = rotation().T[rng.integers(STREAMS, size=n)]
    return np.asarray(streams[:, :, None] * spectrum[:, None], dtype=np.complex64)


def batch(
    sources: Sources,
    n: int,
    loudness: tuple[float, float],
    rng: np.random.Generator,
    recorded: Recording | None = None,
) -> tuple[Real, NDArray[np.float32]]:
    """Features (n, CHANNELS, TIMES) and truth (n,): half binaries, an eighth glitches, the rest noise.

    Binaries have SNRs log-uniform in `loudness` and merge in the searched second; one in sixteen lies on a glitch.
    Noise is drawn, or cut from where it was `recorded`.
    """
    x = noise(n, rng) if recorded is None else basis.spectra(recorded.windows(n, basis.WINDOW_S, rng))
    half, eighth = n // 2, n // 8
    at_s = (SEGMENT_S * rng.random(half)).astype(np.float32)
    x[:half] += signals(sources, at_s, log_uniform(*loudness, half, rng), rng)
    for where in (slice(half, half + eighth), slice(0, half // 16)):
        count = where.stop - where.start
        when = rng.uniform(-1.0, SEGMENT_S + 0.2, count).astype(np.float32)
        x[where] += glitches(sources, when, log_uniform(4.0, 200.0, count, rng), rng)
    return basis.features(x), (np.arange(n) < half).astype(np.float32)


def _bursts(cls: str, n: int, rng: np.random.Generator) -> Real:
    made = np.array([glitch.burst(glitch.FAMILIES[cls], 1.0, psd.load(), rng) for _ in range(n)])
    white = whiten(np.pad(made, ((0, 0), (RATE_HZ, RATE_HZ))))
    middle, half = white.shape[1] // 2, round(_HALF_S * RATE_HZ)
    return white[:, middle - half : middle + half]


def _amplitude() -> Real:
    """Amplitude of whitened noise in each bin, relative to unit white noise."""
    return np.sqrt(noise_power(basis.SAMPLES)[basis.ORDER]).astype(np.float32)
