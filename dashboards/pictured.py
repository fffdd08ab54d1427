"""A picture of panels (dashboards.panels) as a plotly figure, and its numbers as a table. Knows no profile.

The same points, intervals and expectations that a model card draws, for pages on which one can look closer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import style
from dashboards.panels import Panel, Picture, Points

_MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x", "triangle-down")
_COLUMNS = 3
"""Panels beside each other at most."""


def drawn(picture: Picture, title: str, subtitle: str, origin: str) -> go.Figure:
    """The picture; panels that are unlike each other are laid out in rows of at most three."""
    rows = _laid_out(picture)
    columns = max(map(len, rows))
    titles = [panel.title if panel else "" for row in rows for panel in [*row, *[None] * (columns - len(row))]]
    figure = make_subplots(
        rows=len(rows),
        cols=columns,
        subplot_titles=[style.safe(text) for text in titles] if any(titles) else None,
        horizontal_spacing=0.16 / columns if columns > 1 else 0.0,
        vertical_spacing=0.3 / len(rows) if len(rows) > 1 else 0.0,
    )
    shown: set[str] = set()
    for i, row in enumerate(rows, start=1):
        for j, panel in enumerate(row, start=1):
            _draw(figure, panel, (i, j), shown, j == 1 or picture.unlike)
    if columns > 3:  # narrow panels: few labels, none of them slanted
        figure.update_xaxes(nticks=4, tickangle=0)
    figure.update_annotations(font={"size": 12, "color": style.INK})
    return style.titled(
        figure,
        title,
        subtitle,
        origin,
        height=200 + 250 * len(rows),
        description=picture.told,
        panels=any(titles),
    )


def numbers(picture: Picture) -> pd.DataFrame:
    """Every point: panel, series, x, y, the ends of its 95 % interval and n; what is expected is a series too."""
    found = []
    for row in picture.rows:
        for panel in row:
            series = {**panel.series, **({"expected": panel.expected} if panel.expected else {})}
            found += [
                {
                    "panel": panel.title or panel.y,
                    "series": name,
                    "x": panel.x,
                    "x_value": x,
                    "y": panel.y,
                    "value": at.value,
                    "low": at.low,
                    "high": at.high,
                    "n": at.n,
                }
                for name, points in series.items()
                for x, at in points
            ]
    return pd.DataFrame(found, columns=["panel", "series", "x", "x_value", "y", "value", "low", "high", "n"])


def _laid_out(picture: Picture) -> list[Sequence[Panel]]:
    if not picture.unlike:
        return list(picture.rows)
    every = [panel for row in picture.rows for panel in row]
    return [every[k : k + _COLUMNS] for k in range(0, len(every), _COLUMNS)]


def _draw(figure: go.Figure, panel: Panel, at: tuple[int, int], shown: set[str], named: bool) -> None:
    """One panel; its ordinate is `named` unless its neighbour is alike."""
    row, col = at
    if panel.expected:
        figure.add_traces(_expected(panel.expected), rows=row, cols=col)
    for k, (name, points) in enumerate(panel.series.items()):
        figure.add_trace(_series(name, points, k, name not in shown), row=row, col=col)
        shown.add(name)
    for update, log, text in (
        (figure.update_xaxes, panel.log[0], panel.x),
        (figure.update_yaxes, panel.log[1], panel.y if named else ""),
    ):
        update(title_text=style.safe(text) + (" (log scale)" if log and text else ""), row=row, col=col)
        if log:
            update(**style.log_ticks(), row=row, col=col)


def _series(name: str, points: Points, k: int, first: bool) -> go.Scatter:
    ordered = sorted(points, key=lambda point: point[0])
    colour = style.SEQUENCE[k % len(style.SEQUENCE)]
    y = [at.value for _, at in ordered]
    error: dict[str, Any] = {
        "array": [at.high - at.value for _, at in ordered],
        "arrayminus": [at.value - at.low for _, at in ordered],
        "thickness": 1.0,
        "width": 2,
        "color": colour,
    }
    wide = any(at.high > at.low for _, at in ordered)
    return go.Scatter(
        x=[x for x, _ in ordered],
        y=y,
        mode="lines+markers",
        name=style.safe(name),
        legendgroup=name,
        showlegend=first,
        customdata=[[at.low, at.high, at.n] for _, at in ordered],
        line={"color": colour, "width": 1.6, "dash": style.DASHES[k % len(style.DASHES)]},
        marker={"symbol": _MARKERS[k % len(_MARKERS)], "size": 7, "color": colour},
        error_y=error if wide else None,
        hovertemplate="%{y:.4g} (%{customdata[0]:.4g}–%{customdata[1]:.4g}, n = %{customdata[2]:,}) at %{x:.4g}"
        f"<extra>{style.safe(name)}</extra>",
    )


def _expected(points: Points) -> list[go.Scatter]:
    ordered = sorted(points, key=lambda point: point[0])
    x = [at for at, _ in ordered]
    band = go.Scatter(
        x=[*x, *x[::-1]],
        y=[*(f.low for _, f in ordered), *(f.high for _, f in reversed(ordered))],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=style.pale(style.GREY, 0.2),
        hoverinfo="skip",
        showlegend=False,
    )
    line = go.Scatter(
        x=x,
        y=[f.value for _, f in ordered],
        mode="lines",
        line={"color": style.GREY, "width": 1},
        name="expected",
        legendgroup="expected",
        hoverinfo="skip",
        showlegend=False,
    )
    return [band, line]
