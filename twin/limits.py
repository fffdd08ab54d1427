"""What limited a run, told from its record: why alerts were late, why signals were lost, which queue grew.

For the report and the summary. Reads tables only; knows no kernel and no figure.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin import firsts, words
from twin.checks_graph import publishing, upstream
from twin.kernel import state
from twin.marks import EVERY, groups
from twin.recorded import Recorded

_NAMED = {
    "frame_s": "framing",
    "calibration_s": "calibration",
    "transfer_s": "transfer",
    "join_s": "waiting for data quality",
    "queue_s": "queueing",
    "batch_s": "filling batches",
    "outage_s": "outages",
    "load_s": "loading models",
    "compute_s": "computing",
    "timer_s": "timers",
}
PARTS = {part: _NAMED[part] for part in ("frame_s", "calibration_s", *state.PARTS)}
"""The parts that a latency is the sum of, in the order of the chain, and what each is called."""

LOSSES = {
    "missed": "not found by the searches",
    "vetoed": "vetoed as glitches",
    "stale": "dropped as stale",
    "expired": "past their deadline",
    "rejected": "turned away by a full queue",
    "shed": "shed under load",
    "failed": "given up after failed attempts",
    "lost": "lost in an outage",
    "unfinished": "unfinished at the end",
}
"""Why work came to nothing, or a detectable signal was not published."""

INTERRUPTIONS = {
    "preempted": "batches made way for others",
    "killed": "batches died with their server",
    "swaps": "times a model was loaded",
}
"""What may happen to the programs of a pool."""

Timelines = dict[tuple[int, str, str], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""By replica, quantity and name: bin starts in s and values."""
NOTHING = (np.empty(0), np.empty(0))
"""A timeline that there is not."""

_SIGNS = {"queueing": "longest queue", "outages": "longest outage", "loading models": "most loading"}
_WINDOWS, _LAST = 12, 4
_FULL, _GROWN = 0.97, 10.0


def published_signals(record: Recorded, product: str | None = None) -> pd.DataFrame:
    """The first published alert of each real signal, or the first that is this product."""
    return record.alerts.iloc[firsts.published(record, product)]


def lost_signals(record: Recorded) -> pd.DataFrame:
    """One row per detectable signal of which nothing was published."""
    return record.alerts.iloc[firsts.lost(record)]


def detectable_signals(record: Recorded) -> pd.DataFrame:
    """One row per detectable signal."""
    return record.alerts.iloc[firsts.detectable(record)]


def false_alerts(record: Recorded) -> pd.DataFrame:
    """One row per event that is no real signal and of which something was published."""
    return record.alerts.iloc[firsts.false(record)]


def per_replica(record: Recorded, rows: pd.DataFrame) -> list[int]:
    """How many of these rows each replica has, in order."""
    by = rows["replica"].value_counts()
    return [int(by.get(r, 0)) for r in replicas(record)]


def most(record: Recorded, column: str) -> list[float]:
    """The largest number in a column of the counts, by replica, in order."""
    of, numbers = record.counts["replica"].to_numpy(), record.counts[column].to_numpy(float)
    return [float(numbers[of == replica].max()) for replica in replicas(record)]


def judged_signals(record: Recorded) -> pd.DataFrame:
    """The alert of each real signal that the latency targets are about: what every latency is taken from."""
    return record.alerts.iloc[firsts.judged(record)]


def alert_name(record: Recorded) -> str:
    """What that alert is called."""
    product = record.scenario.targets.product
    return "first alert" if product is None else f"{product} alert"


def products(record: Recorded) -> list[str]:
    """Names of the alerts that the scenario publishes, in its order."""
    return list(publishing(record.scenario))


def replicas(record: Recorded) -> list[int]:
    """Numbers of the replicas, also of those in which nothing was detected."""
    return sorted(int(r) for r in record.counts["replica"].unique())


