"""What pages show of a validation: verdicts of its cases, and of the one that is on the farm beside the twin.

Knows no page and no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboards import validation_text as text
from dashboards.app import parts
from dashboards.running import Running
from dashboards.validating import Validating
from dashboards.validation_tables import FIGURES, QUANTILES
from twin import words
from twin.validation.goals import MET, MISSED

NOTE = (
    "What is known of the repeat that is on: the farm up to the green line, and all that was foretold before it "
    "began. Drawing this takes time of the machine that serves the page: where that is the farm's own, look "
    "seldom, as a verdict is refused when others use more than a twentieth of a core."
)


def how_far(run: Running, on: Validating) -> list[str]:
    """How far the repeat is, in short."""
    return [
        f"{on.case}: repeat {run.replica + 1} of {on.repeats}",
        f"{words.duration(run.now_s)} of about {words.duration(run.scenario.horizon)}",
        f"{on.ended:,} of {words.count(on.jobs, 'job')} ended",
    ]


def beside(run: Running, on: Validating) -> Component:
    """The farm so far beside what was foretold for the same time, and the cases that have a verdict."""
    rows = [
        {
            "figure": FIGURES.get(row["figure"], "jobs that have ended"),
            **{key: _value(row["figure"], row[key]) for key in ("farm", "foretold")},
            "difference": text.percent(row["difference"]),
        }
        for row in on.figures(run.now_s)
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "figure": ("figure", str),
        "farm": ("the farm", str),
        "foretold": ("foretold", str),
        "difference": ("foretold against the farm", str),
    }
    caption = f"{on.case}, repeat {run.replica + 1}: of what has ended by now"
    done = len({one["name"].partition(":")[0] for one in on.done})
    return html.Div(
        [
            parts.table(rows, columns, caption, ""),
            verdicts(on.done, f"{words.count(done, 'case')} of {on.cases} done", "No case is done yet."),
        ]
    )


def verdicts(cases: Sequence[Mapping[str, Any]], caption: str, nothing: str) -> Component:
    """A row per case, as validation.json has them: its verdict, and the errors of what was foretold."""
    columns: dict[str, tuple[str, parts.Cell]] = {
        "name": ("case", str),
        "verdict": ("verdict", verdict),
        **{f"{name}_error": (f"error of {FIGURES[name]}", text.percent) for name in QUANTILES},
        "reason": ("why none", lambda reason: str(reason or "")),
    }
    if not any(case["reason"] for case in cases):
        del columns["reason"]
    return parts.table(cases, columns, caption, nothing)


def verdict(kind: str) -> Component:
    """A verdict on a case as a coloured word; one that could not be given is undecided."""
    return html.Span(kind, className=f"verdict {kind if kind in (MET, MISSED) else 'undecided'}")


def _value(figure: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if figure == "ended" else words.duration(value)
