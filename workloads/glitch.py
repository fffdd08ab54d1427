"""Families of instrumental glitches as short bursts in one stream, scaled to a wanted SNR. Knows no noise samples.

Shapes are parametrised caricatures of the Gravity Spy classes of the same names, not draws from real data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workloads.psd import Psd
from workloads.sky import GLITCHES
from workloads.spec import RATE_HZ
from workloads.waveform import optimal_snr

DURATION_S = 4.0
"""Length of a burst; its centre lies in the middle."""
SAMPLES = round(DURATION_S * RATE_HZ)
Shape = Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]


def burst(
    family: Shape, snr: float, psd: Psd, rng: np.random.Generator, delay_s: float = 0.0
) -> NDArray[np.float64]:
    """Strain (sample,) of a glitch of `family`, of single-stream optimal SNR `snr`, `delay_s` past the middle."""
    time_s = (np.arange(SAMPLES) - SAMPLES // 2) / RATE_HZ - delay_s
    shape = family(time_s, rng)
    return np.asarray(shape * (snr / optimal_snr(np.fft.rfft(shape) / RATE_HZ, psd, DURATION_S)))


def blip(t: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A few cycles between 70 and 350 Hz within some ten milliseconds."""
    return _sine_gaussian(t, _log_uniform(rng, 70, 350), rng.uniform(1.2, 3.0), rng)


def tomte(t: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A short burst between 30 and 60 Hz with a steeper rise than fall."""
    width = np.where(t < 0, 1.0, rng.uniform(1.5, 2.5))
    return _sine_gaussian(t / width, _log_uniform(rng, 35, 70), rng.uniform(1.5, 3.0), rng)


def scattered_light(t: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """An arch of 1 to 2.5 s that peaks at 30 to 70 Hz, with a weaker first harmonic."""
    length_s, peak_hz, offset = rng.uniform(1.0, 2.5), rng.uniform(30, 70), rng.uniform(0, 2 * np.pi)
    inside = np.abs(t) < length_s / 2
    phase = 2 * np.pi * peak_hz * length_s / np.pi * np.sin(np.pi * t / length_s) + offset
    envelope = np.where(inside, np.cos(np.pi * t / length_s), 0.0)
    return np.asarray(envelope * (np.sin(phase) + rng.uniform(0.1, 0.5) * np.sin(2 * phase)))


def whistle(t: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A V in time and frequency: a tone that sweeps down to 150-350 Hz and up again within 0.3 to 1 s."""
    length_s, low_hz, rise_hz = rng.uniform(0.3, 1.0), rng.uniform(150, 350), rng.uniform(200, 450)
    x = np.clip(2 * t / length_s, -1, 1)
    phase = 2 * np.pi * (low_hz * t + rise_hz * length_s / 6 * x**3) + rng.uniform(0, 2 * np.pi)
    return np.asarray(np.cos(np.pi / 2 * x) * np.sin(phase) * (np.abs(x) < 1))


def low_frequency_burst(t: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise between 18 and about 40 Hz that lasts 0.3 to 1 s."""
    f = np.fft.rfftfreq(t.size, 1 / RATE_HZ)
    top_hz = rng.uniform(28, 45)
    shape = rng.standard_normal(f.size) + 1j * rng.standard_normal(f.size)
    noise = np.fft.irfft(shape * ((f > 18) & (f < top_hz)), t.size)
    return np.asarray(noise * np.exp(-0.5 * (t / rng.uniform(0.08, 0.25)) ** 2))


FAMILIES: dict[str, Shape] = dict(
    zip(GLITCHES, (blip, tomte, scattered_light, whistle, low_frequency_burst), strict=True)
)


def _sine_gaussian(
    t: NDArray[np.float64], frequency_hz: float, quality: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    tau_s = quality / (2 * np.pi * frequency_hz)
    tone = np.cos(2 * np.pi * frequency_hz * t + rng.uniform(0, 2 * np.pi))
    return np.asarray(np.exp(-0.5 * (t / tau_s) ** 2) * tone)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(low * (high / low) ** rng.random())
