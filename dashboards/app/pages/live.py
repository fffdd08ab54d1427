"""A job's run or validation that goes on, on the same timeline as a finished run."""

from __future__ import annotations

from dash import Dash
from dash.development.base_component import Component

from dashboards.app import jobview, liveview, parts, validations
from dashboards.app.library import Library, UnknownError
from dashboards.app.liveview import Seen
from dashboards.app.url import Url, address
from twin import words

PATH, TITLE, UNDER = "/job/{id}/live", "Live", "/jobs"
PRESENT = "progress.now.json"
"""What a running job writes beside its progress."""
_PROFILE_FIRST = "The profile is measured first. Then each case is foretold, and run on the farm."


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
    validation = one.asked.kind == validations.KIND
    told = [one.text] if validation and not (one.folder / PRESENT).exists() else []
    told += [] if one.left_s is None or one.ended else [words.left(one.left_s)]
    href = jobview.result_address(one) if one.ended else ""
    return Seen(
        title=one.asked.title,
        state=one.state,
        path=one.folder / PRESENT,
        ended=one.ended,
        told=tuple(told),
        result=parts.link("Open the result", href, "button main") if href else None,
        action=parts.link("The job", address("/job/{id}", id=id), "button"),
        not_yet=_PROFILE_FIRST if validation else liveview.NOT_YET,
    )
