"""Times of point processes: Poisson with a changing rate, bursts, storms. For the sky; knows no class, no SNR.

What changes a rate keeps or drops events, it does not draw others: a Poisson process is seen as points over time
and *level*, spread evenly, of which those below the rate's factor happen. Two runs whose rates differ therefore
share every event that both have, and nothing is drawn anew where a rate changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads.modulation import Modulation

Array = NDArray[np.float64]
Stream = Callable[[str], np.random.Generator]
"""The random stream of a name, always at its beginning."""

CELL_S = 21_600.0
CELL_EVENTS = 65_536
"""Levels above 1 are drawn only where the factor gets there, in cells of so long or, halved, of so many events."""

STORM = np.dtype([("start_s", "f8"), ("end_s", "f8")])


@dataclass(frozen=True)
class Piece:
    """Times (event,) of a process, which of them happen, and the stream that goes on to draw their marks."""

    time_s: Array
    kept: NDArray[np.bool_]
    rng: np.random.Generator


@dataclass(frozen=True)
class Bursts:
    """Each event brings others: `children` on average, Poisson or geometric, evenly within `within_s` after it."""

    children: float
    within_s: float
    number: str = "poisson"

    def draw(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Array]:
        """For `n` events, which one (child,) each child belongs to, and its time after it in s."""
        if self.number == "poisson":
            numbers = rng.poisson(self.children, n)
        else:
            numbers = rng.geometric(1.0 / (1.0 + self.children), n) - 1
        parent = np.repeat(np.arange(n), numbers)
        return parent, self.within_s * rng.random(parent.size)


@dataclass(frozen=True)
class Storms:
    """Storms start at random, `rate_hz` on average, and last exponentially long, `mean_s` on average.

    Each multiplies a rate by `factor`, in every detector that it reaches: each with probability `joins`.
    """

    rate_hz: float
    mean_s: float
    factor: float
    joins: float = 1.0

    def draw(self, horizon_s: float, stream: Stream) -> NDArray[np.void]:
        """Storms (storm,) of dtype STORM by start, before `horizon_s`; first those in progress at 0.

        The process is stationary: a run begins with as many storms as it has at any other time.
        """
        before, during = stream("before"), stream("during")
        running = before.poisson(self.rate_hz * self.mean_s)
        starts = before.exponential(self.mean_s, (2, running))
        n = during.poisson(self.rate_hz * horizon_s)
        storms = np.empty(running + n, STORM)
        storms["start_s"][:running], storms["end_s"][:running] = -starts[0], starts[1]
        storms["start_s"][running:] = np.sort(horizon_s * during.random(n))
        storms["end_s"][running:] = storms["start_s"][running:] + during.exponential(self.mean_s, n)
        return storms[np.argsort(storms["start_s"], kind="stable")]

    def reaches(self, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which of `n` storms (storm,) reach the detector whose stream is `rng`."""
        return np.asarray(rng.random(n) < self.joins)

    def mean_factor(self) -> float:
        """The average factor at any time: storms of a factor of at least 1 add their excess, others multiply."""
        present = self.rate_hz * self.mean_s * self.joins
        excess = self.factor - 1.0
        return 1.0 + present * excess if excess >= 0.0 else float(np.exp(present * excess))


def poisson(rate_hz: float, start_s: float, end_s: float, rng: np.random.Generator) -> Array:
    """Sorted times (event,) of a Poisson process of constant rate in [start_s, end_s)."""
    n = rng.poisson(rate_hz * max(end_s - start_s, 0.0))
    return np.sort(start_s + (end_s - start_s) * rng.random(n))


def modulated(
    rate_hz: float, start_s: float, end_s: float, modulation: Modulation, stream: Stream
) -> Iterator[Piece]:
    """A Poisson process of rate `rate_hz` times `modulation` in [start_s, end_s), piece by piece, exact.

    The first piece is the process without modulation, thinned; its stream is the one named ''. The others are at
    levels between 1 and 2, 2 and 4, 4 and 8, … up to the largest factor.
    """
    rng = stream("")
    time_s = poisson(rate_hz, start_s, end_s, rng)
    if modulation.constant:
        yield Piece(time_s, np.ones(time_s.size, bool), rng)
        return
    yield Piece(time_s, stream("/level").random(time_s.size) < modulation.at(time_s), rng)
    floor = 1
    while spans := modulation.above(floor, start_s, end_s):
        for cell in _cells(spans, length_s := _cell_s(rate_hz * floor)):
            rng = stream(f"/level/{floor}/{cell}")
            time_s = poisson(rate_hz * floor, cell * length_s, (cell + 1) * length_s, rng)
            level = floor * (1.0 + rng.random(time_s.size))
            inside = (time_s >= start_s) & (time_s < end_s)
            yield Piece(time_s, inside & (level < modulation.at(time_s)), rng)
        floor *= 2


def _cell_s(rate_hz: float) -> float:
    """Length of the cells in which a process of rate `rate_hz` is drawn."""
    length_s = CELL_S
    while rate_hz * length_s > CELL_EVENTS:
        length_s /= 2.0
    return length_s


def _cells(spans: Iterable[tuple[float, float]], length_s: float) -> dict[int, None]:
    """Numbers of the cells that `spans` touch, each once."""
    numbers = (range(int(start_s // length_s), int(-(-end_s // length_s))) for start_s, end_s in spans)
    return dict.fromkeys(cell for cells in numbers for cell in cells)
