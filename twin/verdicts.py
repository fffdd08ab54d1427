"""Verdicts on a scenario's targets, from evidence that adds up: a row per replica of what each target rests on.

`twin.metrics` judges a run by it, `twin.studies` replicas that were run apart from each other. Reads the tables
of a record; knows no kernel and no file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import ahead, firsts, words
from twin.estimates import Estimate, fraction, of_replica, over_replicas, withheld
from twin.limits import most
from twin.recorded import Recorded

Row = tuple[float, ...]
Evidence = dict[str, list[Row]]
"""By the name of a target a row per replica: (count, total) behind a share; of a quantile of the latency value,
low and high in s (NaN where there is none) and from how many alerts."""

_OPPOSITE = {"met": "missed", "missed": "met", "undecided": "undecided"}


def evidence(record: Recorded) -> Evidence:
    """What the verdict on every target of the scenario rests on."""
    wanted = record.scenario.targets
    each = firsts.values(record, "latency_s", firsts.judged(record)) if wanted.alert_latency else []
    found = {f"alert_latency.{key}": list(_latencies(each, _share_of(key))) for key in wanted.alert_latency}
    if wanted.lost is not None:
        able = firsts.counted(record, firsts.detectable(record))
        found["lost"] = _shares(firsts.counted(record, firsts.lost(record)), able)
    if wanted.dead_time is not None:
        found["dead_time"] = _shares(most(record, "unsearched"), most(record, "segments"))
    if wanted.warning is not None:
        found["warning"] = _shares(*ahead.counts(record, wanted.warning.of, wanted.warning.ahead))
    return found


def judged(wanted: Any, found: Evidence, is_saturated: bool) -> list[dict[str, Any]]:
    """The verdict on every one of the targets `wanted`, with the number it rests on.

    Latencies of a saturated system are withheld and count as missed: they grow with the horizon.
    """
    rows = []
    kind = "" if wanted.product is None else f"{wanted.product} "
    for key, limit_s in sorted(wanted.alert_latency.items()):
        q = _share_of(key)
        text = f"{words.share(q)} of {kind}alerts within {words.duration(limit_s)}"
        estimate = _quantile(found[f"alert_latency.{key}"], q, is_saturated)
        row = _target(f"alert_latency.{key}", text, limit_s, "s", estimate)
        rows.append(row | ({"verdict": "missed"} if is_saturated else {}))
    for key, of in (("lost", "of detectable signals lost"), ("dead_time", "dead time")):
        limit = getattr(wanted, key)
        if limit is not None:
            rows.append(_target(key, f"At most {words.share(limit)} {of}", limit, "", _fraction(found[key])))
    if wanted.warning is not None:
        rows.append(_warned(wanted.warning, _fraction(found["warning"])))
    return rows


def verdict(estimate: Estimate, limit: float) -> str:
    """'met' or 'missed' if the whole interval lies on one side of `limit`, else 'undecided'."""
    if estimate.low is None or estimate.high is None:
        return "undecided"
    if estimate.high <= limit:
        return "met"
    return "missed" if estimate.low > limit else "undecided"


def _share_of(key: str) -> float:
    """0.99 of 'p99'."""
    return int(key[1:]) / 100.0


def _latencies(each: Sequence[NDArray[np.float64]], q: float) -> Iterator[Row]:
    for own in each:
        one = of_replica(own, q, len(each) == 1)
        known = (math.nan if value is None else value for value in (one.value, one.low, one.high))
        yield *known, float(one.n)


def _shares(counts: Sequence[float], totals: Sequence[float]) -> list[Row]:
    return [(float(count), float(total)) for count, total in zip(counts, totals, strict=True)]


def _quantile(rows: Sequence[Row], q: float, is_saturated: bool) -> Estimate:
    if is_saturated:
        return withheld("saturated: a queue still grows at the horizon", int(sum(n for *_, n in rows)))
    each = []
    for *numbers, n in rows:
        value, low, high = (None if math.isnan(number) else number for number in numbers)
        each.append(Estimate(value, low, high, int(n)))
    return over_replicas(each, q)


def _fraction(rows: Sequence[Row]) -> Estimate:
    counts, totals = zip(*rows, strict=True)
    return fraction(counts, totals)


def _warned(wanted: Any, share: Estimate) -> dict[str, Any]:
    """The verdict on the share of signals that were warned of in time, which must not be less than it is."""
    text = f"At least {words.share(wanted.share)} of {wanted.of} warned of {words.duration(wanted.ahead)} ahead"
    row = _target("warning", text, wanted.share, "", share)
    return row | {"verdict": _OPPOSITE[row["verdict"]]}


def _target(key: str, text: str, limit: float, unit: str, estimate: Estimate) -> dict[str, Any]:
    return {
        "name": key,
        "text": text,
        "limit": limit,
        "unit": unit,
        "estimate": estimate.as_dict(),
        "verdict": verdict(estimate, limit),
    }
