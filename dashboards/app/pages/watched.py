"""A run that was started elsewhere and tells here how it goes, such as one on a farm."""

from __future__ import annotations

from dash import Dash, html
from dash.development.base_component import Component

from dashboards.app import elsewhere, liveview, parts
from dashboards.app.library import Library, UnknownError
from dashboards.app.liveview import Seen
from dashboards.app.url import Url, address

PATH, TITLE, UNDER = "/live/{id}", "Live", "/jobs"


def layout(library: Library, url: Url) -> Component:
    """The page; UnknownError where nothing tells of a run of that name."""
    return liveview.layout("watched", url.id, _seen(library, url.id))


def connect(app: Dash, library: Library) -> None:
    """It is looked at again and again."""
    liveview.connect(app, "watched", lambda id: _seen(library, id))


def listed(library: Library) -> list[Component]:
    """A panel with a link to every run that is watched here; nothing where there is none."""
    found = elsewhere.every(library.folder)
    if not found:
        return []
    shown = [
        parts.link(one.name if one.goes_on else f"{one.name} (over)", address(PATH, id=one.name), "button")
        for one in found
    ]
    note = parts.note("Runs that were started elsewhere and write their progress here.")
    return [parts.panel("Started elsewhere", note, html.Div(shown, className="actions"))]


def _seen(library: Library, name: str) -> Seen:
    one = next((one for one in elsewhere.every(library.folder) if one.name == name), None)
    if one is None:
        raise UnknownError(
            f"No run called '{name[:80]}' tells here how it goes. Start one with --progress "
            f"{library.folder}/NAME.jsonl."
        )
    return Seen(name, "running" if one.goes_on else "over", one.path, ended=not one.goes_on)
