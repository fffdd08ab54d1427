"""One job: how far it is, what it said, what became of it."""

from __future__ import annotations

import shlex
from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboards.app import job, jobview, parts, validations
from dashboards.app.job import Job
from dashboards.app.library import Library, UnknownError
from dashboards.app.url import Url
from twin import words

PATH, TITLE, UNDER = "/job/{id}", "Job", "/jobs"


def layout(library: Library, url: Url) -> Component:
    """The page; UnknownError for a job that is not remembered."""
    one = _job(library, url.id)
    return html.Div(
        [
            dcc.Interval(id="job-tick", interval=1000, disabled=one.ended),
            html.Div(_content(library, one), id="job-content"),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Its callback: once a second while it is under way."""

    @app.callback(
        Output("job-content", "children"),
        Output("job-tick", "disabled"),
        Input("job-tick", "n_intervals"),
        State("here", "data"),
        prevent_initial_call=True,
    )
    def tick(n: int, here: dict[str, Any]) -> Any:
        one = _job(library, str(here["names"].get("id", "")))
        return _content(library, one), one.ended


def _job(library: Library, id: str) -> Job:
    if library.jobs is None:
        raise UnknownError("This dashboard only shows results: it has no jobs.")
    return library.jobs.job(id)


def _content(library: Library, one: Job) -> list[Component]:
    told = [
        parts.panel(
            "Progress",
            jobview.progress(one),
            html.Div(jobview.actions(one, "job"), className="actions"),
        )
    ]
    if one.state == job.FINISHED:
        told = [_finished(library, one)]
    elif one.ended:
        told = [
            parts.failure(
                {"cancelled": "Cancelled", "killed": "Ended from outside", "stopped": "Stopped at a limit"}.get(
                    one.state, "Failed"
                ),
                html.Span(one.words or "It left no words.", style={"whiteSpace": "pre-wrap"}),
                _back(one),
            )
        ]
    words_ = job.last_words(one.folder / job.ERR)
    about = [
        parts.panel(
            "What ran" if one.ended else "What runs",
            html.Pre(shlex.join(["ettwin", *one.asked.arguments]), className="code"),
        ),
        *([parts.panel("What it said", html.Pre(words_, className="code"))] if words_ and not one.ended else []),
    ]
    head = html.Div(
        [
            html.Div([jobview.state(one)], className="brand"),
            html.H1(one.asked.title),
            html.P(_times(one), className="meta"),
        ],
        className="run-head",
    )
    return [head, *told, *about]


def _back(one: Job) -> Component:
    """The way to where it was started."""
    if one.asked.shown_at:
        return parts.link("The alert", one.asked.shown_at, "button")
    if one.asked.kind == "study":
        return parts.link("Studies", "/studies", "button")
    if one.asked.kind == validations.KIND:
        return parts.link("Validate", "/validate", "button")
    return parts.link("Change it and run again", "/new", "button")


def _finished(library: Library, one: Job) -> Component:
    to = parts.link("Open the result", jobview.result_address(one), "button main")
    if one.asked.shown_at:
        return parts.panel("Finished", html.P("The answer is on the page of the alert."), to)
    if not (library.folder / one.asked.result).is_dir():
        text = f"It finished, but its result '{one.asked.result}' has been removed since."
        return parts.failure("The result is gone", text, parts.link("New run", "/new", "button"))
    return parts.panel("Finished", html.P(f"The result is in '{one.asked.result}'."), to)


def _times(one: Job) -> str:
    told = [f"job {one.id}", f"asked for {parts.moment(one.asked.created_s)}"]
    if one.started_s is not None:
        told.append(f"started {parts.moment(one.started_s)}")
    if one.ended_s is not None:
        told.append(f"ended {parts.moment(one.ended_s)}")
    if one.started_s is not None and one.ended_s is not None:
        told.append(f"took {words.duration(max(0.0, one.ended_s - one.started_s))}")
    return " · ".join(told)
