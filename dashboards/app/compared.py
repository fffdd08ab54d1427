"""A comparison as a page tells it: verdicts, differences, what was changed. Also of runs side by side.

Reads what a comparison.json holds. Knows no library and no callback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboards import comparison_plots as plots
from dashboards import comparison_text as text
from dashboards.app import parts
from dashboards.comparison_text import Result
from twin import words

_SHORT = 24
"""Letters of a name that is kept on one line."""
DIFFERING, CERTAIN, ALL = "differing", "certain", "every"
CHOICES = {DIFFERING: "Differing", CERTAIN: "Certainly differing", ALL: "All"}


def choice(shown: str, key: str) -> Component:
    """The control that says which quantities are shown; `key` is its own in the query of the page."""
    made: Component = dmc.SegmentedControl(
        id={"query": key},
        value=shown,
        data=[{"value": value, "label": label} for value, label in CHOICES.items()],
        size="sm",
        **{"aria-label": "Which quantities are shown"},
    )
    return made


def sections(result: Result, shown: str) -> list[Component]:
    """Everything of a comparison, with the quantities that `shown` (one of CHOICES) asks for."""
    kept, paired = narrowed(result, shown), is_paired(result)
    figure: Any = html.P("No quantity differs in this way.", className="empty")
    if any(row["value"] is not None for row in kept["table"]):
        drawn = plots.quantities(kept)
        if not paired:
            drawn.update_layout(title_subtitle_text="Means over each run's own replicas; lines: 95 % intervals")
        figure = parts.figure("quantities", drawn, plots.quantities_table(kept))
    return [
        parts.panel("Targets", *_verdicts(result)),
        parts.panel("Side by side", figure),
        parts.panel("Differences", *_differences(kept, paired)),
        parts.panel("What was changed", *_changes(result)),
    ]


def narrowed(result: Result, shown: str) -> dict[str, Any]:
    """The result with fewer quantities: those that are not the same in all cases, or of which that is certain."""
    rows = [row for _, group in groupby(result["table"], key=lambda row: row["quantity"])
            for own in [list(group)] if _wanted(own, shown) for row in own]  # fmt: skip
    return {**result, "table": rows}


def _wanted(rows: Sequence[Mapping[str, Any]], shown: str) -> bool:
    if shown == ALL:
        return True
    if shown == CERTAIN:
        return any(text.certain(row) for row in rows)
    return len({None if row["value"] is None else f"{row['value']:.9g}" for row in rows}) > 1


def _verdicts(result: Result) -> list[Component]:
    names = list(dict.fromkeys(target["text"] for case in result["cases"] for target in case["targets"]))
    rows = [
        {"case": case["name"], "all": text.verdict(case)}
        | {target["text"]: target["verdict"] for target in case["targets"]}
        for case in result["cases"]
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {"case": ("case", lambda name: html.Strong(_case(name)))}
    columns |= {name: (name, _word) for name in names}
    if not names or any(case["saturated"] for case in result["cases"]):
        columns["all"] = ("in all", str)
    note = parts.note(
        "A verdict is 'undecided' while the interval holds the target. Latencies of a saturated case are not "
        "stated: they grow with the horizon."
    )
    return [parts.table(rows, columns, "Targets by case", ""), note]


def _case(name: str) -> Any:
    """A name that breaks at no hyphen, unless it is long."""
    return parts.short(name) if len(name) <= _SHORT else name


def _word(verdict: str | None) -> Any:
    return "–" if verdict is None else parts.verdict(verdict)


def _differences(result: Result, paired: bool) -> list[Component]:
    """A row per quantity and case; without differences where nothing is paired."""
    first = result["cases"][0]["name"]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "quantity": ("quantity", html.Strong),
        "case": ("case", _case),
        "value": ("mean over replicas", str),
        "interval": ("95 % interval", str),
        "difference": (f"difference to {first}", _difference),
        "n": ("from\u00a0n", lambda n: f"{n:,}"),
    }
    note = (
        f"Differences to {first}, replica by replica under the same sky and luck; bold ones are certain: their "
        "95 % interval leaves out zero."
    )
    if not paired:
        del columns["difference"]
        note = "Every run for itself: differences are not stated, since chance differs as well."
    rows = []
    for title, group in groupby(result["table"], key=text.subject):
        for k, row in enumerate(group):
            name = title if k == 0 else ""
            told = {"value": text.value(row), "interval": text.interval(row), "difference": row, "n": row["n"]}
            rows.append({"quantity": name, "case": row["case"], **told})
    nothing = "No quantity differs in this way."
    return [parts.note(note), parts.table(rows, columns, "Quantities by case", nothing)]


def is_paired(result: Result) -> bool:
    """Whether any difference could be taken."""
    return any(row["difference"] is not None for row in result["table"])


def _difference(row: Mapping[str, Any]) -> Any:
    told = text.difference(row).removesuffix(" *")
    return html.Strong(told) if text.certain(row) else told


def _changes(result: Result) -> list[Component]:
    first = result["cases"][0]["name"]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "key": ("input", html.Code),
        "there": (first, str),
        "here": ("here", str),
    }
    made: list[Component] = []
    for case in result["cases"][1:]:
        rows = [{"key": key, "there": there, "here": here} for key, (there, here) in case["changes"].items()]
        caption = f"{case['name']}: {words.count(len(rows), 'input')} changed"
        made.append(parts.table(rows, columns, caption, f"{case['name']}: the same inputs."))
    return made
