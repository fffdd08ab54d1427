"""Compare: finished runs held against one of them, and two of them run again under the same sky."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from dashboards import overlay
from dashboards.app import compared, orders, parts, sidebyside
from dashboards.app.jobs import RefusedError
from dashboards.app.library import COMPARISON, Library, LibraryError
from dashboards.app.url import Url, address
from twin import words

PATH, NAME = "/compare", "Compare"
KEY = "show"
"""Of the query: which quantities are shown."""
_COLUMNS = ("replica", "event_id", "is_signal", "product", "outcome", "published_s", "latency_s")
"""Of alerts, what the overlaid latencies need."""


def layout(library: Library, url: Url) -> Component:
    """The page: which runs, then what differs."""
    there = {entry.id for entry in library.runs() if not entry.problem}
    asked = list(dict.fromkeys(url.all("run")))
    ids = [id for id in asked if id in there][: sidebyside.MOST]
    shown = url.get(KEY, compared.DIFFERING, compared.CHOICES)
    gone = [id for id in asked if id not in there]
    told = (
        [parts.failure("Not there any more", f"{words.sequence(gone)}: removed, renamed or damaged.")]
        if gone
        else []
    )
    return html.Div(
        [
            html.Div(
                [
                    html.Div([parts.badge(), html.Div(_copy(), className="actions")], className="brand"),
                    html.H1("Compare"),
                    html.P(
                        "What differs between runs, and whether chance could have done it.", className="question"
                    ),
                ],
                className="run-head",
            ),
            _choice(library, ids, shown),
            *told,
            parts.loading(html.Div(_content(library, ids, shown), id="compare-content")),
            _others(library),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Its callbacks: other runs, other quantities; and two runs again, by a click."""

    @app.callback(
        Output("compare-content", "children"),
        Output("state-address", "data", allow_duplicate=True),
        Input("compare-first", "value"),
        Input("compare-others", "value"),
        Input({"query": KEY}, "value"),
        prevent_initial_call=True,
    )
    def chosen(first: str | None, others: list[str] | None, shown: str) -> Any:
        ids = _ids(first, others)
        where = address("/compare", {"run": ids, KEY: shown})
        return parts.safely(_content)(library, ids, shown), where

    @app.callback(
        Output("go", "href", allow_duplicate=True),
        Output("notice", "children", allow_duplicate=True),
        Input("compare-again", "n_clicks"),
        State("compare-first", "value"),
        State("compare-others", "value"),
        prevent_initial_call=True,
    )
    def again(clicks: int | None, first: str | None, others: list[str] | None) -> Any:
        """Only a click runs: the button also calls when it appears."""
        if not clicks:
            raise PreventUpdate
        try:
            one = orders.pair(library, _ids(first, others))
        except (RefusedError, LibraryError) as error:
            return no_update, parts.failure("It was not started", str(error))
        return address("/job/{id}", id=one.id), None


def _ids(first: str | None, others: list[str] | None) -> list[str]:
    return list(dict.fromkeys([*([first] if first else []), *(others or [])]))[: sidebyside.MOST]


def _copy() -> Component:
    return html.Button("Copy link", id="copy-link", type="button", className="button")


def _choice(library: Library, ids: list[str], shown: str) -> Component:
    data = [{"value": entry.id, "label": entry.id} for entry in library.runs() if not entry.problem]
    near: dict[str, Any] = {"data": data, "searchable": True, "comboboxProps": {"withinPortal": False}}
    first = dmc.Select(id="compare-first", label="Held against", value=ids[0] if ids else None, **near)
    others = dmc.MultiSelect(
        id="compare-others", label="Runs", value=ids[1:], maxValues=sidebyside.MOST - 1, clearable=True, **near
    )
    return html.Div([first, others, compared.choice(shown, KEY)], className="controls wide")


def _content(library: Library, ids: list[str], shown: str) -> list[Component]:
    if len(ids) < 2:
        text = "Choose a run that others are held against, and one to three others; or tick them on the overview."
        return [parts.empty("Choose two runs", text, parts.link("Overview", "/", "button"))]
    result = sidebyside.result(library, ids)
    apart = sidebyside.apart(library, ids)
    told: list[Component] = []
    if apart:
        again: list[Any] = []
        if len(ids) == 2 and library.jobs is not None:
            text = f"Run both again with the horizon, seed and replicas of {ids[0]}"
            again = [html.Button(text, id="compare-again", type="button", className="button main")]
        told.append(
            html.Div(
                [
                    html.H2("These runs are not paired"),
                    html.P(
                        f"They differ in {words.sequence(apart)}, so that chance differs as well: no differences "
                        "are stated, only values with their own intervals."
                    ),
                    *again,
                ],
                className="state warning-state",
            )
        )
    records = {id: library.record(id).only(alerts=_COLUMNS) for id in ids}
    numbers = overlay.latency_table(records)
    drawn: Any = html.P("No alert was published in these runs.", className="empty")
    if len(numbers):
        drawn = parts.figure("overlay", overlay.latency(records), numbers)
    curves = parts.panel("Latency", drawn)
    first, *rest = compared.sections(result, shown)
    return [*told, first, curves, *rest]


def _others(library: Library) -> Component:
    """Comparisons that are there."""
    found = library.entries(COMPARISON)
    rows = [
        {
            "id": entry.id,
            "cases": ", ".join(entry.about.get("cases", ())),
            "written": parts.moment(entry.written_s),
        }
        for entry in found[:20]
        if not entry.problem
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "id": ("comparison", lambda id: parts.link(id, address("/comparison/{id}", id=id), "strong")),
        "cases": ("cases", str),
        "written": ("written", str),
    }
    nothing = "None yet: 'Compare its cases' of a new run makes one."
    return parts.panel("Comparisons of cases", parts.table(rows, columns, "Newest first", nothing))
