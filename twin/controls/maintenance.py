"""Maintenance windows: announced, so that routes avoid the target before it goes down. Knows no failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from twin.controls import causes
from twin.controls.control import Control, Due, Ground
from twin.controls.targets import Target
from twin.kernel.state import DRAIN


@dataclass(kw_only=True)
class Maintenance(Control):
    """The target is down from `at_s` on for `lasts_s`, and again every `every_s`.

    For `lead_s` before, routes avoid it and it works off what it has; then running work goes by `mode`.
    """

    target: Target
    at_s: float
    lasts_s: float
    every_s: float = inf
    lead_s: float = 0.0
    mode: int = DRAIN

    def first(self) -> Iterator[Due]:
        """The first window's announcement."""
        yield max(0.0, self.at_s - self.lead_s), "announce", 0

    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """Announce, begin or end window number `about`."""
        (n,) = about
        start_s = self.at_s + n * self.every_s if n else self.at_s
        parts = self.target.parts(environment)
        if verb == "announce":
            for part in parts:
                causes.shut(environment, part)
            self.plan(start_s, "begin", n)
        elif verb == "begin":
            for part in parts:
                causes.strike(environment, part, self.mode)
            environment.marks.append(("maintenance", self.name, now_s, now_s + self.lasts_s))
            self.plan(now_s + self.lasts_s, "end", n)
        else:
            for part in parts:
                causes.recover(environment, part)
                causes.admit(environment, part)
            self.plan(self.at_s + (n + 1) * self.every_s - self.lead_s, "announce", n + 1)
