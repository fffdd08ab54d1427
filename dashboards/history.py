"""The timeline figure: latency, queues and use of the pools over simulated time, with what was made to happen.

For dashboards.figures. Knows no page and no file.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import style
from dashboards.tables import replica_text, timeline_table
from twin import metrics, words
from twin.limits import published_signals
from twin.marks import EVERY, OBSERVING, causes, shown
from twin.recorded import Recorded

FLOOR = 0.1
"""Shorter mean queues are drawn at this height of the log axis."""

_EVENTS, _LATENCY, _QUEUE, _USE = 1, 2, 3, 4
_NAMED = 8
_DRAWN = 200
"""Of what happened by chance the first replica's is drawn, and no more than this."""


_HEIGHT_PX, _KIND_PX = 740, 20
"""Of the figure with up to four kinds of events, and of each kind's row."""


@dataclass(frozen=True)
class _Clock:
    """Unit of the time axis."""

    unit: str
    seconds: float


def timeline(record: Recorded) -> go.Figure:
    """Latency of alerts, queues and use of pools on one time axis, events of the scenario as bands."""
    clock = _Clock("days", 86400.0) if record.scenario.horizon > 2 * 86400.0 else _Clock("hours", 3600.0)
    table = timeline_table(record)
    kinds = shown(record.marks).head(_DRAWN)["kind"].nunique()
    events_px = _KIND_PX * max(kinds, 4)
    shares = [events_px, *(share * (_HEIGHT_PX - events_px) for share in (0.4, 0.34, 0.26))]
    heights = [share / sum(shares) for share in shares]
    figure = make_subplots(rows=4, shared_xaxes=True, vertical_spacing=0.03, row_heights=heights)
    _latencies(figure, record, table, clock)
    _pools(figure, table, clock)
    _events(figure, record, clock)
    figure.update_xaxes(range=[0.0, record.scenario.horizon / clock.seconds])
    figure.update_xaxes(title_text=f"simulated {clock.unit} since the start of the run", row=_USE)
    figure.update_yaxes(title_text="latency, s", **style.log_ticks(), row=_LATENCY)
    figure.update_yaxes(title_text="jobs waiting", type="log", dtick=1, row=_QUEUE)
    figure.update_yaxes(title_text="servers busy, %", range=[0, 104], row=_USE)
    subtitle = (
        f"Latency: median and middle 80 %. Pools: mean and range over {replica_text(record)}; "
        f"queues below {FLOOR:g} are drawn at {FLOOR:g}"
    )
    return style.styled(
        figure,
        "Latency, queues and use over the run",
        subtitle,
        record,
        height=_HEIGHT_PX + _KIND_PX * max(kinds - 4, 0),
        description=_description(record),
    )


def _events(figure: go.Figure, record: Recorded, clock: _Clock) -> None:
    marks = shown(record.marks).head(_DRAWN).to_dict("records")
    alone = Counter(mark["kind"] for mark in marks)
    named = sum(mark["kind"] not in OBSERVING for mark in marks)
    for mark in marks:
        start, end = (float(mark[key]) / clock.seconds for key in ("start_s", "end_s"))
        kind = str(mark["kind"])
        colour = style.MARK_COLOURS.get(kind, style.GREY)
        figure.add_trace(_bar(mark, kind, colour, start, end), row=_EVENTS, col=1)
        for row in (_LATENCY, _QUEUE, _USE) if mark.get("replica", EVERY) == EVERY else ():
            band = {"fillcolor": style.pale(colour, 0.14), "line": {"width": 0}, "layer": "below"}
            figure.add_vrect(x0=start, x1=end, row=row, col=1, **band)
        if named <= _NAMED and alone[mark["kind"]] == 1:  # names of one row would cover each other
            right = end * clock.seconds < 0.8 * record.scenario.horizon
            figure.add_annotation(
                x=end if right else start,
                y=style.MARK_NAMES.get(kind, kind),
                text=f"{style.safe(mark['name'])}, {words.duration(mark['end_s'] - mark['start_s'])}",
                showarrow=False,
                xanchor="left" if right else "right",
                xshift=5 if right else -5,
                font={"size": 11},
                row=_EVENTS,
                col=1,
            )
    figure.update_layout(barmode="overlay")
    figure.update_yaxes(showgrid=False, showline=False, ticks="", dtick=1, row=_EVENTS)
    figure.update_xaxes(showline=False, ticks="", row=_EVENTS)


