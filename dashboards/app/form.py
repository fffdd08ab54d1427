"""The parts of the form in which a what-if is put together, and what it says of it. Knows no callback."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboards.app import effort, parts, whatif
from dashboards.app.knobs import Knob, change, knobs
from dashboards.app.library import Library
from dashboards.app.whatif import Draft, Judged
from twin import words
from twin.scenario import Scenario
from twin.tree import Problem

_DIFFERENCES = 60
"""Changed inputs in sight."""


def knob_id(knob: Knob) -> dict[str, str]:
    """The id of its field: the value it stands at is part of it."""
    return {"knob": knob.path, "base": knob.value}


def fields(scenario: Scenario, changes: Sequence[str]) -> list[Component]:
    """Every knob of `scenario` as a field, turned as `changes` say, by group."""
    given = dict(text.split("=", 1) for text in changes if "=" in text)
    groups: dict[str, list[Component]] = {}
    for knob in knobs(scenario):
        groups.setdefault(knob.group, []).append(_field(knob, given.get(knob.path, knob.value)))
    return [
        html.Fieldset([html.Legend(group), html.Div(made, className="fields")], className="knobs")
        for group, made in groups.items()
    ]


def others(scenario: Scenario | None, changes: Sequence[str]) -> list[str]:
    """The changes that no knob of `scenario` makes."""
    known = {knob.path for knob in knobs(scenario)} if scenario is not None else set()
    return [text for text in changes if text.partition("=")[0] not in known]


def collected(ids: Sequence[dict[str, str]], values: Sequence[Any], more: str | None) -> list[str]:
    """The changes that fields and the lines of `more` make."""
    found = []
    for id, value in zip(ids, values, strict=True):
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        text = change(Knob(id["knob"], "", "", id["base"], "", whole=whole), value)
        if text is not None:
            found.append(text)
    return [*found, *(line.strip() for line in (more or "").splitlines() if line.strip())]


def outlook(library: Library, draft: Draft, found: Judged) -> list[Component]:
    """What will run: what is wrong with it, or how long it takes, what it changes and the command."""
    if found.scenario is None:
        return [problems(found.problems)]
    base = whatif.base_scenario(library, draft.base)
    return [
        _length(library, found.scenario),
        _differences(base, found.scenario),
        parts.details("The command that does the same", html.Pre(command(draft), className="code")),
    ]


def problems(found: Sequence[Problem]) -> Component:
    """Everything that is wrong, each at its line, in the loader's words."""
    items = []
    for problem in found[:50]:
        line, _ = whatif.place(problem)
        where = whatif.where(problem)
        place: Any = html.Span(where, className="place")
        if line:
            place = html.Button(
                where, type="button", className="place", **parts.attributes({"data-line": str(line)})
            )
        told = f"{problem.path}: {problem.message}" if problem.path else problem.message
        items.append(html.Li([place, " ", told]))
    title = words.count(len(found), "thing is wrong", "things are wrong")
    return html.Div([html.H2(title), html.Ul(items)], className="state failure", role="alert")


def marks(found: Judged) -> list[dict[str, Any]]:
    """The lines of the editor that are marked."""
    placed = [(whatif.place(problem)[0], problem.message) for problem in found.problems]
    return [{"line": line, "text": text} for line, text in placed if line]


def command(draft: Draft) -> str:
    """What to type in a terminal for the same."""
    source = draft.base if draft.shipped else "scenario.yaml"
    return shlex.join(["ettwin", "run", source, *draft.options()])


def editor(text: str) -> Component:
    """The text of the scenario with numbers of lines; those with errors are marked."""
    area = dmc.Textarea(
        id="yaml-text",
        value=text,
        debounce=500,
        autosize=False,
        spellCheck=False,
        className="yaml",
        **parts.attributes({"aria-label": "Scenario in YAML"}),
    )
    gutter = html.Div(id="yaml-gutter", className="gutter", **parts.attributes({"aria-hidden": "true"}))
    return html.Div([gutter, area], className="editor")


def _field(knob: Knob, value: str) -> Component:
    shared: dict[str, Any] = {"id": knob_id(knob), "label": knob.label, "description": knob.help, "size": "sm"}
    if not knob.number:
        text: Component = dmc.TextInput(**shared, value=value, debounce=400)
        return text
    bounds = {"min": knob.least, "max": knob.most}
    number: Component = dmc.NumberInput(
        **shared,
        value=_number(value),
        allowDecimal=not knob.whole,
        debounce=400,
        **{key: bound for key, bound in bounds.items() if bound is not None},
    )
    return number


def _number(text: str) -> Any:
    """A number where the text is one; what else was written is kept for the loader to judge."""
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


def _length(library: Library, scenario: Scenario) -> Component:
    size = f"{words.duration(scenario.horizon)} in {words.count(scenario.replicas, 'replica')}"
    found = effort.estimate(library, scenario)
    if scenario.live:
        told = f"It executes {words.sequence(scenario.live)} for real, which takes as long as their programs do."
    elif found is None:
        told = "How long it takes is not known yet: no earlier run is there to judge by."
    else:
        span = f"{_about(found.low_s)} to {_about(found.high_s)}"
        by = words.count(found.runs, "earlier run") + (" here" if found.here else ", made elsewhere")
        told = f"It takes about {span}: an estimate by {by}."
    shown = [html.P([html.Strong(size), ". ", told])]
    limit_s = library.jobs.limits.wall_s if library.jobs else None
    if found is not None and limit_s is not None and found.low_s > limit_s:
        shown.append(
            html.P(f"A job may take {words.duration(limit_s)}: shorten the horizon, or run it in a terminal.",
                   className="warning")
        )  # fmt: skip
    return html.Div([*shown, *_queue(library)])


def _about(seconds: float) -> str:
    """A time no finer than it is known."""
    if seconds < 100.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 6000.0 else f"{seconds / 3600.0:,.0f} h"


def _queue(library: Library) -> list[Component]:
    waiting = [one for one in library.jobs.all() if not one.ended] if library.jobs else []
    if library.jobs is None or len(waiting) < library.jobs.most:
        return []
    before = words.count(len(waiting), "job")
    return [html.P(f"{before} before it: it will wait for its turn.", className="muted")]


def _differences(base: Scenario, here: Scenario) -> Component:
    found = whatif.changed(base, here)
    if not found:
        return html.P(f"Nothing is changed: this is {base.name} as it stands.", className="muted")
    rows = [{"key": key, "there": there, "here": now} for key, (there, now) in found.items()]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "key": ("input", _path),
        "there": ("was", _short),
        "here": ("is", _short),
    }
    more = len(rows) - _DIFFERENCES
    caption = f"{words.count(len(rows), 'input')} changed against {base.name}" + (
        f"; the last {more} are not shown" if more > 0 else ""
    )
    return parts.table(rows[:_DIFFERENCES], columns, caption, "")


def _path(key: str) -> Component:
    """A dotted path that may be broken at its dots."""
    steps: list[Any] = []
    for k, step in enumerate(key.split(".")):
        steps += [step] if k == 0 else [html.Wbr(), f".{step}"]
    return html.Code(steps)


def _short(value: str) -> Component:
    if value == "-":
        return html.Span("none", className="muted")
    return html.Span(value if len(value) <= 80 else f"{value[:79]}…", title=value)
