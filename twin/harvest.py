"""From a finished environment to tables: what became of every signal, stage, pool and link. Knows no file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.engine import TwinEnvironment
from twin.plan import Plan
from twin.state import BIN_LOW_S, BINS, OUTCOMES, PUBLISHED, STALE, SUB_BITS, TRIGGER, VARIANTS
from workloads.sky import CLASSES, SIGNALS

Frames = dict[str, pd.DataFrame]

PARTS = ("frame_s", "calibration_s", "transfer_s", "queue_s", "compute_s")
"""Where an alert's latency goes; for a published alert they add up to it."""
MISSED, UNFINISHED = "missed", "unfinished"


def harvest(environment: TwinEnvironment, replica: int, stride_s: float, lookahead_s: float) -> Frames:
    """The tables of one replica, see the data dictionary in twin.record."""
    environment.close()
    frames = {
        "alerts": _alerts(environment, stride_s, lookahead_s),
        "stages": _stages(environment),
        "pools": _pools(environment),
        "links": _links(environment),
        "timeline": _timeline(environment),
        "counts": _counts(environment),
    }
    for frame in frames.values():
        frame.insert(0, "replica", replica)
    return frames


def _alerts(environment: TwinEnvironment, stride_s: float, lookahead_s: float) -> pd.DataFrame:
    """One row per candidate that ended and per signal that never became one."""
    plan, rows = environment.plan, environment.ended()
    segment_job = _of_segment(plan)[rows["stage"]]
    candidates = rows[~segment_job]
    signals = np.flatnonzero(plan.events["cls"] < len(SIGNALS))
    without = np.setdiff1d(signals, candidates["entity"])
    lost = pd.DataFrame({"event_id": without, "outcome": _fates(environment, without, rows[segment_job])})
    frame = pd.concat([_ended(plan, candidates, stride_s, lookahead_s), _described(plan, lost, stride_s)])
    frame = frame.sort_values(["event_time_s", "event_id", "published_s"], kind="stable", ignore_index=True)
    return frame.astype({"dq_flag": bool, "event_id": "int64", "variant": str, "outcome": str})


def _ended(plan: Plan, rows: NDArray[np.void], stride_s: float, lookahead_s: float) -> pd.DataFrame:
    outcome = np.asarray(OUTCOMES)[rows["outcome"]]
    frame = pd.DataFrame({"event_id": rows["entity"], "outcome": outcome})
    frame = _described(plan, frame, stride_s)
    frame["product"] = np.where(rows["outcome"] == PUBLISHED, np.asarray(plan.products)[rows["stage"]], "")
    frame["variant"] = np.asarray(VARIANTS)[rows["variant"]]
    frame["dq_flag"] = rows["flag"] > 0
    published = rows["outcome"] == PUBLISHED
    arrived_s = (rows["segment"] + 1) * stride_s + lookahead_s
    parts = {
        "published_s": rows["end_s"],
        "latency_s": rows["end_s"] - frame["event_time_s"],
        "frame_s": arrived_s - frame["event_time_s"],
        "calibration_s": rows["born_s"] - arrived_s,
        "transfer_s": rows["transfer_s"],
        "queue_s": rows["wait_s"],
        "compute_s": rows["compute_s"],
    }
    for name, values in parts.items():
        frame[name] = np.where(published, values, np.nan)
    return frame


def _described(plan: Plan, frame: pd.DataFrame, stride_s: float) -> pd.DataFrame:
    """`frame` with the class, SNR and time of each row's event; a noise trigger gets its segment's middle."""
    ids = frame["event_id"].to_numpy(np.int64)
    real = ids >= 0
    cls = np.full(ids.size, "noise", dtype=object)
    snr = np.full(ids.size, np.nan)
    time_s = (-ids - 0.5) * stride_s
    cls[real] = np.asarray(CLASSES, dtype=object)[plan.events["cls"][ids[real]]]
    snr[real] = plan.events["snr"][ids[real]]
    time_s[real] = plan.events["time_s"][ids[real]]
    frame["cls"], frame["snr"], frame["event_time_s"] = cls.astype(str), snr, time_s
    frame["is_signal"] = np.isin(cls, SIGNALS)
    frame["product"] = ""
    frame["variant"] = ""
    frame["dq_flag"] = False
    for name in ("published_s", "latency_s", *PARTS):
        frame[name] = np.nan
    return frame


