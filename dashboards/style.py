"""How ettwin's figures look: colours told apart by every eye, one light template, words in place of symbols.

For figures and reports. Of a record only name and origin.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from twin.recorded import Recorded

# Okabe and Ito's palette.
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
SKY, PURPLE, INK, GREY = "#56B4E9", "#CC79A7", "#1F2933", "#8A94A0"
PALE, LINE, MUTED = "#EEF1F4", "#D5DBE1", "#52606D"

SEQUENCE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK, GREY)
VERDICTS = {"met": GREEN, "missed": VERMILION, "undecided": ORANGE}
PART_COLOURS = {
    "framing": GREY,
    "calibration": SKY,
    "transfer": PURPLE,
    "waiting for data quality": "#F0E442",
    "queueing": VERMILION,
    "filling batches": ORANGE,
    "outages": "#7A1F1F",
    "loading models": GREEN,
    "computing": BLUE,
    "timers": "#8C6D31",
    "total": INK,
}
MARK_COLOURS = {
    "retraining": PURPLE,
    "withdrawal": PURPLE,
    "storm": ORANGE,
    "outage": VERMILION,
    "failures": VERMILION,
    "failure-trace": VERMILION,
    "maintenance": SKY,
    "degradation": GREEN,
    "drift": GREY,
    "surge": BLUE,
    "lock-loss": INK,
    "detector-maintenance": SKY,
    "glitch-class": ORANGE,
    "no-data": INK,
}
MARK_HATCHES = {
    "retraining": "/",
    "withdrawal": "x",
    "storm": "x",
    "outage": "\\",
    "failures": "+",
    "failure-trace": "-",
    "maintenance": "|",
    "degradation": ".",
    "drift": "",
    "surge": "x",
    "lock-loss": "",
    "detector-maintenance": "|",
    "glitch-class": "+",
    "no-data": "",
}
MARK_NAMES = {
    "withdrawal": "model out of service",
    "storm": "glitch storm",
    "failure-trace": "recorded failures",
    "lock-loss": "detector without lock",
    "detector-maintenance": "detector worked on",
    "no-data": "no data",
    "glitch-class": "new glitch class",
}
"""Kinds that are shown by another name."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
MOST_POINTS = 5000
"""Of any trace."""

_AXIS = {
    "showline": True,
    "linecolor": GREY,
    "linewidth": 1,
    "gridcolor": PALE,
    "zeroline": False,
    "ticks": "outside",
    "ticklen": 4,
    "tickcolor": GREY,
    "title": {"font": {"size": 12, "color": MUTED}, "standoff": 8},
    "tickfont": {"size": 11, "color": MUTED},
    "automargin": True,
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "colorway": list(SEQUENCE),
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.0,
            "yanchor": "bottom",
            "font": {"size": 11},
            "traceorder": "normal",
        },
        "margin": {"l": 60, "r": 24, "t": 108, "b": 72},
        "hoverlabel": {"font": {"family": FONT, "size": 12}, "bgcolor": "white", "bordercolor": LINE},
        "separators": ".,",
    }
)


_DIGITS = ((1.0, (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)), (3.0, (1.0, 2.0, 5.0)))
"""Of the labels of a log axis, by how many decades are to be seen at most."""


def styled(
    figure: go.Figure, title: str, subtitle: str, record: Recorded, *, height: int, description: str
) -> go.Figure:
    """`figure` of a record: `titled`, with where it comes from."""
    kind = "SIMULATED" if record.farm is None else "FARM RUN"
    known = {"seed": record.seed, "plan": record.plan_digest[:8]}
    parts = [kind, safe(record.scenario.name), *(f"{name} {told}" for name, told in known.items() if told != "")]
    origin = " · ".join(parts)
    return titled(figure, title, subtitle, origin, height=height, description=description)


def titled(
    figure: go.Figure,
    title: str,
    subtitle: str,
    origin: str,
    *,
    height: int,
    description: str,
    panels: bool = False,
) -> go.Figure:
    """`figure` with template, title and origin; the `description` for screen readers is in `layout.meta`.

    With `panels`, whose titles are where the legend would be, the legend moves up.
    """
    figure.update_layout(
        template=TEMPLATE,
        height=height,
        meta={"description": description},
        title={
            "text": title,
            "font": {"size": 16, "color": INK},
            "subtitle": {"text": subtitle, "font": {"size": 12, "color": MUTED}},
            **{"x": 0.0, "xref": "container", "xanchor": "left"},
            **{"y": 1.0, "yref": "container", "yanchor": "top"},
            "pad": {"l": 12, "t": 14},
        },
    )
    figure.update_layout(margin={"l": _left_px(figure)})
    if panels:
        figure.update_layout(margin={"t": 128}, legend={"y": 1.0 + 24.0 / (height - 200)})
    figure.add_annotation(
        text=origin,
        showarrow=False,
        font={"size": 10, "color": MUTED},
        **{"xref": "paper", "x": 1.0, "xanchor": "right"},
        **{"yref": "paper", "y": 0.0, "yanchor": "top", "yshift": -54},
    )
    return figure


