"""What planners compare of a run, a value per replica: latencies, losses, computing used, data moved.

Knows one record; no case, no interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin import ahead, firsts, guarded, ladders, overlaps, words
from twin.ageing import summary as ageing
from twin.estimates import events_needed
from twin.limits import NOTHING, Timelines, alert_name, most, products, replicas, timelines
from twin.marks import EVERY, causes
from twin.metrics import DAY_S, name, quantiles
from twin.recorded import Recorded
from twin.shifts import load as shifts
from twin.units import YEAR_S
from workloads.overlaps import REACH_S

COLUMNS = ("quantity", "text", "unit", "replica", "value", "n")
ABSENT = {"traffic": (0.0, 0), "recovery": (math.nan, 1)}
"""Value and n in a replica that has nothing of a quantity which others have, where that is not NaN and 0."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """`values` (replica,) of one quantity, NaN where a replica has too little to tell; from `n` events in all.

    `text` is what it is called wherever people read, `unit` 's', '' for a share, or what is counted; `level` of a
    quantile is its share, as 0.99.
    """

    name: str
    text: str
    unit: str
    values: Array
    n: int
    level: float | None = None


def quantities(record: Recorded) -> list[Quantity]:
    """Every quantity of the run, in the order in which planners ask for them."""
    people = (_latencies, _losses, _shifts, _alerts, _ageing, _recovery, _overlaps, _beside, _warned)
    parts = (*people, _computing, _work, _guarded, _ladders, _traffic)
    return [found for part in parts for found in part(record)]


def titled(name: str, text: str) -> str:
    """A quantity in words where a sentence begins: a large letter first, unless with a name of the scenario, as
    'bbh'."""
    named = text.split(" ")[0] in name.split(".")[1:]
    return text if named else text[:1].upper() + text[1:]


def table(found: list[Quantity]) -> pd.DataFrame:
    """The same as rows: COLUMNS; replicas are counted from 0."""
    rows = [
        (q.name, q.text, q.unit, replica, float(value), q.n)
        for q in found
        for replica, value in enumerate(q.values)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _latencies(record: Recorded) -> Iterator[Quantity]:
    judged = firsts.judged(record)
    each = firsts.values(record, "latency_s", judged)
    for q in quantiles(record):
        values = [_quantile(own, q) for own in each]
        title = f"{'median' if q == 0.5 else f'{100 * q:g} %'} latency of the {alert_name(record)}"
        yield Quantity(f"latency.{name(q)}", title, "s", np.array(values), len(judged), q)
    kinds = products(record)
    for product in kinds if len(kinds) > 1 else ():
        alerts = firsts.published(record, product)
        values = [_quantile(own, 0.5) for own in firsts.values(record, "latency_s", alerts)]
        title = f"median latency of the {product} alert"
        if product != record.scenario.targets.product:
            yield Quantity(f"{product}.p50", title, "s", np.array(values), len(alerts), 0.5)
        daily = _counts(record, alerts) / (record.scenario.told_s / DAY_S)
        yield Quantity(f"{product}.daily", f"{product} alerts of signals", "/d", daily, len(alerts))


def _losses(record: Recorded) -> Iterator[Quantity]:
    published, able = firsts.published(record), firsts.detectable(record)
    lost, false, vetoed = firsts.lost(record), firsts.false(record), firsts.vetoed(record)
    late_at = published[record.alerts["late"].to_numpy(bool)[published]]
    days = record.scenario.told_s / DAY_S
    yield Quantity("published", "signals published", "/d", _counts(record, published) / days, len(published))
    late = _share(_counts(record, late_at), _counts(record, published))
    yield Quantity("late", "late, of published signals", "", late, len(published))
    gone = _share(_counts(record, lost), _counts(record, able))
    yield Quantity("lost", "lost, of detectable signals", "", gone, len(able))
    segments, unsearched = (np.array(most(record, column)) for column in ("segments", "unsearched"))
    dead = _share(unsearched, segments)
    yield Quantity("dead_time", "dead time, of segments", "", dead, int(segments.sum()))
    yield Quantity("vetoed", "real signals vetoed", "/d", _counts(record, vetoed) / days, len(vetoed))
    yield Quantity("false_alerts", "false alerts", "/d", _counts(record, false) / days, len(false))


def _shifts(record: Recorded) -> Iterator[Quantity]:
    """Where people vet candidates: their hours, and what the first pass rejects."""
    for found in shifts.compared(record):
        yield Quantity(*found)


def _alerts(record: Recorded) -> Iterator[Quantity]:
    """Where the scenario has a policy on alerts: what they weigh, and what is kept of them."""
    rows = record.policies
    if rows is None:
        return
    first, n = rows.iloc[0], int(rows["alerts"].sum())
    copies = words.count(int(first["copies"]), "copy", "copies")
    kept = f"kept after {first['retention_s'] / YEAR_S:.3g} yr in {copies}"
    for known_as, column, text, unit, times in (
        ("alert_bytes", "bytes_mean", "size of an alert, on average", "kB", 1e-3),
        ("publish_delay", "publish_delay_s", "an alert on its way to the brokers", "s", 1.0),
        ("sent", "sent_gb_per_yr", "sent to the brokers", "GB/yr", 1.0),
        ("archived", "kept_gb_per_yr", "kept of a year, in one copy", "GB/yr", 1.0),
        ("archive", "kept_gb", kept, "GB", 1.0),
    ):
        yield Quantity(known_as, text, unit, times * rows[column].to_numpy(float), n)


def _warned(record: Recorded) -> Iterator[Quantity]:
    """Where something warns before the merger: of how many, how early."""
    for warned, text, unit, shares, n in ahead.compared(record):
        yield Quantity(warned, text, unit, np.array(shares), n)


def _ageing(record: Recorded) -> Iterator[Quantity]:
    """Where models age or policies train them: what they still find, false alarms, trainings."""
    for found in ageing.compared(record) if record.ageing is not None else ():
        yield Quantity(*found)


def _recovery(record: Recorded) -> Iterator[Quantity]:
    """Time after the last thing that happened until every queue is back at its usual length."""
    marks = causes(record.marks[record.marks["end_s"] < record.scenario.horizon])
    if marks.empty:
        return
    values, known = [], timelines(record)
    for replica in replicas(record):
        own = marks[(marks["replica"] == replica) | (marks["replica"] == EVERY)] if "replica" in marks else marks
        values.append(_back_s(record, known, replica, float(own["end_s"].max())) if len(own) else math.nan)
    text = "time to recover: queues back after the last event of the timeline"
    yield Quantity("recovery", text, "s", np.array(values), len(values))


def _back_s(record: Recorded, known: Timelines, replica: int, end_s: float) -> float:
    """As fine as the bins of the timeline; inf when a queue was not back at the horizon."""
    spans = []
    for pool in record.pools["pool"].unique():
        time_s, queue = known.get((replica, "queue", pool), NOTHING)
        after = time_s >= end_s
        calm = queue[after] <= 2.0 * np.median(queue) + 1.0
        if after.any():
            spans.append(float(time_s[after][np.argmax(calm)] - time_s[after][0]) if calm.any() else math.inf)
    return max(spans, default=0.0)


def _overlaps(record: Recorded) -> Iterator[Quantity]:
    """Where the time in band is known: how many other signals a merger finds there."""
    if "overlaps" not in record.alerts:
        return
    alerts = record.alerts[record.alerts["is_signal"]].drop_duplicates(["replica", "event_id"])
    alerts = alerts.dropna(subset=["overlaps"])
    values = [float(own["overlaps"].mean()) if len(own) else math.nan for own in _each(record, alerts)]
    yield Quantity("overlaps", "other signals in band at a merger", "signals", np.array(values), len(alerts))


def _beside(record: Recorded) -> Iterator[Quantity]:
    """Where overlaps count: detectable signals that another one merges close to, and who of them is missed."""
    if not (found := overlaps.parted(record)):
        return
    n = {name: np.array(counts, dtype=float) for name, counts in found.items()}
    share = _share(n["beside"], n["beside"] + n["alone"])
    title = f"detectable signals that another one merges within {REACH_S:g} s of"
    yield Quantity("beside", title, "", share, sum(found["beside"]) + sum(found["alone"]))
    for which, told in (("beside", "with another one so close"), ("alone", "without")):
        missed = _share(n[f"missed_{which}"], n[which])
        yield Quantity(f"missed.{which}", f"missed by the searches, {told}", "", missed, sum(found[which]))


def _computing(record: Recorded) -> Iterator[Quantity]:
    """Of each kind of hardware, how many servers there were and how many worked, on average."""
    pools, numbers = record.pools, replicas(record)
    there = pools["server_s"].to_numpy(float) / record.scenario.horizon
    hardware = [str(kind) for kind in pools["hardware"]]
    sums = {
        "there": _sums(hardware, pools["replica"], there),
        "busy": _sums(hardware, pools["replica"], pools["use"].to_numpy(float) * there),
    }
    for own in sorted(set(hardware)):
        for kind, text in (("there", ""), ("busy", " that work, on average")):
            values = np.array([sums[kind].get((own, replica), 0.0) for replica in numbers])
            yield Quantity(f"{kind}.{own}", f"servers of kind {own}{text}", "servers", values, len(numbers))


def _work(record: Recorded) -> Iterator[Quantity]:
    """By stage that takes jobs one by one, how many servers its programs keep busy on average."""
    stages, numbers = record.stages, replicas(record)
    names, done = [str(name) for name in stages["stage"]], stages["done"].to_numpy()
    mean_s = np.nan_to_num(stages["service_mean_s"].to_numpy(float), posinf=math.inf)
    busy = _sums(names, stages["replica"], done * mean_s / record.scenario.horizon)
    singly = {name for name, stage in record.scenario.stages.items() if getattr(stage, "max_batch", 1) == 1}
    for stage in filter(singly.__contains__, dict.fromkeys(names)):
        values = np.array([busy.get((stage, replica), 0.0) for replica in numbers])
        n = int(done[[name == stage for name in names]].sum())
        yield Quantity(f"work.{stage}", f"servers that {stage} keeps busy", "servers", values, n)


def _guarded(record: Recorded) -> Iterator[Quantity]:
    """By stage whose fallback takes what a guard marks: how much that is, and what it costs."""
    yield from starmap(Quantity, guarded.compared(record))


def _ladders(record: Recorded) -> Iterator[Quantity]:
    """By stage of which models are withdrawn or that has several fallbacks: how long none was left."""
    yield from starmap(Quantity, ladders.compared(record))


def _traffic(record: Recorded) -> Iterator[Quantity]:
    if record.links.empty:
        return
    by = record.links.groupby("replica", observed=True)["bytes"].sum().reindex(replicas(record), fill_value=0.0)
    daily = by.to_numpy(float) / 1e9 / (record.scenario.horizon / DAY_S)
    yield Quantity("traffic", "moved between sites", "GB/d", daily, int(record.links["transfers"].sum()))


def _sums(names: Sequence[str], of: Iterable[int], numbers: Array) -> dict[tuple[str, int], float]:
    """The sum of the numbers of each name in each replica."""
    parts: dict[tuple[str, int], list[float]] = {}
    for key, number in zip(zip(names, map(int, of), strict=True), numbers.tolist(), strict=True):
        parts.setdefault(key, []).append(number)
    return {key: math.fsum(own) for key, own in parts.items()}


def _each(record: Recorded, rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for replica in replicas(record):
        yield rows[rows["replica"] == replica]


def _counts(record: Recorded, at: firsts.At) -> Array:
    return np.array(firsts.counted(record, at), dtype=float)


def _share(count: Array, total: Array) -> Array:
    return np.divide(count, total, out=np.full_like(count, np.nan), where=total > 0.0)


def _quantile(values: Array, q: float) -> float:
    """NaN from too few values."""
    if values.size < events_needed(q):
        return math.nan
    return float(np.quantile(values, q, method="median_unbiased"))
