"""A finished study: the answer in words, the figures of its kind, every number behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html
from dash.development.base_component import Component

from dashboards import comparison_text, study_page
from dashboards.app import parts, studied
from dashboards.app.library import STUDY, Library
from dashboards.app.studied import LINES, MAP, Told
from dashboards.app.url import Url, download
from twin import words

PATH, TITLE, UNDER = "/study/{id}", "Study", "/studies"
EXPORTS = {
    "report.html": "Report, one HTML file",
    "table.parquet": "Every quantity of every point, Parquet",
    "values.parquet": "Every replica, Parquet",
    "targets.parquet": "Targets, Parquet",
    "study.yaml": "Study, as it was given",
    "resolved.yaml": "Study, every default written out",
    "scenario.yaml": "Scenario that was varied",
    "manifest.json": "Provenance, JSON",
}
_SHAPES = {LINES: "Lines", MAP: "Map"}
_EARLIER = "The answer is in report.html only: this study was written by an earlier version."


def layout(library: Library, url: Url) -> Component:
    """The page."""
    study = _told(library, url.id)
    quantity, shape = _asked(study, url.get("quantity"), url.get("shape", LINES, _SHAPES))
    return html.Div(
        [
            _head(study),
            *_failures(study),
            parts.panel("Answer", *_answer(study)),
            parts.panel("Figures", _controls(study, quantity, shape), _drawn(library, study, quantity, shape)),
            parts.panel("Numbers", *_numbers(study)),
            parts.panel("What was changed", *_changes(study)),
            parts.panel("Again", *_again(library, study)),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Its callback: another quantity, another shape."""

    @app.callback(
        Output("study-figures", "children"),
        Input({"query": "quantity"}, "value"),
        Input({"query": "shape"}, "value"),
        State("here", "data"),
        prevent_initial_call=True,
    )
    @parts.safely
    def chosen(quantity: str | None, shape: str | None, here: dict[str, Any]) -> Any:
        study = _told(library, str(here["names"].get("id", "")))
        return _figures(library, study, *_asked(study, quantity or "", shape or LINES))


def _told(library: Library, id: str) -> Told:
    return studied.told(library, library.entry(id, STUDY))


def _asked(study: Told, quantity: str, shape: str) -> tuple[str, str]:
    """What is drawn: the quantity asked for, or the first of the report."""
    known = study.quantities
    return quantity if quantity in known else next(iter(known), ""), shape if shape in _SHAPES else LINES


def _head(study: Told) -> Component:
    entry = study.entry
    names = [*EXPORTS, *(f"{name}.parquet" for name in study.own)]
    items = [
        html.Li(html.A(_export(name), href=download(entry.id, name), download=f"{entry.id}-{name}"))
        for name in names
    ]
    export = html.Details([html.Summary("Export"), html.Ul(items)], className="menu")
    copy = html.Button("Copy link", id="copy-link", type="button", className="button")
    few, most = study.replicas
    replicas = words.count(most, "replica") if few == most else f"{few:,} to {most:,} replicas"
    meta = [
        f"{study.title} of {entry.scenario}",
        words.count(int(study.about.get("points", 0)), "point"),
        f"{replicas} each",
        f"seed {entry.seed}",
        f"written {parts.moment(entry.written_s)}",
    ]
    name = str(study.about.get("study", entry.id))
    return html.Div(
        [
            html.Div([parts.badge(), html.Div([copy, export], className="actions")], className="brand"),
            html.Div(parts.named(name, entry.id), className="name"),
            html.P(entry.question, className="question"),
            html.P(" · ".join(meta), className="meta"),
        ],
        className="run-head",
    )


def _export(name: str) -> str:
    stem = name.removesuffix(".parquet").replace("_", " ").capitalize()
    return EXPORTS.get(name, f"{stem}, Parquet")


def _failures(study: Told) -> list[Component]:
    failed = dict(study.about.get("failures", {}))
    if not failed:
        return []
    rows = [{"point": str(name), "why": str(why)} for name, why in failed.items()]
    columns: dict[str, tuple[str, parts.Cell]] = {"point": ("point", html.Strong), "why": ("why", str)}
    caption = "Points without a result; all others are not touched by it"
    return [parts.panel("What failed", parts.table(rows, columns, caption, ""))]


