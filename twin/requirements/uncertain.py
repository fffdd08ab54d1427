"""Numbers with a range, and arithmetic that keeps it: the best value and draws side by side, and what went in.

A range (low, value, high) is drawn from the triangular distribution with those corners. Every input has a random
stream of its own, named for it, so that an input that comes twice is the same in both places and one that is added
changes no other; means over the same replicas share one. What is stated is the best value and a range: 5 to 95 %
of the draws, and never without the best value, which lies at an end of its input's range where that is known to
one side only. Knows no hardware.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from sites.spec import STANDINGS, Quantity

DRAWS = 10_000
QUANTILES = (0.05, 0.95)
"""Of the draws: a 90 % range."""
Floats = NDArray[np.float64]
_BLOCK = 1_000_000
"""Most numbers drawn at a time."""


@dataclass(frozen=True)
class Input:
    """A number that went in, by the dotted name of where it stands."""

    key: str
    unit: str
    quantity: Quantity


@dataclass(frozen=True, eq=False)
class Uncertain:
    """A number: `samples` (1 + draws,) holds the best value, then the draws; `inputs` is what it rests on."""

    samples: Floats
    inputs: tuple[Input, ...] = ()

    @property
    def value(self) -> float:
        """The number when every input has its best value."""
        return float(self.samples[0])

    @property
    def low(self) -> float:
        """The 5 % quantile of the draws, or the best value if that is less."""
        return min(self._quantile(QUANTILES[0]), self.value)

    @property
    def high(self) -> float:
        """The 95 % quantile of the draws, or the best value if that is more."""
        return max(self._quantile(QUANTILES[1]), self.value)

    @property
    def median(self) -> float:
        """The middle of the draws; the best value where nothing was drawn."""
        return self._quantile(0.5)

    @property
    def standing(self) -> str:
        """The weakest standing of what went in; 'scenario' where nothing did, for then it was chosen."""
        ranks = [STANDINGS.index(i.quantity.standing) for i in self.inputs]
        return STANDINGS[max(ranks)] if ranks else "scenario"

    def map(self, function: Callable[[Floats], Floats]) -> Uncertain:
        """`function` of every sample."""
        return Uncertain(function(self.samples), self.inputs)

    def _quantile(self, q: float) -> float:
        drawn = self.samples[1:]
        return float(np.quantile(drawn, q, method="inverted_cdf")) if drawn.size else self.value

    def _with(self, other: Uncertain | float, operation: Callable[[Floats, Floats], Floats]) -> Uncertain:
        if not isinstance(other, Uncertain):
            return Uncertain(operation(self.samples, np.full(1, float(other))), self.inputs)
        return Uncertain(operation(self.samples, other.samples), united(self.inputs, other.inputs))

    def __add__(self, other: Uncertain | float) -> Uncertain:
        return self._with(other, np.add)

    def __sub__(self, other: Uncertain | float) -> Uncertain:
        return self._with(other, np.subtract)

    def __mul__(self, other: Uncertain | float) -> Uncertain:
        return self._with(other, np.multiply)

    def __truediv__(self, other: Uncertain | float) -> Uncertain:
        return self._with(other, np.divide)

    def __pow__(self, other: Uncertain | float) -> Uncertain:
        return self._with(other, np.power)

    __radd__ = __add__
    __rmul__ = __mul__


@dataclass(frozen=True)
class Chance:
    """Draws numbers from their ranges, the same ones for the same `seed` and key in any order.

    With `draws` 0 there are best values only. `fixed` holds inputs, by key, at a value of their own in all draws.
    """

    seed: int = 1
    draws: int = DRAWS
    fixed: Mapping[str, float] = field(default_factory=dict)

    def of(self, key: str, unit: str, quantity: Quantity) -> Uncertain:
        """The `quantity` called `key`, triangular between its ends."""
        low, mode, high = quantity.low, quantity.value, quantity.high
        known = (Input(key, unit, quantity),)
        if key in self.fixed or not low < high:
            return Uncertain(np.full(1 + self.draws, float(self.fixed.get(key, mode))), known)
        drawn = self._stream(key).triangular(low, mode, high, self.draws)
        return Uncertain(np.append(float(mode), drawn), known)

    def mean(self, key: str, unit: str, values: Floats, standing: str, source: str) -> Uncertain:
        """The mean of `values` (n,), one per replica and not negative, with Student's t for how well n know it.

        Means over the same replicas are drawn together, so that what goes up in one with what goes down in another
        does so in the draws. From a single value there is no spread, and the range says so by having no width.
        """
        centre, n = float(np.mean(values)), len(values)
        drawn = np.full(self.draws, centre)
        if n > 1:
            stream, apart = self._stream(f"replicas/{n}"), values - centre
            scale = math.sqrt(n * (n - 1)) * np.sqrt(stream.chisquare(n - 1, self.draws) / (n - 1))
            for block in np.array_split(np.arange(self.draws), max(1, self.draws * n // _BLOCK)):
                weights = stream.standard_normal((block.size, n))
                drawn[block] += (weights * apart).sum(axis=1) / scale[block]
        return self._known(key, unit, centre, np.maximum(drawn, 0.0), standing, source)

    def measured(
        self, key: str, unit: str, mean: float, error: float, n: int, standing: str, source: str
    ) -> Uncertain:
        """A mean of `n` values, not negative, with its standard error."""
        t = self._stream(key).standard_t(max(n - 1, 1), self.draws) if error > 0 else np.zeros(self.draws)
        return self._known(key, unit, mean, np.maximum(mean + error * t, 0.0), standing, source)

    def exactly(self, number: float) -> Uncertain:
        """A number that was chosen, not measured or assumed."""
        return Uncertain(np.full(1 + self.draws, float(number)))

    def _known(self, key: str, unit: str, best: float, drawn: Floats, standing: str, source: str) -> Uncertain:
        """A number with a distribution of its own, and as an input the range of its draws."""
        samples = np.append(best, drawn)
        if key in self.fixed:
            samples = np.full(1 + self.draws, float(self.fixed[key]))
        own = Uncertain(samples)
        return Uncertain(samples, (Input(key, unit, Quantity(best, own.low, own.high, standing, source)),))

    def _stream(self, key: str) -> np.random.Generator:
        name = int.from_bytes(sha256(key.encode()).digest()[:8], "big")
        return np.random.default_rng([self.seed, name])


def united(*several: Iterable[Input]) -> tuple[Input, ...]:
    """Inputs without repetition, in their order."""
    return tuple({known.key: known for inputs in several for known in inputs}.values())


def total(numbers: Iterable[Uncertain], chance: Chance) -> Uncertain:
    """The sum; exactly 0 of none."""
    return sum(numbers, start=chance.exactly(0.0))
