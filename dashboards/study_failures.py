"""The figure of a study's resilience: what each single failure costs. A pure function of its table."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboards import style

MOST = 30
"""Failures that are drawn, the worst; all are in the table."""


def failures_table(failures: pd.DataFrame) -> pd.DataFrame:
    """The rows that the figure draws: the failures that have a damage, the worst first."""
    return failures[failures["damage"].notna()].head(MOST).reset_index(drop=True)


def failures(failures: pd.DataFrame, origin: str) -> go.Figure:
    """Damage of every part that was taken out, the worst on top, with 95 % intervals."""
    shown = failures_table(failures)
    own = shown[::-1]
    figure = go.Figure(
        go.Bar(
            x=own["damage"],
            y=[style.safe(part) for part in own["part"]],
            orientation="h",
            marker={"color": [style.VERMILION if certain else style.GREY for certain in own["certain"]]},
            error_x={
                "array": (own["damage_high"] - own["damage"]).fillna(0.0),
                "arrayminus": (own["damage"] - own["damage_low"]).fillna(0.0),
                "color": style.INK,
                "thickness": 1.2,
                "width": 3,
            },
            hovertemplate="without %{y}: %{x:.3g}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="signals fewer in time, per signal that merges meanwhile", zeroline=True)
    told = [f"without {row['part']} {row['damage']:.3g}" for _, row in shown.iterrows()]
    return style.titled(
        figure,
        "What one failure costs",
        "Each part taken out by itself; grey: could be chance; lines: 95 % intervals",
        origin,
        height=220 + 26 * max(1, len(shown)),
        description="; ".join(told) or "no failure has a damage",
    )
