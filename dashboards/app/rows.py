"""Rows of a run's table of alerts, chosen, ordered and handed out by the page. Knows no page and no Dash.

What is chosen stays on the server as numbers of rows; a browser gets a hundred rows at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.alerttrace import event_name, named
from dashboards.app import alerted
from dashboards.app.library import Library
from dashboards.app.stored import Stored
from twin.event_rows import Mask

SORTED = ("event_time_s", "latency_s", "snr", "published_s")
"""What rows can be ordered by."""
MOST = 500
"""Rows that are handed out at once."""

Shown = Callable[[pd.DataFrame, Mask], Mask]
"""From the table and which rows are the first of their event to the rows that are shown."""


@dataclass(frozen=True)
class Asked:
    """What is looked for: one of VIEWS, a class, an outcome, an event's name, a window of time; in which order."""

    view: str = ""
    cls: str = ""
    outcome: str = ""
    event: str = ""
    since_s: float | None = None
    until_s: float | None = None
    sort: str = "event_time_s"
    down: bool = False


@dataclass(frozen=True)
class Found:
    """Rows from `start` on, of `total` that are so."""

    rows: list[dict[str, Any]]
    start: int
    total: int


@dataclass(frozen=True)
class _Index:
    """Numbers of rows in their order, and how much that weighs."""

    numbers: NDArray[np.int64]

    @property
    def nbytes(self) -> int:
        return self.numbers.nbytes


def page(library: Library, run: str, asked: Asked, start: int, stop: int) -> Found:
    """Rows `start` to `stop` of those that are asked for; at most MOST of them."""
    numbers = library.computed(run, ("rows", asked), lambda record: _index(library, record, asked)).numbers
    first = min(max(start, 0), len(numbers))
    chosen = numbers[first : min(max(stop, first), first + MOST)]
    frame = _table(library, run).iloc[chosen]
    rows = [_plain(row) for row in frame.to_dict("records")]
    return Found(rows, first, len(numbers))


def choices(library: Library, run: str) -> Mapping[str, list[str]]:
    """Classes and outcomes that there are, the most frequent first."""
    frame = _table(library, run)
    return {
        name: [str(value) for value, n in frame[name].value_counts().items() if n] for name in ("cls", "outcome")
    }


def asked_of(run: Mapping[str, list[str]], given: Mapping[str, Any]) -> Asked:
    """What a browser asks for, as far as it means something: anything else is left out."""
    names = {name: str(given.get(name) or "") for name in ("view", "cls", "outcome", "event", "sort", "order")}
    sort = names["sort"] if names["sort"] in SORTED else "event_time_s"
    down = {"asc": False, "desc": True}.get(names["order"], sort in ("latency_s", "snr"))
    asked = Asked(
        view=names["view"] if names["view"] in VIEWS else "",
        cls=names["cls"] if names["cls"] in run["cls"] else "",
        outcome=names["outcome"] if names["outcome"] in run["outcome"] else "",
        event=names["event"].strip().lower()[:40],
        sort=sort,
        down=down,
    )
    return replace(asked, since_s=_seconds(given.get("since")), until_s=_seconds(given.get("until")))


def _index(library: Library, record: Stored, asked: Asked) -> _Index:
    frame = _table(library, record.entry.id)
    view = VIEWS[asked.view][1]
    mask = np.ones(len(frame), bool) if view is None else view(frame, alerted.first(library, record.entry.id))
    for name in ("cls", "outcome"):
        if wanted := getattr(asked, name):
            mask &= (frame[name] == wanted).to_numpy(bool)
    time_s = frame["event_time_s"].to_numpy(float)
    if asked.since_s is not None:
        mask &= time_s >= asked.since_s
    if asked.until_s is not None:
        mask &= time_s < asked.until_s
    if asked.event:
        mask &= _called(frame, asked.event)
    numbers = np.flatnonzero(mask)
    values = frame[asked.sort].to_numpy(float)[numbers]
    order = np.argsort(-values if asked.down else values, kind="stable")  # what has no value comes last
    return _Index(numbers[order])


def _called(frame: pd.DataFrame, text: str) -> Mask:
    """The event of that name; of a bare number, the events of that number in every replica; else none."""
    known = named(text)
    event = frame["event_id"].to_numpy(np.int64)
    if known is not None:
        return np.asarray((event == known[1]) & (frame["replica"].to_numpy(np.int64) == known[0]))
    if text.isascii() and text.isdecimal() and len(text) < 16:
        return np.asarray(event == int(text))
    return np.zeros(len(frame), bool)


def _table(library: Library, run: str) -> pd.DataFrame:
    return alerted.shared(library.record(run)).alerts


def _is(frame: pd.DataFrame, outcome: str) -> Mask:
    return (frame["outcome"] == outcome).to_numpy(bool)


def _published(frame: pd.DataFrame, first: Mask) -> Mask:
    return _is(frame, "published")


def _late(frame: pd.DataFrame, first: Mask) -> Mask:
    late = _is(frame, "published") & first & frame["late"].to_numpy(bool)
    return np.asarray(late & frame["is_signal"].to_numpy(bool))


def _lost(frame: pd.DataFrame, first: Mask) -> Mask:
    there = frame["is_signal"].to_numpy(bool) & frame["detectable"].to_numpy(bool)
    return np.asarray(there & first & ~_is(frame, "published"))


def _vetoed(frame: pd.DataFrame, first: Mask) -> Mask:
    return np.asarray(frame["is_signal"].to_numpy(bool) & _is(frame, "vetoed"))


def _false(frame: pd.DataFrame, first: Mask) -> Mask:
    return np.asarray(~frame["is_signal"].to_numpy(bool) & _is(frame, "published") & first)


VIEWS: dict[str, tuple[str, Shown | None]] = {
    "": ("everything", None),
    "published": ("everything published", _published),
    "late": ("late first alerts", _late),
    "lost": ("detectable signals lost", _lost),
    "vetoed": ("real signals vetoed", _vetoed),
    "false": ("false alerts", _false),
}
"""What can be shown, by name: in words, and which rows that is."""


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row as JSON knows it, with the name of its event."""
    told = {
        str(key): (None if isinstance(value, float) and value != value else value) for key, value in row.items()
    }
    return {**told, "event": event_name(row["replica"], row["event_id"])}


def _seconds(given: Any) -> float | None:
    try:
        found = float(given)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None
