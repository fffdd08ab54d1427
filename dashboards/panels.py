"""Panels of points with their intervals, as small SVGs: the same picture, the same bytes. Knows no profile."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dashboards import style
from workloads.profile import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = Sequence[tuple[float, Figure]]
"""Abscissa, and what was found there."""
_MARKERS = "osD^vP*X"
_LINES = ("-", "--", "-.", ":")
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ettwin",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.0,
    "text.color": style.INK,
    "axes.labelcolor": style.MUTED,
    "axes.edgecolor": style.GREY,
    "axes.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": style.PALE,
    "xtick.color": style.MUTED,
    "ytick.color": style.MUTED,
    "legend.frameon": False,
}
_ATTRIBUTE = re.compile(r'"[^"]*"')
_LONG = re.compile(r"(?<![\w.])-?\d+\.\d{2,}")
"""A coordinate with more digits than a picture needs."""
_FEW = 5
"""Distinct values that each get a tick on a log scale."""
_LETTERS_PER_INCH, _HANDLE_LETTERS = 14, 8
_BELOW = (0.5, -0.18)
"""Where a legend is centred, in units of its axes: below the title of the abscissa."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes: `series` by name, of which x may be on a log scale, and y too.

    What is `expected` of them is a thin line, with its interval as a band.
    """

    title: str
    x: str
    y: str
    series: Mapping[str, Points]
    log: tuple[bool, bool] = (False, False)
    expected: Points = ()


@dataclass(frozen=True)
class Picture:
    """Rows of panels and what is told to who cannot see them.

    A row shares its y axis, a column its x axis, and all of them their series' names, unless they are `unlike`.
    """

    told: str
    rows: Sequence[Sequence[Panel]]
    unlike: bool = False


def svg(picture: Picture) -> str:
    """`picture` as SVG; ModuleNotFoundError without matplotlib."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    columns = max(map(len, picture.rows))
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        wide, high = (3.4, 2.6) if picture.unlike else (2.2, 2.1)
        size = (max(5.6, 0.7 + wide * columns), 0.9 + high * len(picture.rows))
        canvas = Canvas(figsize=size, layout="constrained")
        alike: tuple[Any, Any] = (False, False) if picture.unlike else ("col", "row")
        grid = canvas.subplots(len(picture.rows), columns, squeeze=False, sharex=alike[0], sharey=alike[1])
        for axes, panels in zip(grid, picture.rows, strict=True):
            for k, axis in enumerate(axes):
                if k < len(panels):
                    _draw(axis, panels[k])
                    _name(axis, panels[k], picture.unlike, size[0] / columns)
                else:
                    axis.set_visible(False)
        if not picture.unlike:
            _legend(canvas, grid[0][0], size[0], loc="outside upper left")
        out = StringIO()
        canvas.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    short = _ATTRIBUTE.sub(lambda a: _LONG.sub(lambda number: f"{float(number[0]):.1f}", a[0]), out.getvalue())
    return "\n".join(line.strip() for line in short.splitlines()) + "\n"


def _name(axis: Axes, panel: Panel, unlike: bool, width_in: float) -> None:
    axis.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
    axis.title.set_color(style.INK)
    if unlike:
        _legend(axis, axis, width_in, loc="upper center", bbox_to_anchor=_BELOW)
    else:
        axis.label_outer()


def _legend(where: Any, axis: Axes, width_in: float, **place: Any) -> None:
    """Names of the axis's series if there are several, in as many columns as fit into the width."""
    handles, labels = axis.get_legend_handles_labels()
    if len(labels) > 1:
        fitting = int(_LETTERS_PER_INCH * width_in / (_HANDLE_LETTERS + max(map(len, labels))))
        where.legend(handles, labels, **place, ncols=max(1, min(fitting, len(labels))))


def _draw(axis: Axes, panel: Panel) -> None:
    from matplotlib.ticker import FixedLocator, MaxNLocator

    if panel.expected:
        x, y, low, high = _columns(panel.expected)
        axis.plot(x, y, color=style.GREY, lw=0.8, zorder=0)
        axis.fill_between(x, low, high, color=style.LINE, lw=0, zorder=-1)
    for k, (name, points) in enumerate(panel.series.items()):
        x, y, low, high = _columns(points)
        bars = (np.abs(y - low), np.abs(high - y))
        axis.errorbar(
            x, y, bars if np.any(bars) else None, label=name, color=style.SEQUENCE[k % len(style.SEQUENCE)],
            lw=1.2, ms=3.5, marker=_MARKERS[k % len(_MARKERS)], ls=_LINES[k % len(_LINES)], elinewidth=0.8,
            clip_on=False,
        )  # fmt: skip
    for log, scale, axes, ticks in zip(
        panel.log, (axis.set_xscale, axis.set_yscale), (axis.xaxis, axis.yaxis), _ticks(panel), strict=True
    ):
        if log:
            scale("log")
            axes.set_minor_formatter("")
            axes.set_minor_locator(FixedLocator([]))
            axes.set_major_locator(FixedLocator(ticks))
            axes.set_major_formatter("{x:g}")
        else:
            axes.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))


def _columns(points: Points) -> tuple[NDArray[np.float64], ...]:
    """Abscissas, values, and the ends of their intervals (point,)."""
    rows = [(x, f.value, f.low, f.high) for x, f in points]
    return tuple(np.array(rows, np.float64).T)


def _ticks(panel: Panel) -> tuple[list[float], list[float]]:
    """Where there are points: their own places if they are few, or round numbers: 1, 2, 5, 10, 20 …"""
    points = [p for points in panel.series.values() for p in points]
    return _round_numbers([x for x, _ in points]), _round_numbers([y for _, f in points for y in (f.low, f.high)])


def _round_numbers(values: Sequence[float]) -> list[float]:
    distinct = sorted({float(f"{v:.3g}") for v in values})
    if len(distinct) <= _FEW:
        return distinct
    decades = [digit * 10.0**power for power in range(-6, 7) for digit in (1, 2, 5)]
    return [v for v in decades if min(values) <= v <= max(values)]
