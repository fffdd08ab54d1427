"""The alerts of a run, some rows at a time: choosing and ordering happen on the server, whatever their number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_ag_grid as grid
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboards import markup
from dashboards.app import fields, parts, rows
from dashboards.app.library import Library, LibraryError
from dashboards.app.url import Url, address
from twin import words
from twin.limits import LOSSES

PATH = "/run/{id}/events"
NAME = "Alerts"
BLOCK = 100
"""Rows that the browser asks for at a time."""
ROW_PX = 34
_HEAD_PX, _HIGHEST_PX, _LEAST_ROWS = 54, 620, 4
"""Of the grid: its heading, the whole, and how many rows it has room for though there are fewer."""
_KEYS = ("view", "cls", "outcome", "event", "since", "until", "sort", "order")
_SORTS = {
    "event_time_s": "merger time",
    "latency_s": "latency",
    "snr": "SNR",
    "published_s": "publication time",
}


def layout(library: Library, url: Url) -> Component:
    """The page; of the query it reads everything in _KEYS."""
    there = rows.choices(library, url.id)
    given = {key: url.get(key) for key in _KEYS}
    asked = rows.asked_of(there, given)
    total = rows.page(library, url.id, asked, 0, 0).total
    return html.Div(
        [
            dcc.Store(id="events-run", data=url.id),
            dcc.Store(id="events-asked"),
            parts.panel(
                "Alerts",
                html.Div(_controls(there, asked), className="controls"),
                html.P(_count(total), id="events-count", className="note", role="status"),
                _grid(url.id, total),
                parts.note(
                    "One row per candidate and product published, per candidate that ended otherwise, and per "
                    "signal that never became a candidate. Choose an event to see where its time went."
                ),
                name="events",
            ),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Rows are asked for as one scrolls; other questions begin at the top again."""
    states = [Input({"query": key}, "value") for key in _KEYS]

    @app.callback(
        Output("events-grid", "getRowsResponse"),
        Input("events-grid", "getRowsRequest"),
        State("events-run", "data"),
        *(State({"query": key}, "value") for key in _KEYS),
    )
    def answer(request: dict[str, Any] | None, run: str, *given: Any) -> dict[str, Any]:
        """The rows that have come into sight, and how many there are."""
        if not request:
            return {"rowData": [], "rowCount": 0}
        try:
            asked = rows.asked_of(rows.choices(library, run), dict(zip(_KEYS, given, strict=True)))
            start, stop = (_whole(request.get(key)) for key in ("startRow", "endRow"))
            found = rows.page(library, run, asked, start, stop)
        except LibraryError:
            return {"rowData": [], "rowCount": 0}
        return {"rowData": [_row(run, row) for row in found.rows], "rowCount": found.total}

    @app.callback(
        Output("events-count", "children"),
        Output("events-grid", "style"),
        *states,
        State("events-run", "data"),
        prevent_initial_call=True,
    )
    def counted(*given: Any) -> tuple[str, Any]:
        """How many rows there are, and a grid that is as high as they are."""
        run = given[-1]
        try:
            wanted = rows.asked_of(rows.choices(library, run), dict(zip(_KEYS, given[:-1], strict=True)))
            total = rows.page(library, run, wanted, 0, 0).total
        except LibraryError as error:
            return error.text, no_update
        return _count(total), _height(total)

    app.clientside_callback(
        ClientsideFunction("events", "again"),
        Output("events-asked", "data"),
        *states,
        prevent_initial_call=True,
    )


def _controls(there: Mapping[str, list[str]], asked: rows.Asked) -> list[Component]:
    views = {name: told for name, (told, _) in rows.VIEWS.items() if name}
    outcomes = {name: LOSSES.get(name, name) for name in there["outcome"]}
    orders = {"asc": "smallest first", "desc": "largest first"}
    return [
        fields.choice("view", "Show", views, asked.view, rows.VIEWS[""][0], 185),
        fields.choice("cls", "Class", {cls: cls for cls in there["cls"]}, asked.cls, "all classes", 130),
        fields.choice("outcome", "Outcome", outcomes, asked.outcome, "all outcomes", 160),
        fields.words("event", "Event", asked.event, "r0-e12"),
        fields.number("since", "Since, s", asked.since_s, "any"),
        fields.number("until", "Until, s", asked.until_s, "any"),
        fields.choice("sort", "Order by", _SORTS, asked.sort, width=160),
        fields.choice("order", "Order", orders, "desc" if asked.down else "asc", width=140),
    ]


def _grid(run: str, total: int) -> Component:
    shown: Component = grid.AgGrid(
        id="events-grid",
        columnDefs=_columns(),
        rowModelType="infinite",
        className=None,
        columnSize="responsiveSizeToFit",
        defaultColDef={"sortable": False, "filter": False, "resizable": True, "suppressHeaderMenuButton": True},
        dashGridOptions={
            "cacheBlockSize": BLOCK,
            "maxBlocksInCache": 20,
            "rowHeight": ROW_PX,
            "infiniteInitialRowCount": 1,
            "suppressCellFocus": False,
        },
        style=_height(total),
    )
    named: dict[str, Any] = {"data-ag-theme-mode": "dark" if parts.dark() else "light"}
    return html.Div(shown, className="grid", **named)


def _columns() -> list[dict[str, Any]]:
    number = {"type": "rightAligned"}
    return [
        {
            "field": "event",
            "headerName": "Event",
            "cellRenderer": "markdown",
            "minWidth": 110,
        },
        {"field": "cls", "headerName": "Class", "minWidth": 76},
        {"field": "snr", "headerName": "SNR", "minWidth": 70, **number},
        {"field": "merger", "headerName": "Merger at", "minWidth": 140},
        {"field": "product", "headerName": "Product", "minWidth": 118},
        {"field": "outcome", "headerName": "Outcome", "minWidth": 150},
        {"field": "latency", "headerName": "Latency", "minWidth": 90, **number},
        {"field": "late", "headerName": "Late", "minWidth": 62},
        {"field": "variant", "headerName": "Program", "minWidth": 100},
    ]


def _row(run: str, row: dict[str, Any]) -> dict[str, Any]:
    event = row["event"]
    latency_s = row["latency_s"]
    return {
        "event": f"[{event}]({address('/run/{id}/events/{event}', id=run, event=event)})",
        "cls": row["cls"],
        "snr": None if row["snr"] is None else f"{row['snr']:.1f}",
        "merger": markup.moment(row["event_time_s"]),
        "product": row["product"],
        "outcome": row["outcome"],
        "latency": "" if latency_s is None else words.duration(latency_s),
        "late": ("yes" if row["late"] else "no") if latency_s is not None else "",
        "variant": row["variant"],
    }


def _height(total: int) -> dict[str, str]:
    """As high as its rows are, within limits."""
    return {"height": f"{min(_HIGHEST_PX, _HEAD_PX + ROW_PX * max(total, _LEAST_ROWS))}px"}


def _count(total: int) -> str:
    return f"{total:,} rows" if total != 1 else "1 row"


def _whole(given: Any) -> int:
    return int(given) if isinstance(given, int | float) and 0 <= given < 1e12 else 0
