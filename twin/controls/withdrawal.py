"""A model is withdrawn: found wrong, its runtime broken, its licence gone. Knows no scenario."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twin.controls import causes
from twin.controls.control import Control, Due, Ground


@dataclass(kw_only=True)
class Withdrawal(Control):
    """These `variants` of stage number `stage` are out of service from `at_s` on for `lasts_s`.

    What they have begun goes on. The stage runs the first variant that is there, and stands still without any.
    """

    at_s: float
    lasts_s: float
    stage: int
    variants: tuple[int, ...]

    def first(self) -> Iterator[Due]:
        """The start."""
        yield self.at_s, "begin"

    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """Begin or end."""
        act = causes.withdraw if verb == "begin" else causes.reinstate
        for variant in self.variants:
            act(environment, self.stage, variant)
        if verb == "begin":
            environment.marks.append(("withdrawal", self.name, now_s, now_s + self.lasts_s))
            self.plan(now_s + self.lasts_s, "end")
