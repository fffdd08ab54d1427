"""SNRs of mergers in one detector, from a table over total mass and mass ratio. Knows no place and no orientation.

The table is integrated once for a noise curve and a lowest frequency; a year of mergers is then interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workloads import psd
from workloads.cosmos import amplitude
from workloads.waveform import MSUN_S

Array = NDArray[np.float64]

HIGHEST_EDGE_HZ = 100.0
"""Signals may begin at this frequency or below: above, heavy binaries would have none."""
TOTAL_MSUN = (1.0, 4000.0)
"""Total masses in the detector's frame that the table spans."""
_MASSES, _FREQUENCIES = 241, 2000
_SILENT = 1e-12


@dataclass(frozen=True, eq=False)
class Loudness:
    """ln of the SNR over the root of the symmetric mass ratio (mass, ratio), over evenly spaced logarithms."""

    log_mass: Array
    log_ratio: Array
    log_value: Array

    def snr(self, total_msun: Array, ratio: Array) -> Array:
        """Optimal SNR at 1 Mpc (luminosity distance) of face-on binaries above one detector with arms at 90°.

        Total masses (…) in the detector's frame, within TOTAL_MSUN, and mass ratios (…), from 1/18 to 1.
        """
        i, a = _place(np.log(total_msun), self.log_mass)
        j, b = _place(np.log(ratio), self.log_ratio)
        v = self.log_value
        low = (1 - b) * v[i, j] + b * v[i, j + 1]
        high = (1 - b) * v[i + 1, j] + b * v[i + 1, j + 1]
        return np.asarray(np.exp((1 - a) * low + a * high) * np.sqrt(ratio) / (1 + ratio))


@lru_cache(maxsize=8)
def load(curve: str, low_frequency_hz: float) -> Loudness:
    """The table for noise curve `curve` of workloads/data and signals from `low_frequency_hz` on.

    ValueError as from `check`.
    """
    check(curve, low_frequency_hz)
    noise = psd.load(curve)
    f = np.geomspace(low_frequency_hz, noise.frequency_hz[-1], _FREQUENCIES)
    density = np.exp(np.interp(np.log(f), np.log(noise.frequency_hz), np.log(noise.value)))
    step = np.gradient(np.log(f)) * f
    step[[0, -1]] /= 2
    mass = np.geomspace(*TOTAL_MSUN, _MASSES)
    _, ratios, _ = amplitude.table()
    squared = np.empty((mass.size, ratios.size))
    x = MSUN_S * mass[:, None] * f
    for k, q in enumerate(ratios):
        chirp = mass * (q / (1 + q) ** 2) ** 0.6
        strain = amplitude.leading_order(f, chirp[:, None]) * amplitude.relative(x, k)
        squared[:, k] = 4 * np.sum(strain**2 / density * step, axis=1)
    root_eta = np.sqrt(ratios) / (1 + ratios)
    value = np.maximum(np.sqrt(squared) / root_eta, _SILENT)
    return Loudness(np.log(mass), np.log(ratios), np.log(value))


def check(curve: str, low_frequency_hz: float) -> None:
    """ValueError unless noise curve `curve` reaches down to `low_frequency_hz`, and that is not too high."""
    first_hz = psd.load(curve).frequency_hz[0]
    if not first_hz <= low_frequency_hz <= HIGHEST_EDGE_HZ:
        raise ValueError(
            f"{low_frequency_hz:g} Hz: signals may begin between {first_hz:.3g} Hz, where noise curve '{curve}' "
            f"does, and {HIGHEST_EDGE_HZ:g} Hz"
        )


def _place(x: Array, grid: Array) -> tuple[NDArray[np.intp], Array]:
    """Which cell of an evenly spaced `grid` each x lies in, and how far into it (0 to 1)."""
    at = np.clip((x - grid[0]) / (grid[1] - grid[0]), 0.0, grid.size - 1 - 1e-9)
    cell = at.astype(np.intp)
    return cell, at - cell
