"""The latencies of several runs in one figure. Pure functions of records, for dashboard and notebook alike."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboards import style
from dashboards.tables import latency_table as one_table
from twin import words
from twin.recorded import Recorded

_LOG_FROM = 30.0
"""Ratio of the largest to the smallest latency from which the axis is logarithmic."""


def latency_table(records: Mapping[str, Recorded]) -> pd.DataFrame:
    """For each run the share of published signals alerted within each latency, with its 95 % interval."""
    frames = [one_table(record).assign(run=name) for name, record in records.items()]
    whole = pd.concat(frames, ignore_index=True)
    return whole[["run", *whole.columns.drop("run")]]


def latency(records: Mapping[str, Recorded]) -> go.Figure:
    """Cumulative latencies of every run, each with its band, told apart by colour and by dash."""
    table = latency_table(records)
    colours, dashes = style.colours(list(records)), style.dashes(list(records))
    figure = go.Figure()
    for name, own in table.groupby("run", sort=False):
        figure.add_traces(_line(str(name), own, colours[str(name)], dashes[str(name)]))
    known = table["latency_s"].dropna()
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    axis = style.log_ticks(low, high) if low > 0.0 and high > _LOG_FROM * low else {}
    figure.update_xaxes(title_text="seconds from merger to alert" + (" (log scale)" if axis else ""), **axis)
    figure.update_yaxes(title_text="share of published signals, %", range=[0, 101])
    medians = [
        f"{name} {words.duration(float(own['latency_s'][own['share_within'] >= 0.5].min()))}"
        for name, own in table.groupby("run", sort=False)
    ]
    origin = f"SIMULATED · {', '.join(map(style.safe, records))}"
    return style.titled(
        figure,
        "Latency of alerts",
        "Share of published signals that are alerted within a latency; bands are 95 % intervals over replicas",
        origin,
        height=440,
        description=f"Median latency by run: {words.sequence(medians)}.",
    )


def _line(name: str, own: pd.DataFrame, colour: str, dash: str) -> list[go.Scatter]:
    ends = [*own["latency_s"], *own["latency_s"][::-1]]
    band = go.Scatter(
        x=ends,
        y=[*(100.0 * own["high"]), *(100.0 * own["low"][::-1])],
        fill="toself",
        fillcolor=style.pale(colour, 0.15),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )
    line = go.Scatter(
        x=own["latency_s"],
        y=100.0 * own["share_within"],
        mode="lines",
        name=style.safe(name),
        line={"color": colour, "width": 2, "dash": dash},
        hovertemplate="%{y:.2f} % within %{x:.3g} s<extra>" + style.safe(name) + "</extra>",
    )
    return [band, line]
