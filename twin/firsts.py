"""Where in the table of alerts each event is told first: published, detectable, lost. Positions of rows in arrays.

For whoever counts them or reads a column, many times: a table of these rows costs more than finding them (see
twin.limits for that). Reads the alerts of a record; knows nothing else of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin import event_rows
from twin.recorded import Recorded

At = event_rows.Rows


def published(record: Recorded, product: str | None = None) -> At:
    """The first published alert of each real signal, or the first that is this product, by time of publication."""
    alerts = record.alerts
    wanted = _is(record, "is_signal") & _has(record, "published")
    if product is not None:
        wanted &= (alerts["product"] == product).to_numpy(bool)
    return event_rows.published(alerts, wanted)


def judged(record: Recorded) -> At:
    """The alert of each real signal that the latency targets are about."""
    return published(record, record.scenario.targets.product)


def detectable(record: Recorded) -> At:
    """Of each detectable signal one row."""
    return _first(record, np.flatnonzero(_is(record, "is_signal") & _is(record, "detectable")))


def lost(record: Recorded) -> At:
    """Of each detectable signal of which nothing was published one row."""
    return event_rows.lost(record.alerts, _is(record, "is_signal") & _is(record, "detectable"))


def false(record: Recorded) -> At:
    """Of each event that is no real signal and of which something was published one row."""
    return _first(record, np.flatnonzero(~_is(record, "is_signal") & _has(record, "published")))


def vetoed(record: Recorded) -> At:
    """Of each real signal that was vetoed one row."""
    return _first(record, np.flatnonzero(_is(record, "is_signal") & _has(record, "vetoed")))


def counted(record: Recorded, at: At) -> list[int]:
    """How many of these rows each replica has, in order; also those in which nothing was detected."""
    numbers, counts = np.unique(record.alerts["replica"].to_numpy()[at], return_counts=True)
    by = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    return [by.get(int(replica), 0) for replica in np.unique(record.counts["replica"].to_numpy())]


def values(record: Recorded, column: str, at: At) -> list[NDArray[np.float64]]:
    """Of each replica, in order, the numbers of `column` in these rows."""
    of, numbers = record.alerts["replica"].to_numpy()[at], record.alerts[column].to_numpy(float)[at]
    return [numbers[of == replica] for replica in np.unique(record.counts["replica"].to_numpy())]


def _is(record: Recorded, column: str) -> event_rows.Mask:
    found: event_rows.Mask = record.alerts[column].to_numpy(bool)
    return found


def _has(record: Recorded, outcome: str) -> event_rows.Mask:
    found: event_rows.Mask = (record.alerts["outcome"] == outcome).to_numpy(bool)
    return found


def _first(record: Recorded, at: At) -> At:
    """Those of the rows before which the same event was not among them."""
    return at[~event_rows.repeated(event_rows.keys(record.alerts)[at])]
