"""The answer to "how much computing?": what the pools are and what was used of them, in planners' units.

Every row is arithmetic on servers, on figures of the catalogue, and on the use that a run measured. Ranges are 5
to 95 % of draws (`uncertain`). Knows no page and no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sites import catalogue
from sites.spec import Quantity
from twin import words
from twin.requirements.pools import Held
from twin.requirements.uncertain import Chance, Input, Uncertain, total, united

YEAR_H = 8766.0
"""Hours of a year of 365.25 days."""
INSTALLED, USED = "installed", "used"
_MADE = "carbon of making it is that of servers with their part of a host; buildings and networks are left out"
_PRICE = "the price of a server-hour is its full cost: electricity is in it, and is told once more by itself"


@dataclass(frozen=True)
class Row:
    """One quantity of a part of the answer, and how it is made."""

    part: str
    quantity: str
    unit: str
    number: Uncertain
    source: str


@dataclass(frozen=True)
class Answer:
    """Rows of the answer, and what it does not say."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """Columns part, quantity, unit, value, low, high, standing, source; low and high are 5 and 95 %."""
        return frame(self.rows)

    @property
    def inputs(self) -> pd.DataFrame:
        """Columns key, unit, value, low, high, standing, source: every number that the rows rest on."""
        return inputs(united(*(row.number.inputs for row in self.rows)))


@dataclass(frozen=True)
class Amount:
    """Sums over pools of some servers: of all that are installed, or of those that were at work on average."""

    cores: Uncertain
    gpus: Uncertain
    hs06: Uncertain
    watts: Uncertain
    """Electric power with PUE."""
    eur_per_h: Uncertain
    electricity_eur_per_h: Uncertain
    carbon_kg_per_h: Uncertain
    embodied_kg_per_yr: Uncertain
    """Of making the servers, spread over their years of service."""


@dataclass(frozen=True)
class Load:
    """How many servers of one pool work, and how many are on but idle (mean numbers; None: none is)."""

    held: Held
    busy: Uncertain
    idle: Uncertain | None = None


def answer(pools: Sequence[Held], chance: Chance, farm_mhs06: float | None = None) -> Answer:
    """What `pools` are, and what was used of them where that is known.

    In farms of all known sizes, or only in those of `farm_mhs06` million HS06.
    """
    farms = sizes(farm_mhs06)
    rows = _installed(amount(installed(pools, chance), chance), farms, chance)
    if all(held.busy is not None for held in pools):
        rows += _used(amount(used(pools, chance), chance), farms, chance)
    return Answer(tuple(rows), tuple(_notes(pools)))


def installed(pools: Sequence[Held], chance: Chance) -> list[Load]:
    """All servers of all pools, at work."""
    return [Load(held, chance.exactly(held.servers)) for held in pools]


def used(pools: Sequence[Held], chance: Chance) -> list[Load]:
    """What works, and what is on, in the mean over a run; the range of what works is that over replicas."""
    loads = []
    for held in pools:
        if held.busy is None or held.powered is None:
            raise ValueError(f"nothing is known of the use of pool {held.pool}")
        busy = chance.mean(f"{held.pool}.busy", "servers", held.busy, held.standing, held.source)
        idle = (float(held.powered.mean()) - busy.samples).clip(min=0.0)
        loads.append(Load(held, busy, Uncertain(idle, busy.inputs)))
    return loads


def amount(loads: Sequence[Load], chance: Chance) -> Amount:
    """What those servers are, draw and cost together. An idle one draws and costs, but computes nothing."""
    each = [_of_pool(load, chance) for load in loads]
    names = Amount.__dataclass_fields__
    return Amount(**{name: total((getattr(one, name) for one in each), chance) for name in names})


def sizes(farm_mhs06: float | None = None) -> Mapping[str, Quantity]:
    """Trigger farms by what they are called, in million HS06: all that are known, or the one that is given."""
    if farm_mhs06 is None:
        return {name: farm.mhs06 for name, farm in catalogue.farms().items()}
    known = {farm.mhs06.value: farm for farm in catalogue.farms().values()}
    if farm_mhs06 in known:
        return {known[farm_mhs06].name: known[farm_mhs06].mhs06}
    return {"given": Quantity(farm_mhs06, farm_mhs06, farm_mhs06, "assumed", "a planner's choice")}


def in_farms(hs06: Uncertain, name: str, size: Quantity, chance: Chance) -> Uncertain:
    """HS06 in trigger farms of that size."""
    return hs06 / (chance.of(f"{name}.mhs06", "MHS06", size) * 1e6)


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as a table: see `Answer.table`."""
    columns = ["part", "quantity", "unit", "value", "low", "high", "standing", "source"]
    listed = [
        (r.part, r.quantity, r.unit, r.number.value, r.number.low, r.number.high, r.number.standing, r.source)
        for r in rows
    ]
    return pd.DataFrame(listed, columns=columns)


def inputs(known: Sequence[Input]) -> pd.DataFrame:
    """Inputs as a table: see `Answer.inputs`."""
    columns = ["key", "unit", "value", "low", "high", "standing", "source"]
    listed = [
        (i.key, i.unit, *(getattr(i.quantity, name) for name in ("value", "low", "high", "standing", "source")))
        for i in known
    ]
    return pd.DataFrame(listed, columns=columns)


