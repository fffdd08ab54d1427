"""When training pays for programs of any size, in money: GPU-hours and core-hours by what they cost.

For programs of others, of which only published figures are known, and for plans of one's own. A published example
stands beside the programs of this house, which are small: a flow for binary black holes that trains for days on a
GPU, against the cheapest classical method at hand, which is for binary neutron stars. It compares what each of two
papers reports for its own signals: an order of magnitude.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sites import catalogue
from sites.spec import Quantity
from twin.requirements.breakeven import BINARIES_PER_YEAR, paid
from twin.requirements.demand import MESHFREE, MESHFREE_CORES
from twin.requirements.pools import RequirementsError
from twin.requirements.uncertain import Chance, Uncertain

CORE, GPU = "epyc-core", "a100"
"""The hardware kinds whose prices are taken."""


@dataclass(frozen=True)
class Plan:
    """A learned program and a classical one: hours of training, and seconds of one unit of work, by hardware kind.

    Keys are names of sites/hardware; what is not named is not used.
    """

    name: str
    training_h: Mapping[str, Quantity]
    learned_s: Mapping[str, Quantity]
    classical_s: Mapping[str, Quantity]
    per_year: Quantity
    note: str = field(default="", compare=False)


DINGO = Plan(
    "DINGO beside a meshfree likelihood",
    {
        GPU: Quantity(
            240.0, 120.0, 360.0, "assumed", "recalled: about ten days on one A100; half either way is assumed"
        )
    },
    {GPU: Quantity(20.0, 20.0, 20.0, "published", "arXiv:2106.12594: 20 s per binary black hole")},
    {
        CORE: Quantity(
            MESHFREE.value * 60.0 * MESHFREE_CORES,
            MESHFREE.low * 60.0 * MESHFREE_CORES,
            MESHFREE.high * 60.0 * MESHFREE_CORES,
            MESHFREE.standing,
            f"{MESHFREE.source}; core-seconds",
        )
    },
    BINARIES_PER_YEAR,
    "black holes beside neutron stars: an order of magnitude",
)


@dataclass(frozen=True, eq=False)
class Paid:
    """What a plan comes to: EUR to train and per unit, and after how many units training has paid (inf: never)."""

    plan: Plan
    training_eur: Uncertain
    learned_eur: Uncertain
    classical_eur: Uncertain
    units: Uncertain
    after_years: Uncertain

    @property
    def never(self) -> float:
        """Share of the draws in which it never pays."""
        drawn = self.units.samples[1:] if self.units.samples.size > 1 else self.units.samples
        return float(np.mean(np.isinf(drawn)))


def pays(plan: Plan, chance: Chance) -> Paid:
    """When the training of `plan` has paid; RequirementsError on hardware that is not known."""
    training = _eur("training", plan, plan.training_h, 1.0, chance)
    learned = _eur("learned", plan, plan.learned_s, 3600.0, chance)
    classical = _eur("classical", plan, plan.classical_s, 3600.0, chance)
    units = paid(training, classical - learned)
    rate = chance.of(f"{plan.name}.per_year", "/yr", plan.per_year)
    if plan.per_year is BINARIES_PER_YEAR:
        rate = chance.of("binaries.per_year", "/yr", BINARIES_PER_YEAR)
    return Paid(plan, training, learned, classical, units, units / rate)


def table(plans: tuple[Plan, ...], chance: Chance) -> pd.DataFrame:
    """A row per plan: name, training_eur, learned_eur, classical_eur (per unit), units, units_low, units_high,
    after_years, never (share of draws), standing (the weakest), note."""
    rows = []
    for plan in plans:
        found = pays(plan, chance)
        rows.append(
            {
                "name": plan.name,
                "training_eur": found.training_eur.value,
                "learned_eur": found.learned_eur.value,
                "classical_eur": found.classical_eur.value,
                "units": found.units.value,
                "units_low": found.units.low,
                "units_high": found.units.high,
                "after_years": found.after_years.value,
                "never": found.never,
                "standing": found.units.standing,
                "note": plan.note,
            }
        )
    return pd.DataFrame(rows)


def _eur(what: str, plan: Plan, spent: Mapping[str, Quantity], per_h: float, chance: Chance) -> Uncertain:
    """What hours (or seconds: `per_h` 3600) on each kind of hardware cost in EUR."""
    known, cost = catalogue.hardware(), chance.exactly(0.0)
    for kind, quantity in spent.items():
        if kind not in known:
            raise RequirementsError(f"{plan.name}: {what}: no hardware '{kind}'; known: {', '.join(known)}")
        price = chance.of(f"{kind}.price_eur_per_hour", "EUR/h", known[kind].price_eur_per_hour)
        unit = "s" if per_h > 1.0 else "h"
        cost = cost + chance.of(f"{plan.name}.{what}.{kind}", unit, quantity) * price / per_h
    return cost
