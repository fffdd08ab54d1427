"""The programs behind a run: how long they take, how well they decide, how that ages; and what DQ removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboards import aged, cardplots, pictured, programs
from dashboards.app import alerted, drawn, fields, parts
from dashboards.app.drawn import Drawn
from dashboards.app.library import Library
from dashboards.app.pages.summary import signal_list
from dashboards.app.stored import Stored
from dashboards.app.url import Url
from dashboards.programs import Used
from twin import words
from twin.limits import replicas

PATH = "/run/{id}/models"
NAME = "Models & DQ"
_TITLES = {"quality": "How well it decides", "drift": "On data that have drifted", "times": "Time per unit"}
Cells = dict[str, tuple[str, parts.Cell]]


def layout(library: Library, url: Url) -> Component:
    """The page; of the query it reads `program`, a profile of the run, and `replica`, from 1."""
    record = library.record(url.id)
    every = _used(library, url.id)
    chosen = _chosen(every, url.get("program"))
    replica = url.whole("replica", 1, 1, len(replicas(record)))
    return html.Div(
        [
            dcc.Store(id="models-run", data=url.id),
            parts.panel("Stages", *_stages(library, url.id), name="stages"),
            parts.panel("Passports", *_passports(every), name="passports"),
            parts.panel(
                "A program",
                html.Div(_program(library, url.id, chosen), id="models-program"),
                name="program",
                actions=_program_choice(every, chosen),
            ),
            parts.panel(
                "Models over time",
                html.Div(_ageing(library, url.id, replica), id="models-ageing"),
                name="ageing",
                actions=_replica_choice(record, replica),
            ),
            parts.panel(
                "Data quality: what became of signals and glitches", *_quality(library, record), name="dq"
            ),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """One program, and one replica."""

    @app.callback(
        Output("models-program", "children"),
        Input({"query": "program"}, "value"),
        State("models-run", "data"),
        prevent_initial_call=True,
    )
    @parts.safely
    def program(key: str | None, run: str) -> Any:
        return _program(library, str(run), _chosen(_used(library, str(run)), str(key or "")))

    @app.callback(
        Output("models-ageing", "children"),
        Input({"query": "replica"}, "value"),
        State("models-run", "data"),
        prevent_initial_call=True,
    )
    @parts.safely
    def replica(number: str | None, run: str) -> Any:
        known = len(replicas(library.record(str(run))))
        k = int(number) if number and str(number).isdecimal() else 1
        return _ageing(library, str(run), min(max(k, 1), known))


def _used(library: Library, run: str) -> list[Used]:
    return library.computed(run, "profiles", programs.used)


def _chosen(every: list[Used], key: str) -> Used | None:
    """The profile of that key, or the first that can be shown."""
    shown = [one for one in every if one.profile is not None]
    return next((one for one in shown if one.key == key), shown[0] if shown else None)


def _stages(library: Library, run: str) -> Iterator[Component]:
    found = drawn.usual(library, run, "stages")
    yield parts.figure("stages", found.figure, found.numbers)


def _passports(every: list[Used]) -> Iterator[Component]:
    table = programs.passports(every)
    good = table[table["problem"] == ""] if len(table) else table
    rows: list[Any] = good.to_dict("records")
    columns: Cells = {
        "program": ("program", str),
        "runtime": ("runtime", str),
        "hardware": ("hardware", str),
        "threads": ("threads", lambda v: f"{v:.0f}"),
        "p50_s": ("one unit, median", words.duration),
        "p99_s": ("99 %", words.duration),
        "n": ("n", lambda v: f"{v:,.0f}"),
        "tail": ("tail", str),
        "standing": ("standing", parts.chip),
        "machine": ("on", str),
        "date": ("date", parts.short),
        "weights": ("weights", lambda v: html.Code(v, className="short") if v else "none"),
    }
    caption = "Measured programs that the run rests on; times of a batch of one"
    yield parts.table(rows, columns, caption, "The run rests on no measured program: stages take stated times.")
    for one in every:
        if one.profile is None:
            yield parts.note(f"{one.key}: {one.why}.")


def _program_choice(every: list[Used], chosen: Used | None) -> Component | None:
    if chosen is None:
        return None
    options = {one.key: one.key for one in every if one.profile is not None}
    return fields.choice("program", "Program", options, chosen.key, width=320)


def _program(library: Library, run: str, chosen: Used | None) -> Any:
    if chosen is None or chosen.profile is None:
        return parts.empty("No profile to show", "None of the profiles that this run used is at hand here.")
    facts = [
        part
        for key, told in programs.about(chosen.profile).items()
        for part in (html.Dt(key.replace("_", " ")), html.Dd(_told(key, told)))
    ]
    found = library.computed(run, ("program", chosen.key, chosen.digest), lambda record: dict(_pictures(chosen)))
    shown = [parts.figure(name, one.figure, one.numbers) for name, one in found.items()]
    return [html.Dl(facts, className="facts"), html.Div(shown, className="pair")]


def _pictures(chosen: Used) -> Iterator[tuple[str, Drawn]]:
    """Service times, and what the model card draws, of a program whose profile is at hand."""
    profile = chosen.profile
    assert profile is not None
    origin = f"{profile.passport['standing'].upper()} · {chosen.key} · {chosen.digest[:8]}"
    yield "service", drawn.weighed(programs.service(profile, origin), programs.service_table(profile))
    for kind, picture in cardplots.pictures([profile]).items():
        if kind != "times":  # told by the distributions above
            figure = pictured.drawn(picture, f"{_TITLES[kind]}: {profile.workload}", picture.told, origin)
            yield f"program-{kind}", drawn.weighed(figure, pictured.numbers(picture))


def _told(key: str, told: Any) -> Any:
    return parts.chip(told) if key == "standing" else str(told)


def _replica_choice(record: Stored, replica: int) -> Component | None:
    known = replicas(record)
    if record.ageing is None or len(known) < 2:
        return None
    options = {str(k + 1): f"replica {k + 1}" for k in range(len(known))}
    return fields.choice("replica", "Replica", options, str(replica), width=150)


def _ageing(library: Library, run: str, number: int) -> Any:
    record = library.record(run)
    if record.ageing is None:
        return parts.empty(
            "No model ages in this run",
            "The scenario has no drifts and no policy that retrains, so that every model decides as it was "
            "measured. docs/ageing.md says how to add them.",
        )
    replica = replicas(record)[number - 1]
    found = drawn.figure(
        library, run, ("ageing", replica), lambda r: (aged.ageing(r, replica), aged.ageing_table(r, replica))
    )
    told = record.summary.get("ageing")
    trainings: list[Any] = aged.trainings_table(record, replica).to_dict("records")
    columns: Cells = {
        "stage": ("stage", str),
        "name": ("policy", str),
        "start_s": ("began", lambda v: words.duration(v)),
        "trained_s": ("weights after", _or_dash),
        "decided_s": ("decided", _or_dash),
        "outcome": ("outcome", str),
        "servers": ("servers", lambda v: f"{v:,}"),
        "server_s": ("server time", words.duration),
    }
    caption = f"Trainings of replica {number}; times since the start"
    return [
        *([html.P(told["text"], className="why")] if told else []),
        parts.figure("ageing", found.figure, found.numbers),
        parts.table(trainings, columns, caption, "No policy trained anything in this replica."),
    ]


def _or_dash(seconds: Any) -> str:
    return "–" if seconds != seconds else words.duration(seconds)


def _quality(library: Library, record: Stored) -> Iterator[Component]:
    def make(stored: Stored) -> tuple[Any, pd.DataFrame]:
        first = alerted.first(library, stored.entry.id)
        table = programs.fates_table(alerted.shared(stored), first)
        return programs.fates(stored, table), table

    found = drawn.figure(library, record.entry.id, "fates", make)
    yield parts.figure("fates", found.figure, found.numbers)
    summary = record.summary
    if unjudged := summary["limit"]["unjudged"]:
        yield html.P(unjudged, className="why")
    listed = summary["vetoed_signals"]
    vetoed = pd.DataFrame(listed["rows"])
    if not len(vetoed):
        yield parts.note("No real signal was vetoed as a glitch.")
        return
    vetoed = vetoed.sort_values("snr", ascending=False, kind="stable")
    vetoed.attrs["n"] = listed["n"]
    columns = ("event", "cls", "snr", "event_time_s", "detectable")
    title = "Real signals vetoed as glitches, loudest first"
    yield signal_list(record.entry.id, vetoed, title, columns, {"view": "vetoed", "sort": "snr"})
