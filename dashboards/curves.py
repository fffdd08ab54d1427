"""The latency figure: share of signals alerted within a time, and the tail, against the targets.

For dashboards.figures. Knows no page and no file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import style
from dashboards.tables import Signals, latency_table, replica_text
from twin import metrics, words
from twin.limits import alert_name, judged_signals
from twin.recorded import Recorded

_NEVER = 1e-6
"""Per cent drawn in place of 0 on the log axis: below its range."""
_LABELS, _EDGE = 0.2, 0.04
"""Room for the labels of quantiles on the left and for half a star on the right, of what an axis shows."""


def latency(
    record: Recorded,
    known: Signals | None = None,
    summary: Mapping[str, Any] | None = None,
    table: pd.DataFrame | None = None,
) -> go.Figure:
    """Distribution of the alert latency with its interval, its quantiles and the targets.

    `known`, the record's `summary` (its `latency_s` and `targets`) and the figure's own `table` spare the work
    where they are at hand.
    """
    table = latency_table(record, known) if table is None else table
    figure = make_subplots(cols=2, horizontal_spacing=0.09)
    targets = metrics.targets(record) if summary is None else summary["targets"]
    judged = [row for row in targets if row["name"].startswith("alert_latency.")]
    found = _estimates(record) if summary is None else summary["latency_s"]
    for col in (1, 2):
        _curve(figure, table, col)
        _quantiles(figure, found, col)
        _targets(figure, judged, col)
    logarithmic = bool(len(table)) and table["latency_s"].min() > 0.0
    title = f"seconds from merger to {style.safe(alert_name(record))}" + (" (log scale)" if logarithmic else "")
    ends = (float(table["latency_s"].min()), float(table["latency_s"].max())) if len(table) else (0.0, 1.0)
    figure.update_xaxes(title_text=title, **(style.log_ticks(*ends) if logarithmic else {"type": "linear"}))
    limits_s = [float(row["limit"]) for row in judged]
    figure.update_xaxes(range=_beside_labels([*ends, *limits_s], found, logarithmic), col=2)
    if not len(table):
        middle = {"x": 0.5, "y": 0.5, "xref": "x2 domain", "yref": "y2 domain"}
        figure.add_annotation(text="Nothing was published.", showarrow=False, **middle)
    figure.update_yaxes(title_text="% of published signals alerted", range=[0, 101], col=1)
    n = len(judged_signals(record) if known is None else known.judged)
    figure.update_yaxes(title_text="% not alerted yet (log scale)", type="log", dtick=1, range=_decades(n), col=2)
    subtitle = (
        f"{n:,} published signals in {replica_text(record)}; shaded and bars: 95 % interval over replicas; "
        "lost signals are left out"
    )
    return style.styled(
        figure,
        f"From merger to {style.safe(alert_name(record))}",
        subtitle,
        record,
        height=450,
        description=_description(found),
    )


def _curve(figure: go.Figure, table: pd.DataFrame, col: int) -> None:
    x = table["latency_s"]
    low, high, centre = (_percent(table[name], col) for name in ("low", "high", "share_within"))
    edge: dict[str, Any] = {"mode": "lines", "line": {"width": 0, "shape": "hv"}, "hoverinfo": "skip"}
    figure.add_trace(go.Scatter(x=x, y=low, showlegend=False, **edge), row=1, col=col)
    figure.add_trace(
        go.Scatter(
            x=x,
            y=high,
            fill="tonexty",
            fillcolor=style.pale(style.BLUE, 0.2),
            name="95 % interval",
            showlegend=col == 1,
            **edge,
        ),
        row=1,
        col=col,
    )
    figure.add_trace(
        go.Scatter(
            x=x,
            y=centre,
            mode="lines",
            line={"color": style.BLUE, "width": 2, "shape": "hv"},
            name="mean over replicas",
            showlegend=col == 1,
            hovertemplate="%{y:.3g} % at %{x:.3g} s<extra></extra>",
        ),
        row=1,
        col=col,
    )


def _estimates(record: Recorded) -> dict[str, Any]:
    """The quantiles shown, as the summary has them."""
    return {metrics.name(q): metrics.latency_quantile(record, q).as_dict() for q in metrics.quantiles(record)}


def _quantiles(figure: go.Figure, found: Mapping[str, Any], col: int) -> None:
    shown = [(name, e) for name, e in found.items() if e["value"] is not None]
    if not shown:
        return
    values = [float(e["value"]) for _, e in shown]
    above = [e["high"] - v if e["high"] is not None else 0.0 for (_, e), v in zip(shown, values, strict=True)]
    below = [v - e["low"] if e["low"] is not None else 0.0 for (_, e), v in zip(shown, values, strict=True)]
    heights = [_percent(_share(name), col) for name, _ in shown]
    texts = [f"{name} {words.duration(v)}" for (name, _), v in zip(shown, values, strict=True)]
    figure.add_trace(
        go.Scatter(
            x=values,
            y=heights,
            mode="markers",
            text=texts,
            marker={"color": style.INK, "size": 7},
            error_x={"array": above, "arrayminus": below, "thickness": 1.5, "color": style.INK},
            name="quantile",
            showlegend=col == 1,
            hovertemplate="%{text}<extra></extra>",
        ),
        row=1,
        col=col,
    )
    if col == 2:  # left of the intervals: there the curve is above, and no target
        ends = [v - b for v, b in zip(values, below, strict=True)]
        text: dict[str, Any] = {"text": [f"{told}\u00a0\u00a0" for told in texts], "textfont": {"size": 11}}
        look: dict[str, Any] = {"mode": "text", "textposition": "middle left", "hoverinfo": "skip"}
        figure.add_trace(go.Scatter(x=ends, y=heights, showlegend=False, **text, **look), row=1, col=col)


def _targets(figure: go.Figure, judged: list[dict[str, Any]], col: int) -> None:
    for target in judged:
        q = int(target["name"].rsplit("p", 1)[1]) / 100.0
        colour, limit_s = style.VERDICTS[target["verdict"]], target["limit"]
        figure.add_vline(x=limit_s, line={"color": colour, "width": 1, "dash": "dash"}, row=1, col=col)
        figure.add_trace(
            go.Scatter(
                x=[limit_s],
                y=[_percent(q, col)],
                mode="markers",
                marker={"symbol": "star", "size": 14, "color": colour, "line": {"color": "white", "width": 1}},
                name=f"target {words.share(q)} within {words.duration(limit_s)}: {target['verdict']}",
                showlegend=col == 1,
            ),
            row=1,
            col=col,
        )


def _percent(share: Any, col: int) -> Any:
    """Per cent alerted in the first panel, not alerted in the second."""
    if col == 1:
        return 100.0 * share
    left = 100.0 * (1.0 - share)
    return left.clip(lower=_NEVER) if isinstance(left, pd.Series) else left


def _beside_labels(ends: Sequence[float], found: Mapping[str, Any], logarithmic: bool) -> list[float]:
    """The range of an axis that holds `ends` and the intervals of quantiles, with room for labels on the left."""
    bars = [float(e[key]) for e in found.values() for key in ("low", "high") if e[key] is not None]
    drawn = [end for end in (*ends, *bars) if end > 0.0 or not logarithmic]
    low, high = min(drawn), max(drawn)
    first, last = (math.log10(low), math.log10(high)) if logarithmic else (low, high)
    width = (last - first) or 1.0
    return [first - _LABELS * width, last + _EDGE * width]


def _decades(n: int) -> list[float]:
    """Log range in per cent down to half of one alert."""
    return [math.log10(50.0 / max(n, 100)), 2.1]


def _share(name: str) -> float:
    """0.99 of 'p99'."""
    return float(name[1:]) / 100.0


def _description(found: Mapping[str, Any]) -> str:
    told = [
        f"{words.share(_share(name))} within {words.duration(estimate['value'])}"
        for name, estimate in found.items()
        if estimate["value"] is not None
    ]
    return f"Cumulative distribution of alert latency: {words.sequence(told) or 'too few alerts to tell'}."
