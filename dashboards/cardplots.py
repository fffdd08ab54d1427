"""The pictures of a model card: quality against loudness, what drift does, how long it takes. Small SVGs.

Every number in them is in a table of the card or in a profile. The same profiles give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dashboards import style
from workloads import ageing
from workloads.profile import Aged, Figure, Profile
from workloads.sky import SIGNALS

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
_INTERVALS = "Bars are 95 % intervals."


@dataclass(frozen=True)
class Panel:
    """One pair of axes: `series` by name, of which x may be on a log scale, and y too."""

    title: str
    x: str
    y: str
    series: Mapping[str, Points]
    log: tuple[bool, bool] = (False, False)


@dataclass(frozen=True)
class Picture:
    """Rows of panels that share their y axis, and columns their x; and what is told to who cannot see them."""

    told: str
    rows: Sequence[Sequence[Panel]]


def pictures(profiles: Sequence[Profile]) -> dict[str, Picture]:
    """The pictures that `profiles` of one workload have the numbers for: 'quality', 'drift', 'times'."""
    found = {}
    for kind, made in (("quality", _quality), ("drift", _drift), ("times", _times)):
        picture = made(profiles)
        if picture is not None:
            found[kind] = picture
    return found


def svg(picture: Picture) -> str:
    """`picture` as SVG; ModuleNotFoundError without matplotlib."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    columns = max(map(len, picture.rows))
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        size = (max(5.6, 0.7 + 2.2 * columns), 0.9 + 2.1 * len(picture.rows))
        canvas = Canvas(figsize=size, layout="constrained")
        grid = canvas.subplots(len(picture.rows), columns, squeeze=False, sharex="col", sharey="row")
        for axes, panels in zip(grid, picture.rows, strict=True):
            for k, axis in enumerate(axes):
                if k < len(panels):
                    _draw(axis, panels[k])
                else:
                    axis.set_visible(False)
        handles, labels = grid[0][0].get_legend_handles_labels()
        if len(labels) > 1:
            fitting = int(_LETTERS_PER_INCH * size[0] / (_HANDLE_LETTERS + max(map(len, labels))))
            canvas.legend(handles, labels, loc="outside upper left", ncols=max(1, min(fitting, len(labels))))
        out = StringIO()
        canvas.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    short = _ATTRIBUTE.sub(lambda a: _LONG.sub(lambda number: f"{float(number[0]):.1f}", a[0]), out.getvalue())
    return "\n".join(line.strip() for line in short.splitlines()) + "\n"


