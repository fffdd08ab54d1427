"""What is around every page: header, navigation, the head of a run, footer; and which page an address means.

Knows which pages there are, not what is on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboards.app import jobview, parts
from dashboards.app.job import Job
from dashboards.app.library import KINDS, Entry, GoneError, Library, LibraryError, UnknownError
from dashboards.app.pages import PAGES
from dashboards.app.url import Url, address, download, matched, parsed
from dashboards.style import FONT
from twin import words

OF_RUN = "/run/{id}"
NAVIGATION = (
    ("Overview", "/"),
    ("New run", "/new"),
    ("Compare", "/compare"),
    ("Studies", "/studies"),
    ("Jobs", "/jobs"),
)
TICK_MS = 3000
EXPORTS = {
    "report.html": "Report, one HTML file",
    "alerts.parquet": "Alerts, Parquet",
    "resolved.yaml": "Scenario, every default written out",
    "scenario.yaml": "Scenario, as it was given",
    "summary.json": "Summary, JSON",
    "manifest.json": "Provenance, JSON",
}


@dataclass(frozen=True)
class Shown:
    """A page and what goes with it: its content, its title, where it is."""

    content: Component
    title: str
    url: Url
    lit: str
    """Address of the navigation that is marked as the present one."""


def whole(dark: bool) -> Component:
    """Everything that stays while pages come and go."""
    only_pages: Any = {"content": "children"}
    made: Component = dmc.MantineProvider(
        id="mantine",
        forceColorScheme="dark" if dark else "light",
        theme={"fontFamily": FONT, "primaryColor": "blue", "defaultRadius": "sm", "cursorType": "pointer"},
        children=[
            dcc.Location(id="address", refresh="callback-nav"),
            dcc.Location(id="go", refresh="callback-nav"),
            dcc.Store(id="here"),
            dcc.Store(id="repaint"),
            dcc.Store(id="state-address"),
            dcc.Store(id="synced"),
            dcc.Store(id="ended"),
            dcc.Interval(id="frame-tick", interval=TICK_MS),
            html.A("Skip to content", href="#content", className="skip"),
            html.Header(_header(dark), className="top"),
            html.Div(id="notice", className="notice", role="status", **parts.attributes({"aria-live": "polite"})),
            dcc.Loading(
                html.Main(id="content", className="page", tabIndex=-1),
                custom_spinner=html.Div("Reading…", className="loading", role="status"),
                delay_show=400,
                target_components=only_pages,
                overlay_style={"visibility": "visible", "opacity": 0.5},
            ),
            html.Footer(_footer(), className="bottom"),
        ],
    )
    return made


def page(library: Library, pathname: str, search: str | None) -> Shown:
    """The page of an address; what cannot be shown is told on a page of its own."""
    for module in PAGES:
        names = matched(module.PATH, pathname)
        if names is None:
            continue
        url = Url(pathname, names, parsed(search))
        try:
            content = _framed(module, library, url)
        except LibraryError as error:
            return Shown(_instead(parts.told(error)), error.title, url, "")
        return Shown(content, _title(module, url), url, _lit(module))
    text = f"There is no page {pathname[:80]}. Where did you want to go?"
    to = [parts.link(name, href, "button") for name, href in NAVIGATION]
    told = parts.failure("There is no such page", text, *to)
    return Shown(_instead(told), "No such page", Url(pathname), "")


def is_there(library: Library, pathname: str) -> bool:
    """Whether there is a page at `pathname`, and the result that it is about."""
    module = next((module for module in PAGES if matched(module.PATH, pathname) is not None), None)
    if module is None:
        return False
    kind = next((kind for kind in KINDS if module.PATH.startswith(f"/{kind}/")), None)
    try:
        if kind is not None:
            library.entry((matched(module.PATH, pathname) or {})["id"], kind)
    except (UnknownError, GoneError):
        return False
    except LibraryError:  # it is there, and its page says what is wrong with it
        return True
    return True


def _instead(told: Component) -> Component:
    """What is shown in place of a page."""
    return html.Div([html.H1("Nothing to show here"), told])


def is_tab(module: ModuleType) -> bool:
    """Whether a page is one of those of a run that are tabs beside each other."""
    named = bool(getattr(module, "NAME", "")) and not hasattr(module, "TAB")
    return named and module.PATH.startswith(OF_RUN)


def next_run(library: Library, url: Url) -> str:
    """The run whose pages are likely to be asked for next: the one shown, on the overview the newest; '': none."""
    if url.path == "/":
        return next((entry.id for entry in library.runs()), "")
    return url.id if url.path.startswith("/run/") else ""


def navigation(lit: str, running: int) -> list[Component]:
    """The links of the header; the one that is `lit` is the present page, Jobs says how many there are."""
    made: list[Component] = []
    for name, href in NAVIGATION:
        text: list[Any] = [name]
        if href == "/jobs" and running:
            text.append(html.Span(str(running), className="count", title=words.count(running, "job")))
        extra: dict[str, Any] = {"aria-current": "page"} if href == lit else {}
        made.append(dcc.Link(text, href=href, className="here" if extra else None))
    return made


def _framed(module: ModuleType, library: Library, url: Url) -> Component:
    content = module.layout(library, url)
    if not module.PATH.startswith(OF_RUN):
        return html.Div(content)
    entry = library.record(url.id).entry
    lit = getattr(module, "TAB", getattr(module, "NAME", ""))
    return html.Div([_head(entry, library), _tabs(entry, lit), html.Div(content, className="run-page")])


def _head(entry: Entry, library: Library) -> Component:
    """Whose run it is: how its numbers were made, its question, its size, and what can be taken away."""
    simulated = library.summary(entry.id).get("simulated", True)
    meta = [
        f"{words.duration(entry.horizon_s)} {'of simulated time ' if simulated else ''}in "
        f"{words.count(entry.replicas or 0, 'replica')}",
        f"seed {entry.seed}",
        "shipped with ettwin" if entry.shipped else f"written {parts.moment(entry.written_s)}",
    ]
    name = parts.named(entry.scenario, entry.id)
    return html.Div(
        [
            html.Div(
                [parts.badge("simulated" if simulated else "farm"), _targets(entry.verdict), _actions(entry)],
                className="brand",
            ),
            html.Div(name, className="name"),
            html.P(entry.question, className="question"),
            html.P(" · ".join(meta), className="meta"),
        ],
        className="run-head",
    )


def _targets(verdict: str) -> Component:
    """What became of the targets, in words that stand for themselves."""
    return html.Span(["targets " if verdict in parts.VERDICTS else "", parts.verdict(verdict)])


def _actions(entry: Entry) -> Component:
    again = address("/new", {"from": f"run:{entry.id}"})
    beside = address("/compare", {"run": entry.id})
    items = [
        html.Li(html.A(text, href=download(entry.id, name), download=f"{entry.id}-{name}"))
        for name, text in EXPORTS.items()
    ]
    export = html.Details([html.Summary("Export"), html.Ul(items)], className="menu")
    return html.Div(
        [
            parts.link("Change and run", again, "button"),
            parts.link("Compare", beside, "button"),
            html.Button("Copy link", id="copy-link", type="button", className="button"),
            export,
        ],
        className="actions",
    )


def _tabs(entry: Entry, lit: str) -> Component:
    """The pages of a run."""
    made = []
    for module in PAGES:
        if is_tab(module):
            extra = {"aria-current": "page"} if lit == module.NAME else {}
            href = address(module.PATH, id=entry.id)
            made.append(dcc.Link(module.NAME, href=href, className="here" if extra else None))
    return html.Nav(made, className="tabs", **parts.attributes({"aria-label": "Pages of this run"}))


def _header(dark: bool) -> Sequence[Component]:
    return [
        html.Div(
            [
                dcc.Link([html.Span("ettwin", className="logo")], href="/", title="Overview", className="home"),
                html.Span("Einstein Telescope low-latency computing, simulated", className="tagline"),
                html.Nav(
                    navigation("", 0), id="nav", className="main", **parts.attributes({"aria-label": "Main"})
                ),
                html.Button(
                    "Light" if dark else "Dark", id="theme", type="button", className="button quiet",
                    title="Switch between light and dark pages",
                ),
            ],
            className="page top-row",
        )
    ]  # fmt: skip


def _footer() -> Component:
    return html.Div(
        [
            html.Span("Simulated, where it is not marked as measured. "),
            html.Span("No page loads anything from elsewhere."),
        ],
        className="page",
    )


def _title(module: ModuleType, url: Url) -> str:
    name = getattr(module, "TITLE", getattr(module, "NAME", "ettwin"))
    return f"{name} – {url.id}" if url.id else str(name)


def _lit(module: ModuleType) -> str:
    return str(getattr(module, "UNDER", module.PATH))


def page_of(pathname: str) -> str:
    """Which link of the navigation belongs to a path; '' where none does."""
    module = next((module for module in PAGES if matched(module.PATH, pathname) is not None), None)
    return "" if module is None else _lit(module)


def news(one: Job) -> Component:
    """That a job has ended, and where to go from here."""
    href = jobview.result_address(one)
    to = parts.link("Open", href) if href else parts.link("Details", address("/job/{id}", id=one.id))
    return html.Div([html.Span(f"{one.asked.title}: {one.state}. "), to], className=f"news {one.state}")