def _bar(mark: dict[Any, Any], kind: str, colour: str, start: float, end: float) -> go.Bar:
    return go.Bar(
        y=[style.MARK_NAMES.get(kind, kind)],
        x=[end - start],
        base=[start],
        orientation="h",
        width=0.7,
        marker={
            "color": style.pale(colour, 0.35),
            "line": {"color": colour, "width": 1},
            "pattern": {"shape": style.MARK_HATCHES.get(kind, "."), "fgcolor": colour, "size": 5},
        },
        name=style.safe(mark["name"]),
        showlegend=False,
        hovertemplate="%{fullData.name}: %{base:.3f} to %{x:.3f}<extra></extra>",
    )


def _latencies(figure: go.Figure, record: Recorded, table: pd.DataFrame, clock: _Clock) -> None:
    rows = table[table["quantity"] == "latency_s"]
    _band(figure, rows, clock, style.BLUE, "solid", "latency: median and middle 80 %", _LATENCY)
    late = published_signals(record)
    late = _thinned(late[late["late"]].sort_values("event_time_s"))
    figure.add_trace(
        go.Scatter(
            x=late["event_time_s"] / clock.seconds,
            y=late["latency_s"],
            mode="markers",
            marker={"color": style.VERMILION, "size": 4, "opacity": 0.6},
            name="late alert",
            showlegend=len(late) > 0,
            hovertemplate="%{y:.3g} s<extra>late alert</extra>",
        ),
        row=_LATENCY,
        col=1,
    )
    limit_s = metrics.late_limit_s(record)
    if limit_s is not None:
        figure.add_trace(
            go.Scatter(
                x=[0.0, record.scenario.horizon / clock.seconds],
                y=[limit_s, limit_s],
                mode="lines",
                line={"color": style.INK, "width": 1, "dash": "dash"},
                name=f"late after {words.duration(limit_s)}",
                hoverinfo="skip",
            ),
            row=_LATENCY,
            col=1,
        )


def _pools(figure: go.Figure, table: pd.DataFrame, clock: _Clock) -> None:
    names = sorted(table.loc[table["quantity"] == "queue", "name"].unique())
    colours, dashes = style.colours(names), style.dashes(names)
    for quantity, row in (("queue", _QUEUE), ("use", _USE)):
        for name in names:
            rows = table[(table["quantity"] == quantity) & (table["name"] == name)]
            values = rows[["value", "low", "high"]]
            values = values.clip(lower=FLOOR) if quantity == "queue" else 100.0 * values
            rows = rows.assign(**{column: values[column] for column in values})
            label = style.safe(name) if row == _QUEUE else ""
            _band(figure, rows, clock, colours[name], dashes[name], label, row)


def _band(
    figure: go.Figure, rows: pd.DataFrame, clock: _Clock, colour: str, dash: str, label: str, row: int
) -> None:
    """A line with a shaded range; in the legend if it has a `label`."""
    x = rows["time_s"] / clock.seconds
    around_x, around_y = _outline(x, rows["low"], rows["high"])
    figure.add_trace(
        go.Scatter(
            x=around_x,
            y=around_y,
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=style.pale(colour, 0.18),
            hoverinfo="skip",
            showlegend=False,
        ),
        row=row,
        col=1,
    )
    figure.add_trace(
        go.Scatter(
            x=x,
            y=rows["value"],
            mode="lines",
            line={"color": colour, "width": 1.6, "dash": dash},
            name=label,
            showlegend=bool(label),
            hovertemplate="%{y:.3g} at %{x:.2f} " + clock.unit + "<extra>" + label + "</extra>",
        ),
        row=row,
        col=1,
    )


def _outline(x: pd.Series, low: pd.Series, high: pd.Series) -> tuple[list[float | None], list[float | None]]:
    """The edge of the area between `low` and `high`, one closed line for each run without gaps."""
    outline_x: list[float | None] = []
    outline_y: list[float | None] = []
    known = low.notna() & high.notna()
    for _, run in x[known].groupby((known != known.shift()).cumsum()[known]):
        outline_x += [*run, *run[::-1], None]
        outline_y += [*low[run.index], *high[run.index][::-1], None]
    return outline_x, outline_y


def _thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """Every k-th of too many `rows`."""
    return rows.iloc[:: max(1, math.ceil(len(rows) / style.MOST_POINTS))]


def _description(record: Recorded) -> str:
    marks = [
        f"{style.MARK_NAMES.get(str(mark['kind']), mark['kind'])} {mark['name']} from "
        f"{words.duration(mark['start_s'])} to {words.duration(mark['end_s'])}"
        for mark in causes(shown(record.marks)).head(_NAMED).to_dict("records")
    ]
    late = int(np.sum(published_signals(record)["late"]))
    events = f"Events: {words.sequence(marks)}. " if marks else "No events. "
    return f"Latency, queues and use of pools over simulated time. {events}{words.count(late, 'late alert')}."
