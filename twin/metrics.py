"""What a run means: a verdict for every target, each number with its interval, and what limited it.

For the commands, the report and studies. Reads the tables of a record; knows no kernel, figure or file.

Definitions. Latency: publication minus merger of the first alert of a real signal, or of the product that the
targets name. Late: a first alert after the `late` target. Lost: a detectable signal of which nothing was
published, for whatever reason. Dead time: segments dropped before any search. False alert: published, but no
real signal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from twin import ahead, firsts, guarded, ladders, observed, overlaps, unused, warmup
from twin.ageing import summary as ageing
from twin.estimates import Estimate, fraction, mean, quantile, rate, withheld
from twin.limits import (
    LOSSES,
    PARTS,
    detectable_signals,
    false_alerts,
    interruptions,
    judged_signals,
    lost_signals,
    per_replica,
    products,
    published_signals,
    replicas,
    saturated,
    shedding,
    unjudged,
    why_late,
    why_lost,
)
from twin.record import NOTED
from twin.recorded import Recorded
from twin.shifts import load as shifts
from twin.verdicts import evidence, judged

DAY_S = 86400.0
QUANTILES = (0.5, 0.9, 0.99)
"""Shown on every screen; those of the targets are added."""

LISTED = 1000
"""Most rows of a list of signals that the summary has in full; the others are named."""


def summary(record: Recorded) -> dict[str, Any]:
    """Everything a planner is told, as JSON-able values."""
    growing = saturated(record)
    rows = targets(record)
    return {
        "schema_version": 1,
        "simulated": record.farm is None,
        "farm": _farm(record),
        "scenario": _scenario(record),
        "verdict": _overall(target["verdict"] for target in rows),
        "targets": rows,
        "saturated": growing,
        "latency_s": {name(q): _latency(record, q, growing).as_dict() for q in quantiles(record)},
        "products": _products(record, growing),
        "late": late(record).as_dict(),
        "lost": lost(record).as_dict(),
        "dead_time": dead_time(record).as_dict(),
        "false_alerts_per_day": false_alerts_per_day(record).as_dict(),
        "signals": _signals(record),
        "vetoed_signals": _vetoed(record),
        "parts_s": _plain(parts(record)),
        "limit": {
            **why_late(record),
            "lost": why_lost(record),
            "shedding": shedding(record),
            "interruptions": interruptions(record),
            "unjudged": unjudged(record),
        },
        "pools": _plain(pools(record)),
        "links": _plain(links(record)),
        "stages": _plain(stages(record)),
        "inputs": _inputs(record),
        **({} if (aged := ageing.summary(record)) is None else {"ageing": aged}),
        **guarded.summary(record),
        **ladders.summary(record),
        **observed.summary(record),
        **ahead.summary(record),
        **overlaps.summary(record),
        **warmup.summary(record),
        **unused.summary(record),
        **({} if record.policies is None else _alerts(record)),
        **shifts.summary(record),
        **({} if NOTED not in record.manifest else _written(record)),
    }


def _alerts(record: Recorded) -> dict[str, Any]:
    from twin.alerts import accounts

    return accounts.summary(record)


def _written(record: Recorded) -> dict[str, Any]:
    from twin.alerts import writing

    return writing.summary(record)


def latency_quantile(record: Recorded, q: float, product: str | None = None) -> Estimate:
    """Seconds within which the share `q` of published signals got the alert called `product`.

    Without a product that of the targets is meant: the first alert, unless they name one.
    """
    alerts = judged_signals(record) if product is None else published_signals(record, product)
    return quantile([alerts.loc[alerts["replica"] == r, "latency_s"].to_numpy() for r in replicas(record)], q)


def late(record: Recorded) -> Estimate:
    """Share of published signals whose first alert was late."""
    alerts = published_signals(record)
    return fraction(per_replica(record, alerts[alerts["late"]]), per_replica(record, alerts))


def lost(record: Recorded) -> Estimate:
    """Share of detectable signals of which nothing was published."""
    return fraction(per_replica(record, lost_signals(record)), per_replica(record, detectable_signals(record)))


def dead_time(record: Recorded) -> Estimate:
    """Share of segments that were dropped before they were searched."""
    by = record.counts.groupby("replica", observed=True)
    return fraction(by["unsearched"].max(), by["segments"].max())


def false_alerts_per_day(record: Recorded) -> Estimate:
    """Events that are no real signal and of which something was published."""
    return rate(per_replica(record, false_alerts(record)), record.scenario.told_s / DAY_S)


def targets(record: Recorded) -> list[dict[str, Any]]:
    """The verdict on every target of the scenario, with the number it rests on."""
    return judged(record.scenario.targets, evidence(record), bool(saturated(record)))


def vetoed_signals(record: Recorded) -> pd.DataFrame:
    """Every real signal that was vetoed, by name: the price of a gate must never go unnoticed."""
    rows = record.alerts.iloc[firsts.vetoed(record)]
    return rows[["replica", "event_id", "cls", "snr", "event_time_s", "detectable"]].reset_index(drop=True)


def parts(record: Recorded) -> pd.DataFrame:
    """Mean seconds of each part of the latency: of typical alerts (the middle half), all, and the slowest."""
    alerts = judged_signals(record)
    latency_s = alerts["latency_s"]
    low_s, high_s, slow_s = latency_s.quantile([0.25, 0.75, 1.0 - slowest_share(len(alerts))])
    groups = {
        "typical": alerts[latency_s.between(low_s, high_s)],
        "all": alerts,
        "slowest": alerts[latency_s >= slow_s],
    }
    table = pd.DataFrame({"part": list(PARTS.values())})
    for group, rows in groups.items():
        table[f"{group}_s"] = rows[list(PARTS)].mean().to_numpy(float)
        table.attrs[group] = len(rows)
    return table


def slowest_share(alerts: int) -> float:
    """The slowest 1 % if that is at least 10 of `alerts`, else the slowest 10 %."""
    return 0.01 if alerts >= 1000 else 0.1


def pools(record: Recorded) -> pd.DataFrame:
    """One row per pool: use with its interval, mean and peak queue, time down (server-weighted, mean).

    Batches preempted or killed and programs loaded are those of all replicas.
    """
    rows = []
    for pool, own in record.pools.groupby("pool", observed=True, sort=True):
        use = mean(own["use"], len(own))
        row = {"pool": pool, "hardware": own["hardware"].iloc[0] if "hardware" in own else ""}
        row |= {"servers": int(own["servers"].iloc[0]), "use": use.value, "use_low": use.low}
        row |= {"use_high": use.high, "queue_mean": float(own["queue_mean"].mean())}
        row |= {"queue_peak": int(own["queue_peak"].max()), "down_s": float(own["down_s"].mean())}
        row |= {name: int(own[name].sum()) for name in ("preempted", "killed", "swaps")}
        rows.append(row)
    return pd.DataFrame(rows)


def links(record: Recorded) -> pd.DataFrame:
    """One row per direction that was used: transfers and bytes in all replicas, busy share of the horizon."""
    by = record.links.groupby(["source", "target"], observed=True, sort=True)
    table = by[["transfers", "bytes"]].sum()
    table["use"] = by["busy_s"].sum() / (record.scenario.horizon * len(replicas(record)))
    return table.reset_index()


def stages(record: Recorded) -> pd.DataFrame:
    """One row per stage and variant, in the order of the pipeline: sums over replicas, means of quantiles."""
    times = ["wait_mean_s", "wait_p99_s", "service_mean_s", "service_p50_s", "service_p99_s"]
    table = record.stages.astype({"stage": str, "variant": str})
    order = {stage: k for k, stage in enumerate(table["stage"].unique())}
    by = table.groupby(["stage", "variant"], sort=False)
    result = by[["done", "dropped"]].sum().join(by[times].mean()).reset_index()
    return result.sort_values("stage", key=lambda s: s.map(order), kind="stable").reset_index(drop=True)


def quantiles(record: Recorded) -> list[float]:
    """The quantiles shown for this record, ascending."""
    return sorted({*QUANTILES, *(int(key[1:]) / 100.0 for key in record.scenario.targets.alert_latency)})


def name(q: float) -> str:
    """'p99' of 0.99."""
    return f"p{100.0 * q:g}"


def late_limit_s(record: Recorded) -> float | None:
    """Latency after which an alert is late: the `late` target, else the largest quantile target."""
    targets = record.scenario.targets
    if targets.late is not None:
        return float(targets.late)
    return max(targets.alert_latency.values(), default=None)


def _latency(record: Recorded, q: float, growing: list[dict[str, Any]], product: str | None = None) -> Estimate:
    if growing:
        return withheld("saturated: a queue still grows at the horizon", len(judged_signals(record)))
    return latency_quantile(record, q, product)


def _farm(record: Recorded) -> dict[str, Any] | None:
    """What real workers did: batches, those that nobody answered, workers lost and replaced; None without any."""
    if record.farm is None or record.incidents is None:
        return None
    return {
        "batches": len(record.farm),
        "unanswered": int(np.isinf(record.farm["end_s"]).sum()),
        "incidents": record.incidents.to_dict("records"),
    }


def _overall(verdicts: Iterable[str]) -> str:
    given = set(verdicts)
    for worst in ("missed", "undecided", "met"):
        if worst in given:
            return worst
    return "no targets"


def _signals(record: Recorded) -> dict[str, int]:
    """How many signals there were and what became of the detectable ones, over all replicas."""
    alerts = record.alerts[record.alerts["is_signal"]].drop_duplicates(["replica", "event_id"])
    gone = lost_signals(record)["outcome"].astype(str).value_counts()
    return {
        "all": len(alerts),
        "detectable": int(alerts["detectable"].sum()),
        "published": len(published_signals(record)),
        **{f"lost_{outcome}": int(gone.get(outcome, 0)) for outcome in LOSSES},
    }


def _products(record: Recorded, growing: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each kind of alert, how many signals got it and how fast."""
    return [
        {
            "product": product,
            "published": len(published_signals(record, product)),
            "latency_s": {name(q): _latency(record, q, growing, product).as_dict() for q in QUANTILES},
        }
        for product in products(record)
    ]