def _fates(environment: TwinEnvironment, ids: NDArray[np.int64], ended: NDArray[np.void]) -> NDArray[np.str_]:
    """Why these signals never became a candidate that ended: stale segment, still in the system, or missed."""
    plan = environment.plan
    segments = plan.event_segment[ids]
    on_the_way = _towards_search(plan)
    stale = np.isin(segments, ended["segment"][(ended["outcome"] == STALE) & on_the_way[ended["stage"]]])
    active = _active(environment)
    candidates = active["entity"][~_of_segment(plan)[active["stage"]]]
    waiting = np.isin(segments, active["segment"][on_the_way[active["stage"]]]) | np.isin(ids, candidates)
    arrived = environment.streams["next"].min() if environment.streams.size else 0
    unfinished = waiting | (segments >= arrived)
    return np.select([stale, unfinished], [OUTCOMES[STALE], UNFINISHED], MISSED)


def _active(environment: TwinEnvironment) -> NDArray[np.void]:
    """Jobs still in the system."""
    free = np.zeros(environment.jobs.size, bool)
    j = int(environment.world[0]["job_free"])
    while j >= 0:
        free[j] = True
        j = int(environment.jobs["next"][j])
    return environment.jobs[~free]


def _of_segment(plan: Plan) -> NDArray[np.bool_]:
    """Per stage, whether it works on segments: no trigger stage lies before it."""
    roles = plan.stages["role"]
    return np.array([all(roles[k] != TRIGGER for k in _upstream(plan, s)) for s in range(roles.size)], bool)


def _towards_search(plan: Plan) -> NDArray[np.bool_]:
    """Per stage, whether a segment must pass it to be searched: the trigger stages and what lies before them."""
    result: NDArray[np.bool_] = plan.stages["role"] == TRIGGER
    for s in np.flatnonzero(result):
        result[_upstream(plan, int(s))] = True
    return result


def _upstream(plan: Plan, s: int) -> list[int]:
    """The stages before stage `s`, nearest first."""
    before = []
    while (parent := _parent(plan, s)) is not None:
        before.append(parent)
        s = parent
    return before


def _parent(plan: Plan, s: int) -> int | None:
    for k, stage in enumerate(plan.stages):
        if s in plan.children[stage["child_start"] : stage["child_stop"]]:
            return k
    return None


def _stages(environment: TwinEnvironment) -> pd.DataFrame:
    """Service and wait per stage and variant, over its pools."""
    plan, queues = environment.plan, environment.queues
    rows = []
    for s, name in enumerate(plan.stage_names):
        own = queues["stage"] == s
        for v, variant in enumerate(VARIANTS):
            done = int(queues["done"][own, v].sum())
            if done == 0 and v > 0:
                continue
            wait, service = environment.hist[own, v].sum(axis=0)
            rows.append(
                {
                    "stage": name,
                    "variant": variant,
                    "done": done,
                    "dropped": int(environment.stages["stale"][s] + environment.stages["vetoed"][s])
                    if v == 0
                    else 0,
                    "wait_mean_s": queues["wait_s"][own, v].sum() / done if done else np.nan,
                    "wait_p99_s": histogram_quantile(wait, 0.99),
                    "service_mean_s": queues["service_s"][own, v].sum() / done if done else np.nan,
                    "service_p50_s": histogram_quantile(service, 0.5),
                    "service_p99_s": histogram_quantile(service, 0.99),
                }
            )
    return pd.DataFrame(rows)


