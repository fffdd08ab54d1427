"""Service times with known moments, as the inverse CDFs the kernel draws from. For every system of the table.

The kernel interpolates linearly between the points, so a table's moments are exact sums. The exponential is one of
a finite table: its mean is exact, its second moment to 1e-4 (a test says so). Where a formula is one of moments,
it is given the table's own; a Markov chain or a product form is given the mean alone, and 1e-4 is small beside the
standard errors of the table.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from benchmarks.work import Array

POINTS = 16385


def exponential(mean_s: float = 1.0) -> Array:
    """Exponential in s (POINTS,); the last point is where the mean of the whole table is exact."""
    u = np.linspace(0.0, 1.0, POINTS)
    table = -np.log1p(-u[:-1])
    inner = (table[1:] + table[:-1]).sum() / 2
    table_s: Array = mean_s * np.append(table, 2 * (POINTS - 1 - inner) - table[-1])
    return table_s


def lognormal(mean_s: float = 1.0) -> Array:
    """Lognormal with sigma 1 in s, between its quantiles 0.0005 and 0.9995 (POINTS,)."""
    shape = np.exp(ndtri(np.linspace(0.0005, 0.9995, POINTS)))
    table_s: Array = mean_s * shape / mean(shape)
    return table_s


def constant(service_s: float = 1.0) -> Array:
    """Always the same, in s (2,)."""
    return np.full(2, service_s)


def even(low_s: float, high_s: float) -> Array:
    """Uniform between two times in s (2,)."""
    return np.array([low_s, high_s])


def mean(table: Array) -> float:
    """E[S] in s."""
    return float(np.mean((table[1:] + table[:-1]) / 2))


def square(table: Array) -> float:
    """E[S^2] in s^2."""
    a, b = table[:-1], table[1:]
    return float(np.mean((a * a + a * b + b * b) / 3))


def largest(table: Array, n: int) -> float:
    """E[max of n] in s."""
    u, drawn = fine(table)
    return float(np.sum(drawn * np.diff(u**n)))


def fine(table: Array) -> tuple[Array, Array]:
    """The table cut into slices: their limits in probability (slices + 1,), and their means in s (slices,)."""
    u = np.linspace(0.0, 1.0, (1 << 16) + 1)
    at = np.interp((u[1:] + u[:-1]) / 2, np.linspace(0.0, 1.0, table.size), table)
    return u, at