def saturated(record: Recorded) -> list[dict[str, Any]]:
    """Pools on the way to an alert whose queue still grows at the horizon in most replicas, all servers busy."""
    found = []
    numbers, known = replicas(record), timelines(record)
    for pool in sorted(set(record.pools["pool"]) & _towards_alert(record)):
        grown = [g for g in (_growth(known, r, pool) for r in numbers) if g is not None]
        if 2 * len(grown) > len(numbers):
            waiting = float(np.mean(grown))
            text = f"The queue of {pool} still grows at the horizon: {words.digits(waiting)} jobs wait there."
            found.append({"pool": pool, "waiting": waiting, "text": text})
    return found


def _towards_alert(record: Recorded) -> set[str]:
    """Pools of the publishing stages, of what lies before them and of what is waited for."""
    given = record.scenario.stages
    last = {name for names in publishing(record.scenario).values() for name in names}
    return {pool for name in last for up in (name, *upstream(given, name, awaited=True)) for pool in given[up].on}


def shedding(record: Recorded) -> str:
    """A sentence on work that was given up, by reason, and the fullest pool; empty if none was."""
    counts = record.counts
    offered = int(counts["offered"].sum())
    gone = {reason: int(counts.get(f"dropped_{reason}", pd.Series(dtype=int)).sum()) for reason in LOSSES}
    told = [
        f"{words.share(gone[reason] / offered)} was {text}"
        for reason, text in LOSSES.items()
        if gone[reason] and reason != "vetoed"
    ]
    if not told:
        return ""
    use = record.pools.groupby("pool", observed=True)["use"].mean()
    return (
        f"Of all work, {words.sequence(told)}; fullest pool: {use.idxmax()}, {words.share(float(use.max()))} busy."
    )


def interruptions(record: Recorded) -> str:
    """A sentence on batches that were preempted or killed and on models that were loaded; empty if none were."""
    totals = {name: int(record.pools[name].sum()) for name in INTERRUPTIONS}
    runs = len(replicas(record))
    told = [
        f"{words.digits(totals[name] / runs)} {text} (most at {_most(record, name)})"
        for name, text in INTERRUPTIONS.items()
        if totals[name]
    ]
    return f"In each replica, {words.sequence(told)}." if told else ""


def unjudged(record: Recorded) -> str:
    """A sentence on first alerts that went out without a verdict on their data; empty if none did."""
    alerts = published_signals(record)
    n = int(alerts["dq_missing"].sum())
    return f"Of {words.count(len(alerts), 'first alert')}, {n:,} did not wait for data quality." if n else ""


def _most(record: Recorded, column: str) -> str:
    """The pool with the most of a count."""
    return str(record.pools.groupby("pool", observed=True)[column].sum().idxmax())


def why_late(record: Recorded) -> dict[str, Any]:
    """Shares of the excess latency by part, the queue that was longest, the marks, and a sentence."""
    alerts = published_signals(record)
    alerts = alerts[~(alerts["latency_s"] < 0.0)]  # what came before its merger is told by twin.ahead
    late = alerts[alerts["late"]]
    if not len(alerts):
        text = " ".join(pool["text"] for pool in saturated(record))
        return _reason(f"No signal was published, so no alert could be late. {text}".strip())
    if len(late) == len(alerts):
        parts = alerts[list(PARTS)].mean()
        main = words.share(float(parts.max() / parts.sum()))
        text = f"Every alert was late. On average {main} of the latency is {PARTS[str(parts.idxmax())]}."
        return _reason(text, len(late), _named(parts / parts.sum()))
    if late.empty:
        parts = alerts[list(PARTS)].mean()
        return _reason(
            "No alert was late. On average "
            f"{words.share(float(parts.max() / parts.sum()))} of the latency is {PARTS[str(parts.idxmax())]}.",
            shares=_named(parts / parts.sum()),
        )
    excess_s, shares = _excess(alerts, late)
    main = max(shares, key=lambda part: shares[part])
    pool = _where(record, late, main)
    marks = _marks(record, late, pool)
    return _reason(_late_sentence(late, excess_s, main, shares[main], pool, marks), len(late), shares, pool, marks)


