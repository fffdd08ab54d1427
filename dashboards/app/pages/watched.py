"""A run that was started elsewhere and tells how it goes, such as one on a farm.

`ettwin run … --progress FILE.jsonl`, with FILE in the folder of results. It is looked up among the files there,
never joined into a path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboards import running
from dashboards.app import parts
from dashboards.app.library import Library, UnknownError
from dashboards.app.pages.live import TICK_MS, drawn, told
from dashboards.app.url import Url, address

PATH, TITLE, UNDER = "/live/{id}", "Live", "/jobs"
_ENDING = ".now.json"


def layout(library: Library, url: Url) -> Component:
    """The page; UnknownError where nothing tells of a run of that name."""
    path = _found(library, url.id)
    return html.Div(
        [
            dcc.Store(id="watched-name", data=url.id),
            dcc.Interval(id="watched-tick", interval=TICK_MS),
            html.H1(f"Live: {url.id}"),
            html.P(_told(path), id="watched-told", className="meta", role="status"),
            parts.panel("Over time", html.Div(_drawn(path), id="watched-drawn")),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Every two seconds."""

    @app.callback(
        Output("watched-told", "children"),
        Output("watched-drawn", "children"),
        Input("watched-tick", "n_intervals"),
        State("watched-name", "data"),
        prevent_initial_call=True,
    )
    def tick(n: int, name: str) -> Any:
        path = _found(library, str(name))
        return _told(path), _drawn(path)


def elsewhere(library: Library) -> list[Component]:
    """A panel with a link to every run that is watched here; nothing where there is none."""
    names = [path.name.removesuffix(_ENDING) for path in sorted(library.folder.glob(f"*{_ENDING}"))]
    if not names:
        return []
    shown = [parts.link(name, address(PATH, id=name), "button") for name in names]
    note = parts.note("Runs that were started elsewhere and write their progress here.")
    return [parts.panel("Started elsewhere", note, html.Div(shown, className="actions"))]


def _found(library: Library, name: str) -> Path:
    for path in library.folder.glob(f"*{_ENDING}"):
        if path.name == name + _ENDING and path.is_file() and not path.is_symlink():
            return path
    raise UnknownError(
        f"No run called '{name[:80]}' tells here how it goes. Start one with --progress "
        f"{library.folder}/NAME.jsonl."
    )


def _present(path: Path) -> running.Running | str:
    """What is known of it, or what is wrong."""
    try:
        return running.read(path) or "it has been removed"
    except running.NotReadableError as error:
        return str(error)


def _told(path: Path) -> str:
    found = _present(path)
    return found if isinstance(found, str) else " · ".join(told(found))


def _drawn(path: Path) -> Component:
    found = _present(path)
    if isinstance(found, str):
        return parts.failure("This cannot be shown", found)
    return drawn(found, path.name)
