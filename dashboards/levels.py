"""Queues and servers of every pool over time as plain arrays, worked out once: any window of them is a slice.

For dashboards.tables. Reads the table timeline of a record; knows no figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.recorded import Recorded

COLUMNS = ("replica", "time_s", "quantity", "name", "value")
"""Of the table timeline, what is read here."""
QUANTITIES = ("queue", "busy", "servers")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """Of one quantity of one pool: when each bin starts, and its means (bin, replica); NaN where none is told."""

    starts_s: Floats
    values: Floats


Levels = Mapping[str, Mapping[str, Series]]
"""By pool and quantity."""


def levels(record: Recorded) -> Levels:
    """Those of every pool of `record`, in the order of their names."""
    table = record.timeline
    names, quantities = (table[column].astype("category").cat for column in ("name", "quantity"))
    time_s, replica = table["time_s"].to_numpy(float), table["replica"].to_numpy(np.int64)
    value = table["value"].to_numpy(float)
    pools, kinds = ({str(word): k for k, word in enumerate(one.categories)} for one in (names, quantities))
    each = len(kinds)
    series = len(pools) * each
    codes = names.codes.to_numpy(np.int32) * each + quantities.codes.to_numpy()
    number = codes.astype(np.min_scalar_type(series))
    order = np.argsort(number, kind="stable")
    ends = np.searchsorted(number[order], np.arange(series + 1))
    grid = _Grid()
    found: dict[str, dict[str, Series]] = {}
    for pool in sorted(pools):
        found[pool] = {}
        for quantity in QUANTITIES:
            k = pools[pool] * each + kinds[quantity]
            rows = order[ends[k] : ends[k + 1]]
            found[pool][quantity] = grid.series(time_s[rows], replica[rows], value[rows])
    return found


def over_time(found: Levels, first_s: float, last_s: float, points: int) -> pd.DataFrame:
    """Queue and use of each pool from `first_s` to `last_s` in at most so many bins: mean over replicas (value),
    and the extreme ones (low, high). Use is busy over available servers; empty while there are none."""
    frames = []
    for pool, known in found.items():
        wide = {quantity: _averaged(known[quantity], first_s, last_s, points) for quantity in QUANTITIES}
        if not any(len(values) for values in wide.values()):
            continue
        use = wide["busy"] / wide["servers"].where(wide["servers"] > 0.0)
        for quantity, values in (("queue", wide["queue"]), ("use", use)):
            stats = {"value": values.mean(axis=1), "low": values.min(axis=1), "high": values.max(axis=1)}
            head = {"time_s": values.index.to_numpy(float), "quantity": quantity, "name": pool}
            frames.append(pd.DataFrame({**head, **{key: value.to_numpy() for key, value in stats.items()}}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


class _Grid:
    """Places of rows in arrays (bin, replica); most series of a table have the same, which are found once."""

    def __init__(self) -> None:
        self._time_s: Floats = np.empty(0)
        self._replica: NDArray[np.int64] = np.empty(0, np.int64)
        self._find()

    def series(self, time_s: Floats, replica: NDArray[np.int64], value: Floats) -> Series:
        if not (np.array_equal(time_s, self._time_s) and np.array_equal(replica, self._replica)):
            self._time_s, self._replica = time_s, replica
            self._find()
        values = np.full((self._starts_s.size, self._replicas.size), np.nan)
        values[self._row, self._column] = value
        return Series(self._starts_s, values)

    def _find(self) -> None:
        self._starts_s, self._replicas = np.unique(self._time_s), np.unique(self._replica)
        self._row = np.searchsorted(self._starts_s, self._time_s)
        self._column = np.searchsorted(self._replicas, self._replica)


def _averaged(series: Series, first_s: float, last_s: float, points: int) -> pd.DataFrame:
    """Values (bin, replica) of a window, neighbouring bins averaged until at most `points` are left."""
    first, last = np.searchsorted(series.starts_s, (first_s, last_s))
    starts_s, values = series.starts_s[first:last], series.values[first:last]
    together = max(1, math.ceil(len(values) / points))
    groups = np.arange(0, len(values), together)
    known = ~np.isnan(values)
    sums, counts = (np.add.reduceat(part, groups, axis=0) for part in (np.where(known, values, 0.0), known * 1.0))
    with np.errstate(invalid="ignore"):  # where nothing is known
        return pd.DataFrame(sums / counts, index=pd.Index(starts_s[groups], name="time_s"))
