"""Outages at set times: one from the scenario, or all those of a trace. Knows no file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twin.controls.control import Due, Ground
from twin.controls.incidents import Incidents


@dataclass(kw_only=True)
class Outage(Incidents):
    """The targets are down from `at_s` on, for `lasts_s`."""

    at_s: float
    lasts_s: float

    def first(self) -> Iterator[Due]:
        """Every target goes down at the same time."""
        for k in range(len(self.targets)):
            yield self.at_s, "hit", k

    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """Take the target down; what follows is any incident's."""
        if verb == "hit":
            self.hit(environment, now_s, about[0], self.lasts_s, self.mode, ("outage", self.name))
        else:
            super().do(environment, now_s, verb, *about)


@dataclass(kw_only=True)
class Trace(Incidents):
    """Recorded outages: (start in s, duration in s, number of the target, mode), in any order."""

    entries: tuple[tuple[float, float, int, int], ...]

    def first(self) -> Iterator[Due]:
        """Every entry at its start."""
        for row, (at_s, *_) in enumerate(self.entries):
            yield at_s, "hit", row

    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """Take the target of an entry down; what follows is any incident's."""
        if verb == "hit":
            _, lasts_s, k, mode = self.entries[about[0]]
            mark = ("failure-trace", f"{self.name} {self.targets[k].name}")
            self.hit(environment, now_s, k, lasts_s, mode, mark)
        else:
            super().do(environment, now_s, verb, *about)
