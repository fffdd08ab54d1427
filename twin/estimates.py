"""Estimates with their uncertainty: means over replicas, fractions, rates, quantiles. Knows no record.

For metrics and figures. A replica is one independent run, so that the spread over replicas carries every
correlation inside a run; with a single replica the interval comes from the counts alone and is too narrow
whenever neighbouring events share a queue.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95
"""Of every interval."""

EVENTS_BEYOND = 10
"""A quantile is shown only if this many events are expected beyond it in each replica."""


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval from `n` events; all None, with the `reason`, if it is withheld."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str = ""

    def as_dict(self) -> dict[str, float | int | str | None]:
        """What JSON gets."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "reason": self.reason}


def withheld(reason: str, n: int = 0) -> Estimate:
    """No number, and why."""
    return Estimate(None, None, None, n, reason)


def mean(values: ArrayLike, n: int) -> Estimate:
    """Mean of one value per replica with Student's t interval; no interval from a single replica."""
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        return withheld("no data", n)
    centre = float(numbers.mean())
    if numbers.size == 1:
        return Estimate(centre, None, None, n, "one replica: no interval")
    half = _t(numbers.size) * float(numbers.std(ddof=1)) / math.sqrt(numbers.size)
    return Estimate(centre, centre - half, centre + half, n)


def fraction(counts: ArrayLike, totals: ArrayLike) -> Estimate:
    """Share of `counts` in `totals`, both (replica,): pooled value, interval over replicas.

    The ratio estimator, so that a long replica weighs more. With one replica, or none that differs
    from the others, Wilson's interval of the pooled counts.
    """
    count, total = np.asarray(counts, dtype=float), np.asarray(totals, dtype=float)
    n = int(total.sum())
    if n == 0:
        return withheld("nothing to count", 0)
    share = float(count.sum()) / n
    half = _ratio_half_width(count, total, share)
    low, high = wilson(int(count.sum()), n) if half <= 1e-9 * share else (share - half, share + half)
    return Estimate(share, max(0.0, low), min(1.0, high), n)


def rate(counts: ArrayLike, exposure: float) -> Estimate:
    """Events per unit of `exposure` of each replica; the exact Poisson interval where t has no spread."""
    count = np.asarray(counts, dtype=float)
    total, span = int(count.sum()), exposure * count.size
    if span <= 0.0:
        return withheld("no exposure", 0)
    spread = float(count.std(ddof=1)) if count.size > 1 else 0.0
    if spread == 0.0:
        low, high = poisson(total)
        return Estimate(total / span, low / span, high / span, total)
    half = _t(count.size) * spread / math.sqrt(count.size) / exposure
    return Estimate(total / span, max(0.0, total / span - half), total / span + half, total)


def quantile(replicas: Sequence[NDArray[np.float64]], q: float) -> Estimate:
    """Mean over `replicas` of each one's `q` quantile with a t interval; ranks if there is one replica.

    Withheld from too few events: fewer than `EVENTS_BEYOND` / (1 - q) in the mean replica.
    """
    return over_replicas([of_replica(values, q, len(replicas) == 1) for values in replicas], q)


def of_replica(values: NDArray[np.float64], q: float, is_alone: bool = True) -> Estimate:
    """The `q` quantile of one replica, from however few events; with an interval by ranks if it `is_alone`."""
    if not len(values):
        return withheld("no data")
    if is_alone:
        return _rank_interval(values, q)
    return Estimate(float(np.quantile(values, q, method="median_unbiased")), None, None, len(values))


def over_replicas(each: Sequence[Estimate], q: float) -> Estimate:
    """What `quantile` tells, of replicas that were looked at one by one (`of_replica`)."""
    n = sum(one.n for one in each)
    needed = events_needed(q)
    if not n or min(one.n for one in each) == 0 or n < needed * len(each):
        have = n / max(len(each), 1)
        return withheld(f"{have:.0f} alerts per replica; {100 * q:g} % needs {needed}", n)
    if len(each) == 1:
        return each[0]
    return mean([math.nan if one.value is None else one.value for one in each], n)


def events_needed(q: float) -> int:
    """How many events a replica must have for its `q` quantile to be shown."""
    return math.ceil(round(EVENTS_BEYOND / min(q, 1.0 - q), 6))


def wilson(count: int, total: int) -> tuple[float, float]:
    """Wilson's score interval of a fraction."""
    z = float(stats.norm.ppf(0.5 + CONFIDENCE / 2.0))
    share, weight = count / total, z * z / total
    centre = (share + weight / 2.0) / (1.0 + weight)
    half = z / (1.0 + weight) * math.sqrt(share * (1.0 - share) / total + weight / (4.0 * total))
    low = max(0.0, centre - half) if count else 0.0
    return low, min(1.0, centre + half) if count < total else 1.0


def poisson(count: int) -> tuple[float, float]:
    """The exact (Garwood) interval of a Poisson mean."""
    tail = (1.0 - CONFIDENCE) / 2.0
    low = float(stats.chi2.ppf(tail, 2 * count)) / 2.0 if count else 0.0
    return low, float(stats.chi2.ppf(1.0 - tail, 2 * count + 2)) / 2.0


def band(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean, low and high (point,) of `values` (replica, point); a band of no width from one replica."""
    centre = values.mean(axis=0)
    if len(values) < 2:
        return centre, centre, centre
    half = _t(len(values)) * values.std(axis=0, ddof=1) / math.sqrt(len(values))
    return centre, centre - half, centre + half


def _t(replicas: int) -> float:
    return float(stats.t.ppf(0.5 + CONFIDENCE / 2.0, replicas - 1))


def _ratio_half_width(count: NDArray[np.float64], total: NDArray[np.float64], share: float) -> float:
    replicas = count.size
    if replicas < 2:
        return 0.0
    residual = (count - share * total) / total.mean()
    return _t(replicas) * math.sqrt(float((residual**2).sum()) / (replicas - 1) / replicas)


def _rank_interval(values: NDArray[np.float64], q: float) -> Estimate:
    """The quantile of one sample between the order statistics that hold it with 95 % confidence."""
    ordered, n = np.sort(values), len(values)
    tail = (1.0 - CONFIDENCE) / 2.0
    lower, upper = int(stats.binom.ppf(tail, n, q)), int(stats.binom.ppf(1.0 - tail, n, q)) + 1
    centre = float(np.quantile(ordered, q, method="median_unbiased"))
    return Estimate(centre, float(ordered[max(lower, 1) - 1]), float(ordered[min(upper, n) - 1]), n)
