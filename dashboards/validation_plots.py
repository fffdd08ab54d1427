"""The figures of a validation: errors beside what is allowed, each case's latency and queue, what the terms of
the profile are worth. Pure functions from the result to plotly figures; their numbers are in validation_tables.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import style
from dashboards.validation_tables import (
    COLUMNS,
    FIGURES,
    QUANTILES,
    Result,
    ablation_table,
    errors_table,
    in_system_table,
    latency_table,
    worths,
)
from dashboards.validation_text import percent, subject
from twin import words

_LOOKS = {"prediction": (style.BLUE, "circle"), "model": (style.GREEN, "diamond")}
_FARM, _MODEL = "the farm, each repeat", "model, each repeat"
_FORETOLD = {"predicted_s": "foretold, all draws together", "predicted": "foretold, median of draws"}


def errors(result: Result) -> go.Figure:
    """Every error with its interval, over a bar that is as long as what is allowed; a panel per figure."""
    table = errors_table(result)
    known = table.dropna(subset=["prediction_error"])
    names = [name for name in FIGURES if (known["figure"] == name).any()]
    cases = [style.safe(case["name"]) for case in result["cases"]]
    figure = make_subplots(
        cols=max(1, len(names)),
        shared_yaxes=True,
        horizontal_spacing=0.02,
        subplot_titles=[FIGURES[name] for name in names],
    )
    for col, name in enumerate(names, start=1):
        own = known[known["figure"] == name]
        for trace in _panel(own, [style.safe(case) for case in own["case"]], first=col == 1):
            figure.add_trace(trace, row=1, col=col)
        axis = {"zeroline": True, "zerolinecolor": style.GREY, "nticks": 4, "tickangle": 0}
        figure.update_xaxes(title_text="error, %", **axis, col=col)
    figure.update_yaxes(categoryorder="array", categoryarray=cases[::-1], showgrid=True, ticks="")
    figure.update_annotations(font={"size": 12, "color": style.INK})
    told = [
        f"{row['case']} {row['figure']} {percent(row['prediction_error'])}" for row in known.to_dict("records")
    ]
    return _titled(
        figure,
        "How far the twin is from the farm",
        "Relative errors, too high to the right; lines: 95 % intervals; the bar is what is allowed",
        result,
        height=210 + 26 * len(cases),
        panels=True,
        description=f"Errors of what was foretold: {'; '.join(told) or 'none is known'}.",
    )


def _panel(own: pd.DataFrame, names: list[str], first: bool) -> list[go.Bar | go.Scatter]:
    allowed = 100.0 * own["prediction_allowed"]
    floor = 100.0 * own["floor"]
    bars = [
        go.Bar(
            y=names,
            x=2.0 * half,
            base=-half,
            orientation="h",
            width=width,
            marker={"color": colour},
            name=told,
            legendgroup=told,
            showlegend=first,
            customdata=half,
            hovertemplate="%{y}: ±%{customdata:.2f} %<extra>" + told + "</extra>",
        )
        for told, half, width, colour in (
            ("allowed", allowed, 0.8, style.PALE),
            ("the farm differs from itself by", floor, 0.25, style.LINE),
        )
    ]
    return [*bars, *(_points(own, names, column, first) for column in COLUMNS)]


def _points(own: pd.DataFrame, names: list[str], column: str, first: bool) -> go.Scatter:
    colour, symbol = _LOOKS[column]
    value, low, high = (100.0 * own[f"{column}_{key}"] for key in ("error", "low", "high"))
    missed = own[f"{column}_verdict"] == "missed"
    return go.Scatter(
        y=names,
        x=value,
        mode="markers",
        name=f"{column} error",
        legendgroup=column,
        showlegend=first,
        marker={
            "color": colour,
            "size": 9,
            "symbol": symbol,
            "line": {"color": [style.VERMILION if m else colour for m in missed], "width": 2.5},
        },
        error_x={
            "array": (high - value).fillna(0.0),
            "arrayminus": (value - low).fillna(0.0),
            "color": colour,
            "thickness": 1.2,
            "width": 3,
        },
        hovertemplate="%{y}: %{x:+.2f} %<extra>" + column + "</extra>",
    )


def latency(case: Mapping[str, Any], result: Result) -> go.Figure:
    """The share of jobs that took longer than each latency: the farm, what was foretold, and the model."""
    table = latency_table(case)
    figure = go.Figure()
    y = 100.0 * table["slower"]
    for name, columns, look in _series(table):
        for k, column in enumerate(columns):
            figure.add_trace(
                go.Scatter(
                    x=table[column],
                    y=y,
                    mode="lines",
                    line=look,
                    name=name,
                    legendgroup=name,
                    showlegend=k == 0,
                    hovertemplate="%{y:.3g} % take longer than %{x:.4g} s<extra>" + name + "</extra>",
                )
            )
    figure.update_xaxes(
        title_text="latency from the intended arrival, s (log scale)", range=_span(table), **style.log_ticks()
    )
    figure.update_yaxes(title_text="% of jobs that take longer (log scale)", type="log", dtick=1)
    told = [
        f"{name} {percent(case['figures'][name]['prediction_error']['value'])}"
        for name in QUANTILES
        if case["figures"][name]["prediction_error"]["value"] is not None
    ]
    return _titled(
        figure,
        f"{style.safe(case['name'])}: latency",
        f"{case['n']:,} jobs in each of {words.count(case['repeats'], 'repeat')}; error of what was foretold: "
        + (words.sequence(told) or "not told"),
        result,
        height=400,
        description=f"Latency of case {case['name']}, measured, foretold and modelled; errors of "
        f"what was foretold: {words.sequence(told) or 'not told'}.",
    )


def _span(table: pd.DataFrame) -> list[float]:
    """Ends of a log axis of latency: the fastest fiftieth is left out, a tick more than the slowest let in."""
    body = table.drop(columns="slower").to_numpy(float)
    low, high = float(np.nanmin(body[table["slower"] <= 0.98])), float(np.nanmax(body))
    return [math.log10(0.9 * low), math.log10(1.1 * high)]


def in_system(case: Mapping[str, Any], result: Result) -> go.Figure:
    """The number of jobs in the system over time, and the draws' range."""
    table = in_system_table(case)
    figure = go.Figure()
    for column, filled in (("predicted_low", None), ("predicted_high", "tonexty")):
        figure.add_trace(
            go.Scatter(
                x=table["time_s"],
                y=table[column],
                mode="lines",
                line={"width": 0},
                fill=filled,
                fillcolor=style.pale(style.BLUE, 0.2),
                name="all draws",
                showlegend=filled is not None,
                hoverinfo="skip",
            )
        )
    for name, columns, look in _series(table):
        for k, column in enumerate(columns):
            figure.add_trace(
                go.Scatter(
                    x=table["time_s"],
                    y=table[column],
                    mode="lines",
                    line=look,
                    name=name,
                    legendgroup=name,
                    showlegend=k == 0,
                    hovertemplate="%{y:.4g} at %{x:.4g} s<extra>" + name + "</extra>",
                )
            )
    if case["disturbed_s"] is not None:
        from_s, until_s = case["disturbed_s"]
        figure.add_vrect(x0=from_s, x1=until_s, fillcolor=style.ORANGE, opacity=0.15, line_width=1)
    figure.update_xaxes(title_text="seconds since the run began")
    figure.update_yaxes(title_text="jobs in the system", rangemode="tozero")
    most = [float(np.nanmax(table[name])) for name in ("measured_1", "predicted")]
    return _titled(
        figure,
        f"{style.safe(case['name'])}: jobs in the system",
        "Waiting or being served" + ("; orange: the disturbance" if case["disturbed_s"] else ""),
        result,
        height=360,
        description=f"Jobs in the system in case {case['name']}: at most {most[0]:,.0f} measured, "
        f"{most[1]:,.0f} foretold.",
    )


