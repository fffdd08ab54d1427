"""How the answer moves until ET starts and after: generations of hardware and of models, as a band over the years.

What pools are today is scaled by growth that nobody knows: every rate here is a placeholder with a low and a
high end, and says so. One rate is drawn for all years. A tornado tells which input moves the answer most, one at
a time between its ends. Knows no figure: tables only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import pandas as pd

from sites.spec import Quantity
from twin.requirements.pools import Held, RequirementsError
from twin.requirements.table import YEAR_H, Amount, amount, installed, used
from twin.requirements.uncertain import Chance, Uncertain

FROM_YEAR = 2025
"""Of the catalogue's figures and of the measured programs."""
YEARS = tuple(range(2035, 2051))
"""ET is to start in the second half of the 2030s; and beyond."""
UNITS: Mapping[str, str] = {"cores": "cores", "gpus": "GPUs", "power": "MW", "cost": "EUR/yr"}
"""What is projected, and its unit."""
Base = Callable[[Chance], Amount]
"""What is needed today."""

_PLACEHOLDER = "placeholder, no source"


@dataclass(frozen=True)
class Growth:
    """Rates of change, all assumed. Shares are per year; models gain a factor every so many years."""

    demand: Quantity
    per_core: Quantity
    per_watt: Quantity
    per_eur: Quantity
    model_gain: Quantity
    model_years: Quantity

    def with_(self, **quantities: Quantity) -> Growth:
        """Other rates, by name."""
        known = [field.name for field in fields(self)]
        for name in quantities:
            if name not in known:
                raise RequirementsError(f"no growth '{name}'; known: {', '.join(known)}")
        return replace(self, **quantities)


GROWTH = Growth(
    demand=Quantity(0.0, 0.0, 0.05, "assumed", f"{_PLACEHOLDER}: more signals as ET gets better"),
    per_core=Quantity(0.02, 0.0, 0.05, "assumed", f"{_PLACEHOLDER}: work of one core or GPU"),
    per_watt=Quantity(0.10, 0.05, 0.20, "assumed", f"{_PLACEHOLDER}: work per energy"),
    per_eur=Quantity(0.10, 0.05, 0.20, "assumed", f"{_PLACEHOLDER}: work per money"),
    model_gain=Quantity(1.5, 1.0, 3.0, "assumed", f"{_PLACEHOLDER}: less work by new models"),
    model_years=Quantity(5.0, 3.0, 8.0, "assumed", f"{_PLACEHOLDER}: years between such models"),
)
_GROWTH_UNITS = {"model_gain": "times", "model_years": "years"}


def base(pools: Sequence[Held], *, busy: bool = False) -> Base:
    """What pools are, or (`busy`) what was used of them: the start of a projection."""
    if busy and not all(held.busy is not None for held in pools):
        raise RequirementsError("nothing was run: no use to project; project what is installed")
    return lambda chance: amount((used if busy else installed)(pools, chance), chance)


def project(today: Base, year: int, chance: Chance, growth: Growth = GROWTH) -> dict[str, Uncertain]:
    """What is needed in `year`, by the names of UNITS and in their units; RequirementsError before FROM_YEAR."""
    years = year - FROM_YEAR
    if years < 0:
        raise RequirementsError(f"year {year}; a projection starts from the figures of {FROM_YEAR}")
    rate = {
        f.name: chance.of(f"growth.{f.name}", _GROWTH_UNITS.get(f.name, "/yr"), getattr(growth, f.name))
        for f in fields(growth)
    }
    now = today(chance)
    generations = chance.exactly(years) / rate["model_years"]
    work = (rate["demand"] + 1.0) ** years / rate["model_gain"] ** generations
    per_core, per_watt, per_eur = ((rate[name] + 1.0) ** years for name in ("per_core", "per_watt", "per_eur"))
    return {
        "cores": now.cores * work / per_core,
        "gpus": now.gpus * work / per_core,
        "power": now.watts / 1e6 * work / per_watt,
        "cost": now.eur_per_h * YEAR_H * work / per_eur,
    }


def band(today: Base, chance: Chance, years: Sequence[int] = YEARS, growth: Growth = GROWTH) -> pd.DataFrame:
    """Columns year, quantity, unit, value (all inputs at their best), median, low, high (5 and 95 % of draws)."""
    rows = [
        (year, name, UNITS[name], number.value, number.median, number.low, number.high)
        for year in years
        for name, number in project(today, year, chance, growth).items()
    ]
    return pd.DataFrame(rows, columns=["year", "quantity", "unit", "value", "median", "low", "high"])


def tornado(
    today: Base, quantity: str, chance: Chance, year: int = YEARS[0], growth: Growth = GROWTH
) -> pd.DataFrame:
    """What moves `quantity` (a name of UNITS) in `year` most, all else at its best value.

    Columns key, unit, low, value and high of the input, answer_low and answer_high (the answer with the input at
    its low and high end), swing (their distance), standing, source. The largest swing is first; inputs without a
    range are left out.
    """
    if quantity not in UNITS:
        raise RequirementsError(f"no quantity '{quantity}'; known: {', '.join(UNITS)}")
    rows = []
    for known in project(today, year, chance, growth)[quantity].inputs:
        q = known.quantity
        if not q.low < q.high:
            continue
        low, high = (_at(today, quantity, year, growth, {known.key: end}) for end in (q.low, q.high))
        rows.append(
            (known.key, known.unit, q.low, q.value, q.high, low, high, abs(high - low), q.standing, q.source)
        )
    columns = ["key", "unit", "low", "value", "high", "answer_low", "answer_high", "swing", "standing", "source"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["swing", "key"], ascending=[False, True], ignore_index=True)


def _at(today: Base, quantity: str, year: int, growth: Growth, fixed: Mapping[str, float]) -> float:
    return project(today, year, Chance(draws=0, fixed=fixed), growth)[quantity].value
