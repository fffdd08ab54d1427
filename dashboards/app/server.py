"""The server of the dashboard: one process, one Dash application, no model and no simulation in it.

Joins library, jobs and pages; what is on a page is the page's affair.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, ctx, no_update, set_props
from dash.exceptions import PreventUpdate
from flask import Response, abort, after_this_request, has_request_context, request, send_file

from dashboards import report
from dashboards.app import compressed, frame, parts, security, wellformed, whatif
from dashboards.app.ahead import Ahead
from dashboards.app.drafts import Drafts
from dashboards.app.jobs import FOLDER, Jobs
from dashboards.app.library import Library, LibraryError
from dashboards.app.pages import PAGES
from dashboards.app.stored import Stored
from dashboards.app.url import address
from twin.loader import bundled

ASSETS = Path(__file__).with_name("assets")
THREADS = 8
_ANY_PAGE = "/<path:path>"
"""Dash's rule for addresses that nothing else answers."""
_PLOTLY = "/_dash-component-suites/plotly/package_data/plotly.min.js"
"""The largest program of the pages: a quarter of a second to compress."""
log = logging.getLogger("ettwin.dash")


@dataclass(frozen=True)
class Site:
    """What is served: the application, its results and its jobs."""

    app: Dash
    library: Library
    jobs: Jobs


def shipped() -> Path | None:
    """The folder of finished runs that are shipped beside the scenarios; None where there is none."""
    path = next(iter(bundled().values())).parent / "finished"
    return path if path.is_dir() else None


def create(
    folder: Path, names: Collection[str] = security.LOOPBACK, jobs: Jobs | None = None, example: bool = True
) -> Site:
    """The dashboard of the results in `folder`, answering to the host `names`; its jobs are not looked after yet.

    `example` shows the shipped finished runs as well.
    """
    library = Library(folder.absolute(), shipped() if example else None)
    library.jobs = jobs or Jobs(folder)
    library.drafts = Drafts(library.folder / FOLDER / "drafts")
    app = Dash(
        "ettwin",
        assets_folder=str(ASSETS),
        title="ettwin",
        update_title="",
        serve_locally=True,
        compress=False,
        suppress_callback_exceptions=True,
        on_error=told,
        enable_mcp=False,
    )
    app.layout = lambda: frame.whole(parts.dark())
    app.index_string = _INDEX
    _connect(app, library, Ahead(lambda id: prepared(library, id)))
    for module in PAGES:
        module.connect(app, library)
    _files(app, library)
    app.enable_dev_tools(debug=False)
    hashes: list[str] = []

    def policy() -> str:
        if not hashes:
            hashes.extend(app.csp_hashes())
        return security.policy(hashes)

    security.guard(app.server, names, policy)
    wellformed.hold(app.server, lambda: app.callback_map)
    compressed.compress(app.server, security.KEPT)
    _missing(app, library)
    return Site(app, library, library.jobs)


def warm(site: Site) -> None:
    """Do in the background what a first visit asks for: read shipped scenarios and results, draw a small run."""

    def read() -> None:
        """What a first visit would wait for."""
        client, headers = site.app.server.test_client(), {"Host": "127.0.0.1", "Accept-Encoding": "gzip"}
        for path in ("/", _PLOTLY):
            client.get(path, headers=headers, buffered=True)
        whatif.bases(site.library)
        for entry in site.library.runs():
            if entry.shipped:
                prepared(site.library, entry.id)
                break

    Thread(target=read, name="warm", daemon=True).start()


def prepared(library: Library, id: str) -> None:
    """What the pages of a run will show is worked out, and kept like everything that is."""

    def read(record: Stored) -> list[str]:
        """Their titles."""
        paths = [module.PATH for module in PAGES if frame.is_tab(module)]
        return [frame.page(library, address(path, id=id), "").title for path in paths]

    library.computed(id, "prepared", read)


def told(error: Exception) -> Any:
    """A callback that failed: said on the page and logged, never a blank screen."""
    if isinstance(error, LibraryError):
        set_props("notice", {"children": parts.told(error)})
        return None
    if has_request_context() and not security.from_page():
        log.error("a request that no page sends: %s: %s", type(error).__name__, " ".join(str(error).split())[:300])
        abort(Response("Refused: what was sent is nothing that this dashboard's pages send.\n", 400))
    log.error("a callback failed", exc_info=error)
    text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    title = "Something went wrong inside ettwin"
    set_props(
        "notice", {"children": parts.failure(title, f"{text}. The server goes on; the rest of the page holds.")}
    )
    return None


