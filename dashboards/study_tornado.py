"""Figures of a study's sensitivity: tornados of single inputs, bars of Sobol indices. Pure functions of its
tables."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import style
from twin import words
from twin.studies.quantities import titled

MOST = 12
"""Inputs that are drawn, those with the largest swing; all are in the table."""
_SCALES = {"": (100.0, "%-points")}


def tornado_table(tornado: pd.DataFrame) -> pd.DataFrame:
    """The rows that the figure draws: of every quantity the inputs that move it most."""
    return tornado.groupby("quantity", sort=False).head(MOST).reset_index(drop=True)


def tornado(tornado: pd.DataFrame, origin: str) -> go.Figure:
    """A panel per quantity: by how much each input moves it at the ends of its range, with 95 % intervals."""
    shown = tornado_table(tornado)
    names = list(dict.fromkeys(shown["quantity"]))
    figure = _panels([_titled(_of(shown, name)) for name in names])
    for k, name in enumerate(names):
        own = _of(shown, name)[::-1]
        scale, unit = _SCALES.get(str(own["unit"].iloc[0]), (1.0, str(own["unit"].iloc[0])))
        for end, colour in (("low", style.BLUE), ("high", style.VERMILION)):
            figure.add_trace(_bars(own, end, colour, scale, first=k == 0), row=k + 1, col=1)
        figure.update_xaxes(
            title_text=f"difference in {unit}", zeroline=True, zerolinecolor=style.INK, row=k + 1, col=1
        )
    figure.update_layout(barmode="overlay")
    heights = [len(_of(shown, name)) for name in names]
    return style.titled(
        figure,
        "Which assumption moves the answer",
        "Each input alone at the ends of its range; lines: 95 % intervals of paired differences",
        origin,
        height=200 + sum(90 + 26 * n for n in heights),
        description="; ".join(_told(row) for _, row in shown.iterrows()),
        panels=True,
    )


def sobol_table(sobol: pd.DataFrame) -> pd.DataFrame:
    """The rows that the figure draws: all."""
    return sobol


def sobol(sobol: pd.DataFrame, origin: str) -> go.Figure:
    """A panel per quantity: the share of its variance that each input causes, by itself and in all."""
    names = list(dict.fromkeys(sobol["quantity"]))
    figure = _panels([_titled(_of(sobol, name)) for name in names])
    for k, name in enumerate(names):
        own = _of(sobol, name).sort_values("total", kind="stable")
        for order, text, colour in (("total", "with others", style.SKY), ("first", "by itself", style.BLUE)):
            bars = go.Bar(
                x=own[order],
                y=[style.safe(key) for key in own["key"]],
                orientation="h",
                name=text,
                legendgroup=order,
                showlegend=k == 0,
                marker={"color": colour},
                error_x=_error(own[f"{order}_low"], own[order], own[f"{order}_high"], 1.0),
            )
            figure.add_trace(bars, row=k + 1, col=1)
        figure.update_xaxes(title_text="share of the variance", rangemode="tozero", row=k + 1, col=1)
    figure.update_layout(barmode="group")
    told = [
        f"{_called(row)}: {row['key']} {row['first']:.2f} by itself, {row['total']:.2f} with others"
        for _, row in sobol.iterrows()
    ]
    return style.titled(
        figure,
        "What the variance comes from",
        "Sobol indices over all ranges together; lines: 95 % intervals",
        origin,
        height=200 + len(names) * 90 + 36 * len(sobol),
        description="; ".join(told),
        panels=True,
    )


def _panels(titles: list[str]) -> go.Figure:
    rows = len(titles)
    names = [style.safe(title) for title in titles]
    spacing = 0.0 if rows < 2 else min(0.14, 0.6 / rows)
    figure = make_subplots(rows=rows, cols=1, vertical_spacing=spacing, subplot_titles=names)
    figure.update_annotations(font={"size": 12, "color": style.INK})
    return figure


def _titled(own: pd.DataFrame) -> str:
    """The quantity of these rows, as a title."""
    first = own.iloc[0]
    return titled(str(first["quantity"]), _called(first))


def _called(row: pd.Series) -> str:
    """The quantity of a row in words; its name in a table of an earlier version, which has none."""
    return str(row.get("text", row["quantity"]))


def _of(shown: pd.DataFrame, name: str) -> pd.DataFrame:
    return shown[shown["quantity"] == name]


def _bars(own: pd.DataFrame, end: str, colour: str, scale: float, *, first: bool) -> go.Bar:
    text = [str(value) for value in own[f"at_{end}"]]
    return go.Bar(
        x=scale * own[f"{end}_difference"],
        y=[style.safe(key) for key in own["key"]],
        orientation="h",
        name=f"at its {'lower' if end == 'low' else 'upper'} end",
        legendgroup=end,
        showlegend=first,
        marker={"color": colour, "opacity": 0.85, "pattern": {"shape": "" if end == "low" else "/"}},
        error_x=_error(own[f"{end}_from"], own[f"{end}_difference"], own[f"{end}_to"], scale),
        customdata=text,
        hovertemplate="%{y} at %{customdata}: %{x:.3g}<extra></extra>",
    )


def _error(low: pd.Series, value: pd.Series, high: pd.Series, scale: float) -> dict[str, object]:
    return {
        "array": (scale * (high - value)).fillna(0.0),
        "arrayminus": (scale * (value - low)).fillna(0.0),
        "color": style.INK,
        "thickness": 1.2,
        "width": 3,
    }


def _told(row: pd.Series) -> str:
    if pd.isna(row["swing"]):
        return f"{_called(row)} under {row['key']}: {row['reason']}"
    ends = " and ".join(f"{_number(row, end)} at {row[f'at_{end}']}" for end in ("low", "high"))
    return f"{_called(row)} under {row['key']}: {ends}"


def _number(row: pd.Series, end: str) -> str:
    return "no number" if pd.isna(row[end]) else words.amount(float(row[end]), str(row["unit"]))
