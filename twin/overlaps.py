"""How many signals are in band at once, and how many merge close together, as it follows from what arrived.

For the summary. Reads the table of alerts; knows no sky and no kernel. Only mergers that were drawn from a
population have a time in band; others count for nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from twin import words
from twin.estimates import mean, rate
from twin.limits import replicas
from twin.recorded import Recorded
from workloads.cosmos.durations import close_pairs

DAY_S = 86_400.0
WITHIN_S = (0.5, 1.0, 2.0, 5.0)
"""Pairs of mergers at most so far apart are counted."""


def summary(record: Recorded) -> dict[str, Any]:
    """Signals in band on average, their longest time there, and close pairs of mergers per day; empty without any.

    `in_band` is the rate times the mean time in band (Little's law), `in_band_at_mergers` what the mergers of the
    run saw: with arrivals at random the two agree.
    """
    mergers = _mergers(record.alerts)
    if mergers is None or mergers.empty:
        return {}
    horizon_s = record.scenario.horizon
    own = [mergers[mergers["replica"] == r] for r in replicas(record)]
    seen = [float(m["overlaps"].mean()) if len(m) else 0.0 for m in own]
    told: dict[str, Any] = {
        "signals": len(mergers),
        "in_band": _mean([m["duration_s"].sum() / horizon_s for m in own], len(mergers)),
        "in_band_at_mergers": _mean(seen, len(mergers)),
        "longest_s": float(mergers["duration_s"].max()),
        "pairs_per_day": {
            f"{within_s:g}": rate(_pairs(own, within_s), horizon_s / DAY_S).as_dict() for within_s in WITHIN_S
        },
    }
    return {"overlaps": {**told, "text": _text(told)}}


def _mean(values: list[float], n: int) -> dict[str, Any]:
    """Mean over replicas of what cannot be negative."""
    told = mean(values, n).as_dict()
    return told | {"low": None if told["low"] is None else max(0.0, float(told["low"]))}


def _text(told: Mapping[str, Any]) -> str:
    """All of it in one sentence."""
    present, pairs = _value(told["in_band"]), _value(told["pairs_per_day"]["1"])
    longest = words.duration(told["longest_s"])
    return f"{present} mergers in band at once, each up to {longest}; {pairs} pairs a day merge within 1 s"


def _value(estimate: Mapping[str, Any]) -> str:
    shown = words.digits(estimate["value"])
    return shown if estimate["low"] is None else f"{shown} ({words.between(estimate['low'], estimate['high'])})"


def _pairs(own: list[pd.DataFrame], within_s: float) -> list[int]:
    return [close_pairs(m["event_time_s"].to_numpy(np.float64), within_s) for m in own]


def _mergers(alerts: pd.DataFrame) -> pd.DataFrame | None:
    """One row per drawn merger, whatever became of it."""
    if "duration_s" not in alerts:
        return None
    rows = alerts[alerts["is_signal"] & alerts["duration_s"].notna()]
    return rows.drop_duplicates(["replica", "event_id"])
