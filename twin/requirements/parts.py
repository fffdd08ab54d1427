"""Speed-up end to end, as the sum of its parts: what two computing models take per second of data, stage by stage.

Core-seconds per second of data: what a unit takes, times how many units there are in a second. What is not made
faster stays, so the whole gains less than its best part (Amdahl). From measured profiles on one core of one
machine: the programs are those of this house, for binary black holes, and far smaller than those of LVK. Knows
no queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from twin.requirements.breakeven import BINARIES_PER_YEAR, YEAR_S
from twin.requirements.measured import UNITS_PER_CALL_S, cost
from twin.requirements.pools import RequirementsError
from twin.requirements.uncertain import Chance, Uncertain, total

Stages = Mapping[str, str]
"""Workload by stage."""

CLASSICAL: Stages = {
    "data quality": "glitch-classifier",
    "search": "matched-filter",
    "pre-merger search": "early-warning-filter",
    "estimation": "likelihood-sampler",
    "sky map": "sky-map",
    "classification": "source-classes",
}
"""As classical as what is shipped: data quality has no other program than the network."""
FULL_ML: Stages = {**CLASSICAL, "search": "detector", "pre-merger search": "early-warning", "estimation": "npe"}
HYBRID: Stages = {
    **CLASSICAL,
    "search": "hybrid",
    "pre-merger search": "early-warning",
    "estimation": "npe-importance",
}
MODELS: Mapping[str, Stages] = {"matched-filter": CLASSICAL, "full-ml": FULL_ML, "hybrid": HYBRID}
"""Computing models by name."""
Costs = Mapping[str, tuple[str, Uncertain]]
"""By stage the workload's name, and its core-seconds per second of data."""
QUOTED: Mapping[str, tuple[float, str]] = {
    "estimation": (1e5, "quoted for parameter estimation, recalled: some 1e5"),
    "all stages": (100.0, "assumed in the chain of ET-PP D8.1"),
}
"""What is said of speed-up elsewhere, by stage."""
ALL = "all stages"


@dataclass(frozen=True, eq=False)
class Part:
    """A stage of two computing models: workloads, and core-seconds per second of data."""

    stage: str
    before: str
    after: str
    before_per_s: Uncertain
    after_per_s: Uncertain

    @property
    def speed_up(self) -> Uncertain:
        """What the first takes over what the second takes; inf where the second has no such stage."""
        with np.errstate(divide="ignore"):
            return self.before_per_s / self.after_per_s


def parts(
    before: str,
    after: str,
    chance: Chance,
    *,
    hardware: str = "epyc-core",
    folders: Sequence[Path] = (),
) -> list[Part]:
    """The stages of computing models `before` and `after`, and all of them together as the last part.

    RequirementsError where a model is unknown or a workload was not measured.
    """
    old, new = (taken(name, chance, hardware, folders) for name in (before, after))
    return compare(old, new, chance)


def taken(model: str, chance: Chance, hardware: str = "epyc-core", folders: Sequence[Path] = ()) -> Costs:
    """What each stage of computing model `model` takes, by its measured profiles; errors as in `parts`."""
    if model not in MODELS:
        raise RequirementsError(f"no computing model '{model}'; known: {', '.join(MODELS)}")
    rates = _rates(chance)
    return {
        stage: (workload, cost(workload, chance, hardware, folders).per_unit_s * rates[stage])
        for stage, workload in MODELS[model].items()
    }


def compare(before: Costs, after: Costs, chance: Chance) -> list[Part]:
    """The stages of two computing models by what they take, and all of them together as the last part.

    For costs of one's own, such as `{"search": ("mine", chance.exactly(0.2))}`. A stage that a model does not have
    takes it nothing.
    """
    none = "", chance.exactly(0.0)
    found = []
    for stage in dict.fromkeys((*before, *after)):
        (old, old_s), (new, new_s) = before.get(stage, none), after.get(stage, none)
        found.append(Part(stage, old, new, old_s, new_s))
    return [*found, together(found, chance)]


def together(several: Sequence[Part], chance: Chance) -> Part:
    """The sum of parts."""
    before = total((part.before_per_s for part in several), chance)
    after = total((part.after_per_s for part in several), chance)
    return Part(ALL, "", "", before, after)


def limit(several: Sequence[Part], stage: str, chance: Chance) -> Uncertain:
    """How much faster the whole gets if `stage` alone takes no time any more, all else as before (Amdahl)."""
    own = [part for part in several if part.stage != ALL]
    if stage not in {part.stage for part in own}:
        raise RequirementsError(f"no stage '{stage}'; known: {', '.join(part.stage for part in own)}")
    whole = total((part.before_per_s for part in own), chance)
    rest = total((part.before_per_s for part in own if part.stage != stage), chance)
    return whole / rest


def table(several: Sequence[Part], chance: Chance) -> pd.DataFrame:
    """A row per part: stage, before, after, core-seconds per second of data, share of the whole before,
    speed_up with range, limit (of the whole, were this stage free), quoted elsewhere and where."""
    whole = several[-1].before_per_s
    return pd.DataFrame([_row(part, whole, several, chance) for part in several])


def _row(part: Part, whole: Uncertain, several: Sequence[Part], chance: Chance) -> dict[str, object]:
    quoted, where = QUOTED.get(part.stage, (float("nan"), ""))
    up = part.speed_up
    return {
        "stage": part.stage,
        "before": part.before,
        "after": part.after,
        "before_core_s_per_s": part.before_per_s.value,
        "after_core_s_per_s": part.after_per_s.value,
        "share_before": (part.before_per_s / whole).value,
        "speed_up": up.value,
        "speed_up_low": up.low,
        "speed_up_high": up.high,
        "limit": float("nan") if part.stage == ALL else limit(several, part.stage, chance).value,
        "quoted": quoted,
        "quoted_from": where,
    }


def _rates(chance: Chance) -> Mapping[str, Uncertain]:
    """Units per second of data, by stage."""
    segments, strides = (chance.exactly(1.0 / UNITS_PER_CALL_S[task]) for task in ("search", "early-warning"))
    binaries = chance.of("binaries.per_year", "/yr", BINARIES_PER_YEAR) / YEAR_S
    once = {"data quality": segments, "search": segments, "pre-merger search": strides}
    return {**once, **dict.fromkeys(("estimation", "sky map", "classification"), binaries)}
