"""What part of its SNR an inspiral has gathered so long before its merger, and what part of it a search then has.

In the noise of ET, from the amplitude of IMRPhenomD without spins as a table and from when an inspiral passes a
frequency: lalsimulation is not needed, and `workloads.premerger.sources` says the same with it. Knows no search.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workloads import psd
from workloads.cosmos import amplitude
from workloads.premerger import inspiral
from workloads.premerger.window import BAND_HZ, EDGE_S, SEARCHED_S
from workloads.waveform import MSUN_S

Array = NDArray[np.float64]

CURVE = "et-10km-cryo-wide"
TOP_HZ = 1024.0
"""Up to there an SNR counts that a signal has in the end."""
CHIRP_MASS_MSUN = (0.8, 40.0)
"""Of `heard`: lighter and heavier inspirals are taken to be those."""
_FREQUENCIES, _MASSES, _TIMES = 2000, 48, 96
_FIRST_S, _LAST_S = 0.5, 4096.0


def gathered(
    ahead_s: float, chirp_mass_msun: float, mass_ratio: float = 1.0, low_frequency_hz: float = BAND_HZ[0]
) -> float:
    """Fraction of the final SNR that has come `ahead_s` before the merger; 1 at the merger and after it.

    Of a binary with that chirp mass in the detector's frame and that mass ratio (1/18 to 1), whose signal counts
    from `low_frequency_hz` on.
    """
    if ahead_s <= 0.0:
        return 1.0
    f, power, before_s = _course(chirp_mass_msun, mass_ratio, low_frequency_hz)
    come = (before_s > ahead_s) & (f <= _still_inspiral_hz(chirp_mass_msun, mass_ratio))
    return float(np.sqrt(power[come].sum() / power.sum()))


def heard(ahead_s: Array, chirp_mass_msun: Array) -> Array:
    """Fraction of the final SNR (n,) in a search's band and data, which end `ahead_s` before the merger.

    Negative: the binary has merged so long ago. Of equal masses, chirp masses in the detector's frame.
    """
    log_mass, log_s, table = _heard()
    newest = np.asarray(ahead_s, np.float64) + EDGE_S
    mass = np.interp(np.log(chirp_mass_msun), log_mass, np.arange(log_mass.size))
    squared = _between(table, mass, log_s, newest) - _between(table, mass, log_s, newest + SEARCHED_S)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def _course(chirp_mass_msun: float, mass_ratio: float, low_hz: float) -> tuple[Array, Array, Array]:
    """Frequencies, what each adds to the squared SNR, and how long before the merger it is: all (frequency,)."""
    noise = psd.load(CURVE)
    f = np.geomspace(low_hz, TOP_HZ, _FREQUENCIES)
    density = np.exp(np.interp(np.log(f), np.log(noise.frequency_hz), np.log(noise.value)))
    _, ratios, _ = amplitude.table()
    column = int(np.abs(np.log(ratios / mass_ratio)).argmin())
    total_msun = _total_msun(chirp_mass_msun, mass_ratio)
    strain = amplitude.leading_order(f, chirp_mass_msun) * amplitude.relative(MSUN_S * total_msun * f, column)
    before_s = inspiral.before_merger_s(f, chirp_mass_msun, mass_ratio / (1.0 + mass_ratio) ** 2)
    return f, strain**2 / density * np.gradient(f), before_s


@lru_cache(maxsize=1)
def _heard() -> tuple[Array, Array, Array]:
    """ln of chirp masses and of times, and the part of the squared SNR (mass, time) that came earlier, in BAND_HZ.

    The first of the times stands for the merger, with all that comes after it in the band.
    """
    mass, time_s = np.geomspace(*CHIRP_MASS_MSUN, _MASSES), np.geomspace(_FIRST_S, _LAST_S, _TIMES)
    table = np.empty((_MASSES, _TIMES))
    for row, m in zip(table, mass.tolist(), strict=True):
        f, power, before_s = _course(m, 1.0, BAND_HZ[0])
        power = np.where(f <= BAND_HZ[1], power, 0.0) / power.sum()
        come = (before_s > time_s[:, None]) & (f <= _still_inspiral_hz(m, 1.0))
        row[:] = (come * power).sum(axis=1)
        row[0] = power.sum()
    return np.log(mass), np.log(time_s), table


def _between(table: Array, mass: Array, log_s: Array, time_s: Array) -> Array:
    """`table` (mass, time) at fractional rows `mass` (n,) and at times (n,), linear between its points."""
    time = np.interp(np.log(np.maximum(time_s, _FIRST_S)), log_s, np.arange(log_s.size))
    i = np.minimum(mass.astype(np.intp), table.shape[0] - 2)
    j = np.minimum(time.astype(np.intp), table.shape[1] - 2)
    a, b = mass - i, time - j
    low = (1.0 - b) * table[i, j] + b * table[i, j + 1]
    high = (1.0 - b) * table[i + 1, j] + b * table[i + 1, j + 1]
    return np.asarray((1.0 - a) * low + a * high)


def _total_msun(chirp_mass_msun: float, mass_ratio: float) -> float:
    return float(chirp_mass_msun * ((1.0 + mass_ratio) ** 2 / mass_ratio) ** 0.6)


def _still_inspiral_hz(chirp_mass_msun: float, mass_ratio: float) -> float:
    """Frequency of a test particle's last stable orbit."""
    return 4400.0 / _total_msun(chirp_mass_msun, mass_ratio)