def why_lost(record: Recorded) -> str:
    """A sentence: how detectable signals were lost."""
    lost = lost_signals(record)
    if lost.empty:
        return "No detectable signal was lost."
    by = lost["outcome"].astype(str).value_counts()
    told = [
        f"{by[outcome]:,} {'was' if by[outcome] == 1 else 'were'} {text}"
        for outcome, text in LOSSES.items()
        if by.get(outcome, 0)
    ]
    return f"Of {words.count(len(lost), 'lost signal')}, {words.sequence(told)}."


def timelines(record: Recorded) -> Timelines:
    """Every quantity of the timeline up to the horizon."""
    table = record.timeline
    time_s, value = table["time_s"].to_numpy(float), table["value"].to_numpy(float)
    of, numbers = pd.factorize(table["replica"].to_numpy())
    kind, quantities = pd.factorize(table["quantity"])
    who, names = pd.factorize(table["name"])
    which = (of * len(quantities) + kind) * len(names) + who
    at = np.lexsort((time_s, which))
    at = at[time_s[at] < record.scenario.horizon]
    begins = np.flatnonzero(np.diff(which[at], prepend=-1))
    found: Timelines = {}
    for first, last in pairwise([*begins, len(at)]):
        own, one = at[first:last], at[first]
        key = int(numbers[of[one]]), str(quantities[kind[one]]), str(names[who[one]])
        found[key] = time_s[own], value[own]
    return found


def recovery_s(record: Recorded, pool: str, end_s: float) -> float | None:
    """Mean time after `end_s` until the queue of `pool` is back at its usual length; None if it never was.

    As fine as the bins of the timeline.
    """
    spans = [_recovered_s(*queue, end_s) for queue in _queues(record, pool).values()]
    known = [span for span in spans if span is not None]
    return float(np.mean(known)) if len(known) == len(spans) else None


def _queues(record: Recorded, pool: str) -> dict[int, tuple[NDArray[Any], NDArray[Any]]]:
    """The queue of a pool over time, by replica."""
    known = timelines(record)
    return {replica: known.get((replica, "queue", pool), NOTHING) for replica in replicas(record)}


def _recovered_s(time_s: NDArray[Any], queue: NDArray[Any], end_s: float) -> float | None:
    """Time after `end_s` until a queue is back at its usual length; None if it never was."""
    after = time_s >= end_s
    calm = queue[after] <= 2.0 * np.median(queue) + 1.0
    if not calm.any():
        return None
    return 0.0 if calm[0] else float(time_s[after][np.argmax(calm)] - end_s)


