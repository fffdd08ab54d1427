"""How many signals are in band at once, how many merge close together, and what searches miss for that.

For the summary and for studies. Reads the table of alerts; knows no sky and no kernel. Only mergers drawn from a
population have a time in band; others count for nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from twin import words
from twin.estimates import fraction, mean, rate
from twin.limits import detectable_signals, per_replica, replicas
from twin.recorded import Recorded
from workloads.cosmos.durations import close_pairs
from workloads.overlaps import REACH_S

DAY_S = 86_400.0
WITHIN_S = (0.5, 1.0, 2.0, 5.0)
"""Pairs of mergers at most so far apart are counted."""


def summary(record: Recorded) -> dict[str, Any]:
    """What is told of signals in band, and of those that merge close to each other where that counts."""
    return _in_band(record) | _beside(record)


def parted(record: Recorded) -> dict[str, list[int]]:
    """Detectable signals per replica: `beside` another one or `alone`, and those of each that no search found.

    Empty where overlaps do not count.
    """
    if "beside" not in record.alerts:
        return {}
    able = detectable_signals(record)
    close, missed = able["beside"] != "", able["outcome"] == "missed"
    parts = {"beside": close, "alone": ~close, "missed_beside": close & missed, "missed_alone": ~close & missed}
    return {name: per_replica(record, able[rows]) for name, rows in parts.items()}


def _beside(record: Recorded) -> dict[str, Any]:
    """How many detectable signals another one merges close to, and how many of them searches miss."""
    if not (n := parted(record)):
        return {}
    all_of = [a + b for a, b in zip(n["beside"], n["alone"], strict=True)]
    told = {
        "share": fraction(n["beside"], all_of).as_dict(),
        "missed": fraction(n["missed_beside"], n["beside"]).as_dict(),
        "missed_alone": fraction(n["missed_alone"], n["alone"]).as_dict(),
    }
    share, missed, alone = (_share(told[name]) for name in ("share", "missed", "missed_alone"))
    text = f"{share} of detectable signals merge within {REACH_S:g} s of another"
    return {"beside": {**told, "text": f"{text}; searches miss {missed} of these and {alone} of the others"}}


def _in_band(record: Recorded) -> dict[str, Any]:
    """Signals in band on average, their longest time there, and close pairs of mergers per day; empty without any.

    `in_band` is the rate times the mean time in band (Little's law), `in_band_at_mergers` what the mergers of the
    run saw: with arrivals at random the two agree.
    """
    mergers = _mergers(record.alerts)
    if mergers is None or mergers.empty:
        return {}
    horizon_s = record.scenario.told_s
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


def _share(estimate: Mapping[str, Any]) -> str:
    if estimate["value"] is None:
        return "none"
    shown = words.share(estimate["value"])
    low, high = estimate["low"], estimate["high"]
    return shown if low is None else f"{shown} ({words.shares(low, high)})"


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
