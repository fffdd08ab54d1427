"""When training pays: after how many units a learned program has saved what it took to make it.

Against the classical program of the same task, both measured on one core: units = training / (classical -
learned), in core-seconds. Training counts in full (what it took to make the classical one, such as placing a
bank, is told but not taken off), searches for the design of a network are not in it, and nothing is said of how
well either does: see benchmarks/. Where the learned program takes longer it never pays, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sites.spec import Quantity
from twin.requirements.measured import COUNTERPART, UNITS_PER_CALL_S, Cost, Training, cost, training
from twin.requirements.pools import RequirementsError
from twin.requirements.uncertain import Chance, Floats, Uncertain, united

YEAR_S = 8766.0 * 3600.0
BINARIES_PER_YEAR = Quantity(1e5, 1e5, 1e6, "published", "binary black holes, Sci. Rep. 2022, s41598-022-19540-7")
"""Candidates to estimate: a posterior for each."""
TASKS = {"early-warning": "early-warning", "npe": "inference", "npe-importance": "inference"}
"""Of the learned workloads that do not search every second."""


@dataclass(frozen=True, eq=False)
class BreakEven:
    """A learned program beside its classical counterpart."""

    learned: Cost
    classical: Cost
    made: Training
    classical_made: Training
    units: Uncertain
    """After so many units it has paid; inf is never."""
    rate_per_s: Uncertain
    never: float
    """Share of the draws in which it never pays; 0 or 1 where nothing was drawn."""

    @property
    def pays_after_s(self) -> Uncertain:
        """Seconds after which it has paid at that rate; inf is never."""
        return self.units / self.rate_per_s

    @property
    def speed_up(self) -> Uncertain:
        """Core-seconds of the classical program over those of the learned one."""
        return self.classical.per_unit_s / self.learned.per_unit_s

    @property
    def verdict(self) -> str:
        """In words."""
        if np.isinf(self.units.value):
            return f"never: {self.learned.workload} takes longer than {self.classical.workload}"
        doubt = f", never in {100 * self.never:.0f} % of draws" if self.never else ""
        return f"after {self.units.value:,.0f} units{doubt}"


def break_even(
    workload: str,
    chance: Chance,
    *,
    rate_per_s: float | None = None,
    trainings: int = 1,
    hardware: str = "epyc-core",
    folders: Sequence[Path] = (),
) -> BreakEven:
    """When `workload` has saved what `trainings` trainings of it took, at `rate_per_s` units a second.

    By default the rate of its task: every second, every stride of the pre-merger search, or every binary.
    RequirementsError where it has no classical counterpart or was not measured.
    """
    if workload not in COUNTERPART:
        raise RequirementsError(
            f"workload '{workload}' has no classical counterpart; those that have one: {', '.join(COUNTERPART)}"
        )
    if trainings < 1:
        raise RequirementsError(f"trainings {trainings}; needs at least 1, that with which it begins")
    other = COUNTERPART[workload]
    learned, classical = (cost(name, chance, hardware, folders) for name in (workload, other))
    made = training(workload)
    units = paid(chance.exactly(trainings * made.cpu_s), classical.per_unit_s - learned.per_unit_s)
    drawn = units.samples[1:] if chance.draws else units.samples
    rate = _rate(workload, chance) if rate_per_s is None else chance.exactly(_positive(rate_per_s))
    never = float(np.mean(np.isinf(drawn)))
    return BreakEven(learned, classical, made, training(other), units, rate, never)


def table(
    chance: Chance, *, trainings: int = 1, hardware: str = "epyc-core", folders: Sequence[Path] = ()
) -> pd.DataFrame:
    """A row per learned workload that has a classical counterpart.

    Columns workload, classical, their runtimes, seconds per unit with ranges, speed_up with range,
    training_core_h, training_kwh, classical_core_h (to make it), units, units_low, units_high (inf: never),
    units_per_s, pays_after_s, pays_low_s, pays_high_s, never (share of draws), verdict.
    """
    found = (break_even(w, chance, trainings=trainings, hardware=hardware, folders=folders) for w in COUNTERPART)
    return pd.DataFrame([_row(one, trainings) for one in found])


def paid(training: Uncertain, saved: Uncertain) -> Uncertain:
    """Units until what `training` took is saved, `saved` by each, in the same measure; inf where nothing is."""
    units: Floats = np.full(saved.samples.shape, np.inf)
    np.divide(training.samples, saved.samples, out=units, where=saved.samples > 0)
    return Uncertain(units, united(training.inputs, saved.inputs))


def _row(one: BreakEven, trainings: int) -> dict[str, object]:
    ml, classical, up = one.learned, one.classical, one.speed_up
    return {
        "workload": ml.workload,
        "classical": classical.workload,
        "runtime": ml.runtime,
        "classical_runtime": classical.runtime,
        **_ranged("unit", "_s", ml.per_unit_s),
        **_ranged("classical_unit", "_s", classical.per_unit_s),
        **_ranged("speed_up", "", up),
        "training_core_h": trainings * one.made.cpu_s / 3600.0,
        "training_kwh": trainings * one.made.energy_j / 3.6e6,
        "training_energy_standing": one.made.energy_standing,
        "classical_core_h": one.classical_made.cpu_s / 3600.0,
        **_ranged("units", "", one.units),
        "units_per_s": one.rate_per_s.value,
        **_ranged("pays_after", "_s", one.pays_after_s),
        "never": one.never,
        "verdict": one.verdict,
    }


def _ranged(name: str, unit: str, number: Uncertain) -> dict[str, float]:
    return {f"{name}{unit}": number.value, f"{name}_low{unit}": number.low, f"{name}_high{unit}": number.high}


def _rate(workload: str, chance: Chance) -> Uncertain:
    task = TASKS.get(workload, "search")
    if task in UNITS_PER_CALL_S:
        return chance.exactly(1.0 / UNITS_PER_CALL_S[task])
    return chance.of("binaries.per_year", "/yr", BINARIES_PER_YEAR) / YEAR_S


def _positive(rate_per_s: float) -> float:
    if not 0 < rate_per_s < float("inf"):
        raise RequirementsError(f"rate {rate_per_s:g} /s; allowed: above 0")
    return rate_per_s