def _growth(known: Timelines, replica: int, pool: str) -> float | None:
    """Jobs waiting at the horizon if the queue rose through each of the last windows, else None."""
    queue, busy, servers = (
        known.get((replica, quantity, pool), NOTHING)[1] for quantity in ("queue", "busy", "servers")
    )
    if len(queue) < _WINDOWS:
        return None
    means = np.array([part.mean() for part in np.array_split(queue, _WINDOWS)])[-_LAST:]
    last = slice(-(len(queue) // _WINDOWS), None)
    full = busy[last].sum() >= _FULL * servers[last].sum()
    return float(queue[-1]) if full and (np.diff(means) > 0.0).all() and means[-1] > _GROWN else None


def _excess(alerts: pd.DataFrame, late: pd.DataFrame) -> tuple[float, dict[str, float]]:
    """By how many seconds late alerts are slower than the others, and each part's share of that."""
    on_time = alerts[~alerts["late"]]
    usual = on_time[list(PARTS)].mean() if len(on_time) else 0.0 * late[list(PARTS)].mean()
    excess = (late[list(PARTS)].mean() - usual).clip(lower=0.0)
    return float(excess.sum()), _named(excess / excess.sum())


def _named(shares: pd.Series) -> dict[str, float]:
    return {PARTS[str(part)]: float(value) for part, value in shares.items()}


def _where(record: Recorded, late: pd.DataFrame, main: str) -> str | None:
    """The pool that the part of the latency called `main` points at."""
    if main == "queueing":
        return _longest_queue(record, late)
    column = {"outages": "down_s", "loading models": "swaps"}.get(main)
    return _most(record, column) if column is not None and record.pools[column].any() else None


def _longest_queue(record: Recorded, late: pd.DataFrame) -> str | None:
    """The pool whose queue exceeded its usual length most while the late alerts were under way."""
    total: dict[str, float] = {}
    known = timelines(record)
    for replica, rows in late.groupby("replica", observed=True):
        for pool in record.pools["pool"].unique():
            time_s, queue = known.get((int(str(replica)), "queue", pool), NOTHING)
            if not len(queue):
                continue
            first, last = (
                np.clip(np.searchsorted(time_s, rows[column], side="right") - 1, 0, len(queue) - 1)
                for column in ("event_time_s", "published_s")
            )
            area = np.concatenate([[0.0], np.cumsum(queue - np.median(queue))])
            total[pool] = total.get(pool, 0.0) + float(((area[last + 1] - area[first]) / (last - first + 1)).sum())
    longest = max(total, key=lambda pool: total[pool], default=None)
    return longest if longest is not None and total[longest] > 0.0 else None


def _marks(record: Recorded, late: pd.DataFrame, pool: str | None) -> list[dict[str, Any]]:
    """For what happened: late alerts under way in it or in its backlog, and how long the backlog lasted."""
    queues = _queues(record, pool) if pool else {}
    rows = []
    for group in groups(record.marks):
        inside = np.zeros(len(late), bool)
        backs: list[float | None] = []
        for replica, start_s, end_s in group.spans:
            concerned = [replica] if replica != EVERY else list(queues)
            spans = [_recovered_s(*queues[r], end_s) for r in concerned if r in queues] or [0.0]
            back_s = None if None in spans else float(np.mean([span for span in spans if span is not None]))
            over_s = end_s + back_s if back_s is not None else np.inf
            here = (late["published_s"] > start_s) & (late["event_time_s"] < over_s)
            inside |= here.to_numpy() & ((replica == EVERY) | (late["replica"] == replica).to_numpy())
            backs.append(back_s)
        known = [back_s for back_s in backs if back_s is not None]
        lasted_s = float(np.mean(known)) if len(known) == len(backs) else None
        rows.append({"kind": group.kind, "name": group.name, "late": int(inside.sum()), "recovery_s": lasted_s})
    return rows


def _late_sentence(
    late: pd.DataFrame,
    excess_s: float,
    main: str,
    share: float,
    pool: str | None,
    marks: list[dict[str, Any]],
) -> str:
    where = f", with the {_SIGNS[main]} at {pool}" if pool else ""
    told = (
        f"Late alerts ({len(late):,}) were slower than those on time by {words.duration(excess_s)} "
        f"on average: {words.share(share)} of it {main}{where}."
    )
    causes = [
        f"{words.share(mark['late'] / len(late))} fell in {_called(mark)} or its backlog"
        for mark in sorted(marks, key=lambda mark: -mark["late"])[:2]
        if mark["late"] > 0.05 * len(late)
    ]
    return f"{told} {_capital(words.sequence(causes)) if causes else 'No event of the timeline explains them'}."


def _called(mark: dict[str, Any]) -> str:
    name = "" if mark["name"] == mark["kind"] else f" '{mark['name']}'"
    return f"the {mark['kind']}{name}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _reason(
    sentence: str,
    late: int = 0,
    shares: dict[str, float] | None = None,
    pool: str | None = None,
    marks: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {"sentence": sentence, "late": late, "shares": shares or {}, "pool": pool, "marks": marks or []}
