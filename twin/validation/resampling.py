"""Intervals of figures of a queue: blocks of neighbouring jobs are resampled together.

Jobs that share a queue are alike, so that resampling them one by one gives intervals that are far too narrow.
Blocks must be long beside the time over which jobs are alike, and still many. Chance is passed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from twin.estimates import CONFIDENCE

FEWEST_BLOCKS = 10
"""With fewer in a run its stretches are no sample: then there is no interval."""

RESAMPLES = 400


def correlation_jobs(values: NDArray[np.float64]) -> float:
    """Integrated autocorrelation time of the ranks of `values` (job,), in jobs: 1 where neighbours are unalike.

    Ranks, because a heavy tail hides correlation. The sum ends at five times itself (Sokal), where only noise
    is left.
    """
    n = len(values)
    centred = rankdata(values) - (n + 1) / 2.0
    if n < 2 or not centred.any():
        return 1.0
    power = np.abs(np.fft.rfft(centred, 2 * n)) ** 2
    correlation = np.fft.irfft(power)[:n]
    sums = 2.0 * np.cumsum(correlation / correlation[0]) - 1.0
    ends = np.flatnonzero(np.arange(n) >= 5.0 * sums)
    return float(max(1.0, sums[ends[0] if len(ends) else n - 1]))


def block_jobs(values: NDArray[np.float64]) -> int | None:
    """Length of the blocks for `values` (job,); None where fewer than `FEWEST_BLOCKS` would fit.

    (6 φ² n / (1 - φ²)²)^(1/3), the length with the least error of the variance for a correlation that falls as
    φ^k (Carlstein 1986; Politis & White 2004), φ from the integrated time of `correlation_jobs`.
    """
    n, time = len(values), correlation_jobs(values)
    phi = (time - 1.0) / (time + 1.0)
    length = max(1, math.ceil((6.0 * (phi / (1.0 - phi**2)) ** 2 * n) ** (1.0 / 3.0)))
    return length if length * FEWEST_BLOCKS <= n else None


def intervals(
    figures: Callable[[NDArray[np.int32]], NDArray[np.float64]], n: int, length: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high (figure,) ends of the 95 % intervals of `figures`, which are given how often each of `n` jobs
    counts.

    Blocks of `length` start anywhere and wrap around, so that every job counts as often as any other on average.
    """
    found = np.array([figures(_weights(n, length, rng)) for _ in range(RESAMPLES)])
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(found, [tail, 1.0 - tail], axis=0)
    return low, high


class Sample:
    """Runs of values (run, job), sorted once, whose quantiles are asked for many weights of the jobs."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        self._job = np.argsort(values, axis=1, kind="stable").astype(np.int32)
        self._sorted = np.take_along_axis(values, self._job, axis=1)

    def quantiles(self, q: ArrayLike, weight: NDArray[np.int32] | None = None) -> NDArray[np.float64]:
        """The `q` quantiles of each run (run, quantile), one of its values; `weight` (job,) as in `intervals`."""
        runs, jobs = self._sorted.shape
        weight = np.ones(jobs, np.int32) if weight is None else weight
        rank = np.ceil(np.asarray(q) * weight.sum() - 1e-9)
        many = np.cumsum(weight[self._job], axis=1, dtype=np.int32)
        return np.array([self._sorted[k, np.searchsorted(many[k], rank)] for k in range(runs)])


def _weights(n: int, length: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """How often each of `n` jobs is drawn."""
    begins = rng.integers(n, size=math.ceil(n / length))
    ends = begins + length
    change = np.bincount(begins, minlength=n) - np.bincount(ends % n, minlength=n)
    return (np.cumsum(change) + np.count_nonzero(ends >= n)).astype(np.int32)
