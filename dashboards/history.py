"""The timeline figure: latency, queues, use and arrivals over simulated time, with what was made to happen.

For dashboards.figures. Knows no page and no file.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import style
from dashboards.levels import Floats
from dashboards.tables import Signals, Span, replica_text, signals, timeline_table
from twin import metrics, words
from twin.marks import EVERY, OBSERVING, causes, shown
from twin.recorded import Recorded

FLOOR = 0.1
"""Shorter mean queues are drawn at this height of the log axis."""
NO_DATA = "no-data"
"""Kind of mark for times in which no detector delivered anything."""

_EVENTS, _LATENCY, _QUEUE, _USE, _ARRIVALS = 1, 2, 3, 4, 5
_NAMED = 8
_FEW = 3
"""Points of a line that are marked."""
_DETECTOR = "instrument "
"""What the name of a detector begins with in marks."""
_DRAWN = 2_000
"""Of what happened by chance the first replica's is drawn, and no more than this, which the subtitle says."""
_RATES = {"seconds": ("a second", 3600.0), "hours": ("an hour", 1.0), "days": ("an hour", 1.0)}
"""What arrivals are counted by, where time has this unit, and how often an hour has that."""
_SHORT_S = 1200.0
"""What is no longer is told in seconds."""

_HEIGHT_PX, _LINE_PX, _ARRIVALS_PX, _GAP = 660, 34, 110, 0.043
"""Of latency, queue and use together, of each line of events, and of arrivals; the share of all between panels."""
_LEGENDS = {_LATENCY: "legend", _QUEUE: "legend2", _ARRIVALS: "legend3"}
"""Above their panels; use has the lines of the queues."""
_ARRIVING = {
    "signals": (style.BLUE, "solid"),
    "false candidates": (style.ORANGE, "dot"),
    "jobs": (style.BLUE, "solid"),
}


@dataclass(frozen=True)
class Clock:
    """Unit of the time axis."""

    unit: str
    seconds: float


def clock_of(record: Recorded) -> Clock:
    """Days, hours or seconds, as suits the horizon."""
    horizon_s = record.scenario.horizon
    if horizon_s <= _SHORT_S:
        return Clock("seconds", 1.0)
    return Clock("days", 86400.0) if horizon_s > 2 * 86400.0 else Clock("hours", 3600.0)


def timeline(
    record: Recorded,
    span: Span | None = None,
    known: Signals | None = None,
    table: pd.DataFrame | None = None,
    marks: pd.DataFrame | None = None,
) -> go.Figure:
    """Latency of alerts, queues, use of pools and arrivals on one time axis, events of the scenario as bands.

    With a `span` (from, to; s since the start) only what lies in it, in finer bins. `known`, the figure's own
    `table` and its `marks`, what `happened`, spare the work where they are at hand.
    """
    clock = clock_of(record)
    known = known or signals(record)
    table = timeline_table(record, span, known) if table is None else table
    marks = happened(record) if marks is None else marks
    lines = _lines(marks)
    events_px = _LINE_PX * max(len(lines), 1)
    shares = [events_px, *(share * _HEIGHT_PX for share in (0.4, 0.34, 0.26)), _ARRIVALS_PX]
    heights = [share / sum(shares) for share in shares]
    figure = make_subplots(rows=5, shared_xaxes=True, vertical_spacing=_GAP, row_heights=heights)
    late = known.published[known.published["late"]]
    _latencies(figure, record, table, clock, late if span is None else late[_within(late["event_time_s"], span)])
    _pools(figure, table, clock)
    _arrivals(figure, table, clock)
    _events(figure, record, marks, lines, clock, span)
    first_s, last_s = span or (0.0, record.scenario.horizon)
    figure.update_xaxes(range=[first_s / clock.seconds, last_s / clock.seconds])
    simulated = "simulated " if record.farm is None else ""
    figure.update_xaxes(title_text=f"{simulated}{clock.unit} since the start of the run", row=_ARRIVALS)
    figure.update_yaxes(title_text="latency, s", **_ticks(table, "latency_s"), row=_LATENCY)
    figure.update_yaxes(title_text="jobs waiting", **_ticks(table, "queue"), **_queued(table), row=_QUEUE)
    figure.update_yaxes(title_text="servers busy, %", range=[0, 104], row=_USE)
    figure.update_yaxes(title_text=_RATES[clock.unit][0], rangemode="tozero", nticks=4, row=_ARRIVALS)
    style.styled(
        figure,
        "Latency, queues, use and arrivals over the run",
        f"Latency: median and middle 80 %. Pools: mean and range over {replica_text(record)}; "
        f"queues below {FLOOR:g} are drawn at {FLOOR:g}"
        + (f"; the first {_DRAWN:,} events are drawn" if len(marks) >= _DRAWN else ""),
        record,
        height=_HEIGHT_PX + events_px + _ARRIVALS_PX,
        description=_description(marks, len(late)),
    )
    legends = {
        legend: style.legend_above(figure.layout[f"yaxis{row}"].domain[1]) for row, legend in _LEGENDS.items()
    }
    return figure.update_layout(margin={"t": 84}, **legends)


