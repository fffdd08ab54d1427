"""Masses of merging black holes and neutron stars, in their own frame. Knows no distance and no detector.

Spins are left out: every binary is taken as without spin, which changes SNRs by some per cent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

INDEX, RATIO_INDEX = 3.4, 1.1
LEAST_MSUN, LARGEST_MSUN, SMOOTHING_MSUN = 5.1, 86.9, 4.8
PEAK_MSUN, PEAK_WIDTH_MSUN, PEAK_SHARE = 34.0, 3.6, 0.038
"""Black holes in pairs: power law and peak, medians of GWTC-3's fit (arXiv:2111.03634), recalled."""
STAR_MSUN = (1.1, 2.0)
"""Neutron stars, uniform: assumed."""
HOLE_MSUN = (5.0, 15.0)
"""Black holes beside a neutron star, log-uniform: assumed."""
_ROWS, _COLUMNS, _FINE = 400, 201, 400


@dataclass(frozen=True)
class Masses:
    """A mass model: `draw` makes (larger, smaller) masses (n,) in Msun of probabilities u, v (n,).

    Total masses and ratios (smaller to larger) lie within `total_msun` and `ratio`; `stated` is its value,
    standing and source, as inputs are listed.
    """

    draw: Callable[[Array, Array], tuple[Array, Array]]
    total_msun: tuple[float, float]
    ratio: tuple[float, float]
    stated: tuple[str, str, str]


def _holes(u: Array, v: Array) -> tuple[Array, Array]:
    larger, share, ratio = _power_law_and_peak()
    m1 = np.interp(u, share, larger)
    row = np.clip((m1 - larger[0]) / (larger[1] - larger[0]), 0.0, _ROWS - 1.000001)
    column = v * (_COLUMNS - 1.000001)
    i, j = row.astype(int), column.astype(int)
    a, b = row - i, column - j
    low = (1 - b) * ratio[i, j] + b * ratio[i, j + 1]
    high = (1 - b) * ratio[i + 1, j] + b * ratio[i + 1, j + 1]
    return m1, np.maximum(m1 * ((1 - a) * low + a * high), LEAST_MSUN)


def _stars(u: Array, v: Array) -> tuple[Array, Array]:
    low, high = STAR_MSUN
    first, second = low + (high - low) * u, low + (high - low) * v
    return np.maximum(first, second), np.minimum(first, second)


def _hole_and_star(u: Array, v: Array) -> tuple[Array, Array]:
    low, high = HOLE_MSUN
    return low * (high / low) ** u, STAR_MSUN[0] + (STAR_MSUN[1] - STAR_MSUN[0]) * v


MASSES: Mapping[str, Masses] = {
    "bbh": Masses(
        _holes,
        (2 * LEAST_MSUN, 2 * LARGEST_MSUN),
        (LEAST_MSUN / LARGEST_MSUN, 1.0),
        (
            f"power law m^-{INDEX:g} from {LEAST_MSUN:g} to {LARGEST_MSUN:g} Msun, "
            f"{100 * PEAK_SHARE:g} % in a peak at {PEAK_MSUN:g} ± "
            f"{PEAK_WIDTH_MSUN:g}; ratio q^{RATIO_INDEX:g}; no spins",
            "assumed",
            "power law + peak of GWTC-3 (arXiv:2111.03634), recalled",
        ),
    ),
    "bns": Masses(
        _stars,
        (2 * STAR_MSUN[0], 2 * STAR_MSUN[1]),
        (STAR_MSUN[0] / STAR_MSUN[1], 1.0),
        (
            f"both uniform from {STAR_MSUN[0]:g} to {STAR_MSUN[1]:g} Msun; no spins, no tides",
            "assumed",
            "neutron stars are known from about 1.2 to 2.1 Msun (recalled)",
        ),
    ),
    "nsbh": Masses(
        _hole_and_star,
        (HOLE_MSUN[0] + STAR_MSUN[0], HOLE_MSUN[1] + STAR_MSUN[1]),
        (STAR_MSUN[0] / HOLE_MSUN[1], STAR_MSUN[1] / HOLE_MSUN[0]),
        (
            f"black hole log-uniform from {HOLE_MSUN[0]:g} to {HOLE_MSUN[1]:g} Msun, neutron star uniform from "
            f"{STAR_MSUN[0]:g} to {STAR_MSUN[1]:g}; no spins, no disruption",
            "assumed",
            "a placeholder: few are known",
        ),
    ),
}
"""By class of merger."""


def density(mass_msun: Array) -> Array:
    """Probability density (n,) in 1/Msun of the larger mass of a pair of black holes, not normalised."""
    m = np.asarray(mass_msun, float)
    power = INDEX - 1.0
    norm = power / (LEAST_MSUN**-power - LARGEST_MSUN**-power)
    law = np.where((m >= LEAST_MSUN) & (m <= LARGEST_MSUN), norm * m**-INDEX, 0.0)
    peak = np.exp(-0.5 * ((m - PEAK_MSUN) / PEAK_WIDTH_MSUN) ** 2) / (PEAK_WIDTH_MSUN * np.sqrt(2 * np.pi))
    return np.asarray(((1 - PEAK_SHARE) * law + PEAK_SHARE * peak) * _onset(m))


def _onset(mass_msun: Array) -> Array:
    """From 0 at LEAST_MSUN to 1 at SMOOTHING_MSUN above it."""
    x = np.clip(mass_msun - LEAST_MSUN, 1e-9, SMOOTHING_MSUN * (1 - 1e-9))
    rise = 1.0 / (1.0 + np.exp(np.clip(SMOOTHING_MSUN / x - SMOOTHING_MSUN / (SMOOTHING_MSUN - x), -700, 700)))
    return np.where(mass_msun < LEAST_MSUN, 0.0, np.where(mass_msun >= LEAST_MSUN + SMOOTHING_MSUN, 1.0, rise))


@lru_cache(maxsize=1)
def _power_law_and_peak() -> tuple[Array, Array, Array]:
    """Larger masses (row,), the part of pairs below each, and quantiles (row, column) of the ratio at each."""
    larger = np.linspace(LEAST_MSUN, LARGEST_MSUN, _ROWS)
    fine = np.linspace(LEAST_MSUN, LARGEST_MSUN, 100 * _ROWS)
    share = _cumulative(density(fine), fine)
    quantile = np.linspace(0.0, 1.0, _COLUMNS)
    ratio = np.ones((_ROWS, _COLUMNS))
    for k, m1 in enumerate(larger[1:], start=1):
        q = np.linspace(LEAST_MSUN / m1, 1.0, _FINE)
        weight = q**RATIO_INDEX * _onset(q * m1)
        if weight[-1] > 1e-250:  # below, both masses are the least one
            ratio[k] = np.interp(quantile, _cumulative(weight, q), q)
    return larger, np.interp(larger, fine, share), ratio


def _cumulative(weight: Array, x: Array) -> Array:
    total = np.concatenate(([0.0], np.cumsum((weight[1:] + weight[:-1]) / 2 * np.diff(x))))
    return np.asarray(total / total[-1])
