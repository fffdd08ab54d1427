"""The cases of a validation: loads through saturation, more servers, batches, priorities, a surge, a death, an
outage. Data and arithmetic; knows no farm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads.occupancy import Occupancy

Array = NDArray[np.float64]
BEGINS, SURGE, RETRAINING = 0.3, 0.1, 0.2
"""Shares of the time of arrivals: when a disturbance begins, and how long a surge and a retraining last."""
TIMES = 5.0
"""A surge brings so many times the usual rate."""


@dataclass(frozen=True)
class Case:
    """A way to load `servers`: `rho` is the offered load over the capacity that the profile promises.

    A share `urgent` of the jobs goes first. `happens` on the way: a 'surge', the 'death' of a worker that another
    one replaces, a 'retraining' in which the fallback serves; '' for nothing.
    """

    name: str
    rho: float
    servers: int = 1
    max_batch: int = 1
    max_wait_s: float = 0.0
    urgent: float = 0.0
    happens: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """What jobs are called, first those that go first."""
        return ("urgent", "routine") if self.urgent else ("routine",)

    def capacity_per_s(self, profile: Occupancy, slowness: float = 1.0) -> float:
        """Jobs per second that the servers can do by `profile`, all busy with full batches."""
        each_s = profile.busy[self.max_batch].mean_s * slowness
        return self.servers * self.max_batch / (each_s * profile.crowding[self.servers - 1])

    def arrivals(self, n: int, per_s: float, rng: np.random.Generator) -> Arrivals:
        """`n` jobs at the usual rate `per_s`."""
        unit_s = rng.exponential(1.0, n).cumsum()
        times_s, disturbed_s = unit_s / per_s, None
        if self.happens:
            from_s = BEGINS * times_s[-1]
            until_s = from_s + (SURGE if self.happens == "surge" else RETRAINING) * times_s[-1]
            if self.happens == "surge":
                times_s = _surging(unit_s, per_s, from_s, until_s)
            disturbed_s = from_s, until_s if self.happens != "death" else from_s
        is_urgent = rng.random(n) < self.urgent
        each = (times_s[is_urgent], times_s[~is_urgent]) if self.urgent else (times_s,)
        return Arrivals(dict(zip(self.kinds, each, strict=True)), per_s, disturbed_s)


@dataclass(frozen=True)
class Arrivals:
    """Sorted times by kind (job,) in s, their usual rate, and when the run is disturbed."""

    times_s: Mapping[str, Array]
    per_s: float
    disturbed_s: tuple[float, float] | None


CASES = (
    *(Case(f"load {rho:g}", rho) for rho in (0.3, 0.6, 0.8, 0.9, 1.0, 1.2)),
    *(Case(f"two servers, load {rho:g}", rho, servers=2) for rho in (0.6, 0.9)),
    Case("batches of 8, 5 ms wait", 0.8, max_batch=8, max_wait_s=5e-3),
    Case("two priorities", 0.9, urgent=0.3),
    Case("surge x5", 0.4, happens="surge"),
    Case("worker killed", 0.5, happens="death"),
    Case("retraining on the fallback", 0.6, happens="retraining"),
)


def _surging(unit_s: Array, per_s: float, from_s: float, until_s: float) -> Array:
    """Times (job,) of a flow that is TIMES as dense from `from_s` to `until_s`, from those of a flow of rate 1."""
    at_s = np.array([0.0, from_s, until_s, until_s + 1.0])
    passed = np.concatenate([[0.0], np.cumsum(np.diff(at_s) * per_s * np.array([1.0, TIMES, 1.0]))])
    inside = np.interp(unit_s, passed, at_s)
    times_s: Array = np.where(unit_s <= passed[2], inside, until_s + (unit_s - passed[2]) / per_s)
    return times_s
