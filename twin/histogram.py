"""Histograms of durations that add up: of any number of runs, windows or classes. Knows no kernel and no scenario.

Bins are linear within an octave, 64 of them, so that a quantile is within 0.8 % of the true one (a bound like that
of DDSketch, Masson, Rim and Lee 2019, at the price of a shift); two histograms are merged by adding their counts.
The kernel fills the same bins (twin.kernel.memory.histogram_bin).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.kernel.state import BIN_LOW_S, BINS, SUB_BITS

Counts = NDArray[np.int64]
Durations = NDArray[np.float64]

_LOWEST = int(np.float64(BIN_LOW_S).view(np.int64)) >> (52 - SUB_BITS)


def bin_of(values_s: Durations) -> Counts:
    """The bin of each duration in s; what is at most BIN_LOW_S, or negative, is in bin 0."""
    values_s = np.ascontiguousarray(values_s, np.float64)
    bins = (values_s.view(np.int64) >> (52 - SUB_BITS)) - _LOWEST + 1
    return np.where(values_s > BIN_LOW_S, np.minimum(bins, BINS - 1), 0)


def edges_s() -> Durations:
    """Where the bins begin, and where the last one ends: shape (BINS + 1,)."""
    k = np.arange(BINS)
    slices = 1 << SUB_BITS
    return np.concatenate([[0.0], BIN_LOW_S * 2.0 ** (k // slices) * (1.0 + (k % slices) / slices)])


def quantile_s(counts: Counts, q: float) -> float:
    """The `q` quantile of counts over all bins, in s, within 0.8 %; NaN when there are none."""
    total = counts.sum()
    if total == 0:
        return float("nan")
    b = int(np.searchsorted(np.cumsum(counts), q * total))
    edges = edges_s()
    return 0.0 if b == 0 else float((edges[b] + edges[b + 1]) / 2)


def latencies(alerts: pd.DataFrame, horizon_s: float, windows: int) -> pd.DataFrame:
    """Histograms of the published alerts' latency per product, class and time window, as rows with a count.

    `alerts` has product, cls, event_time_s and latency_s; windows divide the horizon equally by event time.
    """
    width_s = horizon_s / windows
    window = np.minimum((alerts["event_time_s"] / width_s).astype(np.int64), windows - 1)
    table = pd.DataFrame(
        {
            "product": alerts["product"].astype(str),
            "cls": alerts["cls"].astype(str),
            "start_s": window * width_s,
            "window_s": width_s,
            "bin": bin_of(alerts["latency_s"].to_numpy(np.float64)),
        }
    )
    counted = table.groupby(list(table.columns), sort=True).size().reset_index(name="n")
    edges = edges_s()
    counted["low_s"], counted["high_s"] = edges[counted["bin"]], edges[counted["bin"] + 1]
    return counted


def merged(tables: Iterable[pd.DataFrame]) -> Counts:
    """The counts of all these rows together, over all bins."""
    counts = np.zeros(BINS, np.int64)
    for table in tables:
        np.add.at(counts, table["bin"].to_numpy(np.int64), table["n"].to_numpy(np.int64))
    return counts
