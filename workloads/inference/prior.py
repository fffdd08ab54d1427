"""The prior of a binary's five intrinsic parameters.

A parameter array has shape (…, 5), with columns PARAMETERS. Component masses are log-uniform in MASS_MSUN and
spins uniform up to SPIN, as `workloads.waveform.draw_binary` draws them; the merger time is uniform within
TIME_S of the expected one. Knows no data.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from workloads.waveform import MASS_MSUN, SPIN

Array = NDArray[np.float64]

PARAMETERS = ("chirp_mass_log", "mass_ratio_log", "spin_1", "spin_2", "merger_s")
"""ln(chirp mass / Msun), ln(m2/m1), aligned dimensionless spins, merger time in s after the trigger's."""
TIME_S = 0.1
SNR = (8.0, 64.0)
"""Range of the network SNR."""
CHIRP_MASS_LOG = (float(np.log(MASS_MSUN[0] * 2**-0.2)), float(np.log(MASS_MSUN[1] * 2**-0.2)))
"""Range of ln(chirp mass / Msun)."""


def draw(n: int, rng: np.random.Generator) -> Array:
    """`n` draws (n, 5) from the prior."""
    low, high = np.log(MASS_MSUN)
    small, large = np.sort(low + (high - low) * rng.random((n, 2)), axis=1).T
    ratio = small - large
    chirp = large + 0.6 * ratio - 0.2 * np.log1p(np.exp(ratio))
    spin = rng.uniform(-SPIN, SPIN, (n, 2))
    return np.column_stack([chirp, ratio, spin, rng.uniform(-TIME_S, TIME_S, n)])


def log_density(theta: Array) -> Array:
    """ln of the prior's density at `theta` (…, 5), shape (…,); -inf outside it."""
    low, high = np.log(MASS_MSUN)
    chirp, ratio, spin_1, spin_2, merger = np.moveaxis(theta, -1, 0)
    inside = (ratio <= 0) & (ratio >= ratio_floor(chirp)) & (ratio_floor(chirp) < 0)
    inside &= (np.abs(spin_1) <= SPIN) & (np.abs(spin_2) <= SPIN) & (np.abs(merger) <= TIME_S)
    constant = np.log(2 / (high - low) ** 2 / (2 * SPIN) ** 2 / (2 * TIME_S))
    return np.where(inside, constant, -np.inf)


def masses(theta: Array) -> tuple[Array, Array]:
    """Component masses in Msun, the larger first, each of shape (…,)."""
    chirp, ratio = np.exp(theta[..., 0]), np.exp(theta[..., 1])
    larger = chirp * ratio**-0.6 * (1 + ratio) ** 0.2
    return larger, larger * ratio


def ratio_floor(chirp_mass_log: Array) -> Array:
    """Smallest ln(m2/m1) that both mass limits allow at a chirp mass; 0 where none is allowed."""
    return np.asarray(np.interp(chirp_mass_log, *_floors(), left=0.0, right=0.0))


@cache
def _floors() -> tuple[Array, Array]:
    """ln(chirp mass) on a grid, and the floor of the mass ratio there."""
    low, high = CHIRP_MASS_LOG
    grid = np.linspace(low, high, 10_001)
    below, above = np.full(grid.size, -np.log(MASS_MSUN[1] / MASS_MSUN[0])), np.zeros(grid.size)
    for _ in range(50):
        middle = (below + above) / 2
        theta = np.stack([grid, middle], axis=-1)
        larger, smaller = masses(theta)
        allowed = (larger <= MASS_MSUN[1]) & (smaller >= MASS_MSUN[0])
        below, above = np.where(allowed, below, middle), np.where(allowed, middle, above)
    above[[0, -1]] = 0.0
    return grid, above
