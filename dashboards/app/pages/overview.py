"""Overview: what there is, what is running, and where to begin."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html, no_update
from dash.development.base_component import Component

from dashboards import study_text, text
from dashboards.app import jobview, parts
from dashboards.app.library import COMPARISON, RUN, STUDY, VALIDATION, Entry, Library, LibraryError
from dashboards.app.sidebyside import MOST
from dashboards.app.url import Url, address
from twin import words

PATH, NAME, TITLE = "/", "Overview", "ettwin"
SHOWN = 40
"""Results in sight; the others come with 'all'."""
_WHAT = (
    "A digital twin of the Einstein Telescope's low-latency computing. Every number here is simulated from "
    "programs that were measured; assumptions are marked."
)
_ADDRESS = {
    RUN: "/run/{id}",
    COMPARISON: "/comparison/{id}",
    STUDY: "/study/{id}",
    VALIDATION: "/validation/{id}",
}


def layout(library: Library, url: Url) -> Component:
    """The page: a first look for who has nothing yet, jobs under way, all results."""
    entries = library.entries()
    own = [entry for entry in entries if not entry.shipped]
    ticked = [id for id in url.all("run") if id in {entry.id for entry in entries if entry.kind == RUN}]
    return html.Div(
        [
            html.Div(
                [
                    html.Div([html.H1("How much computing, where, and what breaks first?"), html.P(_WHAT)]),
                    html.Div(parts.link("New run", "/new", "button main"), className="hero-action"),
                ],
                className="hero",
            ),
            dcc.Interval(id="overview-tick", interval=1000),
            html.Div(_running(library), id="overview-jobs"),
            *([] if own else [_first(library, entries)]),
            _results(entries, ticked, url),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Its callbacks: jobs as they go on, the list as it is filtered, the link to Compare."""

    @app.callback(Output("overview-jobs", "children"), Input("overview-tick", "n_intervals"))
    def tick(n: int) -> Any:
        return _running(library)

    @app.callback(
        Output("overview-list", "children"),
        Input({"query": "find"}, "value"),
        Input({"query": "all"}, "value"),
        prevent_initial_call=True,
    )
    def find(text: str | None, every: str | None) -> Any:
        entries = library.entries()
        return _table(_found(entries, text or ""), every == "yes")

    @app.callback(Output("overview-compare", "children"), Input({"query": "run"}, "value"))
    def tick_runs(ticked: list[str] | None) -> Any:
        return no_update if ticked is None else _compare(ticked)


def _running(library: Library) -> list[Component]:
    jobs = [one for one in library.jobs.all() if not one.ended] if library.jobs else []
    jobs.sort(key=jobview.order)
    return [parts.panel("Under way", jobview.rows(jobs, "overview"))] if jobs else []


def _first(library: Library, entries: list[Entry]) -> Component:
    """For the first visit: a finished run to look at, and three steps."""
    example = next((entry for entry in entries if entry.kind == RUN), None)
    steps = html.Ol(
        [
            html.Li([parts.link("Choose a scenario", "/new"), ": each answers a question, and says which."]),
            html.Li("Turn a few knobs, such as how often signals come or how many servers there are, and run it."),
            html.Li("Compare it with the scenario as it stands: both see the same sky, so differences are real."),
        ]
    )
    shown: list[Any] = [steps]
    if example is not None:
        shown = [html.Div([_example(library, example), html.Div([html.H3("Then"), steps])], className="two")]
    return parts.panel("Begin here", *shown)


def _example(library: Library, entry: Entry) -> Component:
    """A finished run in four numbers."""
    try:
        summary = library.summary(entry.id)
    except LibraryError as error:
        return parts.told(error)
    verdicts = {target["name"]: target["verdict"] for target in summary["targets"]}
    tiles = [
        parts.tile(
            "Median latency" if key == "p50" else f"{key[1:]} % within",
            text.value(estimate, "s"),
            [text.interval(estimate, "s")],
            verdicts.get(f"alert_latency.{key}", ""),
        )
        for key, estimate in summary["latency_s"].items()
        if key in ("p50", "p99")
    ]
    lost = summary["lost"]
    tiles.append(
        parts.tile("Signals lost", text.value(lost, ""), [text.interval(lost, "")], verdicts.get("lost", ""))
    )
    return html.Div(
        [
            html.H3(["A finished run: ", parts.link(entry.scenario, address("/run/{id}", id=entry.id))]),
            html.P(entry.question),
            parts.tiles(*tiles),
            parts.link("Look at it", address("/run/{id}", id=entry.id), "button main"),
        ]
    )