def histogram_quantile(counts: NDArray[np.int64], q: float) -> float:
    """The `q` quantile of a kernel histogram in s, within 0.8 %; NaN when it is empty."""
    total = counts.sum()
    if total == 0:
        return float("nan")
    b = int(np.searchsorted(np.cumsum(counts), q * total))
    return float(_centres_s()[b])


def _centres_s() -> NDArray[np.float64]:
    """Middle of every histogram bin; the first holds everything up to BIN_LOW_S and is called 0."""
    k = np.arange(BINS - 1)
    slices = 1 << SUB_BITS
    middle = BIN_LOW_S * 2.0 ** (k // slices) * (1.0 + (k % slices + 0.5) / slices)
    return np.concatenate([[0.0], middle])


def _pools(environment: TwinEnvironment) -> pd.DataFrame:
    """Use and queue of every pool over the horizon."""
    plan = environment.plan
    bins = environment.bins[:, : round(plan.horizon_s / plan.bin_s)]
    span_s = bins.shape[1] * plan.bin_s
    queue_s, busy_s, servers_s = np.moveaxis(bins.sum(axis=1), -1, 0)
    return pd.DataFrame(
        {
            "pool": plan.pool_names,
            "site": [plan.site_names[s] for s in plan.pools["site"]],
            "servers": plan.pools["servers"],
            "use": np.divide(busy_s, servers_s, out=np.zeros_like(busy_s), where=servers_s > 0),
            "queue_mean": queue_s / span_s,
            "queue_peak": environment.pools["queue_peak"],
            "down_s": environment.down_s,
        }
    )


def _links(environment: TwinEnvironment) -> pd.DataFrame:
    """Transfers and bytes between sites."""
    plan = environment.plan
    totals: dict[tuple[int, int], tuple[int, float]] = {}
    for q, source in zip(*np.nonzero(environment.moved), strict=True):
        target = int(plan.pools[plan.queues[q]["pool"]]["site"])
        n = int(environment.moved[q, source])
        if source != target:
            before = totals.get((int(source), target), (0, 0.0))
            totals[int(source), target] = (before[0] + n, before[1] + n * float(plan.payload_bytes[q]))
    rows: list[dict[str, Any]] = [
        {"source": plan.site_names[a], "target": plan.site_names[b], "transfers": n, "bytes": round(size)}
        for (a, b), (n, size) in sorted(totals.items())
    ]
    return pd.DataFrame(rows, columns=["source", "target", "transfers", "bytes"])


def _timeline(environment: TwinEnvironment) -> pd.DataFrame:
    """Time-weighted means per bin: queue, busy and available servers of each pool."""
    plan = environment.plan
    n = environment.bins.shape[1]
    starts_s = np.arange(n) * plan.bin_s
    parts = []
    for p, pool in enumerate(plan.pool_names):
        for k, quantity in enumerate(("queue", "busy", "servers")):
            values = environment.bins[p, :, k] / plan.bin_s
            parts.append(
                pd.DataFrame(
                    {"time_s": starts_s, "bin_s": plan.bin_s, "quantity": quantity, "name": pool, "value": values}
                )
            )
    timeline = pd.concat(parts, ignore_index=True)
    return timeline[timeline["time_s"] < plan.horizon_s + plan.drain_s].reset_index(drop=True)


def _counts(environment: TwinEnvironment) -> pd.DataFrame:
    """What became of the work offered to each stage; nothing may be lost on the way."""
    stages = environment.stages
    kept = np.sum([stages[f] for f in ("done", "queued", "running", "transit", "stale", "vetoed")], axis=0)
    if not np.array_equal(stages["offered"], kept):
        raise RuntimeError(f"work was lost: offered {stages['offered'].tolist()}, accounted for {kept.tolist()}")
    return pd.DataFrame(
        {
            "work": environment.plan.stage_names,
            "offered": stages["offered"],
            "done": stages["done"],
            "queued": stages["queued"],
            "running": stages["running"],
            "transit": stages["transit"],
            "dropped_stale": stages["stale"],
            "dropped_vetoed": stages["vetoed"],
        }
    )
