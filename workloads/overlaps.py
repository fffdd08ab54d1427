"""Which signals have another one close by, as it is measured and counted: cells of time apart and loudness.

A cell is whether the other one merges in the same second, how long after, and how many times as loud it is. For
measuring (workloads.overlapping) and for who uses what was measured. Knows no program.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SAME_S = (0.0, 0.1, 0.3, 1.0)
"""Edges of times apart within one second, whichever comes first."""
APART_S = (-8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0)
"""Edges of times from the signal to another one that merges in another second; negative: that was earlier."""
RATIOS = (0.125, 0.5, 1.0, 2.0, 8.0)
"""Edges of the other one's SNR over the signal's; beyond them the nearest cell is taken."""
REACH_S = APART_S[-1]
"""Signals further apart than this were not measured: they count as alone."""


class Cell(NamedTuple):
    """One cell: two ends of the time after, of its absolute value in the same second, and of the ratio of SNRs."""

    same: bool
    after_s: tuple[float, float]
    ratio: tuple[float, float]

    def __str__(self) -> str:
        return f"{when(self.same, self.after_s)}, {self.ratio[0]:g} to {self.ratio[1]:g} times as loud"


SITUATIONS = (*((True, ends) for ends in pairwise(SAME_S)), *((False, ends) for ends in pairwise(APART_S)))
"""Whether in the same second, and the two ends of the time after: cells of all ratios together."""
CELLS = tuple(Cell(same, after_s, ratio) for same, after_s in SITUATIONS for ratio in pairwise(RATIOS))
"""All cells, in the order in which they are numbered."""


def cell_of(
    same: NDArray[np.bool_], after_s: NDArray[np.float64], ratio: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Numbers of the cells (n,) of others that merge `after_s` later, in the same second or not, and so loud."""
    within = _bin(np.abs(after_s), SAME_S)
    beyond = len(SAME_S) - 1 + _bin(after_s, APART_S)
    return np.where(same, within, beyond) * (len(RATIOS) - 1) + _bin(ratio, RATIOS)


def when(same: bool, after_s: tuple[float, float]) -> str:
    """When the other one merges, in words."""
    low, high = after_s
    if same:
        return f"{low:g} to {high:g} s apart in the same second"
    return f"{low:g} to {high:g} s later" if low >= 0.0 else f"{abs(high):g} to {-low:g} s earlier"


def _bin(x: NDArray[np.float64], edges: tuple[float, ...]) -> NDArray[np.int64]:
    return np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