def _results(entries: list[Entry], ticked: list[str], url: Url) -> Component:
    find, every = url.get("find"), url.get("all", "", ("yes",))
    controls = html.Div(
        [
            dmc.TextInput(
                id={"query": "find"}, value=find, placeholder="Find by name or question", debounce=250,
                **parts.attributes({"aria-label": "Find a result by name or question"}),
            ),
            dmc.SegmentedControl(
                id={"query": "all"}, value=every or "no",
                data=[{"value": "no", "label": f"Newest {SHOWN}"}, {"value": "yes", "label": "All"}],
                size="xs", style={} if len(entries) > SHOWN else {"display": "none"},
            ),
            html.Div(_compare(ticked), id="overview-compare"),
        ],
        className="controls",
    )  # fmt: skip
    listed = dmc.CheckboxGroup(
        html.Div(_table(_found(entries, find), every == "yes"), id="overview-list"),
        id={"query": "run"},
        value=ticked,
    )
    note = parts.note(
        f"Tick 2 to {MOST} runs to compare them. The first that is ticked is what others are held to."
    )
    return parts.panel("Results", note, controls, listed)


def _found(entries: list[Entry], wanted: str) -> list[Entry]:
    """Those in which every word that is looked for stands somewhere."""
    needles = wanted.lower().split()
    return [
        entry
        for entry in entries
        if all(n in f"{entry.id} {entry.scenario} {entry.question} {entry.verdict}".lower() for n in needles)
    ]


def _table(entries: list[Entry], every: bool) -> Component:
    if not entries:
        return parts.empty(
            "Nothing here", "No result has these words, or there is none yet.", parts.link("New run", "/new")
        )
    rows = [
        {
            "tick": entry if entry.kind == RUN and not entry.problem else None,
            "id": entry,
            "question": entry,
            "verdict": entry,
            "size": _size(entry),
            "seed": "" if entry.seed is None else str(entry.seed),
            "written": "shipped" if entry.shipped else parts.moment(entry.written_s),
        }
        for entry in (entries if every else entries[:SHOWN])
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "tick": ("tick", _tick),
        "id": ("result", _link),
        "question": ("question", _question),
        "verdict": ("targets", _verdict),
        "size": ("simulated", parts.short),
        "seed": ("seed", str),
        "written": ("written", parts.short),
    }
    return parts.table(rows, columns, f"{words.count(len(entries), 'result')}, newest first", "")


def _tick(entry: Entry | None) -> Any:
    if entry is None:
        return ""
    return dmc.Checkbox(value=entry.id, size="sm", **parts.attributes({"aria-label": f"Compare {entry.id}"}))


def _link(entry: Entry) -> Any:
    if entry.problem:
        return html.Span(entry.id, className="id")
    return parts.link(entry.id, address(_ADDRESS[entry.kind], id=entry.id), "strong result")


def _question(entry: Entry) -> Any:
    """What was asked; of a study also what was found."""
    asked = entry.question or entry.problem
    shown = html.Span(asked, className="clamp", title=asked)
    if entry.kind != STUDY or entry.problem or not entry.about["answer"]:
        return shown
    answer = " ".join(entry.about["answer"])
    return [shown, html.Span(answer, className="clamp muted", title=answer)]


def _verdict(entry: Entry) -> Any:
    if entry.problem:
        return html.Span("damaged", className="verdict missed")
    if entry.kind == STUDY:
        kind = entry.about["kind"]
        return f"study: {study_text.TITLES.get(kind, kind)}"
    if entry.kind == VALIDATION:
        return ["validation ", parts.verdict(entry.verdict)]
    return "comparison" if entry.kind == COMPARISON else parts.verdict(entry.verdict)


def _size(entry: Entry) -> str:
    if entry.horizon_s is None:
        return ""
    return f"{words.duration(entry.horizon_s)} × {entry.replicas or 1:,}"


def _compare(ticked: list[str]) -> Any:
    if len(ticked) < 2:
        return html.Span("Compare", className="button disabled", **parts.attributes({"aria-disabled": "true"}))
    return parts.link(
        f"Compare {min(len(ticked), MOST)}", address("/compare", {"run": ticked[:MOST]}), "button main"
    )
