"""How well models did while the data moved away from them: efficiency kept, version in use, trainings.

For the dashboard and notebooks. Draws one replica of a record, since trainings come at other times in each; the
figures over all replicas are those of the summary. Knows no page and no file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import style
from dashboards.history import Clock, clock_of
from twin import words
from twin.recorded import Recorded

_EFFICIENCY, _NOISE, _VERSION = 1, 2, 3
_OUTCOMES = {
    "passed": (style.GREEN, "", "trained, passed the gate"),
    "rolled-back": (style.VERMILION, "x", "trained, rolled back"),
    "unfinished": (style.GREY, "/", "training unfinished"),
}


def ageing_table(record: Recorded, replica: int = 0) -> pd.DataFrame:
    """The table `ageing` of one replica; no rows where no model ages."""
    if record.ageing is None:
        return pd.DataFrame()
    return record.ageing[record.ageing["replica"] == replica].reset_index(drop=True)


def trainings_table(record: Recorded, replica: int = 0) -> pd.DataFrame:
    """The table `trainings` of one replica; no rows where no policy trains."""
    if record.trainings is None:
        return pd.DataFrame()
    return record.trainings[record.trainings["replica"] == replica].reset_index(drop=True)


def ageing(record: Recorded, replica: int = 0) -> go.Figure:
    """Efficiency of each stage's models, their reactions to noise, and the version that serves, over the run."""
    table, clock = ageing_table(record, replica), clock_of(record)
    figure = make_subplots(rows=3, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.45, 0.3, 0.25])
    stages = list(dict.fromkeys(table["stage"])) if len(table) else []
    for k, stage in enumerate(stages):
        own = table[table["stage"] == stage]
        colour, dash = style.SEQUENCE[k % 8], style.DASHES[k % len(style.DASHES)]
        for column, scale, row in (
            ("efficiency", 100.0, _EFFICIENCY),
            ("false_per_day", 1.0, _NOISE),
            ("version", 1.0, _VERSION),
        ):
            name = style.safe(stage) if row == _EFFICIENCY else ""
            figure.add_trace(_steps(own, column, scale, clock, colour, dash, name), row=row, col=1)
        figure.add_trace(_fresh(own, clock, colour, stage), row=_EFFICIENCY, col=1)
        _fallbacks(figure, own, clock)
    _trainings(figure, trainings_table(record, replica), clock, stages)
    figure.update_yaxes(title_text="of events found, %", rangemode="tozero", row=_EFFICIENCY)
    figure.update_yaxes(title_text="of noise, a day", rangemode="tozero", row=_NOISE)
    figure.update_yaxes(title_text="version", dtick=1, row=_VERSION)
    figure.update_xaxes(range=[0.0, record.scenario.horizon / clock.seconds])
    figure.update_xaxes(title_text=f"simulated {clock.unit} since the start of the run", row=_VERSION)
    told = [
        f"{stage} between {words.share(own['efficiency'].min())} and {words.share(own['efficiency'].max())}"
        for stage in stages
        for own in [table[table["stage"] == stage]]
    ]
    return style.styled(
        figure,
        "Models over time: efficiency, reactions to noise, version in use",
        f"Replica {replica + 1}. Dotted: what the fresh model finds; grey: a fallback serves, or none. How fast "
        "data drift is assumed, what drift does was measured",
        record,
        height=600,
        description=f"Efficiency of models over time: {words.sequence(told) or 'none age'}.",
    )


def _steps(
    own: pd.DataFrame, column: str, scale: float, clock: Clock, colour: str, dash: str, name: str
) -> go.Scatter:
    x = np.append(own["time_s"], own["end_s"].iloc[-1:]) / clock.seconds
    y = np.append(own[column], own[column].iloc[-1:]) * scale
    stage = style.safe(own["stage"].iloc[0])
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": colour, "width": 1.8, "dash": dash, "shape": "hv"},
        name=name,
        showlegend=bool(name),
        hovertemplate="%{y:.4g} at %{x:.2f} " + clock.unit + f"<extra>{stage}</extra>",
    )


def _fresh(own: pd.DataFrame, clock: Clock, colour: str, stage: str) -> go.Scatter:
    ends = [own["time_s"].iloc[0] / clock.seconds, own["end_s"].iloc[-1] / clock.seconds]
    fresh = 100.0 * float(own["fresh"].iloc[0])
    return go.Scatter(
        x=ends,
        y=[fresh, fresh],
        mode="lines",
        line={"color": colour, "width": 1, "dash": "dot"},
        showlegend=False,
        hovertemplate="%{y:.4g} % when fresh<extra>" + style.safe(stage) + "</extra>",
    )


def _fallbacks(figure: go.Figure, own: pd.DataFrame, clock: Clock) -> None:
    for row in own[own["variant"] != "primary"].to_dict("records"):
        span = (row["time_s"] / clock.seconds, row["end_s"] / clock.seconds)
        band: dict[str, Any] = {"fillcolor": style.pale(style.GREY, 0.25), "line": {"width": 0}, "layer": "below"}
        place: dict[str, Any] = {"xref": "x", "yref": "y domain", "y0": 0, "y1": 1}
        figure.add_shape(type="rect", x0=span[0], x1=span[1], **place, **band)


def _trainings(figure: go.Figure, table: pd.DataFrame, clock: Clock, stages: list[str]) -> None:
    """A mark where each training was decided, on the line of versions."""
    for outcome, (colour, hatch, told) in _OUTCOMES.items():
        own = table[table["outcome"] == outcome] if len(table) else table
        if not len(own):
            continue
        when_s = own["decided_s"].fillna(own["trained_s"]).fillna(own["start_s"])
        symbol = {"": "circle", "x": "x", "/": "circle-open"}[hatch]
        figure.add_trace(
            go.Scatter(
                x=when_s / clock.seconds,
                y=[0.6 + 0.0 * k for k in range(len(own))],
                customdata=own[["stage", "name", "server_s"]].to_numpy(object),
                mode="markers",
                marker={"color": colour, "size": 8, "symbol": symbol},
                name=told,
                hovertemplate="%{customdata[1]} of %{customdata[0]}, %{customdata[2]:.0f} server seconds"
                f"<extra>{told}</extra>",
            ),
            row=_VERSION,
            col=1,
        )
