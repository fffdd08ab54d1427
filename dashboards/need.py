"""How much computing it takes, in plain words for a terminal: 80 columns, no colour. Knows tables, no record.

What is assumed is told apart: every row has its standing, and every assumed input is named.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from typing import Any

import pandas as pd

from twin import words
from twin.requirements.chain import Chain
from twin.requirements.table import Answer

WIDTH = 80
_LABEL = 12
_YEAR_S = 8766.0 * 3600.0
_SCALES: dict[str, tuple[tuple[str, float], ...]] = {
    "MW": (("MW", 1.0), ("kW", 1e-3), ("W", 1e-6)),
    "MWh/yr": (("GWh/yr", 1e3), ("MWh/yr", 1.0), ("kWh/yr", 1e-3)),
    "cores": (("M cores", 1e6), ("cores", 1.0)),
    "HS06": (("MHS06", 1e6), ("kHS06", 1e3), ("HS06", 1.0)),
    "tCO2e/yr": (("tCO2e/yr", 1.0), ("kgCO2e/yr", 1e-3)),
    "EUR/yr": (("MEUR/yr", 1e6), ("kEUR/yr", 1e3), ("EUR/yr", 1.0)),
}
"""Units by size, the largest first."""


def text(answer: Answer, told: str) -> str:
    """The table of the answer, what was assumed, and what it leaves out; `told` says what it is about."""
    table, lines = answer.table, [*textwrap.wrap(f"NEED  {told}", WIDTH), ""]
    for part, own in table.groupby("part", sort=False):
        lines += [str(part).capitalize(), *(_row(row) for row in _rows(own)), ""]
    lines += _paragraph("Assumed", assumed(answer.inputs))
    for note in answer.notes:
        lines += _paragraph("Note", note)
    return "\n".join([*lines, "", *textwrap.wrap(_RANGES, WIDTH)])


_RANGES = (
    "Ranges are 5 to 95 % of draws: triangular between the ends of an input, Student's t for what was measured; "
    "they always hold the best value. "
    "The standing of a row is that of its weakest input; 'scenario' is a planner's choice."
)


def chain(found: Chain, in_cores: pd.DataFrame, beside: pd.DataFrame, warning: str) -> str:
    """The chain of ET-PP D8.1 step by step, that in cores, and what the twin has in the same unit."""
    lines = ["The chain of ET-PP D8.1"]
    for row in _rows(found.table):
        step = f"{row['operation']:<2}{row['step']}"
        lines.append(f"  {step:<33}{row['exact']:>18}  {row['unit']:<15} {row['standing']}")
    lines += ["", "Together, in logical cores"]
    for row in _rows(in_cores[in_cores["quantity"] == "together"]):
        lines.append(_row({**row, "quantity": f"farms of {row['mhs06']:g} MHS06 ({row['farm']})"}))
    lines += ["", "The twin's pools in that unit"]
    for part, own in beside.groupby("part", sort=False):
        lines += [f"  {part}", *(_row({**row, "quantity": f"  {row['quantity']}"}) for row in _rows(own))]
    return "\n".join([*lines, "", *_paragraph("Warning", warning)])


def break_even(table: pd.DataFrame, published: pd.DataFrame) -> str:
    """A paragraph for each learned workload: how much faster, what it took to train, when it has paid.

    Then the same in money for what is `published` of larger ones.
    """
    lines = ["When training pays, against the classical program"]
    for row in _rows(table):
        faster = f"{number(row['speed_up'])} times ({between(row['speed_up_low'], row['speed_up_high'])})"
        trained = f"trained in {words.duration(3600 * row['training_core_h'])} of a core"
        energy = f"{number(1e3 * row['training_kwh'])} Wh ({row['training_energy_standing']})"
        if math.isinf(row["units"]):
            paid = f"never pays: it takes longer than {row['classical']}"
        else:
            units = f"{number(row['units'])} units ({between(row['units_low'], row['units_high'])})"
            paid = f"pays after {units}, {words.duration(row['pays_after_s'])} at {_rate(row['units_per_s'])}"
            paid += f"; never in {words.share(row['never'])} of draws" if row["never"] else ""
        told = f"{faster} less core time than {row['classical']}; {trained}, {energy}; {paid}"
        lines += _paragraph(row["workload"], told, 18)
    for row in _rows(published):
        units = f"{number(row['units'])} units ({between(row['units_low'], row['units_high'])})"
        told = (
            f"{row['name']}: training {number(row['training_eur'])} EUR; {number(100 * row['learned_eur'])} "
            f"instead of {number(100 * row['classical_eur'])} cents each; pays after {units}, "
            f"{words.duration(row['after_years'] * _YEAR_S)} of ET; {row['standing']}; {row['note']}"
        )
        lines += _paragraph("published", told, 18)
    return "\n".join(lines)


def speed_up(table: pd.DataFrame, before: str, after: str) -> str:
    """A line for each stage of two computing models, and the whole."""
    lines = [
        f"Speed-up end to end: core-seconds per second of data, {before} to {after}",
        f"  {'stage':<18}{'before':>10}{'after':>10}{'share':>9}{'speed-up':>10}  {'':<12}{'limit':>6}",
    ]
    for row in _rows(table):
        limit = "" if math.isnan(row["limit"]) else number(row["limit"])
        low, high = row["speed_up_low"], row["speed_up_high"]
        span = between(low, high) if low < high else ""
        lines.append(
            f"  {row['stage']:<18}{number(row['before_core_s_per_s']):>10}{number(row['after_core_s_per_s']):>10}"
            f"{words.share(row['share_before']):>9}{number(row['speed_up']):>10}  {span:<12}{limit:>6}".rstrip()
        )
    lines.append("Limit: of the whole, if that stage took no time at all.")
    for row in _rows(table[table["quoted_from"] != ""]):
        lines += _paragraph("Beside it", f"{row['stage']}: {number(row['quoted'])}, {row['quoted_from']}")
    return "\n".join(lines)


def projection(band: pd.DataFrame, tornados: dict[str, pd.DataFrame], year: int) -> str:
    """The band at a few years, and the inputs that move each quantity most in `year`."""
    first, last = int(band["year"].min()), int(band["year"].max())
    shown = sorted({first, (first + last) // 2, last})
    lines = ["Projection of what is installed, with growth that is assumed: median, 5 to 95 %"]
    for row in _rows(band[band["year"].isin(shown)]):
        if row["high"] > 0:
            middle, span = scaled(row["unit"], row["median"], row["low"], row["high"])
            lines.append(f"  {row['year']}  {row['quantity']:<27}{middle:>18}  {span}")
    for quantity, table in tornados.items():
        if len(table) and table["swing"].max() > 0:
            unit = str(band.loc[band["quantity"] == quantity, "unit"].iloc[0])
            moved = (
                f"{row['key']} {row['low']:g} to {row['high']:g}: "
                f"{' to '.join(scaled(unit, row[end], 0, 0)[0] for end in ('answer_low', 'answer_high'))}"
                for row in _rows(table.head(3))
            )
            lines += _paragraph(f"{quantity}", f"in {year} moved most by {'; '.join(moved)}")
    return "\n".join(lines)


def demand(table: pd.DataFrame) -> str:
    """A line for each way to estimate a month of events."""
    head = f"  {'':<42}{'core-h':>11}{'core-s each':>13}  below"
    lines = ["A month of parameter estimation, third generation", head]
    for row in _rows(table):
        below = f"{row['orders_below_standard']:.1f} orders"
        lines.append(
            f"  {row['method']:<42}{number(row['core_h']):>11}{number(row['per_event_core_s']):>13}  {below}"
        )
    return "\n".join([*lines, *textwrap.wrap(_NO_FORECAST, WIDTH)])


_NO_FORECAST = (
    "Below: powers of ten below standard methods. Ours estimate five parameters of binary black holes in seconds "
    "of data: no forecast of what neutron stars of hours take."
)


def assumed(inputs: pd.DataFrame) -> str:
    """Which inputs were assumed, each with its value and range."""
    mine = inputs[inputs["standing"] == "assumed"]
    if mine.empty:
        return f"none of {words.count(len(inputs), 'input')}"
    named = ", ".join(f"{row['key']} {row['value']:.3g}{_ends(row)}" for row in _rows(mine))
    return f"{len(mine)} of {words.count(len(inputs), 'input')}: {named}"


def scaled(unit: str, value: float, low: float, high: float) -> tuple[str, str]:
    """A value and its range with the unit that suits the value; the range is empty where it has no width."""
    scales = _SCALES.get(unit, ((unit, 1.0),))
    name, scale = next((s for s in scales if abs(value) >= s[1]), scales[-1])
    span = between(low / scale, high / scale) if low < high else ""
    return f"{number(value / scale)} {name}", span


def number(value: float) -> str:
    """Three digits; powers of ten where there would be more noughts than digits."""
    if not math.isfinite(value):
        return "never" if value > 0 else "not stated"
    small = 0 < abs(value) < 1e-4
    return f"{value:.1e}" if small or abs(value) >= 1e8 else words.digits(value)


def between(low: float, high: float) -> str:
    """A range of numbers."""
    return f"{number(low)}–{number(high)}"


def _row(row: dict[str, Any]) -> str:
    value, span = scaled(row["unit"], row["value"], row["low"], row["high"])
    return f"  {row['quantity']:<33}{value:>18}  {span:<15} {row['standing']}"


def _rate(per_s: float) -> str:
    return f"one every {words.duration(1.0 / per_s)}"


def _rows(table: pd.DataFrame) -> Iterable[dict[str, Any]]:
    return ({str(key): value for key, value in row.items()} for row in table.to_dict("records"))


def _paragraph(label: str, told: str, width: int = _LABEL) -> list[str]:
    return textwrap.wrap(f"{label:<{width}}{told}", WIDTH, subsequent_indent=" " * width, break_on_hyphens=False)


def _ends(row: dict[str, Any]) -> str:
    return f" ({row['low']:.3g}–{row['high']:.3g})" if row["low"] < row["high"] else ""
