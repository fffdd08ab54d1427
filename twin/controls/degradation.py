"""Things that work, but worse: slow pools and links with part of their bandwidth, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twin.controls import causes
from twin.controls.control import Control, Due, Ground
from twin.controls.targets import Target


@dataclass(kw_only=True)
class Degradation(Control):
    """The target's pools are `factor` times slower, its links have the share `factor` of their bandwidth.

    Degradations of the same thing at one time multiply.
    """

    target: Target
    at_s: float
    lasts_s: float
    factor: float

    def first(self) -> Iterator[Due]:
        """The start."""
        yield self.at_s, "begin"

    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """Begin or end."""
        parts = self.target.parts(environment)
        if verb == "begin":
            for part in parts:
                causes.degrade(environment, part, self.factor)
            environment.marks.append(("degradation", self.name, now_s, now_s + self.lasts_s))
            self.plan(now_s + self.lasts_s, "end")
        else:
            for part in parts:
                causes.improve(environment, part, self.factor)
