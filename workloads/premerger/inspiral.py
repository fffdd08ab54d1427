"""When an inspiral passes a frequency: post-Newtonian, without spins. Knows no detector and no data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workloads.waveform import MSUN_S

Array = NDArray[np.float64]
EQUAL = 0.25
"""Symmetric mass ratio of equal masses."""


def before_merger_s(frequency_hz: Array, chirp_mass_msun: Array | float, ratio: float = EQUAL) -> Array:
    """Time in s from when the wave has `frequency_hz` (f > 0) until the merger, to 2.5PN; broadcasts.

    From the stationary phase of TaylorF2 (Buonanno et al., PRD 80 (2009) 084043, eq. 3.18): its derivative by
    frequency over 2 pi. `ratio` is the symmetric mass ratio, at most 0.25. Never negative: where the expansion
    turns round, near the merger, it is held.
    """
    eta = ratio
    total_s = np.asarray(chirp_mass_msun) * MSUN_S / eta**0.6
    v = np.cbrt(np.pi * total_s * frequency_hz)
    order_2 = 3 / 5 * (3715 / 756 + 55 / 9 * eta)
    order_3 = 2 / 5 * -16 * np.pi
    order_4 = 1 / 5 * (15293365 / 508032 + 27145 / 504 * eta + 3085 / 72 * eta**2)
    order_5 = -3 / 5 * np.pi * (38645 / 756 - 65 / 9 * eta)
    series = 1 + order_2 * v**2 + order_3 * v**3 + order_4 * v**4 + order_5 * v**5
    return np.asarray(5 * total_s / (256 * eta * v**8) * np.maximum(series, 0.0))


def frequency_hz(before_s: Array | float, chirp_mass_msun: float) -> Array:
    """Frequency of the wave `before_s` before the merger of equal masses, for 1 to 500 Hz."""
    f = np.geomspace(500.0, 1.0, 4000)
    at = np.maximum.accumulate(before_merger_s(f, chirp_mass_msun))
    return np.asarray(np.exp(np.interp(before_s, at, np.log(f))))