def _series(table: pd.DataFrame) -> list[tuple[str, list[str], dict[str, Any]]]:
    """What is drawn of a case: name, columns, and how the line looks; what was foretold on top."""

    def repeats(name: str) -> list[str]:
        return [column for column in table.columns if re.match(rf"{name}_\d", column)]

    foretold = next(column for column in _FORETOLD if column in table.columns)
    return [
        (_FARM, repeats("measured"), {"color": style.INK, "width": 1.2}),
        (_MODEL, repeats("model"), {"color": style.GREEN, "width": 1.2, "dash": "dot"}),
        (_FORETOLD[foretold], [foretold], {"color": style.BLUE, "width": 2.4, "dash": "dash"}),
    ]


def ablation(result: Result) -> go.Figure:
    """The size of the error without each term of the profile, case by case, and the medians."""
    table = ablation_table(result).dropna(subset=["without", "with_all"])
    terms = list(dict.fromkeys(table["term"]))
    rows = ["everything known", *(f"without {style.safe(term)}" for term in terms)]
    figure = make_subplots(cols=len(QUANTILES), shared_yaxes=True, horizontal_spacing=0.03,
                           subplot_titles=[FIGURES[name] for name in QUANTILES])  # fmt: skip
    for col, name in enumerate(QUANTILES, start=1):
        own = table[table["figure"] == name]
        once = own.drop_duplicates("case")
        groups = [once["with_all"], *(own[own["term"] == term]["without"] for term in terms)]
        named = [once["case"], *(own[own["term"] == term]["case"] for term in terms)]
        for trace in _sizes(rows, groups, named, first=col == 1):
            figure.add_trace(trace, row=1, col=col)
        figure.update_xaxes(title_text="size of the error, %", rangemode="tozero", col=col)
    figure.update_yaxes(categoryorder="array", categoryarray=rows[::-1], showgrid=True, ticks="")
    figure.update_annotations(font={"size": 12, "color": style.INK})
    told = [
        f"without {row['term']} {row['p95_without']:.1%} instead of {row['p95_with_all']:.1%}"
        for row in worths(result).to_dict("records")
    ]
    return _titled(
        figure,
        "What each term of the profile is worth",
        "How far predictions are off when the twin is not told one of them; small: cases, large: their median",
        result,
        height=210 + 30 * len(rows),
        panels=True,
        description=f"Median size of the error of the 95 % quantile: {words.sequence(told) or 'nothing known'}.",
    )