def happened(record: Recorded) -> pd.DataFrame:
    """What is drawn of what happened to the first replica: kind, name, start_s, end_s; also when no data came."""
    marks = shown(record.marks)
    if record.instrument is None:
        return _first(marks)
    from twin.instrument import downtimes, observing

    stride_s = record.scenario.instrument.stride
    gaps = observing(record.scenario, downtimes(record.scenario, record.seed, 0)).absent() * stride_s
    times = {"start_s": gaps[:, 0], "end_s": gaps[:, 1]}
    rows = pd.DataFrame({"replica": 0, "kind": NO_DATA, "name": "no detector", **times})
    return _first(pd.concat([marks, rows], ignore_index=True) if len(rows) else marks)


def _first(marks: pd.DataFrame) -> pd.DataFrame:
    """As they are, or the first _DRAWN in time where there are more."""
    return marks if len(marks) <= _DRAWN else marks.sort_values("start_s", kind="stable").head(_DRAWN)


def _ticks(table: pd.DataFrame, quantity: str) -> dict[str, Any]:
    """A log axis for what is drawn of a quantity; a linear one for latencies before the merger."""
    known = table.loc[table["quantity"] == quantity, ["value", "low", "high"]].to_numpy(float)
    if (known <= 0.0).any() and quantity != "queue":
        return {"type": "linear"}
    known = known[known > 0.0]
    return style.log_ticks(max(float(known.min()), FLOOR), float(known.max())) if known.size else style.log_ticks()


def _queued(table: pd.DataFrame) -> dict[str, Any]:
    """From the floor to a job at least: without a queue an axis would have one label, or none."""
    most = table.loc[table["quantity"] == "queue", ["value", "high"]].to_numpy(float)
    top = float(np.nanmax(most)) if np.isfinite(most).any() else 0.0
    return {"range": [math.log10(0.8 * FLOOR), math.log10(1.25 * max(top, 1.0))]}


def _within(time_s: pd.Series, span: Span) -> pd.Series:
    return (time_s >= span[0]) & (time_s < span[1])


def _events(
    figure: go.Figure, record: Recorded, table: pd.DataFrame, lines: list[str], clock: Clock, span: Span | None
) -> None:
    marks = table.to_dict("records")
    alone = Counter(mark["kind"] for mark in marks)
    named = sum(mark["kind"] not in OBSERVING for mark in marks)
    first_s, last_s = span or (0.0, record.scenario.horizon)
    for mark in marks:
        start, end = (float(mark[key]) / clock.seconds for key in ("start_s", "end_s"))
        seen = first_s <= mark["end_s"] and mark["start_s"] <= last_s
        if seen and named <= _NAMED and alone[mark["kind"]] == 1:  # names of one row would cover each other
            right = end * clock.seconds < first_s + 0.8 * (last_s - first_s)
            figure.add_annotation(
                x=end if right else start,
                y=_line(mark),
                text=f"{style.safe(mark['name'])}, {words.duration(mark['end_s'] - mark['start_s'])}",
                showarrow=False,
                xanchor="left" if right else "right",
                xshift=5 if right else -5,
                font={"size": 11},
                row=_EVENTS,
                col=1,
            )
    bands: list[dict[str, Any]] = []
    figure.update_yaxes(categoryorder="array", categoryarray=lines, row=_EVENTS)
    for group, own in table.groupby("kind", sort=False, observed=True):
        figure.add_trace(_bars(str(group), own, clock), row=_EVENTS, col=1)
        bands += _bands(str(group), own, clock)
    figure.update_layout(barmode="overlay", shapes=bands)
    figure.update_yaxes(showgrid=False, showline=False, ticks="", dtick=1, row=_EVENTS)
    figure.update_xaxes(showline=False, ticks="", row=_EVENTS)


def _line(mark: Mapping[Any, Any]) -> str:
    """The line a mark is drawn on: of its kind, and of the detector where detectors did not observe."""
    kind = str(mark["kind"])
    name = style.MARK_NAMES.get(kind, kind)
    if kind not in OBSERVING:
        return name
    return name.replace("detector", style.safe(mark["name"]).removeprefix(_DETECTOR))


def _lines(table: pd.DataFrame) -> list[str]:
    """All lines from below: kinds as they first happened, a kind's detectors from above."""
    kinds: dict[str, set[str]] = {}
    for mark in table[["kind", "name"]].drop_duplicates().to_dict("records"):
        kinds.setdefault(str(mark["kind"]), set()).add(_line(mark))
    return [line for own in kinds.values() for line in sorted(own, reverse=True)]


