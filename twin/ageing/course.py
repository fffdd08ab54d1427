"""How far the data have drifted at any time of a run. Knows no model."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.schema_ageing import KINDS, ONE_SIDED, Drift

KIND = "glitch-class"
"""How a course and a curve call a new class of glitches: 0 before it appears, 1 after; it is no kind of drift."""
Amounts = tuple[float, ...]
"""How far something is, by kind of drift."""


@dataclass(frozen=True)
class Course:
    """The amounts of `kinds` from each of `times_s` on, the first of which is 0; plain data."""

    kinds: tuple[str, ...]
    times_s: tuple[float, ...]
    amounts: tuple[Amounts, ...]

    def at(self, time_s: float) -> Amounts:
        """The amounts by kind at `time_s`."""
        return self.amounts[bisect_right(self.times_s, time_s) - 1]

    def __deepcopy__(self, memo: dict[int, Any]) -> Course:
        """Itself: it never changes."""
        return self


STILL = Course((), (0.0,), ((),))
"""Of data that do not drift."""


def course(
    drifts: Mapping[str, Drift], horizon_s: float, seed: int, replica: int, appears_s: float | None = None
) -> Course:
    """The course that `drifts`, by name, take in one replica until `horizon_s`.

    Drifts of the same kind add up. A kind whose amount is never negative stays at 0 where it would be. A class of
    glitches that appears at `appears_s` is a kind as well, of amount 0 before and 1 from then on.
    """
    if appears_s is not None:
        return _joined(course(drifts, horizon_s, seed, replica), appears_s)
    if not drifts:
        return STILL
    kinds = tuple(kind for kind in KINDS if any(drift.of == kind for drift in drifts.values()))
    moves = {name: _moves(drift, horizon_s, _stream(name, seed, replica)) for name, drift in drifts.items()}
    steps_s = [step.at for drift in drifts.values() for step in drift.steps if step.at < horizon_s]
    times_s = np.unique(np.concatenate([[0.0, *steps_s], *(grid_s for grid_s, _ in moves.values())]))
    total = np.zeros((times_s.size, len(kinds)))
    for name, drift in drifts.items():
        grid_s, amount = moves[name]
        column = total[:, kinds.index(drift.of)]
        column += amount[np.searchsorted(grid_s, times_s, side="right") - 1]
        for step in drift.steps:
            column += step.by * (times_s >= step.at)
    for k, kind in enumerate(kinds):
        if kind in ONE_SIDED:
            np.maximum(total[:, k], 0.0, out=total[:, k])
    return Course(kinds, tuple(times_s.tolist()), tuple(map(tuple, total.tolist())))


def _joined(path: Course, appears_s: float) -> Course:
    """The course `path` with a class of glitches that appears."""
    times_s = sorted({*path.times_s, appears_s})
    amounts = tuple((*path.at(time_s), float(time_s >= appears_s)) for time_s in times_s)
    return Course((*path.kinds, KIND), tuple(times_s), amounts)


def _moves(
    drift: Drift, horizon_s: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When the law moves the amount, and to what: both (move,), the first at time 0 to 0."""
    grid_s = np.arange(0.0, horizon_s, drift.every)
    if drift.law == "linear":
        return grid_s, drift.amount * grid_s / drift.per
    by = abs(drift.amount) * sqrt(drift.every / drift.per) * rng.standard_normal(grid_s.size - 1)
    return grid_s, np.concatenate([[0.0], np.cumsum(by)])


def _stream(name: str, seed: int, replica: int) -> np.random.Generator:
    return np.random.default_rng([seed, replica, *f"drifts/{name}".encode()])
