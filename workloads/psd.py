"""Noise curves, and the finite filters that colour and whiten with them. Knows no signal and no search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

Real = NDArray[np.floating[Any]]
DATA = Path(__file__).parent / "data"
FLOOR_HZ = 5.0
"""Below this no noise is made and nothing is weighed: the streams are simulated from here on."""
_DENSE = 1 << 15
"""Points of the frequency grid on which filters are designed."""


@dataclass(frozen=True, eq=False)
class Psd:
    """One-sided power spectral density of strain noise: `value` in 1/Hz at rising `frequency_hz`."""

    frequency_hz: NDArray[np.float64]
    value: NDArray[np.float64]

    def at(self, frequency_hz: Real) -> NDArray[np.float64]:
        """PSD in 1/Hz, interpolated in log-log; infinite (no weight) below FLOOR_HZ and above the curve."""
        f = frequency_hz
        inside = (f >= FLOOR_HZ) & (f <= self.frequency_hz[-1])
        return np.where(inside, self._held(f), np.inf)

    def _held(self, f: Real) -> NDArray[np.float64]:
        """PSD with its values at FLOOR_HZ and at the end of the curve held beyond them."""
        log_f = np.log(np.maximum(f, FLOOR_HZ))
        return np.asarray(np.exp(np.interp(log_f, np.log(self.frequency_hz), np.log(self.value))))

    def colouring(self, rate_hz: int, half_s: float) -> NDArray[np.float64]:
        """Zero-phase FIR that gives unit white noise this PSD, shape (2*half+1,)."""
        f = np.fft.rfftfreq(_DENSE, 1 / rate_hz)
        return _finite(np.sqrt(self._held(f) * rate_hz / 2) * _rise(f, FLOOR_HZ / 2, FLOOR_HZ), rate_hz, half_s)

    def filtered(self, kernel: NDArray[np.float64], rate_hz: int, n: int) -> NDArray[np.float64]:
        """Power of noise of this PSD after a zero-phase `kernel`, on `n` samples' rfft grid; white noise has 1."""
        density = self.at(np.fft.rfftfreq(n, 1 / rate_hz)) * rate_hz / 2
        return np.asarray(response(kernel, n) ** 2 * np.where(np.isfinite(density), density, 0.0))

    def whitening(self, rate_hz: int, half_s: float, band_hz: tuple[float, float]) -> NDArray[np.float64]:
        """Zero-phase FIR that makes noise of this PSD white, of unit variance, in `band_hz`, shape (2*half+1,)."""
        f = np.fft.rfftfreq(_DENSE, 1 / rate_hz)
        low, high = band_hz
        band = _rise(f, 0.75 * low, low) * (1 - _rise(f, high, 1.1 * high))
        return _finite(band / np.sqrt(self._held(f) * rate_hz / 2), rate_hz, half_s)


@cache
def load(name: str = "et-10km-cryo") -> Psd:
    """The shipped noise curve `name`."""
    path = DATA / f"{name}.csv"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in DATA.glob("*.csv")))
        raise ValueError(f"no noise curve '{name}'; shipped: {known}. Add workloads/data/{name}.csv")
    table = np.loadtxt(path, delimiter=",", skiprows=3)
    return Psd(table[:, 0], table[:, 1])


def response(kernel: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Real transfer function of a zero-phase `kernel` on the rfft grid of `n` samples."""
    padded = np.zeros(max(n, kernel.size))
    half = kernel.size // 2
    padded[: half + 1], padded[-half:] = kernel[half:], kernel[:half]
    full = np.fft.rfft(padded).real
    if padded.size != n:
        raise ValueError(f"{n} samples cannot hold a filter of {kernel.size}")
    return full


def filter_valid(series: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """`series` filtered along its last axis, where the whole kernel fits: half a kernel shorter at both ends."""
    shaped = kernel.reshape((1,) * (series.ndim - 1) + (-1,))
    filtered: NDArray[np.float64] = fftconvolve(series, shaped, mode="valid", axes=-1)
    return filtered


def _rise(f: Real, start_hz: float, end_hz: float) -> NDArray[np.float64]:
    return np.asarray(np.sin(np.pi / 2 * np.clip((f - start_hz) / (end_hz - start_hz), 0, 1)) ** 2)


def _finite(transfer: Real, rate_hz: int, half_s: float) -> NDArray[np.float64]:
    half = round(half_s * rate_hz)
    kernel = np.roll(np.fft.irfft(transfer), half)[: 2 * half + 1]
    return np.asarray(kernel * np.hanning(2 * half + 3)[1:-1])