def _bars(kind: str, own: pd.DataFrame, clock: Clock) -> go.Bar:
    """What happened of one kind, on its lines."""
    colour = style.MARK_COLOURS.get(kind, style.GREY)
    starts, ends = (own[key].to_numpy(float) / clock.seconds for key in ("start_s", "end_s"))
    return go.Bar(
        y=[_line(mark) for mark in own.to_dict("records")],
        x=ends - starts,
        base=starts,
        customdata=[style.safe(name) for name in own["name"]],
        orientation="h",
        width=0.7,
        marker={
            "color": style.pale(colour, 0.35),
            "line": {"color": colour, "width": 1},
            "pattern": {"shape": style.MARK_HATCHES.get(kind, "."), "fgcolor": colour, "size": 5},
        },
        name=style.MARK_NAMES.get(kind, kind),
        showlegend=False,
        hovertemplate="%{customdata}: %{base:.3f} to %{x:.3f}<extra></extra>",
    )


def _bands(kind: str, own: pd.DataFrame, clock: Clock) -> Iterator[dict[str, Any]]:
    """Behind each panel one shape with a rectangle for everything of one kind that happened to every replica."""
    shared = own[own["replica"] == EVERY] if "replica" in own else own
    ends = shared[["start_s", "end_s"]].to_numpy(float) / clock.seconds
    path = " ".join(f"M{start!r},0V1H{end!r}V0Z" for start, end in ends.tolist())
    look = {"fillcolor": style.pale(style.MARK_COLOURS.get(kind, style.GREY), 0.14), "line": {"width": 0}}
    for row in (_LATENCY, _QUEUE, _USE) if path else ():
        yield {"type": "path", "path": path, "xref": f"x{row}", "yref": f"y{row} domain", "layer": "below", **look}


def _latencies(figure: go.Figure, record: Recorded, table: pd.DataFrame, clock: Clock, late: pd.DataFrame) -> None:
    rows = table[table["quantity"] == "latency_s"]
    names = sorted(rows["name"].unique()) or ["alerts"]
    colours, dashes = style.colours(names), style.dashes(names)
    for name in names:  # of several the legend has their pools
        label = "latency" if len(names) == 1 else ""
        _band(figure, rows[rows["name"] == name], clock, colours[name], dashes[name], label, _LATENCY)
    late = _thinned(late.sort_values("event_time_s"))
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


def _pools(figure: go.Figure, table: pd.DataFrame, clock: Clock) -> None:
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


def _arrivals(figure: go.Figure, table: pd.DataFrame, clock: Clock) -> None:
    arrivals = table[table["quantity"] == "arrivals_per_h"]
    every, an_hour = _RATES[clock.unit]
    for name, rows in arrivals.groupby("name", sort=False):
        colour, dash = _ARRIVING[str(name)]
        figure.add_trace(
            go.Scatter(
                x=rows["time_s"] / clock.seconds,
                y=rows["value"] / an_hour,
                mode=_mode(rows),
                line={"color": colour, "width": 1.4, "dash": dash, "shape": "hvh"},
                name=str(name),
                legend=_LEGENDS[_ARRIVALS],
                hovertemplate=f"%{{y:.3g}} {every} at %{{x:.2f}} " + clock.unit + f"<extra>{name}</extra>",
            ),
            row=_ARRIVALS,
            col=1,
        )


def _band(
    figure: go.Figure, rows: pd.DataFrame, clock: Clock, colour: str, dash: str, label: str, row: int
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
            mode=_mode(rows),
            line={"color": colour, "width": 1.6, "dash": dash},
            name=label,
            legend=_LEGENDS.get(row),
            showlegend=bool(label),
            hovertemplate="%{y:.3g} at %{x:.2f} " + clock.unit + "<extra>" + label + "</extra>",
        ),
        row=row,
        col=1,
    )


def _mode(rows: pd.DataFrame) -> str:
    """A line, with points where there are so few that it would hardly be seen."""
    return "lines+markers" if len(rows) <= _FEW else "lines"


def _outline(x: pd.Series, low: pd.Series, high: pd.Series) -> tuple[Floats, Floats]:
    """The edge of the area between `low` and `high`, one closed line for each run without gaps, then a gap."""
    known = (low.notna() & high.notna()).to_numpy()
    turns = np.flatnonzero(np.diff(known, prepend=False, append=False))
    gap = np.array([np.nan])
    edges: tuple[list[Floats], list[Floats]] = ([], [])
    for first, last in turns.reshape(-1, 2).tolist():
        for edge, there, back in zip(edges, (x, low), (x, high), strict=True):
            edge += [there.to_numpy(float)[first:last], back.to_numpy(float)[first:last][::-1], gap]
    outline_x, outline_y = (np.concatenate(edge) if edge else np.empty(0) for edge in edges)
    return outline_x, outline_y


def _thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """Every k-th of too many `rows`."""
    return rows.iloc[:: max(1, math.ceil(len(rows) / style.MOST_POINTS))]


def _description(marks: pd.DataFrame, late: int) -> str:
    told = [
        f"{style.MARK_NAMES.get(str(mark['kind']), mark['kind'])} {mark['name']} from "
        f"{words.duration(mark['start_s'])} to {words.duration(mark['end_s'])}"
        for mark in causes(marks).head(_NAMED).to_dict("records")
    ]
    events = f"Events: {words.sequence(told)}. " if told else "No events. "
    return (
        "Latency, queues and use of pools, and arrivals, over simulated time. "
        f"{events}{words.count(late, 'late alert')}."
    )
