"""Whether an alert can be checked: what executed programs said of it, and its archived models asked again.

Shown on the page of an alert. The asking is a job; see dashboards.app.replays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from dashboards.app import jobview, orders, parts, replays
from dashboards.app.job import Job
from dashboards.app.jobs import RefusedError
from dashboards.app.library import Library, LibraryError
from dashboards.app.stored import Stored
from dashboards.app.url import address
from twin import words

Cells = dict[str, tuple[str, parts.Cell]]


def content(library: Library, record: Stored, name: str, said: list[dict[str, Any]]) -> Iterator[Component]:
    """What the programs `said` of the event `name` (see documents.said), and how they are asked again."""
    if not record.scenario.live:
        yield parts.note(
            "No program was executed in this run: what was found and flagged is drawn from measured decisions, so "
            "that there is no strain to show a model again. Run it with --live to have alerts to replay."
        )
        return
    columns: Cells = {
        "stage": ("stage", str),
        "pool": ("pool", str),
        "variant": ("program", str),
        "score": ("score", lambda v: "not kept" if v is None else f"{v:.6g}"),
        "said": ("said", lambda v: "yes" if v else "no"),
        "service_s": ("batch took", words.duration),
        "batch": ("segments in the batch", lambda v: f"{v:,}"),
    }
    yield parts.table(said, columns, "What the executed programs said of its segment", "None was executed on it.")
    run = record.entry.id
    why = replays.asked_with(library, run, name)
    if library.jobs is None or isinstance(why, str):
        yield from _by_hand(record, name)
        return
    one = replays.latest(library, run, name)
    yield parts.note(
        "The run keeps the strain of this alert and the models that judged it. They can be asked again: the same "
        "model on the same strain has to say the same."
    )
    asking = one is not None and not one.ended
    yield html.Button("Ask the models again", id="replay-ask", type="button", className="button", disabled=asking)
    yield dcc.Interval(id="replay-tick", interval=1000, disabled=not asking)
    yield html.Div(_answer(one), id="replay-answer", role="status", className="replayed")


def connect(app: Dash, library: Library) -> None:
    """A click asks; once a second it is seen how far that is."""
    shown = ("replay-answer", "children"), ("replay-tick", "disabled"), ("replay-ask", "disabled")

    @app.callback(
        *(Output(*one) for one in shown),
        Input("replay-ask", "n_clicks"),
        State("here", "data"),
        prevent_initial_call=True,
    )
    def ask(clicks: int | None, here: dict[str, Any]) -> Any:
        """Only a click asks: the button also calls when it appears."""
        if not clicks:
            raise PreventUpdate
        try:
            one = orders.replay(library, *_alert(here))
        except (RefusedError, LibraryError) as error:
            return parts.failure("The models were not asked", str(error)), True, False
        return _answer(one), one.ended, not one.ended

    @app.callback(
        *(Output(*one, allow_duplicate=True) for one in shown),
        Input("replay-tick", "n_intervals"),
        State("here", "data"),
        prevent_initial_call=True,
    )
    def tick(n: int, here: dict[str, Any]) -> Any:
        one = replays.latest(library, *_alert(here))
        ended = one is None or one.ended
        return _answer(one), ended, not ended


def _alert(here: Mapping[str, Any]) -> tuple[str, str]:
    """Run and event of the page that is shown."""
    return str(here["names"].get("id", "")), str(here["names"].get("event", ""))


def _answer(one: Job | None) -> list[Component]:
    """What a job has found so far; nothing where none was started."""
    if one is None:
        return []
    to = parts.link("The job", address("/job/{id}", id=one.id))
    found = replays.answer(one)
    if found is None:
        if one.ended:
            return [parts.failure("No verdict", one.words or "The job ended without an answer.", to)]
        return [jobview.progress(one), html.P(to)]
    verdict = str(found["verdict"])
    rows = [row for row in found.get("answers", []) if isinstance(row, dict)]
    columns: Cells = {
        "stage": ("stage", str),
        "model": ("model", str),
        "runtime": ("runtime", str),
        "verdict": ("verdict", _word),
        "recorded": ("score then", parts.plain),
        "now": ("score now", parts.plain),
        "why": ("why", str),
    }
    nothing = str(found.get("why", "No program had a say in it."))
    return [
        html.P(f"Asked again, the alert {verdict}." if verdict != "cannot be checked" else "It cannot be checked.",
               className=f"headline {replays.VERDICTS[verdict]}"),
        parts.table(rows, columns, "Every model that had a say, asked again", nothing),
        html.P([f"Asked {parts.moment(one.asked.created_s)}. ", to], className="note"),
    ]  # fmt: skip


def _word(verdict: Any) -> Component:
    return html.Span(str(verdict), className=f"verdict {replays.VERDICTS.get(str(verdict), '')}")


def _by_hand(record: Stored, name: str) -> Iterator[Component]:
    """The commands that make a capsule now and ask about it, for runs that kept none."""
    yield parts.note(
        "This run keeps no capsule of it. With --set alerts.archives=capsule a live run keeps them, and its "
        "models can be asked from here. Of this one, these commands make a capsule and ask:"
    )
    run = record.entry.folder
    yield html.Pre(
        f"ettwin archive capsule {run} {name} --to archive\nettwin replay archive/capsules/{name}-*.json"
    )
