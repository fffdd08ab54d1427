"""Whitened windows to judge the anomaly detector on: noise, signals of every class, glitches of every family.

None of them was seen in training: every binary is drawn afresh and used once, and no glitch was ever seen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workloads import glitch, lessons, psd, waveform
from workloads.dataquality import anomaly, examples
from workloads.dataquality.triangle import draw_gains
from workloads.sky import GLITCHES
from workloads.spec import RATE_HZ, STREAMS
from workloads.whitening import transfer, whiten

Windows = NDArray[np.float32]
SAMPLES = anomaly.SAMPLES
SEARCHED_S = tuple(anomaly.STEP / RATE_HZ * t for t in (anomaly.SEARCHED.start, anomaly.SEARCHED.stop))
LONG_S = 256.0
"""Long enough for a binary neutron star from 15 Hz."""


def noise(n: int, rng: np.random.Generator) -> Windows:
    """Windows of noise only."""
    return lessons.noise((n, STREAMS, SAMPLES), rng)


def signals(
    kind: str, snr: NDArray[np.float64], rng: np.random.Generator, amplitude: float = 0.0, phase_rad: float = 0.0
) -> Windows:
    """A signal of `kind` in each window, and streams miscalibrated by normal errors of those standard deviations.

    `snr` (n,) is the network SNR from 2.8 s before the merger on: of a longer signal it is not the whole.
    """
    n = len(snr)
    gains = draw_gains(n, amplitude, phase_rad, rng)
    x = np.abs(gains)[..., None].astype(np.float32) * noise(n, rng)
    at = rng.uniform(*SEARCHED_S, n)
    for k in range(n):
        wave = KINDS[kind](rng)
        factors = waveform.draw_antenna(rng)
        if wave.ndim == 1:
            heard = factors[:, None] * wave
        else:  # two polarisations that have nothing to do with each other
            heard = np.real(factors)[:, None] * wave[0] + np.imag(factors)[:, None] * wave[1]
        start = round((examples.BEFORE_S - at[k]) * RATE_HZ)
        cut = heard[:, start : start + SAMPLES]
        whole = np.sqrt(np.sum(heard.real**2))
        x[k] += (snr[k] / whole * gains[k][:, None] * cut).real
    return x


def glitches(family: str, snr: NDArray[np.float64], rng: np.random.Generator) -> Windows:
    """A glitch of `family` in one stream of each window, of single-stream SNR `snr` (n,)."""
    x = noise(len(snr), rng)
    x[np.arange(len(snr)), rng.integers(STREAMS, size=len(snr))] += _bursts(family, snr, rng)
    return x


def alone(family: str, snr: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
    """One stream (n, 1, SAMPLES) with a glitch of `family` in each row."""
    return noise(len(snr), rng)[:, :1] + _bursts(family, snr, rng)[:, None]


def in_all_streams(snr: NDArray[np.float64], rng: np.random.Generator) -> Windows:
    """The same blip in all three streams, of network SNR `snr` (n,), as a magnetic transient would be."""
    return noise(len(snr), rng) + _bursts("blip", snr / np.sqrt(STREAMS), rng)[:, None]


def _bursts(family: str, snr: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
    """Whitened glitches (n, SAMPLES) centred somewhere in the searched second."""
    strain = np.array([glitch.burst(glitch.FAMILIES[family], s, psd.load(), rng) for s in snr])
    white = whiten(np.pad(strain, ((0, 0), (SAMPLES, SAMPLES))))
    start = white.shape[1] // 2 - np.round(rng.uniform(*SEARCHED_S, len(snr)) * RATE_HZ).astype(int)
    return white[np.arange(len(snr))[:, None], start[:, None] + np.arange(SAMPLES)]


def _binary(draw: Callable[[np.random.Generator], waveform.Binary], duration_s: float) -> Callable[..., NDArray]:
    def whitened(rng: np.random.Generator) -> NDArray[np.complex64]:
        n = round(duration_s * RATE_HZ)
        spectrum = waveform.spectrum(draw(rng), duration_s)
        analytic = np.zeros(n, np.complex128)
        analytic[: spectrum.size] = spectrum * _transfer(n)
        series = np.fft.ifft(analytic)
        before, after = round(examples.BEFORE_S * RATE_HZ), round(examples.AFTER_S * RATE_HZ)
        return np.concatenate([series[-before:], series[:after]]).astype(np.complex64)

    return whitened


_TRANSFERS: dict[int, NDArray[np.float64]] = {}


def _transfer(n: int) -> NDArray[np.float64]:
    if n not in _TRANSFERS:
        _TRANSFERS[n] = transfer(n)
    return _TRANSFERS[n]


def _masses(low: float, high: float, spin: float = 0.3) -> Callable[[np.random.Generator], waveform.Binary]:
    def draw(rng: np.random.Generator) -> waveform.Binary:
        heavy, light = sorted(low * (high / low) ** rng.random(2), reverse=True)
        return waveform.Binary(heavy, light, *(float(s) for s in rng.uniform(-spin, spin, 2)))

    return draw


def _fast_spin(rng: np.random.Generator) -> waveform.Binary:
    drawn = _masses(*waveform.MASS_MSUN)(rng)
    return waveform.Binary(drawn.mass_1_msun, drawn.mass_2_msun, 0.9, 0.9)


def _sine_gaussian(rng: np.random.Generator) -> NDArray[np.complex64]:
    """An elliptically polarised burst of no known source, 70-350 Hz, quality 3 to 9."""
    t = np.arange(-round(examples.BEFORE_S * RATE_HZ), round(examples.AFTER_S * RATE_HZ)) / RATE_HZ
    f, quality = 70 * 5 ** rng.random(), rng.uniform(3, 9)
    return np.asarray(np.exp(-0.5 * (2 * np.pi * f * t / quality) ** 2 + 2j * np.pi * f * t), np.complex64)


def _supernova(rng: np.random.Generator) -> NDArray[np.float32]:
    """Two polarisations of noise, 100-400 Hz, that fades within 0.1 s: a caricature of a core collapse."""
    n, before = round((examples.BEFORE_S + examples.AFTER_S) * RATE_HZ), round(examples.BEFORE_S * RATE_HZ)
    f = np.fft.rfftfreq(n, 1 / RATE_HZ)
    draws = rng.standard_normal((2, 2, f.size))
    noise = np.fft.irfft((draws[0] + 1j * draws[1]) * ((f > 100) & (f < 400)), n)
    t = (np.arange(n) - before) / RATE_HZ
    return np.asarray(noise * np.exp(-0.5 * (t / 0.05) ** 2), np.float32)


KINDS: dict[str, Callable[[np.random.Generator], NDArray]] = {
    "bbh": _binary(waveform.draw_binary, waveform.DURATION_S),
    "bbh 80-150 Msun": _binary(_masses(80.0, 150.0), waveform.DURATION_S),
    "bbh spins 0.9": _binary(_fast_spin, waveform.DURATION_S),
    "nsbh 1.4+10": _binary(lambda rng: waveform.Binary(10.0, 1.4, float(rng.uniform(-0.3, 0.3))), LONG_S),
    "bns 1.2-2": _binary(_masses(1.2, 2.0, 0.05), LONG_S),
    "sine-Gaussian": _sine_gaussian,
    "supernova-like": _supernova,
}
"""Classes of signals; only the first was in training."""
FAMILIES = GLITCHES