def _of_pool(load: Load, chance: Chance) -> Amount:
    held = load.held
    kind = held.kind

    def here(what: str, unit: str, quantity: Quantity) -> Uncertain:
        return chance.of(f"{kind.name}.{what}", unit, quantity)

    busy = load.busy * held.multiple
    idle = None if load.idle is None else load.idle * held.multiple
    full_w = here("power_w", "W", kind.power_w) * (here("host_overhead", "share", kind.host_overhead) + 1.0)
    watts = full_w * busy
    if idle is not None:
        watts = watts + full_w * here("idle_share", "share", kind.idle_share) * idle
    watts = watts * _electric(held, "pue", "", chance)
    there = busy if idle is None else busy + idle
    hs06 = chance.exactly(0.0) if kind.hs06 is None else here("hs06", "HS06", kind.hs06) * busy
    made = chance.exactly(0.0)
    if kind.embodied_kg_per_yr is not None:
        made = here("embodied_kg_per_yr", "kg/yr", kind.embodied_kg_per_yr) * there
    kilowatts = watts / 1e3
    return Amount(
        cores=busy * kind.cores,
        gpus=busy * kind.gpus,
        hs06=hs06,
        watts=watts,
        eur_per_h=here("price_eur_per_hour", "EUR/h", kind.price_eur_per_hour) * there,
        electricity_eur_per_h=kilowatts * _electric(held, "electricity_eur_per_kwh", "EUR/kWh", chance),
        carbon_kg_per_h=kilowatts * _electric(held, "carbon_g_per_kwh", "g/kWh", chance) / 1e3,
        embodied_kg_per_yr=made,
    )


def _electric(held: Held, what: str, unit: str, chance: Chance) -> Uncertain:
    key, quantity = catalogue.electricity(held.site, what)
    return chance.of(key, unit, quantity)


def _installed(here: Amount, farms: Mapping[str, Quantity], chance: Chance) -> list[Row]:
    return [
        Row(INSTALLED, "logical cores", "cores", here.cores, "servers x cores of each; counts, not estimates"),
        Row(INSTALLED, "GPUs", "GPUs", here.gpus, "servers x GPUs of each; counts, not estimates"),
        Row(INSTALLED, "benchmark of the cores", "HS06", here.hs06, "cores x HS06 per logical core"),
        *_farms(INSTALLED, here, farms, chance),
        Row(INSTALLED, "power, all busy", "MW", here.watts / 1e6, "servers x power x (1 + host) x PUE"),
        Row(INSTALLED, "cost", "EUR/yr", here.eur_per_h * YEAR_H, "servers x price of a server-hour x 8766 h"),
        Row(
            INSTALLED,
            "carbon, all busy",
            "tCO2e/yr",
            here.carbon_kg_per_h * (YEAR_H / 1e3),
            "power, all busy x carbon intensity x 8766 h",
        ),
        Row(
            INSTALLED,
            "carbon of making it",
            "tCO2e/yr",
            here.embodied_kg_per_yr / 1e3,
            "servers x that of making one / its years of service",
        ),
    ]


def _used(here: Amount, farms: Mapping[str, Quantity], chance: Chance) -> list[Row]:
    electric = "busy servers at full power, idle ones at their idle share, x PUE"
    return [
        Row(USED, "logical cores, busy", "cores", here.cores, "use x servers x cores, mean over the horizon"),
        Row(USED, "GPUs, busy", "GPUs", here.gpus, "use x servers x GPUs, mean over the horizon"),
        Row(USED, "core-hours", "core-h/yr", here.cores * YEAR_H, "busy cores x 8766 h"),
        Row(USED, "GPU-hours", "GPU-h/yr", here.gpus * YEAR_H, "busy GPUs x 8766 h"),
        Row(USED, "benchmark of busy cores", "HS06", here.hs06, "busy cores x HS06 per logical core"),
        *_farms(USED, here, farms, chance),
        Row(USED, "power, mean", "MW", here.watts / 1e6, electric),
        Row(USED, "electricity", "MWh/yr", here.watts * (YEAR_H / 1e6), f"{electric}, x 8766 h"),
        Row(
            USED,
            "cost of electricity",
            "EUR/yr",
            here.electricity_eur_per_h * YEAR_H,
            "electricity x its price; part of the cost of what is installed",
        ),
        Row(USED, "carbon", "tCO2e/yr", here.carbon_kg_per_h * (YEAR_H / 1e3), "electricity x carbon intensity"),
    ]


def _farms(part: str, here: Amount, farms: Mapping[str, Quantity], chance: Chance) -> list[Row]:
    return [
        Row(
            part,
            f"farms of {size.value:g} MHS06 ({name})",
            "farms",
            in_farms(here.hs06, name, size, chance),
            "HS06 of cores / HS06 of the farm",
        )
        for name, size in farms.items()
    ]


def _notes(pools: Sequence[Held]) -> list[str]:
    notes = [_PRICE, _MADE]
    unmade = [held.pool for held in pools if held.kind.embodied_kg_per_yr is None]
    if unmade:
        notes.append(f"carbon of making {words.sequence(unmade)} is left out: nothing is known of such hardware")
    gpus = [held.pool for held in pools if held.kind.hs06 is None]
    if gpus:
        notes.append(f"HS06 and farms leave out {words.sequence(gpus)}: no HS06 of such hardware is known")
    unknown = sorted({held.site for held in pools if held.site not in catalogue.sites()})
    if unknown:
        notes.append(f"electricity of {words.sequence(unknown)} is taken to be Europe's: not in sites/known")
    if any(held.busy is not None and len(held.busy) == 1 for held in pools):
        notes.append("one replica: the use of the pools has no range")
    return notes
