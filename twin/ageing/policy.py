"""When a model is trained anew and how it comes into service, as plain data. Knows no computing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import Any

from twin.ageing.course import Amounts
from twin.ageing.curves import Model

PASSED, ROLLED_BACK, UNFINISHED = "passed", "rolled-back", "unfinished"
"""How a training may end, or not by the end of a run."""


@dataclass(frozen=True)
class Answers:
    """How often a classifier says that it does not know, in each time of `every_s` from the start on (time,).

    `usual`: of noise and what it was taught; `new`: of glitches of a class that it has not learned, `learned`: of
    the same ones once it has. Too many are `sigma` standard deviations of a Poisson number more than `expected`,
    over the last `window_s`.
    """

    every_s: float
    window_s: float
    sigma: float
    expected: tuple[float, ...]
    usual: tuple[int, ...]
    new: tuple[int, ...]
    learned: tuple[int, ...]

    def __deepcopy__(self, memo: dict[int, Any]) -> Answers:
        """Itself: it never changes."""
        return self

    def too_many(self, since_s: float, now_s: float, knows: bool) -> bool:
        """Whether there are too many at `now_s`, counted from `since_s` on; of a model that `knows` the class."""
        stop = min(round(now_s / self.every_s), len(self.usual))
        start = max(ceil(since_s / self.every_s), stop - max(1, round(self.window_s / self.every_s)))
        if start >= stop:
            return False
        said = sum(self.usual[start:stop]) + sum((self.learned if knows else self.new)[start:stop])
        usual = sum(self.expected[start:stop])
        return said > usual + self.sigma * sqrt(usual)


@dataclass(frozen=True)
class Policy:
    """Entry `name` of a timeline: what starts a training, what that takes, and what is done with its model.

    A training starts at `at_s` and every `every_s`; or, from `at_s` on, when the staleness reaches one of `drift`
    (number of a kind, amount), when less than `below` of what was found when fresh is found (class number `cls`
    at `snr`), when noise alarms `false_alarms` times as often, or when `guards`, made for the same data, flag more
    of it than `outside`, or when there are too many `answers` that a glitch is of no class that is known. It lasts
    `lasts_s` on `takes` servers of `pool`; validation holds its model for `hold_s`,
    lets it pass with probability `passes` (stream `key`), and a failure is tried again after `again_s`. A model
    that passed makes up the part `regains` of the way to the data that its training began with.
    """

    name: str
    at_s: float
    lasts_s: float
    every_s: float = inf
    drift: tuple[tuple[int, float], ...] = ()
    below: float = 0.0
    cls: int = -1
    snr: float = 0.0
    false_alarms: float = inf
    outside: float = inf
    guards: tuple[Model, ...] = ()
    answers: Answers | None = None
    pool: int = -1
    takes: int = 0
    hold_s: float = 0.0
    passes: float = 1.0
    again_s: float = inf
    key: int = 0
    blue_green: bool = False
    regains: float = 1.0

    def __deepcopy__(self, memo: dict[int, Any]) -> Policy:
        """Itself: it never changes."""
        return self

    @property
    def watches(self) -> bool:
        """Whether the state of data and model starts it, not the clock."""
        named = bool(self.drift) or self.cls >= 0 or self.false_alarms < inf or bool(self.guards)
        return named or self.answers is not None

    def calls(self, models: Sequence[Model], kinds: Sequence[str], stale: Amounts) -> bool:
        """Whether a training is called for when the data are `stale` away from those of the primary `models`."""
        if any(abs(stale[kind]) >= amount for kind, amount in self.drift):
            return True
        if any(guard.after(kinds, stale)[1] > self.outside for guard in self.guards):
            return True
        if self.cls < 0 and self.false_alarms == inf:
            return False
        return any(self._worse(model, kinds, stale) for model in models)

    def _worse(self, model: Model, kinds: Sequence[str], stale: Amounts) -> bool:
        responses, noise = model.after(kinds, stale)
        if self.false_alarms < inf:
            return noise > self.false_alarms * model.noise
        k = min(max(bisect_right(model.edges, self.snr) - 1, 0), responses.shape[1] - 1)
        return bool(responses[self.cls, k] < self.below * model.responses[self.cls][k])
