"""New run: choose a scenario, turn its knobs or edit its text, see what is wrong and what it will take, run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from dashboards.app import form, orders, parts, whatif
from dashboards.app.jobs import RefusedError
from dashboards.app.library import Library, LibraryError
from dashboards.app.url import Url, address
from dashboards.app.whatif import Draft, Judged
from twin import words
from twin.scenario import Scenario
from twin.tree import LARGEST_BYTES

PATH, NAME = "/new", "New run"
_FIRST = ("first-light", "et")
"""Scenarios to begin with: a small one, and the whole chain."""
_FIELDS = Input({"knob": ALL, "base": ALL}, "value")


def layout(library: Library, url: Url) -> Component:
    """The gallery of scenarios; with 'from' in the address the form of one."""
    base = url.get("from")
    return _gallery(library) if not base else _form(library, base, url)


def connect(app: Dash, library: Library) -> None:
    """Its callbacks. Nothing is started but by a click."""
    states = [State({"knob": ALL, "base": ALL}, "value"), State({"knob": ALL, "base": ALL}, "id")]
    states += [State("more", "value"), State("with-sets", "value"), State("draft", "data")]

    @app.callback(
        Output("draft", "data"),
        Output("notice", "children", allow_duplicate=True),
        Input("yaml-text", "value"),
        State("draft", "data"),
        prevent_initial_call=True,
    )
    def edited(text: str | None, kept: dict[str, str]) -> Any:
        found, told = _kept(library, kept["base"], text or "")
        if found == kept:
            raise PreventUpdate  # nothing was typed: the editor has only appeared
        return found, told

    @app.callback(
        Output("knobs", "children"),
        Output("with-sets", "data"),
        Input("draft", "data"),
        Input("with-sets", "value"),
        *states[:3],
        prevent_initial_call=True,
    )
    def turned(kept: dict[str, str], with_: list[str], values: list[Any], ids: list[Any], more: str) -> Any:
        """Other overrides or text: the knobs begin elsewhere; those that were turned stay so."""
        changes = form.collected(ids, values, more)
        before = whatif.judged(library, _draft(library, kept, with_, [])).scenario
        if before is None:
            return no_update, no_update
        return form.fields(before, changes), _sets(before)

    @app.callback(
        Output("outlook", "children"),
        Output("marks", "data"),
        Output("run", "disabled"),
        Output("run-cases", "disabled"),
        Output("state-address", "data"),
        _FIELDS,
        Input("more", "value"),
        Input("with-sets", "value"),
        Input("draft", "data"),
        State({"knob": ALL, "base": ALL}, "id"),
        prevent_initial_call=True,
    )
    def judged(values: list[Any], more: str, with_: list[str], kept: dict[str, str], ids: list[Any]) -> Any:
        changes = form.collected(ids, values, more)
        draft = _draft(library, kept, with_, changes)
        found = whatif.judged(library, draft)
        wrong = found.scenario is None
        return form.outlook(library, draft, found), form.marks(found), wrong, wrong, _address(kept, with_, changes)

    _ordering(app, library, states)


def _ordering(app: Dash, library: Library, states: list[State]) -> None:
    """The editor's marks, and the buttons that start something."""
    app.clientside_callback(
        ClientsideFunction("frame", "marks"),
        Output("synced", "data", allow_duplicate=True),
        Input("marks", "data"),
        prevent_initial_call="initial_duplicate",
    )

    @app.callback(
        Output("go", "href"),
        Output("notice", "children", allow_duplicate=True),
        Input("run", "n_clicks"),
        Input("run-cases", "n_clicks"),
        *states,
        prevent_initial_call=True,
    )
    def ordered(
        run: int | None,
        cases: int | None,
        values: list[Any],
        ids: list[Any],
        more: str,
        with_: list[str],
        kept: Any,
    ) -> Any:
        """Only a click runs: the button also calls when it appears."""
        if not ctx.triggered or not ctx.triggered[0]["value"]:
            raise PreventUpdate
        draft = _draft(library, kept, with_, form.collected(ids, values, more))
        order = orders.cases if ctx.triggered_id == "run-cases" else orders.run
        try:
            one = order(library, draft)
        except (RefusedError, LibraryError) as error:
            return no_update, parts.failure("It was not started", str(error))
        return address("/job/{id}", id=one.id), None


def _kept(library: Library, base: str, text: str) -> tuple[Any, Any]:
    """The draft that holds `text`, and what is to be said about it."""
    if text == whatif.base_text(library, base):
        return {"base": base, "text": ""}, None
    if len(text.encode()) > LARGEST_BYTES or library.drafts is None:
        told = (
            f"The text is larger than {LARGEST_BYTES / 1e6:g} MB, too large for a scenario. It was not taken over."
        )
        return no_update, parts.failure("Too large", told)
    try:
        return {"base": base, "text": library.drafts.keep(text)}, None
    except OSError as error:
        told = (
            f"The text could not be kept ({error.strerror or error}). Make room on the disk, then go on editing."
        )
        return no_update, parts.failure("The disk cannot be written to", told)


