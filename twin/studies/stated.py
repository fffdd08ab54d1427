"""What may be stated of a quantity over its replicas, and of its difference between two points; what is to be said
of either beside the number. Knows no point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twin.estimates import Estimate, mean, withheld
from twin.studies.quantities import Quantity, titled

WELL_BEYOND = 150
"""So many events should lie beyond a quantile in each replica: the rule of benchmarks/coverage.py, which measures
what becomes of intervals with fewer. Quantiles of fewer events are biased, by the same amount in every replica
(Alexopoulos et al. 2019, doi:10.1287/opre.2018.1829, who lengthen runs for that): more replicas do not mend it."""
TAIL = 0.1
"""Quantiles with at most this share of events beyond them are looked at: 90 % and more, 10 % and less."""
FEW = 10
"""Fewer replicas that agree do not show that all would: of so many, 3 in 10 might still be different
(0.7 ^ 10 = 0.03)."""


def stated(q: Quantity, saturated: Sequence[str]) -> Estimate:
    """Mean over replicas with its 95 % interval; withheld where the values mean nothing.

    Latencies of a system that never settles do not: they grow with the horizon.
    """
    if saturated and q.unit == "s":
        return withheld(f"saturated: the queue of {', '.join(saturated)} still grows at the horizon", q.n)
    if np.isnan(q.values).any():
        return withheld(f"too few events in {int(np.isnan(q.values).sum())} of {q.values.size} replicas", q.n)
    if not np.isfinite(q.values).all():
        return withheld("not within the horizon", q.n)
    found = mean(q.values, q.n)
    if found.low is None or found.high is None or q.values.min() < 0.0:
        return found
    most = 1.0 if q.unit == "" and q.values.max() <= 1.0 else math.inf
    return replace(found, low=max(0.0, found.low), high=min(most, found.high))


def apart(there: Quantity | None, here: Quantity, *saturated: Sequence[str]) -> Estimate:
    """By how much `here` is more than `there`, replica by replica; `saturated` pools of both."""
    if there is None:
        return withheld("nothing to compare with")
    if here.unit == "s" and any(saturated):
        return withheld("saturated")
    if here.values.size != there.values.size:
        return withheld("not the same replicas")
    difference = here.values - there.values
    if not np.isfinite(difference).all():
        return withheld("too few events")
    found = between(difference, here.n)
    if found.low is None or found.high is None or here.unit != "" or np.abs(difference).max() > 1.0:
        return found
    return replace(found, low=max(-1.0, found.low), high=min(1.0, found.high))  # of shares


def between(differences: NDArray[np.float64], n: int) -> Estimate:
    """Mean with its 95 % interval of paired differences (replica,).

    None from fewer than FEW replicas in which the difference is the same, and not 0: the spread that they do not
    show is no certainty.
    """
    found = mean(differences, n)
    size = differences.size
    if 1 < size < FEW and differences[0] != 0.0 and (differences == differences[0]).all():
        return replace(found, low=None, high=None, reason=f"equal in all {size} replicas: no interval of so few")
    return found


def few_beyond(q: Quantity) -> float | None:
    """How many events lie beyond a quantile in the mean replica, where they are fewer than WELL_BEYOND."""
    if q.level is None or not q.values.size or not np.isfinite(q.values).all():
        return None
    share = min(q.level, 1.0 - q.level)
    beyond = share * q.n / q.values.size
    return beyond if share <= TAIL + 1e-9 and beyond < WELL_BEYOND else None


def note(q: Quantity, difference: Estimate | None = None) -> str:
    """What is to be said of a quantity beside its value and its `difference`; '' where that is nothing."""
    beyond = few_beyond(q)
    told = [] if beyond is None else [f"{beyond:.0f} events beyond it in a replica, {WELL_BEYOND} are wanted"]
    if difference is not None and difference.value is not None and difference.low is None:
        told.append(f"difference {difference.reason}")
    return "; ".join(told)


def cautions(points: Sequence[Sequence[Quantity]], names: Sequence[str]) -> list[str]:
    """A sentence for each of the quantities `names` that rests on few events at some of the points."""
    told = []
    for name in names:
        known = [q for own in points for q in own if q.name == name]
        found = [few_beyond(q) for q in known]
        few = [beyond for beyond in found if beyond is not None]
        if few:
            where = "" if len(few) == len(found) else f" at {len(few):,} of {len(found):,} points"
            told.append(
                f"{titled(name, known[0].text)} rests on few events{where}: {min(few):.0f} beyond it in a "
                f"replica, {WELL_BEYOND} are wanted. Where latencies come from queues its interval may leave out "
                "the truth more often than it says: make the horizon longer, not the replicas more."
            )
    return told
