"""Studies: those that are finished, with question and answer, and the shipped ones, which a click starts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from dash import ALL, Dash, Input, Output, ctx, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from dashboards import study_text
from dashboards.app import jobview, orders, parts
from dashboards.app.jobs import RefusedError
from dashboards.app.library import Entry, Library
from dashboards.app.url import Url, address
from twin import tree, words
from twin.studies import shipped
from twin.studies.registry import KINDS

PATH, NAME = "/studies", "Studies"
SHOWN = 100
"""Studies that are listed, the newest."""


def layout(library: Library, url: Url) -> Component:
    """The page: what runs, what is there, what could be run."""
    text = (
        "A study runs a scenario many times to answer one question: how many servers are enough, which assumption "
        "decides, what a failure costs. Every point sees the same sky and luck."
    )
    return html.Div(
        [
            html.H1("Studies"),
            html.P(text, className="lead"),
            dcc.Interval(id="studies-tick", interval=1000),
            html.Div(_running(library), id="studies-jobs"),
            parts.panel("Finished", _finished(library.studies())),
            parts.panel("Shipped with ettwin", *_shipped(library)),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Its callbacks: jobs as they go on, and a shipped study by a click."""

    @app.callback(Output("studies-jobs", "children"), Input("studies-tick", "n_intervals"))
    def tick(n: int) -> Any:
        return _running(library)

    @app.callback(
        Output("go", "href", allow_duplicate=True),
        Output("notice", "children", allow_duplicate=True),
        Input({"start-study": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def ordered(clicks: list[int | None]) -> Any:
        """Only a click runs: the buttons also call when they appear."""
        if not ctx.triggered or not ctx.triggered[0]["value"] or not isinstance(ctx.triggered_id, dict):
            raise PreventUpdate
        try:
            one = orders.study(library, str(ctx.triggered_id["start-study"]))
        except RefusedError as error:
            return no_update, parts.failure("It was not started", str(error))
        return address("/job/{id}", id=one.id), None


def _running(library: Library) -> list[Component]:
    jobs = library.jobs.all() if library.jobs else []
    under_way = [one for one in jobs if one.asked.kind == "study" and not one.ended]
    return [parts.panel("Under way", jobview.rows(under_way, "studies"))] if under_way else []


def _finished(entries: list[Entry]) -> Component:
    rows = [
        {
            "id": entry,
            "kind": entry,
            "question": entry.question or entry.problem,
            "answer": "" if entry.problem else " ".join(entry.about["answer"]),
            "written": "shipped" if entry.shipped else parts.moment(entry.written_s),
        }
        for entry in entries[:SHOWN]
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "id": ("study", _link),
        "kind": ("kind", _kind),
        "question": ("question", _clamped),
        "answer": ("answer", _clamped),
        "written": ("written", parts.short),
    }
    nothing = (
        "None yet: start one below, or run 'ettwin study'; docs/studying.md says what a study of one's own is."
    )
    return parts.table(rows, columns, f"{words.count(len(entries), 'study', 'studies')}, newest first", nothing)


def _link(entry: Entry) -> Any:
    if entry.problem:
        return html.Span(entry.id, className="id")
    return parts.link(entry.id, address("/study/{id}", id=entry.id), "strong result")


def _kind(entry: Entry) -> Any:
    if entry.problem:
        return html.Span("damaged", className="verdict missed")
    kind = str(entry.about["kind"])
    return study_text.TITLES.get(kind, kind)


def _clamped(text: str) -> Component:
    return html.Span(text, className="clamp-4", title=text)


def _shipped(library: Library) -> list[Component]:
    note = "Of a scenario of your own: " if library.jobs else "This dashboard only shows results. In a terminal: "
    cards = [_card(name, path, library.jobs is not None) for name, path in shipped.studies().items()]
    command = html.Code("ettwin study FILE.yaml")
    return [parts.note(note, command, "; docs/studying.md has the format."), html.Div(cards, className="cards")]


def _card(name: str, path: Path, can_start: bool) -> Component:
    kind, scenario, question = _asked(path)
    start = html.Button(
        "Run",
        id={"start-study": name},
        type="button",
        className="button",
        **parts.attributes({"aria-label": f"Run the study {name}"}),
    )
    body = [
        html.H2(name),
        html.P(question),
        html.Div(f"{kind} of {scenario}", className="muted"),
        html.Div(start, className="actions", style={"marginTop": "10px"})
        if can_start
        else html.Code(f"ettwin study {name}"),
    ]
    return html.Article(body, className="card")


@cache
def _asked(path: Path) -> tuple[str, str, str]:
    """What kind a shipped study is, of which scenario, and what it asks."""
    plain = tree.read(path).plain()
    kind = next(key for key in KINDS if key in plain)
    return study_text.TITLES.get(kind, kind), str(plain["scenario"]), " ".join(str(plain["question"]).split())
