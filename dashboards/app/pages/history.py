"""A run over simulated time: latency, queues, use and arrivals, with what was made to happen, and playback.

Zooming reads the window again in finer bins. The moment that is played lies in the query (t), like the window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import dash_mantine_components as dmc
import pandas as pd
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboards import history, markup, style
from dashboards.app import drawn, fields, parts
from dashboards.app.fields import Given
from dashboards.app.library import Library
from dashboards.app.stored import Stored
from dashboards.app.url import Url, address
from dashboards.tables import Span, timeline_table
from twin import words

PATH = "/run/{id}/timeline"
NAME = "Timeline"
_STEPS = 400
"""Of the slider, from end to end."""
_FIRST = 20
"""Of what happened is on the page; the rest can be opened."""
_SPEEDS = {"40": "10 s", "20": "20 s", "8": "50 s"}
"""Steps a second, and how long the whole then takes to play."""


def layout(library: Library, url: Url) -> Component:
    """The page; of the query it reads `start`, `end` and `t`, in days or hours as the figure."""
    record = library.record(url.id)
    clock = history.clock_of(record)
    end = record.scenario.horizon / clock.seconds
    first = _number(url.get("start")) if url.get("start") else None
    last = _number(url.get("end")) if url.get("end") else None
    span = _span(record, first, last)
    at = url.number("t", 0.0, 0.0, end)
    return html.Div(
        [
            dcc.Store(id="timeline-run", data=url.id),
            parts.panel(
                "Over time",
                _window(clock.unit, first, last, end),
                _player(clock.unit, at, end),
                html.Div(_drawn(library, url.id, span), id="timeline-drawn"),
                name="timeline",
            ),
            parts.panel("What happened, and when", *_marks(drawn.happened(library, url.id)), name="marks"),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """The window is read again when it changes; the moment moves in the browser."""

    @app.callback(
        Output("timeline-drawn", "children"),
        Input({"query": "start"}, "value"),
        Input({"query": "end"}, "value"),
        State("timeline-run", "data"),
        prevent_initial_call=True,
    )
    @parts.safely
    def window(first: Given, last: Given, run: str) -> Any:
        return _drawn(library, str(run), _span(library.record(str(run)), _number(first), _number(last)))

    app.clientside_callback(
        ClientsideFunction("timeline", "zoomed"),
        Output({"query": "start"}, "value"),
        Output({"query": "end"}, "value"),
        Input({"figure": "timeline"}, "relayoutData"),
        Input("timeline-whole", "n_clicks"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("timeline", "play"),
        Output({"query": "t"}, "value"),
        Output("timeline-tick", "disabled"),
        Output("timeline-play", "children"),
        Input("timeline-play", "n_clicks"),
        Input("timeline-tick", "n_intervals"),
        State({"query": "t"}, "value"),
        State({"query": "t"}, "max"),
        State("timeline-speed", "value"),
        State("timeline-tick", "disabled"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("timeline", "moment"),
        Output("timeline-moment", "data"),
        Input({"query": "t"}, "value"),
        Input("timeline-state", "data"),
    )


def _window(unit: str, first: float | None, last: float | None, end: float) -> Component:
    """From when to when is shown."""
    return html.Div(
        [
            fields.number("start", f"From, {unit}", first, "0", end),
            fields.number("end", f"To, {unit}", last, f"{end:g}", end),
            html.Button("Whole run", id="timeline-whole", type="button", className="button"),
            html.Span("Drag across the figure to look closer.", className="muted aside"),
        ],
        className="controls",
    )


def _player(unit: str, at: float, end: float) -> Component:
    """Play, how fast, and the moment."""
    speeds = [{"label": f"whole run in {told}", "value": value} for value, told in _SPEEDS.items()]
    return html.Div(
        [
            html.Button("Play", id="timeline-play", type="button", className="button main play"),
            dcc.Interval(id="timeline-tick", interval=250, disabled=True),
            html.Div(
                [
                    html.Div(["Moment: ", html.Span("0 d 00:00:00", id="moment-time")], className="field-label"),
                    fields.moment("t", f"Moment in {unit}", at, end, _STEPS),
                ],
                className="slider",
            ),
            dmc.Select(
                id="timeline-speed", label="Speed", data=speeds, value="20", allowDeselect=False, size="sm", w=190
            ),
            dcc.Store(id="timeline-moment"),
        ],
        className="controls player",
    )


def _drawn(library: Library, run: str, span: Span | None) -> list[Component]:
    def make(record: Stored) -> tuple[Any, pd.DataFrame]:
        known = drawn.signals(library, run)
        table = timeline_table(record, span, known, drawn.course(library, run))
        return history.timeline(record, span, known, table, drawn.happened(library, run)), table

    record = library.record(run)
    found = drawn.figure(library, run, ("timeline", span), make)
    first_s, last_s = span or (0.0, record.scenario.horizon)
    query = {"since": f"{first_s:g}", "until": f"{last_s:g}"} if span else {}
    cursor = html.Div(id="timeline-cursor", className="cursor", hidden=True)
    return [
        html.Div([parts.figure("timeline", found.figure, found.numbers), cursor], className="played"),
        dcc.Store(id="timeline-state", data=_state(found.numbers, history.clock_of(record).seconds)),
        html.Div(_moment(found.numbers), className="moment"),
        parts.link("Alerts of this window", address("/run/{id}/events", query, id=run), "button"),
    ]


def _state(table: pd.DataFrame, seconds: float) -> dict[str, Any]:
    """Queue and use of every pool by time, for the browser: `time` of each bin in the figure's unit."""
    rows = table[table["quantity"].isin(("queue", "use"))]
    wide = rows.pivot_table(index="time_s", columns=["name", "quantity"], values="value", dropna=False)
    pools = sorted(rows["name"].astype(str).unique())
    return {
        "seconds": seconds,
        "time": (wide.index.to_numpy(float) / seconds).round(6).tolist(),
        "pools": [
            {"queue": _listed(wide[pool, "queue"], 1.0), "use": _listed(wide[pool, "use"], 100.0)}
            for pool in pools
        ],
    }


