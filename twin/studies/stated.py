"""What may be stated of a quantity over its replicas, and of its difference between two points. Knows no point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from twin.estimates import Estimate, mean, withheld
from twin.studies.quantities import Quantity


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
    found = mean(difference, here.n)
    if found.low is None or found.high is None or here.unit != "" or np.abs(difference).max() > 1.0:
        return found
    return replace(found, low=max(-1.0, found.low), high=min(1.0, found.high))  # of shares
