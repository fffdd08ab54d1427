"""HTML pieces of a report: tables, downloads, chips, tiles. Everything that comes from outside is escaped here.

For dashboards.report and dashboards.validation. Knows no record and no figure.
"""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

Cell = Callable[[Any], str]
"""From a value to escaped HTML."""

STANDINGS = ("measured", "published", "scaled", "assumed", "scenario")


def text(value: object) -> str:
    """`value` escaped."""
    return html.escape(str(value))


def table(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, tuple[str, Cell]], caption: str, empty: str
) -> str:
    """Rows as an HTML table: `columns` maps a key to its heading and to how its cells are written."""
    if not rows:
        return f'<p class="empty">{text(empty)}</p>'
    head = "".join(
        f'<th scope="col"{_kind(rows[0].get(key))}>{text(heading)}</th>' for key, (heading, _) in columns.items()
    )
    body = "".join(
        "<tr>" + "".join(_cell(row.get(key), write) for key, (_, write) in columns.items()) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><caption>{text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def frame(data: pd.DataFrame, caption: str, most: int) -> str:
    """The first `most` rows of `data` as they are."""
    columns = {str(name): (str(name), plain) for name in data.columns}
    shown = data.head(most)
    more = f" (first {most:,} of {len(data):,} rows; all are in the CSV)" if len(data) > most else ""
    return table(shown.to_dict("records"), columns, caption + more, "no rows")  # type: ignore[arg-type]


def download(data: pd.DataFrame, name: str) -> str:
    """A link that saves `data` as CSV, from inside the page."""
    address = csv_address(data)
    return f'<a class="csv" download="{text(name)}.csv" href="{address}">CSV, {len(data):,} rows</a>'


def csv_address(data: pd.DataFrame) -> str:
    """`data` as CSV inside an address; no cell of it can run as a formula."""
    safe = data.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = safe[column].map(_defused)
    encoded = base64.b64encode(safe.to_csv(index=False).encode()).decode()
    return f"data:text/csv;base64,{encoded}"


def details(title: str, content: str) -> str:
    """Content that is folded away."""
    return f"<details><summary>{text(title)}</summary>{content}</details>"


def section(name: str, title: str, *content: str) -> str:
    """A landmark with a heading."""
    return (
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{text(title)}</h2>'
        f"{''.join(content)}</section>"
    )


def paragraph(content: str, kind: str = "") -> str:
    """Text in a paragraph."""
    return f'<p class="{kind}">{text(content)}</p>' if kind else f"<p>{text(content)}</p>"


def tile(label: str, value: str, below: Iterable[str], kind: str = "") -> str:
    """One number to be seen from afar, with what qualifies it."""
    lines = "".join(f'<div class="below">{text(line)}</div>' for line in below if line)
    return (
        f'<div class="tile {kind}"><div class="label">{text(label)}</div>'
        f'<div class="value">{text(value)}</div>{lines}</div>'
    )


def chip(standing: object) -> str:
    """How far a number can be trusted, as a coloured word."""
    name = str(standing)
    kind = name if name in STANDINGS else "scenario"
    return f'<span class="chip {kind}">{text(name)}</span>'


def plain(value: Any) -> str:
    """Any value: numbers with six digits, nothing for none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else text(value)


def moment(value: Any) -> str:
    """Simulated seconds since the start of the run as '4 d 03:12:10': days from 0, as axes and scenarios count."""
    seconds = round(float(value))
    days, rest = divmod(seconds, 86400)
    return f"{days} d {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def _cell(value: Any, write: Cell) -> str:
    return f"<td{_kind(value)}>{write(value)}</td>"


def _kind(value: Any) -> str:
    return ' class="number"' if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _defused(value: object) -> object:
    """No cell that a spreadsheet would run as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def origins(tree: Mapping[str, Any]) -> str:
    """A table of where a page's numbers come from: every value of nested mappings, under the path of its keys."""
    rows = [{"key": key, "value": "–" if value is None else str(value)} for key, value in flat(tree)]
    columns: dict[str, tuple[str, Cell]] = {"key": ("", text), "value": ("", text)}
    return table(rows, columns, "Where these numbers come from", "")


def flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested mappings, with the path of its keys."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{key} › ")
        else:
            yield f"{above}{key}", value