def _sizes(
    rows: Sequence[str], groups: Sequence[pd.Series], named: Sequence[pd.Series], first: bool
) -> list[go.Scatter]:
    each = [(row, size, style.safe(case))
            for row, values, cases in zip(rows, groups, named, strict=True)
            for size, case in zip(100.0 * values.abs(), cases, strict=True)]  # fmt: skip
    return [
        go.Scatter(
            x=[size for _, size, _ in each],
            y=[row for row, _, _ in each],
            mode="markers",
            name="a case",
            legendgroup="case",
            showlegend=first,
            text=[case for _, _, case in each],
            marker={"color": style.pale(style.GREY, 0.7), "size": 6},
            hovertemplate="%{text}: %{x:.2f} %<extra></extra>",
        ),
        go.Scatter(
            x=[100.0 * float(values.abs().median()) for values in groups],
            y=list(rows),
            mode="markers",
            name="median over cases",
            legendgroup="median",
            showlegend=first,
            marker={"color": style.BLUE, "size": 13, "symbol": "line-ns-open", "line": {"width": 3}},
            hovertemplate="%{y}: %{x:.2f} %<extra>median</extra>",
        ),
    ]


def _titled(
    figure: go.Figure,
    title: str,
    subtitle: str,
    result: Result,
    *,
    height: int,
    description: str,
    panels: bool = False,
) -> go.Figure:
    """`figure` with template, title and where it comes from."""
    figure.update_layout(barmode="overlay")
    origin = f"FARM AND TWIN · {style.safe(subject(result))} · seed {result['seed']}"
    return style.titled(figure, title, subtitle, origin, height=height, description=description, panels=panels)
