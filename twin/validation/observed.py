"""The jobs of one run of a case, measured on a farm or computed by the twin, in the same words.

For the comparison of both. Knows no farm, no kernel and no goal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Observed:
    """Jobs in order of arrival; times are seconds since the run began.

    `kind` (job,) is the number of a job's stage among the case's. `arrival_s` (job,) is when it was meant to
    arrive, however late its sender was. A job that never started has start_s inf, one that never ended has
    end_s inf and counts as being in the system for ever. Jobs of one batch share their start to the bit.
    ValueError for arrays that cannot be such jobs.
    """

    kind: NDArray[np.int64]
    arrival_s: NDArray[np.float64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in ("kind", "arrival_s", "start_s", "end_s")}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"jobs: every array has one value per job; given {lengths}")
        if not np.isfinite(self.arrival_s).all() or (np.diff(self.arrival_s) < 0.0).any():
            raise ValueError("jobs: arrival_s is to be finite and in order of arrival; sort all arrays by it")
        wrong = ~((self.start_s >= self.arrival_s) & (self.end_s >= self.start_s))
        if wrong.any():
            k = int(np.argmax(wrong))
            raise ValueError(
                f"job {k}: arrived {self.arrival_s[k]:g} s, started {self.start_s[k]:g} s, "
                f"ended {self.end_s[k]:g} s; allowed: in this order, inf for what never happened"
            )

    @property
    def latency_s(self) -> NDArray[np.float64]:
        """From the intended arrival to the end (job,)."""
        return self.end_s - self.arrival_s

    def waiting(self, at_s: ArrayLike) -> NDArray[np.int64]:
        """How many jobs had arrived and not started at each of `at_s`."""
        return self._arrived(at_s) - np.searchsorted(np.sort(self.start_s), at_s, side="right")

    def in_system(self, at_s: ArrayLike) -> NDArray[np.int64]:
        """How many jobs had arrived and not ended at each of `at_s`."""
        return self._arrived(at_s) - np.searchsorted(np.sort(self.end_s), at_s, side="right")

    def _arrived(self, at_s: ArrayLike) -> NDArray[np.int64]:
        return np.searchsorted(self.arrival_s, at_s, side="right").astype(np.int64)
