"""Jobs: what runs, what waits, what has ended, and how."""

from __future__ import annotations

from typing import Any

from dash import ALL, Dash, Input, Output, ctx, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from dashboards.app import jobview, parts
from dashboards.app.jobs import RefusedError
from dashboards.app.library import Library
from dashboards.app.pages import watched
from dashboards.app.url import Url
from twin import words

PATH, NAME = "/jobs", "Jobs"
SHOWN = 50


def layout(library: Library, url: Url) -> Component:
    """The page."""
    return html.Div(
        [
            html.H1("Jobs"),
            dcc.Interval(id="jobs-tick", interval=1000),
            html.Div(_content(library), id="jobs-list"),
            *watched.listed(library),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Its callbacks, and the button of every page that cancels a job."""

    @app.callback(Output("jobs-list", "children"), Input("jobs-tick", "n_intervals"))
    def tick(n: int) -> Any:
        return _content(library)

    @app.callback(
        Output("notice", "children", allow_duplicate=True),
        Input({"cancel": ALL, "on": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def cancel(clicks: list[int | None]) -> Any:
        """Only a click cancels: the button also calls when it appears."""
        pressed = ctx.triggered_id
        if not pressed or not ctx.triggered[0]["value"] or library.jobs is None:
            raise PreventUpdate
        try:
            library.jobs.cancel(str(pressed["cancel"]))
        except RefusedError as error:
            return parts.failure("It goes on", str(error))
        return html.Div(f"Job {pressed['cancel']} is being cancelled.", className="news")


def _content(library: Library) -> list[Component]:
    if library.jobs is None:
        return [parts.empty("No jobs here", "This dashboard only shows results.")]
    found = library.jobs.all()
    running = [one for one in found if not one.ended]
    ended = [one for one in found if one.ended][:SHOWN]
    if not found:
        text = "What you start runs as a process of its own, and goes on when the browser or the server is closed."
        return [parts.empty("Nothing has been started", text, parts.link("New run", "/new", "button main"))]
    most = words.count(library.jobs.most, "job")
    note = parts.note(
        f"{most} at a time on this machine; the others wait. What runs goes on without browser or server."
    )
    shown: list[Component] = []
    if running:
        shown.append(parts.panel("Under way", note, jobview.rows(sorted(running, key=jobview.order), "jobs")))
    else:
        shown.append(parts.panel("Under way", html.P("Nothing runs.", className="empty"), actions=None))
    if ended:
        shown.append(parts.panel("Ended", jobview.rows(ended, "jobs")))
    return shown
