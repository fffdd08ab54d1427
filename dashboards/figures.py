"""Figures of one record, for dashboard, report and notebook alike: pure functions from record to plotly figure.

Each has its partner `…_table` with the numbers that are drawn. Knows no page and no file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import style
from dashboards.curves import latency
from dashboards.history import timeline
from dashboards.tables import (
    latency_table,
    pools_table,
    replica_text,
    stages_table,
    timeline_table,
    waterfall_table,
)
from twin import metrics, words
from twin.recorded import Recorded

__all__ = [
    "FIGURES",
    "latency",
    "latency_table",
    "pools",
    "pools_table",
    "stages",
    "stages_table",
    "timeline",
    "timeline_table",
    "waterfall",
    "waterfall_table",
]


def waterfall(record: Recorded, table: pd.DataFrame | None = None) -> go.Figure:
    """Where the latency goes: mean parts of typical alerts, of all, and of the slowest. `table` is its own."""
    table = waterfall_table(record) if table is None else table
    n = table.attrs
    titles = (
        f"Typical: mean of the middle half ({n['typical']:,})",
        f"Mean of all ({n['all']:,})",
        f"Mean of the slowest {words.share(metrics.slowest_share(n['all']))} ({n['slowest']:,})",
    )
    figure = make_subplots(cols=3, shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=titles)
    for col, column in enumerate(("typical_s", "all_s", "slowest_s"), start=1):
        figure.add_trace(_cascade(table["part"], table[column].fillna(0.0)), row=1, col=col)
        total = float(table[column].sum())
        figure.update_xaxes(title_text="seconds since the merger", range=[0.0, 1.3 * total or 1.0], col=col)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="")
    figure.update_annotations(font={"size": 12, "color": style.INK})
    told = [f"{row['part']} {words.duration(row['typical_s'])}" for row in table.to_dict("records")]
    return style.styled(
        figure,
        "Where the time goes",
        "Each bar starts where the one above ends; every panel has a scale of its own",
        record,
        height=200 + 24 * len(table),
        description=f"Parts of the latency of a typical alert: {words.sequence(told)}.",
    )


def stages(record: Recorded, table: pd.DataFrame | None = None) -> go.Figure:
    """Waits and service times of every stage, mean to 99 %. `table` is its own."""
    table = stages_table(record) if table is None else table
    labels = _stage_labels(table)
    figure = go.Figure()
    for label, colour, low, high, symbol in (
        ("service: mean to 99 %", style.BLUE, "service_mean_s", "service_p99_s", "circle"),
        ("wait in queue: mean to 99 %", style.VERMILION, "wait_mean_s", "wait_p99_s", "diamond"),
    ):
        figure.add_traces(_dumbbells(label, labels, table[low], table[high], colour, symbol))
    figure.update_xaxes(title_text="seconds (log scale); a wait below 0.1 ms is not drawn", type="log", dtick=1)
    figure.update_yaxes(autorange="reversed", ticks="", categoryorder="array", categoryarray=labels)
    told = [
        f"{label}: service {words.duration(row['service_mean_s'])}, wait {words.duration(row['wait_mean_s'])}"
        for label, row in zip(labels, table.to_dict("records"), strict=True)
    ]
    return style.styled(
        figure,
        "Stages: service and waiting",
        f"Means over {replica_text(record)}; left mark the mean, right mark the 99 % quantile",
        record,
        height=160 + 40 * len(table),
        description=f"Mean times by stage. {'; '.join(told)}.",
    )


def pools(record: Recorded, table: pd.DataFrame | None = None) -> go.Figure:
    """How busy every pool was, with its interval. `table` is its own."""
    table = pools_table(record) if table is None else table
    rows = table.to_dict("records")
    names = [f"{style.safe(r['pool'])} ({r['servers']:,} × {style.safe(r['hardware'] or 'server')})" for r in rows]
    use = 100.0 * table["use"]
    above = (100.0 * table["use_high"].astype(float) - use).fillna(0.0)
    below = (use - 100.0 * table["use_low"].astype(float)).fillna(0.0)
    figure = go.Figure(
        go.Bar(
            y=names,
            x=use,
            orientation="h",
            marker={"color": style.BLUE},
            width=0.55,
            error_x={"array": above, "arrayminus": below, "color": style.INK, "thickness": 1.2},
            hovertemplate="%{y}: %{x:.2f} % busy<extra></extra>",
        )
    )
    for name, row in zip(names, rows, strict=True):
        note = _pool_note(row)
        figure.add_annotation(x=104, y=name, text=note, showarrow=False, xanchor="left", font={"size": 11})
    title = "busy, % of available server time"
    figure.update_xaxes(range=[0, 175], tickvals=[0, 20, 40, 60, 80, 100], title_text=title)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="")
    told = [f"{row['pool']} {words.share(row['use'])}" for row in rows]
    return style.styled(
        figure,
        "Pools: how busy",
        f"Means over {replica_text(record)}; the thin line is the 95 % interval",
        record,
        height=160 + 40 * len(table),
        description=f"Use of pools: {words.sequence(told)}.",
    )


FIGURES: dict[str, tuple[Callable[..., go.Figure], Callable[[Recorded], pd.DataFrame]]] = {
    "latency": (latency, latency_table),
    "waterfall": (waterfall, waterfall_table),
    "timeline": (timeline, timeline_table),
    "stages": (stages, stages_table),
    "pools": (pools, pools_table),
}
"""Every figure with its table, by name; a figure takes the table as `table`."""


def _cascade(part: pd.Series, seconds: pd.Series) -> go.Bar:
    """Bars that start where the one before ends, and their total."""
    total = float(seconds.sum())
    names, lengths = [*part, "total"], [*seconds, total]
    starts = [*(np.cumsum(seconds) - seconds), 0.0]
    return go.Bar(
        y=names,
        x=lengths,
        base=starts,
        orientation="h",
        marker={"color": [style.PART_COLOURS[name] for name in names]},
        text=[words.duration(float(length)) for length in lengths],
        textposition="outside",
        cliponaxis=False,
        showlegend=False,
        hovertemplate="%{y}: %{text}<extra></extra>",
    )


def _pool_note(row: dict[Any, Any]) -> str:
    down = f" · down {words.duration(row['down_s'])}" if row["down_s"] > 0.5 else ""
    told = "".join(f" · {row[key]:,} {key}" for key in ("preempted", "killed", "swaps") if row[key])
    return f"{words.share(row['use'])} · peak queue {row['queue_peak']:,}{down}{told}"


def _stage_labels(table: pd.DataFrame) -> list[str]:
    return [
        style.safe(stage if variant in ("primary", "") else f"{stage} ({variant})")
        for stage, variant in zip(table["stage"], table["variant"], strict=True)
    ]


def _dumbbells(
    label: str, names: list[str], low: pd.Series, high: pd.Series, colour: str, symbol: str
) -> list[go.Scatter]:
    """A line from `low` to `high` for every name, marks at its ends; nothing where it is too short to see."""
    seen_low, seen_high = (values.where(values >= 1e-4) for values in (low, high))
    x = [v for a, b in zip(seen_low.fillna(seen_high), seen_high, strict=True) for v in (a, b, None)]
    y = [v for name in names for v in (name, name, None)]
    lines = go.Scatter(
        x=x, y=y, mode="lines", line={"color": colour, "width": 2}, showlegend=False, hoverinfo="skip"
    )
    points = go.Scatter(
        x=[*seen_low, *seen_high],
        y=[*names, *names],
        mode="markers",
        name=label,
        marker={"color": colour, "size": 9, "symbol": symbol},
        hovertemplate="%{y}: %{x:.3g} s<extra>" + label + "</extra>",
    )
    return [lines, points]
