"""The figure of a comparison, every quantity of every case with its interval. Pure functions of its JSON."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import style
from dashboards.comparison_text import Result, certain, subject, value
from twin import words

COLUMNS = 2
_LOG_FROM = 30.0
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""
_SCALES = {"s": (1.0, "s"), "": (100.0, "%")}
_EACH = {"/d": "day"}


def quantities_table(result: Result) -> pd.DataFrame:
    """A row per quantity and case, as the figure draws them; SI units and shares."""
    return pd.DataFrame(result["table"])


def quantities(result: Result) -> go.Figure:
    """A panel per quantity that is not the same in all cases: cases below each other, 95 % intervals as lines."""
    table = quantities_table(result)
    names = [name for name, own in table.groupby("quantity", sort=False) if own["value"].nunique() > 1]
    cases = [style.safe(case["name"]) for case in result["cases"]]
    rows = max(1, math.ceil(len(names) / COLUMNS))
    panel = 86 + 22 * len(cases)
    height = 190 + rows * panel
    figure = make_subplots(
        rows=rows, cols=COLUMNS, shared_yaxes=True, horizontal_spacing=0.06,
        vertical_spacing=min(70.0 / (rows * panel), 1.0 / max(1, rows - 1)),
        subplot_titles=[_title(table[table["quantity"] == name]) for name in names],
    )  # fmt: skip
    for k, name in enumerate(names):
        own = table[table["quantity"] == name]
        where = {"row": k // COLUMNS + 1, "col": k % COLUMNS + 1}
        figure.add_trace(_dots(own), **where)
        figure.update_xaxes(**_axis(own), **where)
    figure.update_yaxes(categoryorder="array", categoryarray=cases[::-1], showgrid=True, ticks="")
    figure.update_annotations(font={"size": 12, "color": style.INK})
    first = result["cases"][0]["name"]
    origin = f"SIMULATED · {style.safe(result['scenario'])} · seed {result['seed']}"
    return style.titled(
        figure,
        f"{words.count(len(cases), 'case')} side by side",
        f"Means over {words.count(result['replicas'], 'replica')} of the same sky; lines: 95 % intervals. "
        f"Filled: differs from {style.safe(first)}",
        origin,
        height=height,
        description="; ".join(f"{row['text']} of {row['case']}: {value(row)}" for row in result["table"]),
    )


def _title(own: pd.DataFrame) -> str:
    _, unit = _scale(own)
    told = f"per {_EACH[unit]}" if unit in _EACH else unit
    first: Any = own.iloc[0].to_dict()
    return style.safe(subject(first) + (f" ({told})" if told != "servers" else ""))


def _dots(own: pd.DataFrame) -> go.Scatter:
    scale, _ = _scale(own)
    rows: list[Any] = own.to_dict("records")
    x = scale * own["value"].astype(float)
    above = (scale * own["high"].astype(float) - x).fillna(0.0)
    below = (x - scale * own["low"].astype(float)).fillna(0.0)
    return go.Scatter(
        x=x,
        y=[style.safe(case) for case in own["case"]],
        mode="markers",
        showlegend=False,
        error_x={"array": above, "arrayminus": below, "color": style.INK, "thickness": 1.4, "width": 4},
        marker={
            "size": 10,
            "color": [style.BLUE if certain(row) else "white" for row in rows],
            "line": {"color": style.BLUE, "width": 2},
        },
        text=[value(row) for row in rows],
        hovertemplate="%{y}: %{text}<extra></extra>",
    )


def _axis(own: pd.DataFrame) -> dict[str, Any]:
    scale, _ = _scale(own)
    known = scale * own[["value", "low", "high"]].astype(float).to_numpy().ravel()
    known = known[[math.isfinite(x) for x in known]]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if low > 0.0 and high > _LOG_FROM * low:
        return {"title_text": "log scale", "tickangle": 0, **style.log_ticks(low, high)}
    margin = 0.08 * (high - min(low, 0.0)) or 1.0
    start = min(low - margin, 0.0) if low < 0.0 else 0.0
    return {"range": [start, high + margin], "exponentformat": "none", "nticks": 7}


def _scale(own: pd.DataFrame) -> tuple[float, str]:
    unit = str(own["unit"].iloc[0])
    return _SCALES.get(unit, (1.0, unit))
