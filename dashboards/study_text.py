"""A study in plain words for a terminal: the answer, and the quantities of its report by point."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from dashboards.comparison_text import Result, by_quantity, difference, interval, subject, value
from dashboards.text import WIDTH
from twin import words
from twin.studies.study import Study

Row = Mapping[str, Any]
MOST_POINTS = 24
"""Points that are listed; the tables have all."""
TITLES = {
    "vary": "sweep",
    "compare": "comparison",
    "search": "search",
    "sensitivity": "sensitivity",
    "resilience": "resilience",
    "influence": "influence",
}
"""What each kind of study is called."""


def text(study: Study) -> str:
    """What a planner reads first."""
    lines = [f"SIMULATED  {headline(study)}", *textwrap.wrap(study.question, WIDTH), ""]
    for sentence in study.answer:
        lines += textwrap.wrap(sentence, WIDTH)
    lines += by_quantity(list(_body(study)))
    for name, failure in study.failures.items():
        lines += ["", *textwrap.wrap(f"{name} failed: {failure}", WIDTH)]
    return "\n".join([*lines, "", "In brackets: 95 % intervals over replicas, of the same chance at every point."])


def headline(study: Study) -> str:
    """What was done, in a line."""
    n = sorted({int(q.values.size) for outcome in study.found.outcomes for q in outcome.quantities})
    runs = "" if not n else f" in {_replicas(n)}"
    return (
        f"{study.name}: {TITLES.get(study.kind, study.kind)} of {study.scenario.name}, "
        f"{words.count(len(study.found.points), 'point')}, {words.duration(study.scenario.horizon)}{runs}, "
        f"seed {study.seed}"
    )


def rows(study: Study) -> list[Row]:
    """The table's rows of the report's quantities, None for what is not known; of a comparison with
    differences."""
    return rows_of(study.found.tables.get("differences", study.table), study.report)


def rows_of(table: pd.DataFrame, report: Sequence[str]) -> list[Row]:
    """As `rows`, of a study's table, or of its table of differences."""
    shown = table[table["quantity"].isin(report)].rename(columns={"case": "point"})
    order = {name: k for k, name in enumerate(report)}
    shown = shown.sort_values("quantity", key=lambda names: names.map(order), kind="stable")
    return [{str(k): _known(v) for k, v in row.items()} for row in shown.to_dict("records")]


def held(rows: Sequence[Row], scenario: str, seed: int, replicas: int) -> Result:
    """Rows of `rows` as the figure of a comparison takes them."""
    return {
        "scenario": scenario,
        "seed": seed,
        "replicas": replicas,
        "cases": [{"name": name} for name in dict.fromkeys(row["point"] for row in rows)],
        "table": [{**row, "case": row["point"]} for row in rows],
    }


def _body(study: Study) -> Iterator[str]:
    found = rows(study)
    for quantity in dict.fromkeys(row["quantity"] for row in found):
        own = [row for row in found if row["quantity"] == quantity]
        yield from ("", subject(own[0]))
        width = max(len(row["point"]) for row in own[:MOST_POINTS])
        for row in own[:MOST_POINTS]:
            spread, apart = interval(row), difference(row) if "difference" in row else ""
            yield (
                f"  {row['point']:<{width}}  {value(row)}"
                + (f" ({spread})" if spread else "")
                + (f"; {apart}" if apart else "")
            )
        if (more := len(own) - MOST_POINTS) > 0:
            yield f"  and {words.count(more, 'point')} more: see the report"


def _replicas(n: list[int]) -> str:
    return words.count(n[0], "replica") if len(n) == 1 else f"{n[0]:,} to {n[-1]:,} replicas"


def _known(number: Any) -> Any:
    return None if isinstance(number, float) and math.isnan(number) else number
