"""What pages show of a run, worked out once on the server and kept: signals, figures with their numbers.

A run of a year has a million alerts; a page gets a few hundred points. Knows no page and no Dash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboards import history, levels
from dashboards.app import alerted
from dashboards.app.library import Library
from dashboards.app.stored import Stored
from dashboards.figures import FIGURES
from dashboards.tables import Course, Signals, coursed
from twin import firsts

_KEPT = ["replica", "cls", "event_time_s", "latency_s", "late"]


@dataclass(frozen=True)
class Drawn:
    """A figure, the numbers in it, and how much it weighs."""

    figure: go.Figure
    numbers: pd.DataFrame
    nbytes: int


@dataclass(frozen=True)
class Known:
    """Signals of a run, of one class or of all."""

    signals: Signals
    nbytes: int


@dataclass(frozen=True)
class _Over:
    course: Course

    @property
    def nbytes(self) -> int:
        pools = (one.values.nbytes for pool in self.course.pools.values() for one in pool.values())
        times = (self.course.alerts_s, self.course.latency_s, self.course.signals_s, self.course.false_s)
        return sum(pools) + sum(one.nbytes for one in times)


def signals(library: Library, id: str, cls: str = "") -> Signals:
    """Those of a run, few columns of each; with `cls` of that class of event only."""
    return library.computed(id, ("signals", cls), lambda record: _signals(library, record, cls)).signals


def course(library: Library, id: str) -> Course:
    """What the timeline of a run asks besides its signals."""

    def make(record: Stored) -> _Over:
        events = alerted.shared(record).alerts
        first = alerted.first(library, id)
        time_s, is_signal = (events[name].to_numpy()[first] for name in ("event_time_s", "is_signal"))
        pools: Any = record.once(timeline=levels.COLUMNS)
        return _Over(coursed(signals(library, id).judged, time_s, is_signal, levels.levels(pools)))

    return library.computed(id, "course", make).course


def happened(library: Library, id: str) -> pd.DataFrame:
    """What happened to the first replica of a run, as its timeline shows it."""
    return library.computed(id, "happened", history.happened)


def figure(
    library: Library, id: str, name: object, make: Callable[[Stored], tuple[go.Figure, pd.DataFrame]]
) -> Drawn:
    """What `make` draws of a run, kept under `name`, which tells apart everything that is drawn of it."""
    return library.computed(id, ("drawn", name), lambda record: weighed(*make(record)))


def weighed(made: go.Figure, numbers: pd.DataFrame) -> Drawn:
    """A figure and the numbers in it, to be kept."""
    weight = int(numbers.memory_usage(deep=True).sum()) if len(numbers) else 0
    return Drawn(made, numbers, weight + len(made.to_json()))


def usual(library: Library, id: str, name: str) -> Drawn:
    """One of dashboards.figures.FIGURES."""
    draw, tabulate = FIGURES[name]

    def make(record: Stored) -> tuple[go.Figure, pd.DataFrame]:
        whole: Any = record
        table = tabulate(whole)
        return draw(whole, table=table), table

    return figure(library, id, name, make)


def classes(library: Library, id: str) -> list[str]:
    """Classes of the signals of a run that were published, the most frequent first."""
    found = signals(library, id).published["cls"].value_counts()
    return [str(cls) for cls, n in found.items() if n]


def _signals(library: Library, record: Stored, cls: str) -> Known:
    if cls:
        whole = signals(library, record.entry.id)
        judged, published = (_of(frame, cls) for frame in (whole.judged, whole.published))
        return _known(Signals(judged, published if whole.published is not whole.judged else judged))
    slim: Any = alerted.shared(record)
    kept = slim.alerts[_KEPT]
    published = kept.iloc[firsts.published(slim)]
    if record.scenario.targets.product is None:
        return _known(Signals(published, published))
    return _known(Signals(kept.iloc[firsts.judged(slim)], published))


def _of(frame: pd.DataFrame, cls: str) -> pd.DataFrame:
    return frame[(frame["cls"] == cls).to_numpy(bool)]


def _known(found: Signals) -> Known:
    frames = {id(frame): frame for frame in (found.judged, found.published)}
    return Known(found, sum(int(frame.memory_usage().sum()) for frame in frames.values()))