def _connect(app: Dash, library: Library, ahead: Ahead) -> None:
    """The callbacks of the frame."""

    @app.callback(
        Output("content", "children"),
        Output("nav", "children"),
        Output("here", "data"),
        Output("notice", "children"),
        Input("address", "pathname"),
        Input("address", "search"),
        Input("repaint", "data"),
    )
    def show(pathname: str | None, search: str | None, repaint: dict[str, Any] | None) -> Any:
        """The page of an address, or of one whose colours have changed."""
        if ctx.triggered_id == "repaint" and repaint:
            pathname, search = str(repaint["path"]), str(repaint["search"])
        if pathname is None:
            raise PreventUpdate
        shown = frame.page(library, pathname, search)
        if (run := frame.next_run(library, shown.url)) and has_request_context():
            after_this_request(lambda response: _then(response, lambda: ahead.want(run)))
        here = {
            "path": shown.url.path,
            "names": dict(shown.url.names),
            "query": {key: list(values) for key, values in shown.url.query.items()},
            "title": f"{shown.title} – ettwin" if shown.title != "ettwin" else "ettwin",
        }
        return shown.content, frame.navigation(shown.lit, _unfinished(library)), here, None

    _tell(app, library)
    _in_browser(app)


def _tell(app: Dash, library: Library) -> None:
    """What happens to jobs, on whatever page."""

    @app.callback(
        Output("nav", "children", allow_duplicate=True),
        Output("notice", "children", allow_duplicate=True),
        Output("ended", "data"),
        Input("frame-tick", "n_intervals"),
        State("ended", "data"),
        State("here", "data"),
        prevent_initial_call=True,
    )
    def tick(n: int, known: list[str] | None, here: dict[str, Any] | None) -> Any:
        """Say which jobs have ended since the page was opened, and how many there are."""
        jobs = library.jobs.all() if library.jobs else []
        ended = [one.id for one in jobs if one.ended]
        lit = frame.page_of(str((here or {}).get("path", "/")))
        nav = frame.navigation(lit, sum(not one.ended for one in jobs))
        fresh = [] if known is None else [one for one in jobs if one.ended and one.id not in known]
        return nav, [frame.news(one) for one in fresh] if fresh else no_update, ended


def _in_browser(app: Dash) -> None:
    """What needs no server: see assets/app.js."""
    for name, output, inputs in (
        ("title", Output("synced", "data"), [Input("here", "data")]),
        ("sync", Output("synced", "data", allow_duplicate=True), [Input({"query": dash.ALL}, "value")]),
        ("state", Output("synced", "data", allow_duplicate=True), [Input("state-address", "data")]),
    ):
        states = [State({"query": dash.ALL}, "id")] if name == "sync" else []
        app.clientside_callback(
            ClientsideFunction("frame", name), output, *inputs, *states, prevent_initial_call=True
        )
    app.clientside_callback(
        ClientsideFunction("frame", "theme"),
        Output("mantine", "forceColorScheme"),
        Output("repaint", "data"),
        Output("theme", "children"),
        Input("theme", "n_clicks"),
        prevent_initial_call=True,
    )


def _then(response: Response, what: Callable[[], None]) -> Response:
    """Do so when the response has been sent."""
    response.call_on_close(what)
    return response


def _unfinished(library: Library) -> int:
    return sum(not one.ended for one in library.jobs.all()) if library.jobs else 0


def _files(app: Dash, library: Library) -> None:
    """Files of results, always to be saved, never shown: a report brings scripts of its own."""

    @app.server.get("/file/<id>/<name>")
    def file(id: str, name: str) -> Response:
        """A file of a result; the report of a run that has none is made."""
        try:
            if name == "report.html" and not (library.entry(id).folder / name).is_file():
                page = report.page(library.record(id))
                return Response(page, mimetype="text/html", headers=_saved(f"{id}-report.html"))
            path = library.file(id, name)
            return send_file(path, as_attachment=True, download_name=f"{id}-{name}")
        except LibraryError as error:
            abort(Response(f"{error.title}. {error.text}\n", 404, mimetype="text/plain"))

    @app.server.get("/healthy")
    def healthy() -> str:
        """For who waits for the server to be there."""
        return "ok\n"


def _missing(app: Dash, library: Library) -> None:
    """An address without a page is answered with 404; what is written there is the frame's."""

    @app.server.after_request
    def missing(response: Response) -> Response:
        """The answer, with the status of what is not there."""
        rule = request.url_rule
        if rule is not None and rule.rule == _ANY_PAGE and not frame.is_there(library, request.path):
            response.status_code = 404
        return response


def _saved(name: str) -> dict[str, str]:
    plain = "".join(letter if letter.isascii() and letter not in '"\\\r\n' else "_" for letter in name)
    return {"Content-Disposition": f'attachment; filename="{plain}"'}


_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title>
<meta name="color-scheme" content="light dark">{%favicon%}{%css%}</head>
<body>{%app_entry%}{%config%}{%scripts%}{%renderer%}</body>
</html>
"""
