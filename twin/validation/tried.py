"""A case as it was tried: on the farm, several times, and by the twin, on the same arrivals. Knows no figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.validation.observed import Observed

WARM_UP = 0.05
"""Share of the time of arrivals that is not judged: the farm's first calls and the queue's filling. Farm and twin
both begin empty on the same arrivals, so that what is cut here need only outlast the machine's own warming up."""


@dataclass(frozen=True)
class Trial:
    """A case with all its runs; every run has the same arrivals.

    `judged` is the kind of job whose latency is judged, among those that arrive in `window_s` (None: all but the
    first `WARM_UP` of the time). `disturbed_s` is a surge or an outage, after which the recovery is timed; both
    ends are the same for what happens in an instant. `measured` are repeats on the farm; `model` is the twin fed
    the program times of each repeat, in their order; `predicted` is the twin that knows the profile, with several
    draws of its service times.
    ValueError for runs that cannot be compared.
    """

    name: str
    rho: float
    servers: int
    offered_per_s: float
    judged: int
    window_s: tuple[float, float] | None
    disturbed_s: tuple[float, float] | None
    measured: tuple[Observed, ...]
    predicted: tuple[Observed, ...]
    model: tuple[Observed, ...]

    def __post_init__(self) -> None:
        if not self.measured or not self.predicted or len(self.model) != len(self.measured):
            raise ValueError(
                f"case {self.name}: {len(self.measured)} measured, {len(self.predicted)} predicted, "
                f"{len(self.model)} model runs; allowed: one or more measured and predicted, a model per measured"
            )
        first = self.measured[0]
        for name in ("measured", "predicted", "model"):
            for k, run in enumerate(getattr(self, name)):
                same = np.array_equal(run.arrival_s, first.arrival_s) and np.array_equal(run.kind, first.kind)
                if not same:
                    raise ValueError(f"case {self.name}: {name} run {k} has other arrivals than measured run 0")
        if not self.chosen.any():
            raise ValueError(f"case {self.name}: no job of kind {self.judged} arrives in {self.judged_s} s")
        if self.disturbed_s is not None:
            from_s, until_s = self.disturbed_s
            if not self.settled_s < from_s <= until_s:
                raise ValueError(
                    f"case {self.name} is disturbed from {from_s:g} to {until_s:g} s; allowed: in order, after "
                    f"{self.settled_s:g} s, so that there is a time before"
                )

    @property
    def settled_s(self) -> float:
        """When the farm has warmed up."""
        arrival_s = self.measured[0].arrival_s
        return float(arrival_s[0] + WARM_UP * (arrival_s[-1] - arrival_s[0]))

    @property
    def judged_s(self) -> tuple[float, float]:
        """First and last instant at which a job that is judged may arrive."""
        return self.window_s or (self.settled_s, float(self.measured[0].arrival_s[-1]))

    @property
    def chosen(self) -> NDArray[np.bool_]:
        """Which jobs are judged (job,)."""
        run, (from_s, until_s) = self.measured[0], self.judged_s
        chosen = (run.kind == self.judged) & (run.arrival_s >= from_s) & (run.arrival_s <= until_s)
        return np.asarray(chosen, dtype=bool)

    def latency_s(self, runs: Sequence[Observed]) -> NDArray[np.float64]:
        """Of the judged jobs of each of `runs` (run, job)."""
        return np.array([run.latency_s[self.chosen] for run in runs])
