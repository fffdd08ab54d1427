"""Figures of a sweep: a quantity over what was varied, as lines, a map or clouds of points. Pure functions of
it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import style
from twin import words
from twin.studies.study import Study
from twin.studies.sweep import shortest

MOST_LINES = 8
"""More would not be told apart: a map instead."""
_LOG_FROM = 10.0
_AXES = {"s": "seconds"}
"""What is written beside an axis, where a unit alone is too short."""
_SCALES = {"s": (1.0, "s"), "": (100.0, "%")}
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)")
_TOLD = 40
"""Rows that a figure's description tells."""


@dataclass(frozen=True)
class _Along:
    """What one key is at every row: numbers in the unit they were given in, or texts."""

    key: str
    values: list[Any]
    title: str
    is_number: bool

    @property
    def distinct(self) -> list[Any]:
        """Each value once, in order."""
        found = dict.fromkeys(self.values)
        return sorted(found) if self.is_number else list(found)


def over_table(study: Study, quantity: str) -> pd.DataFrame:
    """The rows that the figure of a quantity draws; SI units and shares."""
    return study.table[study.table["quantity"] == quantity].reset_index(drop=True)


def over(study: Study, quantity: str) -> go.Figure:
    """The quantity over what was varied, with 95 % intervals: lines, where there are few, else a map or points."""
    sample = study.request.asked.sample
    origin = f"SIMULATED · {style.safe(study.scenario.name)} · seed {study.seed}"
    is_grid = sample is None or sample.method == "grid"
    return drawn(over_table(study, quantity), study.found.keys, origin, is_grid=is_grid)


def has_two_shapes(own: pd.DataFrame, keys: Sequence[str], is_grid: bool) -> bool:
    """Whether the rows of one quantity can be drawn as lines as well as as a map: a grid of two keys."""
    along = _sorted(own, keys)
    return is_grid and len(along) == 2 and 1 < len(along[1].distinct) <= MOST_LINES


def drawn(
    own: pd.DataFrame, keys: Sequence[str], origin: str, *, is_grid: bool = True, as_map: bool = False
) -> go.Figure:
    """As `over`, of the rows of one quantity of a study's table over `keys`; with `as_map` a map, if it can be."""
    along = _sorted(own, keys)
    rest = list(zip(*(a.values for a in along[1:]), strict=True)) if len(along) > 1 else [()] * len(own)
    wants_map = as_map and len(along) == 2
    bars = "bars: 95 % intervals"
    if is_grid and len(set(rest)) <= MOST_LINES and not wants_map:
        figure, height = _lines(own, along, rest), 440
    elif is_grid and len(along) == 2:
        bars = "95 % intervals are in the numbers"
        figure, height = _map(own, along[0], along[1]), 260 + 26 * len(along[1].distinct)
    else:
        figure, height = _clouds(own, along), 170 + 260 * math.ceil(len(along) / 2)
    text = str(own["text"].iloc[0])
    n = sorted(set(own["replicas"]))
    runs = f"{n[0]:,}" if len(n) == 1 else f"{n[0]:,} to {n[-1]:,}"
    return style.titled(
        figure,
        style.safe(f"{text[:1].upper()}{text[1:]}"),
        f"Means over {runs} replicas; {bars}. Gaps: not stated, see the numbers",
        origin,
        height=height,
        description="; ".join(_told(row) for row in own.head(_TOLD).to_dict("records")),
        panels=len(along) > 1,
    )


def _sorted(own: pd.DataFrame, keys: Sequence[str]) -> list[_Along]:
    """What was varied: numbers before texts, the key of most values first."""
    named = shortest(tuple(keys))
    along = [_along(own, key, named[key]) for key in keys]
    return sorted(along, key=lambda a: (not a.is_number, -len(a.distinct)))


def _along(own: pd.DataFrame, key: str, name: str) -> _Along:
    texts = [str(text) for text in own[f"{key} (given)"]]
    matches = [_NUMBER.fullmatch(text) for text in texts]
    units = {match[2] for match in matches if match is not None}
    if None in matches or len(units) != 1:
        return _Along(key, [style.safe(text) for text in texts], style.safe(name), False)
    unit = units.pop()
    numbers = [float(match[1]) for match in matches if match is not None]
    return _Along(key, numbers, style.safe(f"{name} ({unit})" if unit else name), True)


