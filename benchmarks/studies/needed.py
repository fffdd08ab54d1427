"""The questions that are answered without comparing runs: when training pays (Q3), and how it moves to 2050 (Q12).

Each gives a result for a JSON, the table and the figure of docs/studies.md, with the ranges of `ettwin need`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

import twin
from benchmarks.studies.picture import alike
from dashboards.need import between, number, scaled
from dashboards.style import BLUE, GREY, INK, ORANGE, PALE
from twin import words
from twin.requirements import breakeven, pools, projection
from twin.requirements.uncertain import Chance

Result = dict[str, Any]
SEED = 1
SHORT = {"horizon": "2 h", "replicas": 4}
"""What is run for Q12: how much is busy hardly depends on how long."""
MODELS = {"networks": (), "filters": ("matched-filter",)}
"""What is used is projected for each, and the overrides of q12-projection that make it."""
SHOWN_YEARS = (2035, 2042, 2050)
_QUANTITIES = {"cores": "logical cores", "power": "power", "cost": "cost"}


def training() -> Result:
    """Q3: after how many units, and after how long, a network has paid for its training."""
    table = breakeven.table(Chance(SEED))
    kept = ["workload", "classical", "training_core_h", "never"]
    kept += [f"{name}{end}" for name in ("speed_up", "units") for end in ("", "_low", "_high")]
    kept += ["pays_after_s", "pays_after_low_s", "pays_after_high_s"]
    return {"command": "ettwin need q03-training --break-even", "seed": SEED, "rows": _plain(table[kept])}


def growth() -> Result:
    """Q12: what is installed and what each computing model uses, as bands over the years."""
    chance, parts, digests = Chance(SEED), [], {}
    scenario = twin.load("q12-projection")
    bases = {"installed": projection.base(pools.of_scenario(scenario))}
    for name, chosen in MODELS.items():
        record = twin.run(twin.load("q12-projection", chosen).with_(SHORT))
        digests[name] = record.scenario.digest
        bases[f"used by {name}"] = projection.base(pools.of_record(record), busy=True)
    for name, base in bases.items():
        parts.append(projection.band(base, chance).assign(of=name))
    table = pd.concat(parts, ignore_index=True)
    rows = _plain(table[table["quantity"].isin(list(_QUANTITIES))])
    command = "ettwin need q12-projection --projection"
    return {"command": command, "seed": SEED, "scenario_digest": scenario.digest, "runs": digests, "rows": rows}


def training_table(result: Result) -> str:
    """A row per network, in Markdown."""
    head = "| network | instead of | less core time | trained in | pays after | that is |\n" + "|---" * 6 + "|"
    return "\n".join([head, *(_trained(row) for row in result["rows"])])


def growth_table(result: Result) -> str:
    """A row per year and model, in Markdown: median and 5 to 95 % of draws."""
    lines = ["| year | of what is | cores | power | cost |", "|---|---|---|---|---|"]
    for year in SHOWN_YEARS:
        for of in dict.fromkeys(row["of"] for row in result["rows"]):
            own = {row["quantity"]: row for row in result["rows"] if (row["year"], row["of"]) == (year, of)}
            cells = (_scaled(own[name]) for name in _QUANTITIES)
            lines.append(f"| {year} | {of} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw_training(result: Result, path: Path) -> None:
    """Units and time until training has paid, with their ranges."""
    panels = (("pays after [units]", "units{}", 1.0), ("at its rate, that is [hours]", "pays_after{}_s", 3600.0))
    rows = result["rows"]
    with alike("q03-training"):
        figure = Figure(figsize=(7.2, 0.36 * len(rows) + 1.2), layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True)
        for axis, (title, key, unit) in zip(axes, panels, strict=True):
            for k, row in enumerate(rows):
                low, middle, high = (_number(row[key.format(end)]) / unit for end in ("_low", "", "_high"))
                axis.plot([low, high], [k, k], color=INK, linewidth=1.2)
                axis.plot(middle, k, "o", color=BLUE, markersize=6)
            _dressed(axis, title)
            low, high = axis.get_xlim()
            axis.set_xlim(10 ** np.floor(np.log10(low)), 10 ** np.ceil(np.log10(high)))
        axes[0].set_yticks(range(len(rows)), [f"{row['workload']} for {row['classical']}" for row in rows])
        axes[0].invert_yaxis()
        _written(figure, path, "from profiles and model cards, no run · 5 to 95 % of draws")


def draw_growth(result: Result, path: Path) -> None:
    """A band per quantity over the years: what is installed, and what networks and filters use of it."""
    names = list(dict.fromkeys(row["of"] for row in result["rows"]))
    colours = dict(zip(names, (GREY, BLUE, ORANGE), strict=True))
    with alike("q12-projection"):
        figure = Figure(figsize=(9.0, 3.2), layout="constrained")
        axes = figure.subplots(1, len(_QUANTITIES))
        for axis, (quantity, title) in zip(axes, _QUANTITIES.items(), strict=True):
            for name in names:
                own = [r for r in result["rows"] if (r["of"], r["quantity"]) == (name, quantity)]
                years = [r["year"] for r in own]
                axis.fill_between(
                    years, [r["low"] for r in own], [r["high"] for r in own], color=colours[name], alpha=0.25, lw=0
                )
                axis.plot(years, [r["median"] for r in own], color=colours[name], label=name)
            axis.set_xticks([y for y in years if y % 5 == 0])
            _dressed(axis, f"{title} [{own[0]['unit']}]", upright=True)
        axes[0].legend(fontsize=7, frameon=False)
        _written(figure, path, "all growth is assumed · median and 5 to 95 % of draws")


NEEDED: Mapping[str, tuple[Callable[[], Result], Callable[[Result], str], Callable[[Result, Path], None]]] = {
    "q03-training": (training, training_table, draw_training),
    "q12-projection": (growth, growth_table, draw_growth),
}
"""By scenario: what makes the result, its table and its figure."""


def _trained(row: Mapping[str, Any]) -> str:
    faster = f"{number(row['speed_up'])} times ({between(row['speed_up_low'], row['speed_up_high'])})"
    made = words.duration(3600 * row["training_core_h"])
    if row["units"] is None:
        return f"| {row['workload']} | {row['classical']} | {faster} | {made} | never | – |"
    units = f"{number(row['units'])} ({between(*(_number(row[f'units_{end}']) for end in ('low', 'high')))}) units"
    low, high = (words.duration(row[f"pays_after_{end}_s"]) for end in ("low", "high"))
    after = f"{words.duration(row['pays_after_s'])} ({low} to {high})"
    return f"| {row['workload']} | {row['classical']} | {faster} | {made} | {units} | {after} |"


def _scaled(row: Mapping[str, Any]) -> str:
    middle, span = scaled(row["unit"], row["median"], row["low"], row["high"])
    return f"{middle} ({span})" if span else middle


def _number(value: float | None) -> float:
    """What JSON has none for is infinite."""
    return math.inf if value is None else value


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): _json(v) for k, v in row.items()} for row in table.to_dict("records")]


def _json(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _dressed(axis: Any, title: str, upright: bool = False) -> None:
    axis.set_title(title, fontsize=8)
    (axis.set_yscale if upright else axis.set_xscale)("log")
    (axis.yaxis if upright else axis.xaxis).set_minor_formatter(NullFormatter())
    axis.tick_params(labelsize=7, color=GREY)
    axis.grid(axis="y", color=PALE)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _written(figure: Figure, path: Path, note: str) -> None:
    figure.supxlabel(note, fontsize=7, color=GREY, x=0.99, ha="right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
