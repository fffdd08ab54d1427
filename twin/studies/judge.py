"""Whether a point meets its targets, with a stated confidence, over as many replicas as that takes. Knows no
search.

A bound is a target as a mean over replicas that must lie below (or above) a limit. At each look, with twice as
many replicas as at the last, a point is *met* if for every bound the one-sided confidence limit lies on the
right side, and *missed* if for any bound it lies beyond. The risk of a wrong verdict is shared out over all
looks (Bonferroni) and, for missed, over the bounds; for met it need not be (an intersection-union test, Berger
1982). What is neither after the last look is *undecided*.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from twin.phrases import unknown
from twin.scenario import Scenario
from twin.studies.asking import Ledger, by_name
from twin.studies.evaluation import Outcome, Point
from twin.studies.quantities import Quantity
from twin.tree import ScenarioError

MET, MISSED, UNDECIDED, FAILED = "met", "missed", "undecided", "failed"


@dataclass(frozen=True)
class Bound:
    """`quantity` is at most `limit` on average over replicas, or at least."""

    quantity: str
    limit: float
    at_least: bool = False


@dataclass(frozen=True)
class Verdict:
    """What was found of a point after `replicas`: MET, MISSED, UNDECIDED or FAILED; by quantity value, low,
    high.

    The limits are one-sided at the risk that was given for each look; `decided` names the bounds that were
    decisive.
    """

    point: Point
    verdict: str
    replicas: int
    numbers: Mapping[str, tuple[float, float, float]]
    decided: tuple[str, ...] = ()


def bounds(scenario: Scenario) -> tuple[Bound, ...]:
    """The scenario's targets as bounds on quantities; none where it has no targets."""
    wanted = scenario.targets
    found = [Bound(f"latency.{key}", limit_s) for key, limit_s in sorted(wanted.alert_latency.items())]
    found += [Bound(key, limit) for key in ("lost", "dead_time") if (limit := getattr(wanted, key)) is not None]
    if (warned := wanted.warning) is not None:
        found.append(Bound(f"warned.{warned.of}.{warned.ahead:g}", warned.share, at_least=True))
    return tuple(found)


def looks(at_least: int, at_most: int) -> tuple[int, ...]:
    """Numbers of replicas at which verdicts are given: doubled each time, the last is `at_most`."""
    found = [at_least]
    while found[-1] < at_most:
        found.append(min(2 * found[-1], at_most))
    return tuple(found)


def judged(
    ask: Ledger, points: Sequence[Point], limits: Sequence[Bound], risk: float, at: Sequence[int]
) -> list[Verdict]:
    """The verdict on every point, in their order, wrong with at most the probability `risk` each.

    `at` are the looks. Raises ScenarioError when a bound is on a quantity that runs do not tell.
    """
    found: dict[str, Verdict] = {}
    open_ = list(points)
    for n in at:
        for point, outcome in zip(open_, ask(open_, range(n)), strict=True):
            found[point.name] = _verdict(point, outcome, limits, risk / len(at), n)
        open_ = [point for point in open_ if found[point.name].verdict == UNDECIDED]
        if not open_:
            break
    return [found[point.name] for point in points]


def violation(outcome: Outcome, limits: Iterable[Bound]) -> float:
    """By how much of its limit the worst bound is exceeded by the mean; at most 0 when all are kept.

    A point that is saturated, or of which a number is missing, is worse than any other: 10.
    """
    if outcome.failure is not None or outcome.saturated:
        return 10.0
    known = by_name(outcome)
    return max((_excess(known.get(limit.quantity), limit) for limit in limits), default=0.0)


def worse(a: Outcome, b: Outcome, limits: Iterable[Bound], risk: float) -> tuple[str, ...]:
    """Quantities in which `b` is worse than `a`, replica by replica, with more than 1 - `risk` confidence."""
    there, here = by_name(a), by_name(b)
    found = []
    for limit in limits:
        if limit.quantity not in there or limit.quantity not in here or a.saturated or b.saturated:
            continue
        n = min(there[limit.quantity].values.size, here[limit.quantity].values.size)
        apart = here[limit.quantity].values[:n] - there[limit.quantity].values[:n]
        apart = -apart if limit.at_least else apart
        if n > 1 and np.isfinite(apart).all() and float(apart.mean()) - _half(apart, risk) > 0.0:
            found.append(limit.quantity)
    return tuple(found)


def _verdict(point: Point, outcome: Outcome, limits: Sequence[Bound], risk: float, n: int) -> Verdict:
    if outcome.failure is not None:
        return Verdict(point, FAILED, n, {}, (outcome.failure,))
    if outcome.saturated:
        return Verdict(point, MISSED, n, {}, tuple(f"saturated: {pool}" for pool in outcome.saturated))
    known = by_name(outcome)
    kept, broken = [], []
    numbers: dict[str, tuple[float, float, float]] = {}
    for limit in limits:
        if limit.quantity not in known:
            problem = point.scenario.problem("targets", unknown("quantity", limit.quantity, known))
            raise ScenarioError([problem])
        quantity = known[limit.quantity]
        numbers[limit.quantity] = _limits(quantity, risk)
        _, low, high = _limits(quantity, risk / len(limits))
        if (low > limit.limit) if not limit.at_least else (high < limit.limit):
            broken.append(limit.quantity)
        _, low, high = numbers[limit.quantity]
        if (high <= limit.limit) if not limit.at_least else (low >= limit.limit):
            kept.append(limit.quantity)
    if broken:
        return Verdict(point, MISSED, n, numbers, tuple(broken))
    if len(kept) == len(limits):
        return Verdict(point, MET, n, numbers, tuple(kept))
    return Verdict(point, UNDECIDED, n, numbers, tuple(b.quantity for b in limits if b.quantity not in kept))


def _limits(quantity: Quantity, risk: float) -> tuple[float, float, float]:
    """Mean, and the lower and upper limit that hold it with 1 - `risk` each; no limits where too little is
    known."""
    values = quantity.values
    if quantity.unit == "":
        values = values[~np.isnan(values)]  # a share of nothing says nothing
    if values.size < 2 or not np.isfinite(values).all():
        return math.nan, -math.inf, math.inf
    centre, half = float(values.mean()), _half(values, risk)
    if quantity.unit == "" and half == 0.0 and centre in (0.0, 1.0) and quantity.n:
        beyond = 1.0 - risk ** (1.0 / quantity.n)  # Clopper and Pearson 1934, of none or of all
        return (0.0, 0.0, beyond) if centre == 0.0 else (1.0, 1.0 - beyond, 1.0)
    return centre, centre - half, centre + half


def _half(values: np.ndarray, risk: float) -> float:
    spread = float(values.std(ddof=1))
    return float(stats.t.ppf(1.0 - risk, values.size - 1)) * spread / math.sqrt(values.size)


def _excess(quantity: Quantity | None, limit: Bound) -> float:
    if quantity is None:
        return 10.0
    values = quantity.values[~np.isnan(quantity.values)]
    if not values.size or not np.isfinite(values).all():
        return 10.0
    apart = float(values.mean()) - limit.limit
    return min(10.0, (-apart if limit.at_least else apart) / (limit.limit or 1.0))
