"""A job's run that goes on, on the same timeline as a finished one."""

from __future__ import annotations

from dash import Dash
from dash.development.base_component import Component

from dashboards.app import jobview, liveview, parts
from dashboards.app.library import Library, UnknownError
from dashboards.app.liveview import Seen
from dashboards.app.url import Url, address
from twin import words

PATH, TITLE, UNDER = "/job/{id}/live", "Live", "/jobs"
PRESENT = "progress.now.json"
"""What a running job writes beside its progress."""


def layout(library: Library, url: Url) -> Component:
    """The page; UnknownError for a job that is not remembered."""
    return liveview.layout("live", url.id, _seen(library, url.id))


def connect(app: Dash, library: Library) -> None:
    """It is looked at again and again."""
    liveview.connect(app, "live", lambda id: _seen(library, id))


def _seen(library: Library, id: str) -> Seen:
    if library.jobs is None:
        raise UnknownError("This dashboard only shows results: it has no jobs.")
    one = library.jobs.job(id)
    left = () if one.left_s is None or one.ended else (f"about {words.duration(one.left_s)} left",)
    href = jobview.result_address(one) if one.ended else ""
    return Seen(
        title=one.asked.title,
        state=one.state,
        path=one.folder / PRESENT,
        ended=one.ended,
        told=left,
        result=parts.link("Open the result", href, "button main") if href else None,
        action=parts.link("The job", address("/job/{id}", id=id), "button"),
    )
