"""The chain of ET-PP D8.1 as exact arithmetic: from a share of a trigger farm in O4 to one farm for ET.

(1/20 farm) x 1000 / 100 = 1/2 farm after the merger; as much again before it; together one farm. Every factor
is an input with its standing; fractions, so that the answer is exact. Beside it stands what a run of the twin
needs, in the same unit. Mean load: no headroom for surges or outages is in it.

Which farm D8.1 means is not known here, and the absolute answer hangs on it by a factor of eight: see `warning`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import pandas as pd

from sites import catalogue
from sites.spec import Quantity
from twin.requirements.pools import Held, RequirementsError
from twin.requirements.table import Row, amount, in_farms, installed, sizes, used
from twin.requirements.uncertain import Chance, Uncertain

_QUOTED = "digest: ET-PP D8.1 as quoted by Veitch and Schramm, ML in LL workflows, 21 May 2025; itself not read"
CORE_HS06 = "epyc-core"
"""The hardware kind whose HS06 turns farms into logical cores."""
O4_CORES = Quantity(10_000, 5_000, 15_000, "assumed", "recalled (low confidence); half either way is assumed")
"""Logical cores of LVK's low latency in O4."""


@dataclass(frozen=True)
class Factor:
    """One number of the chain; `over` divides, the others multiply."""

    name: str
    value: Fraction
    unit: str
    over: bool
    standing: str
    source: str


@dataclass(frozen=True)
class Chain:
    """The factors of the chain: O4, what ET has more of, what ML takes off, what comes before mergers."""

    o4: Factor = Factor("O4 low latency", Fraction(1, 20), "farms", False, "assumed", _QUOTED)
    signals: Factor = Factor(
        "more signals", Fraction(1000), "times", False, "published", "INFN Torino, indico.cern.ch 1471803/6966764"
    )
    speed_up: Factor = Factor("faster by ML", Fraction(100), "times", True, "assumed", _QUOTED)
    before: Factor = Factor("before the merger, of after", Fraction(1), "times", False, "assumed", _QUOTED)

    @property
    def after_merger(self) -> Fraction:
        """Farms for what comes after the merger."""
        return self.o4.value * self.signals.value / self.speed_up.value

    @property
    def before_merger(self) -> Fraction:
        """Farms for pre-merger searches."""
        return self.after_merger * self.before.value

    @property
    def farms(self) -> Fraction:
        """Farms in all."""
        return self.after_merger + self.before_merger

    @property
    def factors(self) -> tuple[Factor, ...]:
        """In the order of the chain."""
        return self.o4, self.signals, self.speed_up, self.before

    def with_(self, **values: Fraction | int | str) -> Chain:
        """The chain with other values, by the names of the factors: `chain.with_(o4="1/10")`; no decimals.

        What is changed is a planner's choice, and has no source.
        """
        return replace(self, **{name: self._changed(name, value) for name, value in values.items()})

    @property
    def table(self) -> pd.DataFrame:
        """Columns step, operation, exact, value, unit, standing, source: the factors, then what they give."""
        rows = [
            (f.name, "/" if f.over else "x", str(f.value), float(f.value), f.unit, f.standing, f.source)
            for f in self.factors
        ]
        rows[0] = (rows[0][0], "", *rows[0][2:])
        found = ("after the merger", self.after_merger), ("before the merger", self.before_merger)
        weakest = "assumed" if any(f.standing == "assumed" for f in self.factors) else "scaled"
        rows += [
            (name, "=", str(value), float(value), "farms", weakest, "the factors above")
            for name, value in (*found, ("together", self.farms))
        ]
        return pd.DataFrame(rows, columns=["step", "operation", "exact", "value", "unit", "standing", "source"])

    def _changed(self, name: str, value: Fraction | int | str) -> Factor:
        known = ("o4", "signals", "speed_up", "before")
        if name not in known:
            raise RequirementsError(f"the chain has no factor '{name}'; it has: {', '.join(known)}")
        factor: Factor = getattr(self, name)
        exact = None if isinstance(value, float) else _fraction(value)
        if exact is None or exact <= 0:
            raise RequirementsError(f"chain: {name}: {value!r}; allowed: a fraction above 0, such as 1/20 or 1000")
        return replace(factor, value=exact, standing="assumed", source="a planner's choice")


def meant(chain: Chain, chance: Chance, farm_mhs06: float | None = None) -> pd.DataFrame:
    """What the chain is in logical cores, for every size of farm.

    Columns farm, mhs06, quantity ('O4 low latency' or 'together'), unit, value, low, high, against_o4 (how
    many times the cores that are recalled for O4), and standing.
    """
    per_core = _per_core(chance)
    o4 = chance.of("o4.cores", "cores", O4_CORES)
    rows = []
    for name, size in sizes(farm_mhs06).items():
        for quantity, farms in ((chain.o4.name, chain.o4.value), ("together", chain.farms)):
            cores = chance.of(f"{name}.mhs06", "MHS06", size) * (1e6 * float(farms)) / per_core
            found = cores.value, cores.low, cores.high, (cores / o4).value
            rows.append((name, size.value, quantity, "cores", *found, cores.standing))
    columns = ["farm", "mhs06", "quantity", "unit", "value", "low", "high", "against_o4", "standing"]
    return pd.DataFrame(rows, columns=columns)


def warning(chance: Chance) -> str:
    """Why the size of the farm has to be said, with its numbers."""
    per_core = _per_core(chance).value
    farms = [size.value for size in sizes().values()]
    parts = [
        f"1/20 of {mhs06:g} MHS06 is {mhs06 / 20:.3g} MHS06, some {_round(5e4 * mhs06 / per_core):,} logical cores"
        for mhs06 in farms
    ]
    apart = max(farms) / min(farms)
    return (
        f"Which farm D8.1 means is not known here. {'; '.join(parts)}; about {O4_CORES.value:,.0f} cores are "
        f"recalled for O4. The largest farm is {apart:.1f} times the smallest, and so is "
        "the answer in cores."
    )


def beside(pools: Sequence[Held], chance: Chance, farm_mhs06: float | None = None) -> list[Row]:
    """What the twin's own pools are in cores, GPUs and farms, and what was used of them where that is known."""
    loads = {"installed": installed(pools, chance)}
    if all(held.busy is not None for held in pools):
        loads["used"] = used(pools, chance)
    rows = []
    for part, load in loads.items():
        here = amount(load, chance)
        rows += [
            Row(part, "logical cores", "cores", here.cores, "of the twin's pools"),
            Row(part, "GPUs", "GPUs", here.gpus, "of the twin's pools; not in the farms"),
        ]
        for name, size in sizes(farm_mhs06).items():
            farms = in_farms(here.hs06, name, size, chance)
            rows.append(Row(part, f"farms of {size.value:g} MHS06 ({name})", "farms", farms, "HS06 of cores"))
    return rows


def _per_core(chance: Chance) -> Uncertain:
    hs06 = catalogue.hardware()[CORE_HS06].hs06
    if hs06 is None:
        raise RequirementsError(f"sites/hardware/{CORE_HS06}.yaml has no hs06, without which a farm is no cores")
    return chance.of(f"{CORE_HS06}.hs06", "HS06", hs06)


def _fraction(value: Fraction | int | str) -> Fraction | None:
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        return None


def _round(number: float) -> int:
    """To two digits, for a sentence."""
    return int(float(f"{number:.1e}"))
