"""Which rows of a table of alerts tell of the same event, and which of them is its first. Knows no record.

For tables of a year, with millions of rows: an event is one whole number, and nothing is grouped.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Rows = NDArray[np.int64]
"""Numbers of rows."""
Mask = NDArray[np.bool_]
_EVENTS = 1 << 44
"""More events, and more segments, than a replica has."""


def keys(alerts: pd.DataFrame) -> Rows:
    """A whole number for each row, the same for rows of one event of one replica and for no others."""
    replica, event = (alerts[name].to_numpy(np.int64) for name in ("replica", "event_id"))
    return np.asarray(replica * _EVENTS + event)


def repeated(keys: Rows) -> Mask:
    """Whether a key has been there before."""
    return np.asarray(pd.Series(keys).duplicated())


def published(alerts: pd.DataFrame, wanted: Mask) -> Rows:
    """The first of each event of the `wanted` rows, all of them published, in the order of publication."""
    found = np.flatnonzero(wanted)
    found = found[np.argsort(alerts["published_s"].to_numpy(float)[found], kind="stable")]
    return found[~repeated(keys(alerts)[found])]


def lost(alerts: pd.DataFrame, wanted: Mask) -> Rows:
    """Of the events of the `wanted` rows of which none was published, the first row, in the order of the table."""
    found = np.flatnonzero(wanted)
    told = _is_published(alerts)[found]
    key = keys(alerts)[found]
    silent = key[~told]
    also_published = pd.Series(key[told])
    also_published = also_published[also_published.isin(silent)]
    gone = ~pd.Series(silent).isin(also_published).to_numpy(bool) & ~repeated(silent)
    return found[~told][gone]


def first(alerts: pd.DataFrame) -> Mask:
    """Whether a row is its event's first alert, or the first row of an event of which nothing was published."""
    key = keys(alerts)
    if _are_distinct(key, alerts["event_id"].to_numpy(np.int64) >= 0):
        return np.ones(len(alerts), bool)
    told = _is_published(alerts)
    sent = np.flatnonzero(told)
    sent = sent[np.argsort(alerts["published_s"].to_numpy(float)[sent], kind="stable")]
    order = np.concatenate([sent, np.flatnonzero(~told)])
    found = np.zeros(len(alerts), bool)
    found[order[~repeated(key[order])]] = True
    return found


def _are_distinct(keys: Rows, of_sky: Mask) -> bool:
    """Whether no key is there twice. Those of the sky and those of noise are each nearly in order: soon sorted."""
    return all(bool((np.diff(np.sort(keys[own], kind="stable")) > 0).all()) for own in (of_sky, ~of_sky))


def _is_published(alerts: pd.DataFrame) -> Mask:
    return np.asarray((alerts["outcome"] == "published").to_numpy(bool))
