"""Training examples: whitened signals and glitches made once, then projected, shifted and buried in fresh noise.

Made to be quick rather than general; decisions are measured on `workloads.strain` instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads import glitch, psd, waveform
from workloads.sky import GLITCHES
from workloads.spec import RATE_HZ, STREAMS
from workloads.whitening import noise_power, transfer, whiten

BEFORE_S, AFTER_S = 2.0, 1.2
"""Whitened waveform kept before and after its merger (or centre)."""
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Lessons:
    """Whitened unit-SNR waveforms: `signals` (n, sample) complex, `glitches` family by family (n, sample) real."""

    signals: NDArray[np.complex64]
    glitches: tuple[Array, ...]


def prepare(n_signals: int, n_glitches: int, rng: np.random.Generator) -> Lessons:
    """Waveforms of `n_signals` binaries and of `n_glitches` bursts per family."""
    signals = np.array([whitened(waveform.draw_binary(rng), BEFORE_S, AFTER_S) for _ in range(n_signals)])
    return Lessons(signals, tuple(_glitches(cls, n_glitches, rng) for cls in GLITCHES))


def noise(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Whitened noise: unit noise with the spectrum that the finite whitening filter leaves."""
    white = rng.standard_normal(shape, dtype=np.float32)
    amplitude = np.sqrt(noise_power(shape[-1])).astype(np.float32)
    return np.asarray(np.fft.irfft(np.fft.rfft(white) * amplitude, shape[-1]), dtype=np.float32)


def signals(lessons: Lessons, n: int, samples: int, at_s: Array, snr: Array, rng: np.random.Generator) -> Array:
    """`n` whitened signals (n, detector, sample) of network SNR `snr` that merge `at_s` after their start."""
    factors = np.array([waveform.draw_antenna(rng) for _ in range(n)])
    factors *= (snr / np.linalg.norm(factors, axis=1))[:, None]
    cut = _cut(lessons.signals[rng.integers(len(lessons.signals), size=n)], samples, at_s)
    return np.asarray((factors.astype(np.complex64)[:, :, None] * cut[:, None]).real, dtype=np.float32)


def glitches(
    lessons: Lessons, family: NDArray[np.intp], samples: int, at_s: Array, snr: Array, rng: np.random.Generator
) -> Array:
    """Whitened bursts (n, sample) of the families numbered by `family`, centred `at_s` after their start."""
    pick = rng.integers(len(lessons.glitches[0]), size=family.size)
    rows = np.array([lessons.glitches[f][i] for f, i in zip(family, pick, strict=True)])
    sign = rng.choice(np.array([-1, 1], np.float32), family.size)
    return np.asarray(_cut(rows, samples, at_s) * (sign * snr)[:, None], dtype=np.float32)


def in_one_stream(bursts: Array, rng: np.random.Generator) -> Array:
    """Bursts (n, sample) put in a random stream each, shape (n, detector, sample)."""
    out = np.zeros((len(bursts), STREAMS, bursts.shape[1]), np.float32)
    out[np.arange(len(bursts)), rng.integers(STREAMS, size=len(bursts))] = bursts
    return out


def _cut(rows: NDArray[Any], samples: int, at_s: Array) -> NDArray[Any]:
    start = np.round((BEFORE_S - at_s) * RATE_HZ).astype(np.intp)
    cut: NDArray[Any] = rows[np.arange(len(rows))[:, None], start[:, None] + np.arange(samples)]
    return cut


def whitened(binary: waveform.Binary, before_s: float, after_s: float) -> NDArray[np.complex64]:
    """Whitened analytic waveform (sample,) of unit SNR, from `before_s` to `after_s` of its merger.

    Its real part times an antenna factor is what a stream sees.
    """
    spectrum = waveform.spectrum(binary)
    spectrum /= waveform.optimal_snr(spectrum, psd.load(), waveform.DURATION_S)
    analytic = np.zeros(waveform.SAMPLES, np.complex128)
    analytic[: spectrum.size] = 2 * spectrum * transfer(waveform.SAMPLES) * RATE_HZ
    series = np.fft.ifft(analytic)
    before, after = round(before_s * RATE_HZ), round(after_s * RATE_HZ)
    return np.concatenate([series[-before:], series[:after]]).astype(np.complex64)


def _glitches(cls: str, n: int, rng: np.random.Generator) -> Array:
    bursts = np.array([glitch.burst(glitch.FAMILIES[cls], 1.0, psd.load(), rng) for _ in range(n)])
    pad = round(BEFORE_S * RATE_HZ)
    white = whiten(np.pad(bursts, ((0, 0), (pad, pad))))
    centre = white.shape[1] // 2
    return white[:, centre - pad : centre + round(AFTER_S * RATE_HZ)]