def _draw(axis: Axes, panel: Panel) -> None:
    from matplotlib.ticker import FixedLocator, MaxNLocator

    for k, (name, points) in enumerate(panel.series.items()):
        x, y = np.array([p[0] for p in points]), np.array([p[1].value for p in points])
        low, high = (np.abs(y - np.array([getattr(f, end) for _, f in points])) for end in ("low", "high"))
        axis.errorbar(
            x, y, (low, high), label=name, color=style.SEQUENCE[k % len(style.SEQUENCE)], lw=1.2, ms=3.5,
            marker=_MARKERS[k % len(_MARKERS)], ls=_LINES[k % len(_LINES)], elinewidth=0.8,
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
    axis.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
    axis.label_outer()
    axis.title.set_color(style.INK)


def _ticks(panel: Panel) -> tuple[list[float], list[float]]:
    """Where there are points: their own places if they are few, or round numbers: 1, 2, 5, 10, 20 …"""
    points = [p for points in panel.series.values() for p in points]
    return _round_numbers([x for x, _ in points]), _round_numbers([y for _, f in points for y in (f.low, f.high)])


def _round_numbers(values: Sequence[float]) -> list[float]:
    distinct = sorted(set(values))
    if len(distinct) <= _FEW:
        return distinct
    decades = [digit * 10.0**power for power in range(-6, 7) for digit in (1, 2, 5)]
    return [v for v in decades if min(values) <= v <= max(values)]


def _quality(profiles: Sequence[Profile]) -> Picture | None:
    """Decisions by class and SNR; warnings by class, time ahead and SNR; or what was said and what happened."""
    measured = next((p for p in profiles if p.decisions is not None or p.quality is not None), None)
    if measured is None:
        return None
    if (found := measured.decisions) is not None:
        centres = [float(np.sqrt(a * b)) for a, b in pairwise(found.snr_edges)]
        series = {
            cls: [(x, _percent(k, n)) for x, k, n in zip(centres, r.count, r.n, strict=True)]
            for cls, r in found.classes.items()
        }
        verb = "found" if found.outcome == "trigger" else "flagged"
        told = f"Events {verb} in % by class against SNR, on {measured.runtime}. {_INTERVALS}"
        return Picture(told, [[Panel("", "SNR", f"{verb} in %", series, (True, False))]])
    quality = measured.quality or {}
    if "warned" in quality:
        return _warned(quality["warned"])
    if rows := quality.get("reliability"):
        series = {"said": [(r["said"], Figure(r["happened"], r["low"], r["high"], r["n"])) for r in rows]}
        told = f"How often what was said with a probability happened. {_INTERVALS}"
        return Picture(told, [[Panel("", "probability said", "happened", series)]])
    return None


def _warned(counts: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> Picture:
    """Inspirals warned of against their final SNR: a panel per class, a line per time before the merger."""
    panels = [
        Panel(
            cls,
            "final SNR",
            "warned in %",
            {
                f"{ahead} s ahead": [
                    (float(snr), _percent(int(count), int(n))) for snr, (count, n, *_) in cells.items()
                ]
                for ahead, cells in by_time.items()
            },
            (True, False),
        )
        for cls, by_time in counts.items()
    ]
    return Picture(f"Inspirals warned of in % against final SNR, by class. {_INTERVALS}", [panels])


def _drift(profiles: Sequence[Profile]) -> Picture | None:
    """A column per kind of drift; decisions in one row, any other figures in a row each."""
    if aged := next((p.ageing for p in profiles if p.ageing), ()):
        drifts = [a.drift for a in aged]
        rows: dict[str, dict[str, list[Figure]]] = {"outcome in %": _outcomes(aged)}
    elif drifted := next((p.drifted for p in profiles if p.drifted), ()):
        drifts = [d.drift for d in drifted]
        rows = {name: {name: [d.figures[name] for d in drifted]} for name in drifted[0].figures}
    else:
        return None
    kinds = list(dict.fromkeys(kind for drift in drifts for kind in drift))
    return Picture(
        f"What drifted data do, against the amount of each kind of drift: {', '.join(rows)}. {_INTERVALS}",
        [[_panel(kind, y, drifts, lines) for kind in kinds] for y, lines in rows.items()],
    )


def _panel(
    kind: str, y: str, drifts: Sequence[Mapping[str, float]], lines: Mapping[str, Sequence[Figure]]
) -> Panel:
    inside = [k for k, drift in enumerate(drifts) if not drift or list(drift) == [kind]]
    at = sorted((drifts[k].get(kind, 0.0), k) for k in inside)
    series = {name: [(x, figures[k]) for x, k in at] for name, figures in lines.items()}
    return Panel("", kind.replace("_", " "), y, series)


def _outcomes(aged: Sequence[Aged]) -> dict[str, list[Figure]]:
    """The outcome's probability in % for noise, signals, and glitches of all families together."""
    found: dict[str, list[Figure]] = {"noise": [], "signals": [], "glitches": []}
    for a in aged:
        found["noise"].append(_percent(a.noise["count"], a.noise["n"]))
        for name, here in (("signals", True), ("glitches", False)):
            mine = [r for cls, r in a.classes.items() if (cls in SIGNALS) == here]
            found[name].append(_percent(sum(sum(r.count) for r in mine), sum(sum(r.n) for r in mine)))
    return found


def _times(profiles: Sequence[Profile]) -> Picture | None:
    """Time per unit against the batch: a line from median to median, a bar up to the 99 % quantile."""
    series = {
        f"{p.runtime} on {p.hardware}" + (f", {p.threads} threads" if p.threads != 1 else ""): [
            (
                float(s.batch),
                Figure(1e3 * s.p50_s / s.batch, 1e3 * s.p50_s / s.batch, 1e3 * s.p99_s / s.batch, s.n),
            )
            for s in p.service
        ]
        for p in profiles
    }
    if not series:
        return None
    told = "Median time per unit in ms against the batch size, by runtime. Bars reach up to the 99 % quantile."
    return Picture(told, [[Panel("", "batch", "ms per unit", series, (True, True))]])


def _percent(count: int, n: int) -> Figure:
    share = ageing.share(count, n)
    return Figure(100 * share.value, 100 * share.low, 100 * share.high, n)
