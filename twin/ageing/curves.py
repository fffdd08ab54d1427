"""What a program decides on data that have drifted: between measured amounts, and several kinds together.

Between two measured amounts of a kind, measured probabilities are interpolated linearly; past the largest one its
values hold, and that is said. Several kinds at once were not measured: each is taken to act by itself. What it
makes the program miss is a factor on what is found, what it makes it find a factor on what is not. So are
differences to the measurement without drift laid on the profile's own decisions, which rest on more tries.
Knows no time and no kernel.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Table = tuple[tuple[float, ...], ...]
"""Probabilities (class, SNR bin); negative for what a program does not look for."""
NOT = "does not age: "
"""How it is told of a program of which nothing was measured on drifted data."""


@dataclass(frozen=True)
class Curve:
    """Measured at these `amounts` of one kind, ascending, 0 among them: `responses` and `noise` of each."""

    kind: str
    amounts: tuple[float, ...]
    responses: tuple[Table, ...]
    noise: tuple[float, ...]

    def distance(self, amount: float) -> float:
        """`amount`, or as much the other way where only that was measured."""
        return abs(amount) if self.amounts[0] == 0.0 else amount

    def passed(self, amount: float) -> bool:
        """Whether `amount` is past what was measured."""
        return not self.amounts[0] <= self.distance(amount) <= self.amounts[-1]

    def at(self, amount: float) -> tuple[Array, float]:
        """Responses (class, SNR bin) and noise at `amount`, those of the nearest measured one past the last."""
        x = min(max(self.distance(amount), self.amounts[0]), self.amounts[-1])
        high = bisect_left(self.amounts, x)
        if self.amounts[high] == x:
            return np.asarray(self.responses[high]), self.noise[high]
        low = high - 1
        share = (x - self.amounts[low]) / (self.amounts[high] - self.amounts[low])
        below, above = np.asarray(self.responses[low]), np.asarray(self.responses[high])
        return below + share * (above - below), self.noise[low] + share * (self.noise[high] - self.noise[low])


@dataclass(frozen=True)
class Model:
    """How `variant` of a stage's program on `pool` (numbers of the plan) decides when fresh, and its curves.

    SNR bins of `responses` lie between `edges`. Plain data.
    """

    variant: int
    pool: int
    edges: tuple[float, ...]
    responses: Table
    noise: float
    curves: tuple[Curve, ...] = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        """Itself: it never changes."""
        return self

    def after(self, kinds: Sequence[str], stale: Sequence[float]) -> tuple[Array, float]:
        """Responses (class, SNR bin) and noise on data `stale` (amounts of `kinds`) away from its own."""
        found, alarmed = _Chance(np.asarray(self.responses)), _Chance(np.asarray(self.noise))
        for curve, amount in self._moved(kinds, stale):
            aged, noise = curve.at(amount)
            fresh, quiet = curve.at(0.0)
            found.move(fresh, aged)
            alarmed.move(np.asarray(quiet), np.asarray(noise))
        return found.now, float(alarmed.now)

    def passed(self, kinds: Sequence[str], stale: Sequence[float]) -> tuple[str, ...]:
        """The kinds of drift that are past what was measured of it."""
        return tuple(curve.kind for curve, amount in self._moved(kinds, stale) if curve.passed(amount))

    def _moved(self, kinds: Sequence[str], stale: Sequence[float]) -> list[tuple[Curve, float]]:
        amounts = dict(zip(kinds, stale, strict=True))
        return [(curve, amounts[curve.kind]) for curve in self.curves if amounts.get(curve.kind, 0.0) != 0.0]


class _Chance:
    """Probabilities that several causes change, each by itself."""

    def __init__(self, fresh: Array) -> None:
        self._fresh, self._kept, self._left = fresh, np.ones(fresh.shape), np.ones(fresh.shape)

    def move(self, before: Array, after: Array) -> None:
        """One more cause, which alone would change `before` to `after`."""
        less, more = after < before, after > before
        self._kept *= np.divide(after, before, out=np.ones(before.shape), where=less)
        self._left *= np.divide(1.0 - after, 1.0 - before, out=np.ones(before.shape), where=more)

    @property
    def now(self) -> Array:
        """The probabilities with all causes; just the fresh ones where nothing changed."""
        kept = self._fresh * self._kept
        changed = np.where(self._left < 1.0, 1.0 - (1.0 - kept) * self._left, kept)
        return np.asarray(np.where(self._fresh < 0.0, self._fresh, changed))
