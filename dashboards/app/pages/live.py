"""A run that goes on, on the same timeline as a finished one: in simulated time, or on a farm in real time."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboards import running
from dashboards.app import jobview, parts
from dashboards.app.job import Job
from dashboards.app.library import Library, UnknownError
from dashboards.app.url import Url, address
from twin import words
from twin.sofar import ALERTS

PATH, TITLE, UNDER = "/job/{id}/live", "Live", "/jobs"
PRESENT = "progress.now.json"
"""What a running job writes beside its progress."""
TICK_MS = 2000


def layout(library: Library, url: Url) -> Component:
    """The page; UnknownError for a job that is not remembered."""
    one = _job(library, url.id)
    return html.Div(
        [
            dcc.Store(id="live-job", data=url.id),
            dcc.Interval(id="live-tick", interval=TICK_MS, disabled=one.ended),
            html.H1(f"Live: {one.asked.title}"),
            html.P(_told(one, _present(one)), id="live-told", className="meta", role="status"),
            parts.panel(
                "Over time",
                html.Div(_drawn(one), id="live-drawn"),
                actions=parts.link("The job", address("/job/{id}", id=url.id), "button"),
            ),
            parts.note(
                "What is known of the replica that runs now: pools up to the green line, alerts that are "
                f"published (at most {ALERTS:,} of them, late ones first). Numbers with intervals come at its end."
            ),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Every two seconds while it goes on; what is zoomed to stays."""

    @app.callback(
        Output("live-told", "children"),
        Output("live-drawn", "children"),
        Output("live-tick", "disabled"),
        Input("live-tick", "n_intervals"),
        State("live-job", "data"),
        prevent_initial_call=True,
    )
    def tick(n: int, id: str) -> Any:
        one = _job(library, str(id))
        return _told(one, _present(one)), _drawn(one), one.ended


def _job(library: Library, id: str) -> Job:
    if library.jobs is None:
        raise UnknownError("This dashboard only shows results: it has no jobs.")
    return library.jobs.job(id)


def _present(one: Job) -> running.Running | None:
    try:
        return running.read(one.folder / PRESENT)
    except running.NotReadableError:
        return None


def told(present: running.Running) -> list[str]:
    """How far it is, in words."""
    return [
        f"replica {present.replica + 1}",
        f"{words.duration(present.now_s)} of {words.duration(present.scenario.horizon)}",
        words.count(present.published, "signal") + " alerted",
        words.count(present.late, "late alert"),
    ]


def drawn(present: running.Running, name: str) -> Component:
    """The timeline so far; what is zoomed to stays while it is the same replica."""
    figure, numbers = running.timeline(present)
    figure.update_layout(uirevision=f"{name}/{present.replica}")
    return parts.figure("live", figure, numbers)


def _told(one: Job, present: running.Running | None) -> str:
    said = [one.state, *(told(present) if present is not None else [])]
    if one.left_s is not None and not one.ended:
        said.append(f"about {words.duration(one.left_s)} left")
    return " · ".join(said)


def _drawn(one: Job) -> Component:
    present = _present(one)
    if present is not None:
        return html.Div([_result(one), drawn(present, one.id)])
    if one.ended:
        return parts.empty("Nothing to show", "The job ended, and left nothing of how it went.", _result(one))
    return parts.empty("Not yet", "The run has not told anything yet. It does so at every twentieth of a replica.")


def _result(one: Job) -> Component | None:
    """The way to what came out, once there is something."""
    href = jobview.result_address(one) if one.ended else None
    return parts.link("Open the result", href, "button main") if href else None
