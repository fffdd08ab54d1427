"""A month of parameter estimation for a third-generation network: what is published, and what ours would take.

Published: 1e9 core-hours and more by standard methods, less than 1e6 by accelerated ones
(arXiv:2412.02651). Beside it stand events a month times what one event takes: published for one accelerated
method, measured for the programs of this house. Those estimate five parameters of binary black holes in seconds
of data, so that they are far below what a neutron star takes, and no forecast of it. An order of magnitude is
all that can be checked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sites.spec import Quantity
from twin.requirements.breakeven import BINARIES_PER_YEAR
from twin.requirements.measured import cost
from twin.requirements.uncertain import Chance, Uncertain

STANDARD_CORE_H, ACCELERATED_CORE_H = 1e9, 1e6
"""At least the first by standard methods, less than the second by accelerated ones; a month of a 3G catalogue."""
MONTH_H = 730.5
RATES: tuple[tuple[str, Quantity], ...] = (
    ("binaries.per_year", BINARIES_PER_YEAR),
    (
        "neutron-stars.per_year",
        Quantity(7e4, 7e4, 7e4, "published", "binary neutron stars, Sci. Rep. 2022, s41598-022-19540-7"),
    ),
    (
        "mixed.per_year",
        Quantity(3e4, 1e4, 1e5, "assumed", "neutron star and black hole, recalled (low confidence)"),
    ),
)
"""Detections a year by class."""
MESHFREE = Quantity(2.4, 2.4, 2.7, "published", "arXiv:2309.07012: minutes on 64 cores, 2.7 with PhenomD")
MESHFREE_CORES = 64
_PAPER = "arXiv:2412.02651, abstract"
OURS = ("likelihood-sampler", "npe-importance", "npe")


def events_per_month(chance: Chance) -> Uncertain:
    """Detected binaries of all classes in a twelfth of a year."""
    first, *others = (chance.of(key, "/yr", rate) for key, rate in RATES)
    return sum(others, start=first) / 12.0


def table(chance: Chance, *, hardware: str = "epyc-core", folders: Sequence[Path] = ()) -> pd.DataFrame:
    """Columns method, core_h (a month), low, high, per_event_core_s, busy_cores, orders_below_standard (powers
    of ten below 1e9 core-hours), below_accelerated (at most 1e6), standing, source.

    Of what is published core_h is the bound, and what one event takes follows from our rates.
    """
    events = events_per_month(chance)
    rows = [
        _bound("published, standard methods: at least", STANDARD_CORE_H, events),
        _bound("published, accelerated methods: less than", ACCELERATED_CORE_H, events),
    ]
    minutes = chance.of("meshfree.minutes", "min", MESHFREE)
    meshfree = minutes * 60.0 * MESHFREE_CORES
    rows.append(_demand("meshfree likelihood, published per event", meshfree, events, MESHFREE.source))
    for name in OURS:
        one = cost(name, chance, hardware, folders)
        source = f"{name} on {one.runtime}, measured: binary black holes, five parameters"
        rows.append(_demand(f"ours: {name}", one.per_unit_s, events, source))
    return pd.DataFrame(rows)


def _bound(method: str, core_h: float, events: Uncertain) -> dict[str, object]:
    per_event_s = core_h * 3600.0 / events.value
    return _row(method, core_h, core_h, core_h, per_event_s, "published", _PAPER)


def _demand(method: str, per_event_s: Uncertain, events: Uncertain, source: str) -> dict[str, object]:
    core_h = per_event_s * events / 3600.0
    return _row(method, core_h.value, core_h.low, core_h.high, per_event_s.value, core_h.standing, source)


def _row(
    method: str, core_h: float, low: float, high: float, per_event_s: float, standing: str, source: str
) -> dict[str, object]:
    return {
        "method": method,
        "core_h": core_h,
        "low": low,
        "high": high,
        "per_event_core_s": per_event_s,
        "busy_cores": core_h / MONTH_H,
        "orders_below_standard": math.log10(STANDARD_CORE_H / core_h),
        "below_accelerated": high <= ACCELERATED_CORE_H,
        "standing": standing,
        "source": source,
    }