def _answer(study: Told) -> Iterator[Component]:
    answer: Sequence[str] = study.about["answer"] or [_EARLIER]
    for sentence in answer:
        yield html.P(sentence)
    if not len(study.targets):
        return
    rows = [
        {"point": point, "verdict": study_page.verdicts(list(own))}
        for point, own in study.targets.groupby("point", sort=False)["verdict"]
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {"point": ("point", str), "verdict": ("targets", str)}
    more = f" (first {parts.SHOWN:,} of {len(rows):,})" if len(rows) > parts.SHOWN else ""
    shown = parts.table(rows[: parts.SHOWN], columns, f"Targets by point{more}", "")
    yield parts.details("Targets by point", shown, parts.csv("targets", study.targets))
    yield parts.note(
        "A target is 'undecided' while the interval holds it. Latencies of a saturated point are not stated: they "
        "grow with the horizon."
    )


def _controls(study: Told, quantity: str, shape: str) -> Component:
    """Which quantity of a sweep, and how; of other kinds there is nothing to choose."""
    data = [{"value": name, "label": f"{text[:1].upper()}{text[1:]}"} for name, text in study.quantities.items()]
    near: dict[str, Any] = {"searchable": True, "allowDeselect": False, "comboboxProps": {"withinPortal": False}}
    select = dmc.Select(
        id={"query": "quantity"}, label="Quantity", data=data, value=quantity or None, w=420, **near
    )
    has_shapes = quantity != "" and study.has_two_shapes(quantity)
    shapes = dmc.SegmentedControl(
        id={"query": "shape"},
        value=shape,
        data=[{"value": value, "label": label} for value, label in _SHAPES.items()],
        size="sm",
        style={} if has_shapes else {"display": "none"},
        **parts.attributes({"aria-label": "How it is drawn"}),
    )
    if not study.is_sweep:
        select = html.Div(select, style={"display": "none"})
    return html.Div([select, shapes], className="controls wide")


def _drawn(library: Library, study: Told, quantity: str, shape: str) -> Component:
    return parts.loading(html.Div(_figures(library, study, quantity, shape), id="study-figures"))


def _figures(library: Library, study: Told, quantity: str, shape: str) -> list[Component]:
    made = [parts.figure(name, one.figure, one.numbers) for name, one in studied.figures(library, study).items()]
    if not study.is_sweep:
        return made or [html.P("This kind of study has no figure: see its numbers.", className="empty")]
    own = study.of(quantity)
    if not len(own):
        return [*made, html.P("No point has a result, so that there is nothing to draw.", className="empty")]
    if not own["value"].notna().any():
        told = f"{own['text'].iloc[0]}: not stated anywhere ({own['reason'].iloc[0]})."
        return [*made, html.P(told, className="empty"), parts.csv(quantity, own)]
    one = studied.sweep(library, study, quantity, shape)
    return [*made, parts.figure("sweep", one.figure, one.numbers)]


def _numbers(study: Told) -> Iterator[Component]:
    found = study.rows
    rows = [
        {
            **row,
            "value": comparison_text.value(row),
            "interval": comparison_text.interval(row),
            "difference": comparison_text.difference(row) if "difference" in row else "",
        }
        for row in found[: parts.SHOWN]
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "text": ("quantity", str),
        "point": ("point", str),
        "value": ("mean over replicas", str),
        "interval": ("95 % interval", str),
        "n": ("from n", lambda n: f"{n:,}"),
    }
    if found and "difference" in found[0]:
        columns["difference"] = ("difference to the first", str)
    more = f" (first {parts.SHOWN:,} of {len(found):,} rows)" if len(found) > parts.SHOWN else ""
    nothing = "No quantity of the report has a value."
    shown = parts.table(rows, columns, f"Quantities of the report{more}", nothing)
    many = len(rows) > 12 and bool(study.own or study.is_sweep)
    yield parts.details("Quantities of the report, by point", shown, opened=not many)
    yield html.P(["Every quantity of every point: ", parts.csv("table", study.table)])
    for name, table in study.own.items():
        title = name.replace("_", " ").capitalize()
        yield parts.details(title, parts.frame(table, title), parts.csv(name, table))


def _changes(study: Told) -> list[Component]:
    columns: dict[str, tuple[str, parts.Cell]] = {
        "key": ("input", html.Code),
        "value": ("value", str),
        "where": ("where", str),
    }
    caption = f"Against {study.entry.scenario} as it stands"
    return [parts.table(studied.changes(study), columns, caption, "Nothing: points differ in other ways.")]


def _again(library: Library, study: Told) -> list[Component]:
    versions = dict(study.about.get("versions", {}))
    rows = [{"what": name, "version": version} for name, version in versions.items()]
    columns: dict[str, tuple[str, parts.Cell]] = {"what": ("package", str), "version": ("version", str)}
    return [
        parts.note("This command gives the same numbers again:"),
        html.Pre(str(study.about.get("command", "")), className="code"),
        parts.details("The study as it was given", html.Pre(studied.text(library, study.entry), className="code")),
        parts.details("Versions", parts.table(rows, columns, "What it was computed with", "Not told.")),
    ]
