"""The table of a study for a page: a row per case, a column per quantity. Reads a comparison.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import pages
from dashboards.comparison_text import interval, value
from twin.studies.compare import is_certain

Result = Mapping[str, Any]


def rows(result: Result, quantity: str) -> dict[str, Mapping[str, Any]]:
    """What was found of a quantity, by case."""
    return {row["case"]: row for row in result["table"] if row["quantity"] == quantity}


def table(result: Result, quantities: Sequence[str]) -> str:
    """In Markdown; in bold what certainly differs from the first case."""
    known = [name for name in quantities if rows(result, name)]
    titles = [next(iter(rows(result, name).values()))["text"] for name in known]
    lines = [" | ".join(["", "case", *titles, ""]).strip(), "|" + "---|" * (len(known) + 1)]
    for case in result["cases"]:
        cells = [_cell(rows(result, name).get(case["name"])) for name in known]
        lines.append(f"| {case['name']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def filled(page: str, name: str, content: str) -> str:
    """The page with `content` between the markers of the study `name`; ValueError where it has none."""
    return pages.filled(page, f"table: {name}", f"{content}\n")


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "–"
    if row["value"] is None:
        return "saturated" if row["reason"].startswith("saturated") else "–"
    shown = value(row).replace(" servers", "")
    spread = interval(row).replace(" servers", "")
    spread = "" if spread.startswith("the same") else f" ({spread})" if spread else ""
    certain = is_certain(row["difference_low"], row["difference_high"])
    return f"**{shown}**{spread}" if certain else f"{shown}{spread}"
