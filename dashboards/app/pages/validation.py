"""A finished validation: how far what was foretold was from the farm, case by case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dash import Dash, html
from dash.development.base_component import Component

from dashboards import validation_plots as plots
from dashboards import validation_text as text
from dashboards.app import parts, validationview
from dashboards.app.library import Library
from dashboards.app.url import Url, download
from dashboards.validation_tables import errors_table
from twin import words

PATH, TITLE, UNDER = "/validation/{id}", "Validation", "/validate"
FILES = {"report.html": "Report, one HTML file", "validation.json": "JSON"}
_NOTE = (
    "An error is that of what was foretold, before the farm began, against the farm. What each goal is, how far "
    "the farm is from itself, and the curves behind all this are in the report."
)


def layout(library: Library, url: Url) -> Component:
    """The page."""
    result = library.validation(url.id)
    missed = text.misses(result)
    return html.Div(
        [
            _head(result, url.id),
            parts.panel(
                "Verdict",
                html.P(text.headline(result), className=f"headline {text.kind(result)}"),
                html.Ul([html.Li(one) for one in missed]) if missed else None,
                validationview.verdicts(result["cases"], words.count(len(result["cases"]), "case"), "No cases."),
                parts.note(_NOTE),
            ),
            parts.panel("Errors", parts.figure("errors", plots.errors(result), errors_table(result))),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """It has no callback."""


def _head(result: dict[str, Any], id: str) -> Component:
    items = [
        html.Li(html.A(told, href=download(id, name), download=f"{id}-{name}")) for name, told in FILES.items()
    ]
    export = html.Details([html.Summary("Export"), html.Ul(items)], className="menu")
    begun = datetime.fromisoformat(result["began"])
    meta = [
        str(result["machine"]["machine"]),
        f"{result['n']:,} jobs of each case, {words.count(result['repeats'], 'repeat')}",
        f"seed {result['seed']}",
        f"begun {parts.moment(begun.timestamp())}, took {words.duration(result['seconds'])}",
    ]
    return html.Div(
        [
            html.Div([parts.badge("measured"), html.Div(export, className="actions")], className="brand"),
            html.Div(parts.named(f"{result['workload']} on {result['runtime']}", id), className="name"),
            html.P(text.QUESTION, className="question"),
            html.P(" · ".join(meta), className="meta"),
        ],
        className="run-head",
    )
