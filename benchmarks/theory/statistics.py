"""From runs to rows: means, intervals, z, and the limit that a whole table has to keep. Knows no system."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from benchmarks.work import Array

RISK = 0.01


@dataclass(frozen=True)
class Row:
    """One comparison: `mean` of n runs beside `expected`, which is exact or the mean of `n_peer` runs.

    `half_width_95` is of their difference; `z` says how many standard errors that is, with `freedom` degrees.
    """

    system: str
    quantity: str
    expected: float
    source: str
    mean: float
    half_width_95: float
    n: int
    n_peer: int
    z: float
    freedom: float

    def keeps(self, comparisons: int) -> bool:
        """Whether z is within the limit of a table of so many comparisons."""
        return abs(self.z) < critical_z(comparisons, self.freedom)


def beside_exact(system: str, quantity: str, exact: float, source: str, runs: Array) -> Row:
    """The mean of one quantity's `runs` beside a number."""
    return _row((system, quantity, exact, source), runs, 0, _error(runs), runs.size - 1)


def beside_peer(system: str, quantity: str, source: str, runs: Array, peer: Array) -> Row:
    """The mean of one quantity's `runs` beside the mean of a peer's; the interval is that of the difference."""
    a, b = _error(runs), _error(peer)
    freedom = (a**2 + b**2) ** 2 / (a**4 / (runs.size - 1) + b**4 / (peer.size - 1))
    return _row((system, quantity, float(peer.mean()), source), runs, peer.size, math.hypot(a, b), freedom)


def _row(what: tuple[str, str, float, str], runs: Array, n_peer: int, error: float, freedom: float) -> Row:
    mean, width = float(runs.mean()), float(stats.t.ppf(0.975, freedom)) * error
    apart = mean - what[2]
    z = apart / error if error > 0.0 else math.copysign(math.inf, apart) if apart else 0.0
    return Row(*what, mean, width, runs.size, n_peer, z, freedom)


def _error(runs: Array) -> float:
    return float(runs.std(ddof=1) / math.sqrt(runs.size))


def critical_z(comparisons: int, freedom: float) -> float:
    """Two-sided Student limit that a whole table of true answers keeps with probability 1 - RISK (Bonferroni)."""
    return float(stats.t.ppf(1 - RISK / comparisons / 2, freedom))
