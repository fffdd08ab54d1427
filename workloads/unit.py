"""What one unit of a workload's input is, and the one place where bad input is refused. Knows no model.

A run of equal samples is no data: continuous noise in double precision does not repeat itself, so it is a gap
that somebody filled, a saturated converter, or a stream that is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class BadInputError(ValueError):
    """Input that a workload does not answer for; `units` are the numbers of those at fault, empty for all."""

    def __init__(self, message: str, units: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.units = units


@dataclass(frozen=True)
class Unit:
    """One unit of input: `axes` names the axes of `shape`, the last one sampled at `rate_hz` if that is given.

    `quantity` names it in messages ('strain'), `meaning` says what it is. No stretch of `longest_repeat` equal
    samples or more is taken (None: no such rule). Of the first axis, `may_miss` entries may be missing, that is
    zero throughout.
    """

    quantity: str
    meaning: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    rate_hz: float | None = None
    dtype: str = "float64"
    longest_repeat: int | None = None
    may_miss: int = 0
    advice: str = ""

    @property
    def duration_s(self) -> float:
        """Length of the sampled axis; ValueError when the unit has none."""
        if self.rate_hz is None:
            raise ValueError(f"{self.quantity} is not sampled in time")
        return self.shape[-1] / self.rate_hz

    @property
    def wanted(self) -> str:
        """The shape in words."""
        sampled = "" if self.rate_hz is None else f", {self.duration_s:g} s at {self.rate_hz:g} Hz"
        return f"(batch, {', '.join(map(str, self.shape))}){sampled}"

    def check(self, name: str, x: NDArray[Any]) -> None:
        """Raise BadInputError unless `x`, shape (batch, *shape), is what the workload `name` answers for."""
        if x.ndim != len(self.shape) + 1 or x.shape[1:] != self.shape or len(x) == 0:
            raise BadInputError(
                f"{name}: {self.quantity} has shape {x.shape}; wanted {self.wanted}. "
                f"{self.advice or 'The axes are ' + ', '.join(('unit', *self.axes))}"
            )
        if x.dtype != np.dtype(self.dtype):
            raise BadInputError(f"{name}: {self.quantity} is {x.dtype}; wanted {self.dtype}")
        if not np.isfinite(x).all():
            bad = tuple(np.flatnonzero(~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).tolist())
            raise BadInputError(
                f"{name}: {self.quantity} holds NaN or infinite samples in {_units(bad)}. Mark the gap upstream",
                bad,
            )
        if self.longest_repeat is not None:
            self._check_repeats(name, x, self.longest_repeat)

    def _check_repeats(self, name: str, x: NDArray[Any], longest: int) -> None:
        same = x[..., 1:] == x[..., :-1]
        if np.count_nonzero(same) < longest - 1:
            return
        held = _runs(same, longest - 1)
        missing = ~x.any(axis=-1)
        excused = missing & (missing.sum(axis=1, keepdims=True) <= self.may_miss) if self.may_miss else False
        bad = tuple(np.flatnonzero((held & ~np.asarray(excused)).reshape(len(x), -1).any(axis=1)).tolist())
        if bad:
            first = self.axes[0]
            allowed = (
                f" Up to {self.may_miss} of a unit's {first}s may be zero throughout." if self.may_miss else ""
            )
            raise BadInputError(
                f"{name}: {self.quantity} repeats a value {longest} times or more in {_units(bad)}: a gap "
                f"that was filled, a saturated stretch or a missing {first}.{allowed} Leave such units out",
                bad,
            )


def _runs(same: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Whether each row of `same` (…, sample) holds `length` true values in a row."""
    total = np.cumsum(same, axis=-1, dtype=np.int32)
    inside = total[..., length - 1 :].copy()
    inside[..., 1:] -= total[..., :-length]
    return np.asarray((inside >= length).any(axis=-1))


def _units(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:5])) + (", …" if len(numbers) > 5 else "")
    return f"unit{'s' if len(numbers) > 1 else ''} {shown}"
