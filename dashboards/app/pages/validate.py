"""Validate: hold the twin against a farm of the machine that serves the page; what was found, and a new one."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from dashboards.app import jobview, orders, parts, validations
from dashboards.app.jobs import RefusedError
from dashboards.app.library import VALIDATION, Entry, Library
from dashboards.app.url import Url, address
from dashboards.app.validations import Validation
from twin import words
from twin.validation.cases import CASES

PATH, TITLE, UNDER = "/validate", "Validate", "/new"
_WHAT = (
    "A profile is measured on the machine that serves this page; what a farm of it will do is written down; then "
    "workers execute the real program on the same arrivals, and both are compared. All cases take about half an "
    "hour, in which the machine is to do nothing else: where others use more than a twentieth of a core, a "
    "browser on it among them, no verdict is given."
)


def layout(library: Library, url: Url) -> Component:
    """The page."""
    return html.Div(
        [
            html.H1("Does the twin foretell a real farm?"),
            html.P(_WHAT, className="lead"),
            dcc.Interval(id="validate-tick", interval=2000),
            html.Div(_running(library), id="validate-jobs"),
            parts.panel("Finished", _finished(library.entries(VALIDATION))),
            parts.panel("A new one", *_form(library)),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Its callbacks: jobs as they go on, and a validation by a click."""

    @app.callback(Output("validate-jobs", "children"), Input("validate-tick", "n_intervals"))
    def tick(n: int) -> Any:
        return _running(library)

    @app.callback(
        Output("go", "href", allow_duplicate=True),
        Output("notice", "children", allow_duplicate=True),
        Input("validate-start", "n_clicks"),
        State("validate-workload", "value"),
        State("validate-cases", "value"),
        State("validate-n", "value"),
        State("validate-repeats", "value"),
        State("validate-seconds", "value"),
        prevent_initial_call=True,
    )
    def ordered(clicks: int | None, workload: Any, cases: Any, n: Any, repeats: Any, seconds: Any) -> Any:
        """Only a click starts it: the button also calls when it appears."""
        if not clicks:
            raise PreventUpdate
        asked = Validation(str(workload), tuple(map(str, cases or ())), n, repeats, seconds)
        try:
            one = orders.validation(library, asked)
        except RefusedError as error:
            return no_update, parts.failure("It was not started", str(error))
        return address("/job/{id}", id=one.id), None


def _running(library: Library) -> list[Component]:
    jobs = library.jobs.all() if library.jobs else []
    under_way = [one for one in jobs if one.asked.kind == validations.KIND and not one.ended]
    return [parts.panel("Under way", jobview.rows(under_way, "validate"))] if under_way else []


def _finished(entries: list[Entry]) -> Component:
    rows = [
        {
            "id": entry,
            "what": entry.scenario or entry.problem,
            "verdict": "damaged" if entry.problem else entry.verdict,
            "written": entry.written_s,
        }
        for entry in entries
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "id": ("validation", _link),
        "what": ("of", str),
        "verdict": ("goals", parts.verdict),
        "written": ("written", lambda at_s: parts.short(parts.moment(at_s))),
    }
    caption = f"{words.count(len(entries), 'validation')}, newest first"
    return parts.table(rows, columns, caption, "None yet: start one below, or run 'ettwin validate'.")


def _link(entry: Entry) -> Any:
    if entry.problem:
        return html.Span(entry.id, className="id")
    return parts.link(entry.id, address("/validation/{id}", id=entry.id), "strong result")


def _form(library: Library) -> list[Any]:
    if library.jobs is None:
        return [parts.note("This dashboard only shows results. In a terminal: ettwin validate.")]
    usual = Validation(validations.workloads()[0])
    names = list(validations.workloads())
    workload = dmc.Select(
        id="validate-workload",
        label="Workload",
        description="Its network on ONNX Runtime; on torch while it is trained anew",
        data=names,
        value="detector" if "detector" in names else names[0],
        allowDeselect=False,
        size="sm",
        comboboxProps={"withinPortal": False},
    )
    cases = dmc.MultiSelect(
        id="validate-cases",
        label="Cases",
        mt=10,
        description="None chosen: all of them",
        data=[case.name for case in CASES],
        value=[],
        placeholder="All",
        searchable=True,
        clearable=True,
        size="sm",
        comboboxProps={"withinPortal": False},
    )
    numbers = [
        _number("n", "Jobs of each case", "20,000 and more tell p99", usual.n),
        _number("repeats", "Repeats", "On the same arrivals; one tells no floor", usual.repeats),
        _number("seconds", "Seconds for the profile", "Of both programs, alone and on a farm", usual.seconds),
    ]
    start = html.Button("Validate", id="validate-start", type="button", className="button main")
    buttons = html.Div(start, className="actions", style={"marginTop": "14px"})
    return [html.Div([workload, *numbers], className="fields"), cases, buttons]


def _number(name: str, label: str, told: str, value: float | None) -> Component:
    shown: Component = dmc.NumberInput(
        id=f"validate-{name}", label=label, description=told, value=value, allowDecimal=False, size="sm"
    )
    return shown