def _draft(library: Library, kept: dict[str, str], with_: Sequence[str] | None, changes: Sequence[str]) -> Draft:
    text = library.drafts.text(kept["text"]) if kept["text"] and library.drafts else None
    return Draft.of(kept["base"], text, with_ or (), changes)


def _address(kept: dict[str, str], with_: Sequence[str] | None, changes: Sequence[str]) -> str:
    query = {"from": kept["base"], "with": list(with_ or ()), "set": list(changes), "text": kept["text"] or None}
    return address("/new", query)


def _gallery(library: Library) -> Component:
    cards = [_card(name, scenario) for name, scenario in sorted(whatif.bases(library).items(), key=_rank)]
    text = (
        "Each of these scenarios is shipped with ettwin and answers a question. Start from the one that is "
        "nearest to yours: every value of it can be changed."
    )
    trust = parts.note(
        "How far can its answers be trusted? ",
        parts.link("Hold the twin against a farm of this machine", "/validate"),
    )
    return html.Div(
        [html.H1("New run"), html.P(text, className="lead"), html.Div(cards, className="cards"), trust]
    )


def _rank(item: tuple[str, Scenario]) -> tuple[bool, str]:
    """Those to begin with first, then by name."""
    return item[0] not in _FIRST, item[0]


def _card(name: str, scenario: Scenario) -> Component:
    size = (
        f"{words.count(len(scenario.sites), 'site')}, {words.count(len(scenario.stages), 'stage')}, "
        f"{words.duration(scenario.horizon)} × {scenario.replicas:,}"
    )
    cases = scenario.case_overrides
    compares = [html.Div(f"Compares {', '.join(cases)}", className="muted clamp")] if cases else []
    to = dcc.Link(html.H2(name), href=address("/new", {"from": name}))
    question = html.P(" ".join(scenario.question.split()), className="clamp-4")
    return html.Article([to, question, html.Div(size, className="muted"), *compares], className="card")


def _form(library: Library, base: str, url: Url) -> Component:
    """The form of one scenario, as the address says it stands."""
    asked = url.get("text")
    text = library.drafts.text(asked) if library.drafts and asked else None
    kept = {"base": base, "text": asked if text is not None else ""}
    changes = url.all("set")
    draft = _draft(library, kept, url.all("with"), changes)
    found = whatif.judged(library, draft)
    before = found.before or whatif.base_scenario(library, base)
    shown = text if text is not None else whatif.base_text(library, base)
    lost = asked and text is None
    return html.Div(
        [
            dcc.Store(id="draft", data=kept),
            dcc.Store(id="marks", data=form.marks(found)),
            html.Div(
                [
                    html.Div(["What if · ", parts.link("another scenario", "/new")], className="brand"),
                    html.H1(base.removeprefix(whatif.OF_RUN)),
                    html.P(" ".join(before.question.split()), className="question"),
                ],
                className="run-head",
            ),
            *([parts.failure("The edited text is gone", "Only the newest drafts are kept.")] if lost else []),
            html.Div([_knobs(before, draft, changes), _outlook(library, draft, found)], className="two wide-left"),
            parts.panel("The scenario", parts.note(_NOTE), form.editor(shown), actions=_save()),
        ]
    )


_NOTE = (
    "Every value can be edited here; a mistake is told at its line. Knobs and further changes are laid over this "
    "text. Files of the whole format: ettwin schema, docs."
)


def _knobs(before: Scenario, draft: Draft, changes: Sequence[str]) -> Component:
    sets = dmc.MultiSelect(
        id="with-sets",
        label="Overrides",
        description="Named sets of changes that the scenario offers; later ones win",
        data=_sets(before),
        value=list(draft.with_),
        clearable=True,
        placeholder="" if draft.with_ else "none",
        comboboxProps={"withinPortal": False},
    )
    more = dmc.Textarea(
        id="more",
        label="Further changes",
        description="Any value by its dotted path, one a line: sky.signals.bbh.snr.min=10",
        value="\n".join(form.others(before, changes)),
        autosize=True,
        minRows=2,
        debounce=400,
    )
    fields = html.Div(form.fields(before, changes), id="knobs")
    return parts.panel("Knobs", sets, fields, more)


def _sets(scenario: Scenario) -> list[str]:
    return list(scenario.override_names)


def _outlook(library: Library, draft: Draft, found: Judged) -> Component:
    wrong = found.scenario is None
    scenario = found.scenario or found.before
    comparable = scenario is not None and bool(scenario.case_overrides or scenario.override_names)
    run = html.Button("Run", id="run", type="button", className="button main", disabled=wrong)
    cases = html.Button(
        "Compare its cases",
        id="run-cases",
        type="button",
        className="button",
        disabled=wrong,
        title=", ".join((scenario.case_overrides or scenario.override_names) if scenario else ()),
        style={} if comparable else {"display": "none"},
    )
    shown = html.Div(
        form.outlook(library, draft, found), id="outlook", **parts.attributes({"aria-live": "polite"})
    )
    return parts.panel("What will run", html.Div([run, cases], className="actions"), shown, name="sticky")


def _save() -> Component:
    return html.Button(
        "Save as file",
        id="save-yaml",
        type="button",
        className="button",
        **parts.attributes({"data-name": "scenario.yaml"}),
    )
