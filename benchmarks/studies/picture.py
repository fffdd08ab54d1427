"""The figure of a study: its quantities side by side, cases below each other, 95 % intervals as lines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.studies.tables import Result, rows
from dashboards.style import BLUE, GREY, INK, PALE
from twin.studies.compare import is_certain

_WRAPPED = 26
_LOG_FROM = 30.0


@contextmanager
def alike(name: str) -> Iterator[None]:
    """What is drawn within is the same each time, whoever has changed matplotlib's defaults before."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"svg.hashsalt": name, "font.family": "DejaVu Sans", "svg.fonttype": "path"})
        yield


def draw(result: Result, quantities: Sequence[str], path: Path) -> None:
    """Write the figure as SVG, the same bytes for the same numbers."""
    known = [name for name in quantities if any(row["value"] is not None for row in rows(result, name).values())]
    cases = [case["name"] for case in result["cases"]]
    with alike(result["scenario"]):
        figure = Figure(figsize=(2.6 * len(known) + 1.6, 0.32 * len(cases) + 1.3), layout="constrained")
        axes = figure.subplots(1, len(known), sharey=True, squeeze=False)[0]
        for axis, name in zip(axes, known, strict=True):
            _panel(axis, rows(result, name), cases)
        axes[0].set_yticks(range(len(cases)), cases)
        axes[0].invert_yaxis()
        about = f"simulated · {result['scenario']} · seed {result['seed']}"
        note = f"{about} · {result['replicas']} replicas · 95 % intervals"
        figure.supxlabel(note, fontsize=7, color=GREY, x=0.99, ha="right")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})


def _panel(axis: Any, found: Mapping[str, Mapping[str, Any]], cases: Sequence[str]) -> None:
    scale = 100.0 if next(iter(found.values()))["unit"] == "" else 1.0
    drawn = []
    for k, case in enumerate(cases):
        row = found.get(case)
        if row is None or row["value"] is None:
            continue
        ends = [scale * (row[end] if row[end] is not None else row["value"]) for end in ("low", "high")]
        certain = is_certain(row["difference_low"], row["difference_high"])
        axis.plot(ends, [k, k], color=INK, linewidth=1.2)
        axis.plot(
            scale * row["value"], k, "o", color=BLUE, markerfacecolor=BLUE if certain else "white", markersize=6
        )
        drawn += [scale * row["value"], *ends]
    first = next(iter(found.values()))
    axis.set_title(
        _wrapped(first["text"], {"": "%", "/d": "per day"}.get(first["unit"], first["unit"])), fontsize=8
    )
    positive = [x for x in drawn if x > 0.0]
    if positive and min(drawn) > 0.0 and max(positive) > _LOG_FROM * min(positive):
        axis.set_xscale("log")
    elif drawn and min(drawn) >= 0.0:
        axis.set_xlim(0.0, 1.08 * max(drawn) or 1.0)
    axis.tick_params(labelsize=7, color=GREY)
    axis.grid(axis="y", color=PALE)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _wrapped(text: str, unit: str) -> str:
    return textwrap.fill(f"{text} [{unit}]", _WRAPPED)
