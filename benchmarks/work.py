"""Arrivals and service times that every engine gets alike, bit by bit those the kernel draws. Knows no engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from twin.plan import Program

Array = NDArray[np.float64]

POINTS = 4097
"""Points of an inverse CDF; the same everywhere, so that a plan takes the tables as they are."""


def exponential(mean_s: float) -> Array:
    """Inverse CDF of an exponential in s, linear between points (POINTS,)."""
    u = np.linspace(0.0, 1.0, POINTS)
    u[-1] = 1.0 - 0.3 / POINTS
    return -mean_s * np.log1p(-u)


def lognormal(mean_s: float, sigma: float = 0.3) -> Array:
    """Inverse CDF in s of a lognormal between its 1e-4 quantiles (POINTS,)."""
    shape = np.exp(sigma * ndtri(np.linspace(1e-4, 1.0 - 1e-4, POINTS)))
    return mean_s * shape / ((shape[1:] + shape[:-1]) / 2).mean()


def program(*tables: Array) -> tuple[Program, None]:
    """What a stage runs, one table per batch size; without a fallback."""
    return Program(np.array(tables)), None


def uniforms(key: int, n: int) -> Array:
    """The first `n` numbers of a kernel stream (SplitMix64, see twin.kernel.chance)."""
    with np.errstate(over="ignore"):
        z = np.uint64(key) + np.arange(n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / 2.0**53


def services(key: int, table: Array, n: int) -> Array:
    """Service times in s that the kernel draws for jobs 0 … n-1, by the kernel's own operations."""
    x = uniforms(key, n) * (table.size - 1)
    i = x.astype(np.int64)
    drawn: Array = table[i] + (x - i) * (table[i + 1] - table[i])
    return drawn


def arrivals(rate_hz: float, n: int, seed: int) -> Array:
    """Poisson arrival times in s (n,)."""
    return np.cumsum(np.random.default_rng(seed).exponential(1 / rate_hz, n))
