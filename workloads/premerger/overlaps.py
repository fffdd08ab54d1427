"""Which inspirals have another one in the data of an early-warning search, as it is measured and counted.

A cell is when the other one merges after the data end, and how many times as loud it is in them. For measuring
(workloads.premerger.overlapping) and for who uses what was measured. Knows no program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SOUGHT_S = (8.0, 400.0)
"""Times to merger that are searched (workloads.premerger.bands)."""
MERGES_S = (-360.0, -60.0, SOUGHT_S[0], 100.0, SOUGHT_S[1], 700.0)
"""Edges of times from the end of the data to the other one's merger; negative: it has merged. One that merges
earlier or later than all of these was not measured."""
RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Edges of the other one's SNR in the data over the signal's there; beyond them the nearest cell is taken."""


class Cell(NamedTuple):
    """One cell: two ends of when the other one merges, and of the ratio of SNRs in the data."""

    merges_s: tuple[float, float]
    ratio: tuple[float, float]

    def __str__(self) -> str:
        return f"{when(self.merges_s)}, {self.ratio[0]:g} to {self.ratio[1]:g} times as loud in the data"


CELLS = tuple(Cell(merges_s, ratio) for merges_s in pairwise(MERGES_S) for ratio in pairwise(RATIOS))
"""All cells, in the order in which they are numbered."""


@dataclass(frozen=True)
class OverlapAhead:
    """What an early-warning search makes of inspirals with another one in its data, in a cell.

    By how long before the merger the data end (`ahead_s`): of `n` signals `alone` are warned of by themselves; of
    these `kept` still are beside the other one, and of the rest `gained` are then.
    """

    merges_s: tuple[float, float]
    ratio: tuple[float, float]
    ahead_s: tuple[float, ...]
    n: tuple[int, ...]
    alone: tuple[int, ...]
    kept: tuple[int, ...]
    gained: tuple[int, ...]


def read(content: Mapping[str, Any]) -> OverlapAhead:
    """The one that a profile holds as JSON."""
    return OverlapAhead(**{name: tuple(values) for name, values in content.items()})


def pooled(found: Sequence[OverlapAhead], ahead_s: float | None = None) -> tuple[int, int]:
    """How many were `kept` of how many that are warned of `alone`: over all these, at one time ahead or at all."""
    kept, alone = 0, 0
    for one in found:
        for at_s, k, a in zip(one.ahead_s, one.kept, one.alone, strict=True):
            if ahead_s in (None, at_s):
                kept, alone = kept + k, alone + a
    return kept, alone


def cell_of(merges_s: NDArray[np.float64], ratio: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers of the cells (n,) of others that merge so long after the end of the data and are so loud in them."""
    return _bin(merges_s, MERGES_S) * (len(RATIOS) - 1) + _bin(ratio, RATIOS)


def when(merges_s: tuple[float, float]) -> str:
    """When the other one merges, in words."""
    low, high = merges_s
    if high <= 0.0:
        return f"merged {-high:g} to {-low:g} s before the data end"
    if low < 0.0:
        return f"merges {-low:g} s before the data end to {high:g} s after"
    return f"merges {low:g} to {high:g} s after the data end"


def _bin(x: NDArray[np.float64], edges: tuple[float, ...]) -> NDArray[np.int64]:
    return np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
