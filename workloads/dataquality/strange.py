"""Glitches beyond the caricatures: the same families more freely drawn, and shapes that belong to none of them.

For teaching a classifier that its families vary and that there is more than they are (outlier exposure, Hendrycks
et al. 2019, arXiv:1812.04606). Drawn from descriptions of Gravity Spy's classes, not from data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workloads import glitch, psd
from workloads.glitch import SAMPLES, Shape
from workloads.lessons import AFTER_S, BEFORE_S
from workloads.spec import BAND_HZ, RATE_HZ
from workloads.waveform import optimal_snr
from workloads.whitening import whiten

Real = NDArray[np.float64]


def bank(shape: Shape, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """`n` whitened bursts of `shape` with unit SNR (n, sample), cut as those of `workloads.lessons`."""
    t = (np.arange(SAMPLES) - SAMPLES // 2) / RATE_HZ
    bursts = np.array([shape(t, rng) for _ in range(n)])
    bursts /= optimal_snr(np.fft.rfft(bursts) / RATE_HZ, psd.load(), glitch.DURATION_S)[:, None]
    pad = round(BEFORE_S * RATE_HZ)
    white = whiten(np.pad(bursts, ((0, 0), (pad, pad))))
    centre = white.shape[1] // 2
    return white[:, centre - pad : centre + round(AFTER_S * RATE_HZ)]


def scattered_light(t: Real, rng: np.random.Generator) -> Real:
    """One to four arches of 1 to 4 s in a row that peak at 22 to 70 Hz, with up to three harmonics."""
    length_s, peak_hz = rng.uniform(1.0, 4.0), 22 * (70 / 22) ** rng.random()
    arches = rng.integers(1, 5)
    first_s = -length_s * (arches // 2 + 0.5)
    inside = (t > first_s) & (t < first_s + arches * length_s)
    swing = np.pi * (t - first_s) / length_s
    phase = peak_hz * length_s * -np.cos(swing) * 2 + rng.uniform(0, 2 * np.pi)
    tones = [rng.uniform(0.2, 1.0) * np.sin(k * phase) for k in range(1, rng.integers(2, 5))]
    tones[0] *= 2
    loudness = np.abs(np.sin(swing)) ** rng.uniform(0.3, 2.0)
    return np.asarray(inside * loudness * np.sum(tones, axis=0))


def whistle(t: Real, rng: np.random.Generator) -> Real:
    """A V of 0.05 to 1 s whose lowest tone lies at 100 to 700 Hz; its arms reach as far as the band and beyond."""
    length_s = 0.05 * 20 ** rng.random()
    low_hz, rise_hz = 100 * 7 ** rng.random(), rng.uniform(150, 900)
    x = np.clip(2 * t / length_s, -1, 1)
    phase = 2 * np.pi * (low_hz * t + rise_hz * length_s / 6 * x**3) + rng.uniform(0, 2 * np.pi)
    return np.asarray(np.cos(np.pi / 2 * x) * np.sin(phase) * (np.abs(x) < 1))


def blip(t: Real, rng: np.random.Generator) -> Real:
    """One or a few cycles between 50 and 600 Hz."""
    return _tone(t, 50 * 12 ** rng.random(), rng.uniform(0.8, 4.0), rng)


VARIED: dict[str, Shape] = glitch.FAMILIES | {
    "scattered-light": scattered_light,
    "whistle": whistle,
    "blip": blip,
}
"""Families more freely drawn, where they are."""


def unknown(t: Real, rng: np.random.Generator) -> Real:
    """A burst of a random kind that is none of the families and no chirp that rises."""
    return _KINDS[rng.integers(len(_KINDS))](t, rng)


def _band_noise(t: Real, rng: np.random.Generator) -> Real:
    """Noise of a band well above a low-frequency burst's, or of a wide one."""
    low = 50 * 8 ** rng.random()
    high = min(low * rng.uniform(1.3, 8.0), BAND_HZ[1])
    f = np.fft.rfftfreq(t.size, 1 / RATE_HZ)
    draws = rng.standard_normal((2, f.size))
    series = np.fft.irfft((draws[0] + 1j * draws[1]) * ((f > low) & (f < high)), t.size)
    return np.asarray(series * np.exp(-0.5 * (t / (0.02 * 25 ** rng.random())) ** 2))


def _falling(t: Real, rng: np.random.Generator) -> Real:
    """A tone that falls within 0.1 to 1.5 s."""
    length_s, high = 0.1 * 15 ** rng.random(), rng.uniform(100, 800)
    low = high * rng.uniform(0.1, 0.6)
    x = np.clip(t / length_s, -0.5, 0.5)
    phase = 2 * np.pi * ((high + low) / 2 * t - (high - low) / 2 * length_s * x**2)
    return np.asarray(np.cos(np.pi * x) * np.sin(phase + rng.uniform(0, 2 * np.pi)) * (np.abs(x) < 0.5))


def _several(t: Real, rng: np.random.Generator) -> Real:
    """Two to six short bursts at different times, near each other in frequency: repeating blips, a koi fish."""
    centre = 30 * 15 ** rng.random()
    spread_s = rng.uniform(0.1, 0.8)
    total = np.zeros_like(t)
    for _ in range(rng.integers(2, 7)):
        delay = rng.uniform(-spread_s, spread_s)
        total += rng.uniform(0.3, 1.0) * _tone(
            t - delay, centre * rng.uniform(0.6, 1.6), rng.uniform(1.0, 5.0), rng
        )
    return total


def _flutter(t: Real, rng: np.random.Generator) -> Real:
    """Many bursts below 150 Hz for one to two seconds, as of modulated light."""
    total = np.zeros_like(t)
    for _ in range(rng.integers(6, 20)):
        f = 20 * 7.5 ** rng.random()
        total += (20 / f) ** rng.uniform(0, 1) * _tone(t - rng.uniform(-0.9, 0.9), f, rng.uniform(1.0, 6.0), rng)
    return total


def _steady(t: Real, rng: np.random.Generator) -> Real:
    """A tone that rings for 0.3 to 2 s and hardly moves."""
    length_s, f = rng.uniform(0.3, 2.0), 40 * 20 ** rng.random()
    x = np.clip(t / length_s, -0.5, 0.5)
    return np.asarray(np.cos(np.pi * x) ** 2 * np.sin(2 * np.pi * f * t + rng.uniform(-20, 20) * x**2))


_KINDS: tuple[Callable[[Real, np.random.Generator], Real], ...] = (
    _band_noise,
    _falling,
    _several,
    _flutter,
    _steady,
)


def _tone(t: Real, frequency_hz: float, quality: float, rng: np.random.Generator) -> Real:
    tau_s = quality / (2 * np.pi * frequency_hz)
    wave = np.cos(2 * np.pi * frequency_hz * t + rng.uniform(0, 2 * np.pi))
    return np.asarray(np.exp(-0.5 * (t / tau_s) ** 2) * wave)
