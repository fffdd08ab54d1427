"""The page of what goes on, whoever started it: how far it is, the timeline so far. Knows no job and no file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboards import running
from dashboards.app import parts, validationview
from twin import words
from twin.sofar import ALERTS

TICK_MS, SELDOM_MS = 2000, 10_000
"""Between two looks; and at a farm, which they may disturb."""
Present = running.Running | str | None
NOT_YET = "The run has not told anything yet. It does so at every twentieth of a replica."
_NOTE = (
    "What is known of the replica that runs now: pools up to the green line, alerts that are published (at most "
    f"{ALERTS:,} of them, late ones first). Numbers with intervals come at its end."
)


@dataclass(frozen=True)
class Seen:
    """What goes on: its `title`, its `state` in a word, more that is `told`, and the file `path` of its present.

    `result` is the way to what came out, `action` a link beside the timeline; both may be None. `not_yet` is said
    while there is no file.
    """

    title: str
    state: str
    path: Path
    ended: bool = False
    told: tuple[str, ...] = ()
    result: Component | None = None
    action: Component | None = None
    not_yet: str = NOT_YET


def layout(key: str, id: str, seen: Seen) -> Component:
    """The page of the one called `id`; `key` tells apart the pages that are made here."""
    present = _present(seen)
    return html.Div(
        [
            dcc.Store(id=f"{key}-id", data=id),
            dcc.Interval(id=f"{key}-tick", interval=_interval_ms(present), disabled=seen.ended),
            html.H1(f"Live: {seen.title}"),
            html.P(_told(seen, present), id=f"{key}-told", className="meta", role="status"),
            parts.panel("Over time", html.Div(_drawn(seen, id, present), id=f"{key}-drawn"), actions=seen.action),
        ]
    )


def connect(app: Dash, key: str, look: Callable[[str], Seen]) -> None:
    """Every few seconds while it goes on; what is zoomed to stays."""

    @app.callback(
        Output(f"{key}-told", "children"),
        Output(f"{key}-drawn", "children"),
        Output(f"{key}-tick", "disabled"),
        Output(f"{key}-tick", "interval"),
        Input(f"{key}-tick", "n_intervals"),
        State(f"{key}-id", "data"),
        prevent_initial_call=True,
    )
    def tick(n: int, id: str) -> Any:
        seen = look(str(id))
        present = _present(seen)
        return _told(seen, present), _drawn(seen, str(id), present), seen.ended, _interval_ms(present)


def _present(seen: Seen) -> Present:
    """What is known of it, what is wrong with that, or None while there is nothing."""
    try:
        return running.read(seen.path)
    except running.NotReadableError as error:
        return str(error)


def _interval_ms(present: Present) -> int:
    return SELDOM_MS if isinstance(present, running.Running) and present.validation is not None else TICK_MS


def _told(seen: Seen, present: Present) -> str:
    known = _how_far(present) if isinstance(present, running.Running) else []
    return " · ".join([seen.state, *known, *seen.told])


def _how_far(present: running.Running) -> list[str]:
    if present.validation is not None:
        return validationview.how_far(present, present.validation)
    return [
        f"replica {present.replica + 1}",
        f"{words.duration(present.now_s)} of {words.duration(present.scenario.horizon)}",
        words.count(present.published, "signal") + " alerted",
        words.count(present.late, "late alert"),
    ]


def _drawn(seen: Seen, id: str, present: Present) -> Component:
    if isinstance(present, str):
        return parts.failure("This cannot be shown", present)
    if present is None and seen.ended:
        return parts.empty("Nothing to show", "It has ended, and left nothing of how it went.", seen.result)
    if present is None:
        return parts.empty("Not yet", seen.not_yet)
    figure, numbers = running.timeline(present)
    figure.update_layout(uirevision=f"{id}/{present.scenario.name}/{present.replica}")
    shown: list[Any] = [seen.result, parts.figure("live", figure, numbers), parts.note(_NOTE)]
    if present.validation is not None:
        beside = validationview.beside(present, present.validation)
        shown = [seen.result, beside, parts.figure("live", figure, numbers), parts.note(validationview.NOTE)]
    return html.Div(shown)
