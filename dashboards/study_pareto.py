"""Figures of a search: the Pareto front of several aims, and how far each candidate is from its limits. Pure
functions of its tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import style
from twin import words
from twin.studies.quantities import titled

_NUMBERS = ["limit", "value", "low", "high"]
SHOWN = 0.05
"""On the front in at least so many resamples."""
_SYMBOLS = {"met": "circle", "missed": "x", "undecided": "diamond", "failed": "cross", "no targets": "circle"}
_COLOURS = {**style.VERDICTS, "failed": style.INK, "no targets": style.BLUE}


def aims_of(front: pd.DataFrame) -> list[str]:
    """The aims that a front's table has columns of."""
    return [str(name)[: -len("_unit")] for name in front.columns if str(name).endswith("_unit")]


def front_table(front: pd.DataFrame) -> pd.DataFrame:
    """The rows that the figure draws: all points."""
    return front


def front(front: pd.DataFrame, origin: str) -> go.Figure:
    """A panel per further aim against the first one: all points, those on the front filled, with 95 %
    intervals."""
    aims = aims_of(front)
    first, others = aims[0], aims[1:]
    figure = make_subplots(rows=len(others), cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for k, aim in enumerate(others):
        for verdict, own in front.groupby("verdict", sort=True):
            figure.add_trace(_points(own, first, aim, str(verdict), first_row=k == 0), row=k + 1, col=1)
        figure.update_yaxes(title_text=style.safe(_axis(front, aim)), row=k + 1, col=1)
    figure.update_xaxes(title_text=style.safe(_axis(front, first)), row=len(others), col=1)
    on = front[front["on_front"] >= SHOWN]
    return style.titled(
        figure,
        f"What {len(aims)} aims allow together",
        "Filled: in 5 % of the resampled replicas or more no point is better in every aim; lines: 95 % intervals",
        origin,
        height=220 + 260 * len(others),
        description="On the front: " + "; ".join(_told(row, aims) for _, row in on.iterrows()),
    )


def limits_table(limits: pd.DataFrame) -> pd.DataFrame:
    """The rows that the figure draws: all."""
    return limits


def limits(limits: pd.DataFrame, origin: str) -> go.Figure:
    """A panel per target: every candidate's value with its one-sided limits, and the target as a line."""
    names = list(dict.fromkeys(limits["quantity"]))
    figure = make_subplots(
        rows=len(names),
        cols=1,
        vertical_spacing=0.5 / max(2, len(names)),
        subplot_titles=[style.safe(_called(limits[limits["quantity"] == name])) for name in names],
    )
    points = list(dict.fromkeys(limits["point"]))
    short = shortened(points)
    for k, name in enumerate(names):
        own = limits[limits["quantity"] == name].copy()
        own[_NUMBERS] *= 100.0 if _unit(own) == "" else 1.0
        _distances(figure, own, short, k + 1)
    figure.update_annotations(font_size=12)
    told = [_limited(row) for _, row in limits.iterrows()]
    return style.titled(
        figure,
        "How far candidates are from the targets",
        "Dashed: the target; lines: limits on either side at the risk of this search",
        origin,
        height=200 + len(names) * (90 + 26 * len(points)),
        description="; ".join(told),
        panels=True,
    )


def _distances(figure: go.Figure, own: pd.DataFrame, short: Mapping[str, str], row: int) -> None:
    """The candidates of one target, with their limits, and the target as a line."""
    error = {
        "array": (own["high"] - own["value"]).replace(float("inf"), 0.0),
        "arrayminus": (own["value"] - own["low"]).replace(float("inf"), 0.0),
    }
    points = go.Scatter(
        x=own["value"],
        y=[style.safe(short[point]) for point in own["point"]],
        mode="markers",
        showlegend=False,
        marker={"size": 9, "color": style.BLUE},
        error_x={**error, "color": style.INK, "thickness": 1.4},
    )
    figure.add_trace(points, row=row, col=1)
    line = {"color": style.VERMILION, "dash": "dash"}
    figure.add_vline(x=float(own["limit"].iloc[0]), line=line, row=row, col=1)
    if own["value"].isna().all():
        place: dict[str, Any] = {"x": 0.25, "xref": "x domain", "y": 0.5, "yref": "y domain", "showarrow": False}
        figure.add_annotation(text="not stated of any candidate", **place, row=row, col=1)


def shortened(points: Sequence[str]) -> dict[str, str]:
    """Names of points with each key cut to as many of its last steps as tell it from the others."""
    parts = {point: [part.partition("=") for part in point.split(", ")] for point in points}
    if not all(key and mark for own in parts.values() for key, mark, _ in own):
        return {point: point for point in points}
    keys = list(dict.fromkeys(key for own in parts.values() for key, _, _ in own))
    steps = {key: key.split(".") for key in keys}
    deepest = max(map(len, steps.values()))
    depth = next(n for n in range(1, deepest + 1) if len({tuple(own[-n:]) for own in steps.values()}) == len(keys))
    called = {key: ".".join(own[-depth:]) for key, own in steps.items()}
    return {point: ", ".join(f"{called[key]} = {value}" for key, _, value in own) for point, own in parts.items()}


def _called(own: pd.DataFrame) -> str:
    """The quantity of these rows in words, with its unit."""
    name, unit = str(own["quantity"].iloc[0]), _unit(own)
    if unit is None:
        return name
    return f"{titled(name, str(own['text'].iloc[0]))}, {unit or '%'}"


def _unit(own: pd.DataFrame) -> str | None:
    """Of these rows of one quantity; None in a table of an earlier version, which does not say."""
    return str(own["unit"].iloc[0]) if "unit" in own else None


def _limited(row: pd.Series) -> str:
    """A candidate at one of its limits, in words."""
    unit = row.get("unit")
    value, low, high, limit = (_number(float(row[name]), unit) for name in ("value", "low", "high", "limit"))
    return f"{row['point']}: {row.get('text', row['quantity'])} {value} ({low} to {high}), limit {limit}"


def _number(value: float, unit: str | None) -> str:
    if not math.isfinite(value):
        return "not stated"
    return f"{value:.4g}" if unit is None else words.amount(value, unit)


def _points(own: pd.DataFrame, first: str, aim: str, verdict: str, *, first_row: bool) -> go.Scatter:
    on = own["on_front"] >= SHOWN
    return go.Scatter(
        x=own[first],
        y=own[aim],
        mode="markers",
        name=f"targets: {verdict}" if verdict != "no targets" else "points",
        legendgroup=verdict,
        showlegend=first_row,
        marker={
            "symbol": _SYMBOLS[verdict],
            "size": [10 if one else 6 for one in on],
            "color": [_COLOURS[verdict] if one else style.pale(_COLOURS[verdict], 0.25) for one in on],
            "line": {"width": 1, "color": _COLOURS[verdict]},
        },
        error_y={
            "array": (own[f"{aim}_high"] - own[aim]).fillna(0.0).where(on, 0.0),
            "arrayminus": (own[aim] - own[f"{aim}_low"]).fillna(0.0).where(on, 0.0),
            "color": style.GREY,
            "thickness": 1,
            "width": 3,
        },
        text=[style.safe(point) for point in own["point"]],
        hovertemplate="%{text}: %{x:.4g}, %{y:.4g}<extra></extra>",
    )


def _axis(front: pd.DataFrame, aim: str) -> str:
    unit = str(front[f"{aim}_unit"].iloc[0])
    text = _in_words(front.iloc[0], aim)
    return f"{text} (share)" if unit == "" else f"{text} in {unit}" if unit != aim else text


def _in_words(row: pd.Series, aim: str) -> str:
    """An aim in words; its name in a table of an earlier version, which has none."""
    return str(row.get(f"{aim}_text", aim))


def _told(row: Any, aims: list[str]) -> str:
    return f"{row['point']}: " + ", ".join(
        f"{_in_words(row, aim)} {words.amount(float(row[aim]), str(row[f'{aim}_unit']))}" for aim in aims
    )
