"""A stage's model is trained anew: its first fallback runs meanwhile, and the training takes servers of a pool."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twin.controls import causes
from twin.controls.control import Control, Due, Ground
from twin.kernel.state import PRIMARY


@dataclass(kw_only=True)
class Retraining(Control):
    """The model of stage number `stage` is out of service from `at_s` on for `lasts_s`.

    The training takes `takes` servers of `pool`, or as many as are left of it when some are broken.
    """

    at_s: float
    lasts_s: float
    stage: int
    pool: int = -1
    takes: int = 0
    taken: int = 0

    def first(self) -> Iterator[Due]:
        """The start."""
        yield self.at_s, "begin"

    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """Begin or end."""
        if verb == "begin":
            causes.withdraw(environment, self.stage, PRIMARY)
            if self.takes:
                self.taken = max(0, min(self.takes, int(environment.world.pools[self.pool]["servers"])))
            self._scale(environment, -self.taken)
            environment.marks.append(("retraining", self.name, now_s, now_s + self.lasts_s))
            self.plan(now_s + self.lasts_s, "end")
        else:
            causes.reinstate(environment, self.stage, PRIMARY)
            self._scale(environment, self.taken)

    def _scale(self, environment: Ground, by: int) -> None:
        if by:
            environment.scale(self.pool, by)