def _scenario(record: Recorded) -> dict[str, Any]:
    scenario = record.scenario
    return {
        "name": scenario.name,
        "question": scenario.question,
        "horizon_s": scenario.horizon,
        "replicas": len(replicas(record)),
        "seed": record.seed,
        "digest": scenario.digest,
        "plan_digest": record.plan_digest,
        "late_s": late_limit_s(record),
        "detectable_snr": scenario.targets.detectable_snr,
        "product": scenario.targets.product,
        "live": list(scenario.live),
    }


def _inputs(record: Recorded) -> dict[str, Any]:
    standing = record.inputs["standing"].astype(str)
    assumed = record.inputs[standing == "assumed"]
    counts = {str(key): int(value) for key, value in standing.value_counts().sort_index().items()}
    return {"counts": counts, "assumed": _plain(assumed[["key", "value"]])}


def _vetoed(record: Recorded) -> dict[str, Any]:
    """Every vetoed signal: the first in full, the others by replica, event and class."""
    table = vetoed_signals(record)
    beyond = table.iloc[LISTED:][["replica", "event_id", "cls"]]
    rest = {"beyond": [list(row.values()) for row in _plain(beyond)]} if len(beyond) else {}
    return {"n": len(table), "rows": _plain(table.head(LISTED)), **rest}


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of `table` as JSON knows them: NaN is null, numpy numbers are numbers."""
    return [{str(key): _value(value) for key, value in row.items()} for row in table.to_dict("records")]


def _value(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, Mapping):
        return {key: _value(inner) for key, inner in plain.items()}
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain
