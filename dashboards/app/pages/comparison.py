"""A finished comparison: cases of one scenario, paired by the same sky."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, html
from dash.development.base_component import Component

from dashboards.app import compared, parts
from dashboards.app.library import Library
from dashboards.app.url import Url, download
from twin import words

PATH, TITLE, UNDER = "/comparison/{id}", "Comparison", "/compare"
KEY = "quantities"
"""Of the query: another than on the page that holds runs against each other, whose callbacks are its own."""
FILES = {
    "report.html": "Report, one HTML file",
    "values.parquet": "Every value, Parquet",
    "comparison.json": "JSON",
}


def layout(library: Library, url: Url) -> Component:
    """The page."""
    result = library.comparison(url.id)
    shown = url.get(KEY, compared.DIFFERING, compared.CHOICES)
    meta = (
        f"{words.count(len(result['cases']), 'case')} · {words.duration(result['horizon_s'])} of simulated time "
        f"in {words.count(result['replicas'], 'replica')} each · seed {result['seed']}"
    )
    items = [
        html.Li(html.A(text, href=download(url.id, name), download=f"{url.id}-{name}"))
        for name, text in FILES.items()
    ]
    export = html.Details([html.Summary("Export"), html.Ul(items)], className="menu")
    copy = html.Button("Copy link", id="copy-link", type="button", className="button")
    head = html.Div(
        [
            html.Div([parts.badge(), html.Div([copy, export], className="actions")], className="brand"),
            html.Div(parts.named(result["scenario"], url.id), className="name"),
            html.P(result["question"], className="question"),
            html.P(meta, className="meta"),
            compared.choice(shown, KEY),
        ],
        className="run-head",
    )
    command = parts.panel(
        "Again",
        parts.note("This command gives the same numbers again:"),
        html.Pre(result["command"], className="code"),
    )
    return html.Div([head, html.Div(compared.sections(result, shown), id="comparison"), command])


def connect(app: Dash, library: Library) -> None:
    """Its callback: other quantities."""

    @app.callback(
        Output("comparison", "children"),
        Input({"query": KEY}, "value"),
        State("here", "data"),
        prevent_initial_call=True,
    )
    @parts.safely
    def narrowed(shown: str, here: dict[str, Any]) -> Any:
        return compared.sections(library.comparison(str(here["names"].get("id", ""))), shown)