def _lines(own: pd.DataFrame, along: Sequence[_Along], rest: Sequence[tuple[Any, ...]]) -> go.Figure:
    """A line for each combination of the other keys."""
    scale, unit = _scale(own)
    figure, x = go.Figure(), along[0]
    for k, combination in enumerate(dict.fromkeys(rest)):
        at = [i for i, other in enumerate(rest) if other == combination]
        at.sort(key=lambda i: x.distinct.index(x.values[i]))
        rows = own.iloc[at]
        name = ", ".join(f"{a.title} {_shown(value)}" for a, value in zip(along[1:], combination, strict=True))
        figure.add_trace(
            go.Scatter(
                x=[x.values[i] for i in at],
                y=scale * rows["value"],
                name=name,
                mode="lines+markers",
                line={
                    "color": style.SEQUENCE[k % len(style.SEQUENCE)],
                    "dash": style.DASHES[k % len(style.DASHES)],
                },
                error_y=_error(rows, scale),
                showlegend=bool(name),
                customdata=[style.safe(point) for point in rows["point"]],
                hovertemplate="%{customdata}: %{y:.4g}<extra></extra>",
            )
        )
    figure.update_xaxes(title_text=x.title, **_spaced(x))
    figure.update_yaxes(title_text=_AXES.get(unit, unit), rangemode="tozero")
    return figure


def _map(own: pd.DataFrame, x: _Along, y: _Along) -> go.Figure:
    """Cells of colour with their numbers; empty where nothing is stated."""
    scale, unit = _scale(own)
    columns, rows = x.distinct, y.distinct
    cells: list[list[Any]] = [[None] * len(columns) for _ in rows]
    told: list[list[str]] = [[""] * len(columns) for _ in rows]
    for row, a, b in zip(own.to_dict("records"), x.values, y.values, strict=True):
        if not math.isnan(row["value"]):
            cells[rows.index(b)][columns.index(a)] = scale * row["value"]
        told[rows.index(b)][columns.index(a)] = style.safe(_told({str(k): v for k, v in row.items()}))
    figure = go.Figure(
        go.Heatmap(
            x=[_shown(value) for value in columns],
            y=[_shown(value) for value in rows],
            z=cells,
            customdata=told,
            hovertemplate="%{customdata}<extra></extra>",
            texttemplate="%{z:.3g}" if len(columns) <= 16 else None,
            colorscale=[[0.0, style.PALE], [1.0, style.BLUE]],
            colorbar={"title": {"text": unit}},
        )
    )
    figure.update_xaxes(title_text=x.title, type="category")
    figure.update_yaxes(title_text=y.title, type="category")
    return figure


def _clouds(own: pd.DataFrame, along: Sequence[_Along]) -> go.Figure:
    """A panel per key, every point in each of them."""
    scale, unit = _scale(own)
    rows = math.ceil(len(along) / 2)
    figure = make_subplots(
        rows=rows, cols=2, shared_yaxes=True, horizontal_spacing=0.06, vertical_spacing=0.3 / rows
    )
    for k, x in enumerate(along):
        where = {"row": k // 2 + 1, "col": k % 2 + 1}
        figure.add_trace(
            go.Scatter(
                x=x.values,
                y=scale * own["value"],
                mode="markers",
                showlegend=False,
                marker={"color": style.BLUE, "size": 7},
                error_y=_error(own, scale),
                customdata=[style.safe(point) for point in own["point"]],
                hovertemplate="%{customdata}: %{y:.4g}<extra></extra>",
            ),
            **where,
        )
        figure.update_xaxes(title_text=x.title, **_spaced(x), **where)
        figure.update_yaxes(title_text=_AXES.get(unit, unit) if k % 2 == 0 else None, **where)
    return figure


def _error(rows: pd.DataFrame, scale: float) -> dict[str, Any]:
    return {
        "array": scale * (rows["high"] - rows["value"]).fillna(0.0),
        "arrayminus": scale * (rows["value"] - rows["low"]).fillna(0.0),
        "thickness": 1.4,
        "width": 4,
    }


def _spaced(x: _Along) -> dict[str, Any]:
    """How the axis of a key is divided."""
    if not x.is_number:
        return {"type": "category"}
    low, high = min(x.values), max(x.values)
    return style.log_ticks(low, high) if low > 0.0 and high > _LOG_FROM * low else {}


def _scale(own: pd.DataFrame) -> tuple[float, str]:
    unit = str(own["unit"].iloc[0])
    return _SCALES.get(unit, (1.0, unit))


def _shown(value: Any) -> str:
    if isinstance(value, float) and abs(value) >= 1e5:
        return f"{value:,.0f}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _told(row: dict[Any, Any]) -> str:
    if math.isnan(row["value"]):
        return f"{row['point']}: not stated, {row['reason']}"
    spread = "" if math.isnan(row["low"]) else f" ({_amount(row, 'low')} to {_amount(row, 'high')})"
    return f"{row['point']}: {_amount(row, 'value')}{spread}"


def _amount(row: dict[Any, Any], number: str) -> str:
    return words.amount(float(row[number]), str(row["unit"]))
