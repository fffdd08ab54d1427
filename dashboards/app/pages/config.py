"""Config: what was run, exactly: the command, inputs and their standing, the scenario, provenance, the files."""

from __future__ import annotations

import re
import shlex
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html
from dash.development.base_component import Component

from dashboards import markup
from dashboards.app import parts
from dashboards.app.library import Library
from dashboards.app.stored import FILES, Stored
from dashboards.app.url import Url, download
from dashboards.report import provenance
from twin import words

PATH, NAME = "/run/{id}/config", "Config"
_OF_JOB = re.compile(r"\S*\.jobs/\d+/scenario\.yaml")
_STANDINGS = ("every", *markup.STANDINGS)
SHOWN = 300
"""Inputs in sight; all are in their CSV."""


def layout(library: Library, url: Url) -> Component:
    """The page."""
    record = library.record(url.id)
    standing, find = url.get("standing", "every", _STANDINGS), url.get("find")
    controls = html.Div(
        [
            dmc.SegmentedControl(
                id={"query": "standing"},
                value=standing,
                data=[{"value": name, "label": name} for name in _STANDINGS],
                size="sm",
                **{"aria-label": "Standing of the inputs"},
            ),
            dmc.TextInput(
                id={"query": "find"},
                value=find,
                placeholder="Find an input",
                debounce=250,
                **{"aria-label": "Find an input"},
            ),
        ],
        className="controls",
    )
    numbers = record.inputs
    return html.Div(
        [
            parts.panel(
                "Again",
                parts.note(
                    "This command gives the same numbers again, in the folder where ettwin dash was started:"
                ),
                html.Pre(command(record), className="code"),
            ),
            parts.panel(
                "Inputs",
                _meaning(),
                controls,
                html.Div(_inputs(record, standing, find), id="config-inputs", className="tall"),
                actions=parts.csv(f"{url.id}-inputs", numbers),
            ),
            parts.panel(
                "The scenario as it was run",
                parts.note("Every default is written out; it loads back to the same scenario."),
                html.Pre(record.text("resolved"), className="code tall", tabIndex=0),
                actions=html.A("Save", href=download(url.id, "resolved.yaml"), className="button"),
            ),
            parts.panel("Where the numbers come from", _provenance(record)),
            parts.panel("Files", _files(record)),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Its callback: other inputs."""

    @app.callback(
        Output("config-inputs", "children"),
        Input({"query": "standing"}, "value"),
        Input({"query": "find"}, "value"),
        State("here", "data"),
        prevent_initial_call=True,
    )
    @parts.safely
    def found(standing: str, find: str | None, here: dict[str, Any]) -> Any:
        return _inputs(library.record(str(here["names"].get("id", ""))), standing, find or "")


def command(record: Stored) -> str:
    """What to type for the same numbers; a text that was edited here stands in the run's own folder."""
    told = record.manifest.get("command")
    folder = record.entry.folder
    if not told:
        file = shlex.quote(str(folder / "resolved.yaml"))
        return f"ettwin run {file} --seed {record.seed} --replicas {record.entry.replicas}"
    return _OF_JOB.sub(lambda found: shlex.quote(str(folder / "scenario.yaml")), str(told))


def _meaning() -> Component:
    told = {
        "measured": "timed on the machine named, with the real program",
        "published": "read in the source",
        "scaled": "computed from either",
        "assumed": "a placeholder that may be wrong",
        "scenario": "a choice of the planner",
    }
    return html.Div(
        [html.Span([parts.chip(name), f" {text}"]) for name, text in told.items()], className="chips note"
    )


def _inputs(record: Stored, standing: str, find: str) -> Component:
    table = record.inputs
    if standing != "every":
        table = table[table["standing"].astype(str) == standing]
    for needle in find.lower().split():
        text = table["key"].astype(str) + " " + table["value"].astype(str) + " " + table["source"].astype(str)
        table = table[text.str.lower().str.contains(needle, regex=False)]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "key": ("input", html.Code),
        "value": ("value", str),
        "standing": ("standing", parts.chip),
        "source": ("source", str),
    }
    rows: list[Any] = table.head(SHOWN).to_dict("records")
    more = f"; the first {SHOWN}" if len(table) > SHOWN else ""
    return parts.table(rows, columns, f"{words.count(len(table), 'input')}{more}", "No input is like this.")


def _provenance(record: Stored) -> Component:
    flat = markup.flat(provenance(record))
    rows = [{"key": key, "value": "–" if value is None else str(value)} for key, value in flat]
    columns: dict[str, tuple[str, parts.Cell]] = {"key": ("what", str), "value": ("which", _digest)}
    return parts.table(rows, columns, "Versions, digests, machine", "Nothing is known.")


def _digest(value: str) -> Component:
    return html.Span(value, className="digest" if re.fullmatch(r"[0-9a-f]{32,}", value) else None)


def _files(record: Stored) -> Component:
    rows = [
        {"name": path.name, "size": path.stat().st_size}
        for path in sorted(record.entry.folder.iterdir())
        if path.is_file() and path.name in FILES
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "name": ("file", lambda name: html.A(name, href=download(record.entry.id, name), download=name)),
        "size": ("size", words.size),
    }
    return parts.table(rows, columns, f"In {record.entry.folder}", "None.")