def _left_px(figure: go.Figure) -> int:
    """Room for the longest name on a vertical axis, a little too much: an axis that lacks room is drawn again."""
    values = [trace.y for trace in figure.data if getattr(trace, "y", None) is not None and len(trace.y)]
    names = [str(name) for y in values if isinstance(y[0], str) for name in y]
    return min(max(60, 20 + round(6.4 * max(map(len, names), default=0))), 200)


def legend_above(y: float) -> dict[str, object]:
    """A legend on top of the panel whose upper edge is at this height of the figure, from 0 to 1."""
    place = {"orientation": "h", "x": 0, "y": y, "yanchor": "bottom", "traceorder": "normal"}
    return {**place, "font": {"size": 11}, "bgcolor": "rgba(0,0,0,0)"}


def log_ticks(low: float = 1.0, high: float = 100.0) -> dict[str, object]:
    """A log axis whose labels are numbers a person reads: 1, 2, 5, 10, 20 …

    Finer where `low` and `high`, between which the data are, lie close together, and coarser where far apart.
    """
    decades = math.log10(high / low) if 0.0 < 1.1 * low < high else 2.0  # as an axis has for one value
    digits = next((digits for most, digits in _DIGITS if decades <= most), (1.0,))
    values = [digit * 10.0**power for power in range(-6, 8) for digit in digits]
    if high > low > 0.0 and sum(low <= value <= high for value in values) < 2:
        return {"type": "log", "nticks": 6}
    text = [f"{value:,.7f}".rstrip("0").rstrip(".") for value in values]
    return {"type": "log", "tickmode": "array", "tickvals": values, "ticktext": text}


def safe(text: object) -> str:
    """Text of a scenario as plotly may show it: no markup."""
    return html.escape(str(text), quote=False)


def colours(names: Sequence[str]) -> dict[str, str]:
    """One colour for each name, the same in all figures of a record."""
    return {name: SEQUENCE[k % len(SEQUENCE)] for k, name in enumerate(names)}


def dashes(names: Sequence[str]) -> dict[str, str]:
    """One line style for each name, so that colour is never the only difference."""
    return {name: DASHES[k % len(DASHES)] for k, name in enumerate(names)}


def pale(colour: str, opacity: float) -> str:
    """`colour` as rgba."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


_AT_NIGHT = {
    INK: "#E4E8EC",
    MUTED: "#A8B3BE",
    GREY: "#7C8894",
    LINE: "#3B444D",
    PALE: "#2A3138",
    "white": "#1B2026",
    BLUE: "#4DA3DB",
    SKY: "#8FE0E8",
    PURPLE: "#D48BB3",
    "#7A1F1F": "#E8707A",
    "#8C6D31": "#BF9B57",
}
"""What takes the place of each colour on a dark page; the others are light enough."""
_RGBA = re.compile(r"rgba\((\d+),(\d+),(\d+),([\d.]+)\)")


def dark(figure: go.Figure) -> go.Figure:
    """The same figure for a dark page, every colour of ours replaced by its partner; `figure` stays as it is."""
    drawn = figure.to_dict()
    layout = drawn["layout"]
    template = layout.pop("template", None) or TEMPLATE.to_plotly_json()
    night = _recoloured({**drawn, "layout": {**layout, "template": template}})
    return go.Figure(night, skip_invalid=False)


def _recoloured(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _recoloured(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_recoloured(value) for value in part]
    return _night(part) if isinstance(part, str) else part


def _night(text: str) -> str:
    """A colour as it is on a dark page; any other text as it is."""
    if text in _AT_NIGHT:
        return _AT_NIGHT[text]
    if (given := _RGBA.fullmatch(text)) is None:
        return text
    red, green, blue, opacity = given.groups()
    hexed = f"#{int(red):02X}{int(green):02X}{int(blue):02X}"
    return pale(_AT_NIGHT[hexed], float(opacity)) if hexed in _AT_NIGHT else text