def _listed(values: pd.Series, times: float) -> list[float | None]:
    return [None if math.isnan(v) else round(times * v, 3) for v in values.to_numpy(float).tolist()]


def _moment(table: pd.DataFrame) -> list[Component]:
    """Cells that the browser fills: state of every pool at the moment of the slider."""
    pools = sorted(table.loc[table["quantity"] == "queue", "name"].astype(str).unique())
    named = (("pool", ""), ("jobs waiting", "number"), ("servers busy, %", "number"))
    head = html.Tr([html.Th(told, scope="col", className=kind) for told, kind in named])
    body = [
        html.Tr(
            [
                html.Td(pool),
                *(html.Td("–", className="number", id=f"moment-{k}-{what}") for what in ("queue", "use")),
            ]
        )
        for k, pool in enumerate(pools)
    ]
    caption = html.Caption("Every pool at the moment chosen above; means over replicas")
    return [html.Table([caption, html.Thead(head), html.Tbody(body)])]


def _marks(happened: pd.DataFrame) -> Iterator[Component]:
    """What happened, the first few of it at once."""
    rows: list[dict[str, str]] = [
        {
            "kind": style.MARK_NAMES.get(row["kind"], row["kind"]),
            "name": row["name"],
            "from": markup.moment(row["start_s"]),
            "lasts": words.duration(lasts_s) if (lasts_s := row["end_s"] - row["start_s"]) > 0 else "a step",
            "in": "every replica" if row["replica"] < 0 else f"replica {int(row['replica']) + 1}",
        }
        for row in happened.sort_values("start_s", kind="stable").to_dict("records")
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {
        name: ("event" if name == "kind" else name, str) for name in ("kind", "name", "from", "lasts", "in")
    }
    caption = "Events of the scenario, and of the first replica by chance"
    yield parts.table(rows[:_FIRST], columns, caption, "Nothing was made to happen in this run.")
    if len(rows) > _FIRST:
        every = pd.DataFrame(rows)
        told = parts.folded(f"All {len(rows):,}", every, "events")
        yield html.Div([told, parts.csv("events", every)], className="folded")


def _number(given: Given) -> float | None:
    """The number in a field; None where there is none."""
    try:
        found = float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def _span(record: Stored, first: float | None, last: float | None) -> Span | None:
    """What is shown, in s: within the run and not less than a thousandth of it; None for the whole run."""
    horizon_s, seconds = record.scenario.horizon, history.clock_of(record).seconds
    least_s = horizon_s / 1000.0
    first_s = min(max((first or 0.0) * seconds, 0.0), horizon_s - least_s)
    last_s = horizon_s if last is None else min(max(last * seconds, first_s + least_s), horizon_s)
    return None if (first_s, last_s) == (0.0, horizon_s) else (round(first_s, 3), round(last_s, 3))
