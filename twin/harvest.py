"""From a finished environment to tables: what became of the work, at every stage, pool and link. Knows no file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from twin import fates
from twin.engine import TwinEnvironment
from twin.histogram import latencies, quantile_s
from twin.kernel.state import OUTCOMES, PUBLISHED, VARIANTS

Frames = dict[str, pd.DataFrame]

WINDOWS = 50
"""Time windows over the horizon for which latencies are counted."""


def harvest(environment: TwinEnvironment, replica: int, stride_s: float, lookahead_s: float) -> Frames:
    """The tables of one replica, see the data dictionary in twin.record."""
    environment.settle()
    alerts = fates.alerts(environment, stride_s, lookahead_s)
    published = alerts[alerts["outcome"] == OUTCOMES[PUBLISHED]]
    frames = {
        "alerts": alerts,
        "latencies": latencies(published, environment.plan.horizon_s, WINDOWS),
        "stages": _stages(environment),
        "pools": _pools(environment),
        "links": _links(environment),
        "timeline": _timeline(environment),
        "counts": _counts(environment),
    }
    for frame in frames.values():
        frame.insert(0, "replica", replica)
    return frames


def _stages(environment: TwinEnvironment) -> pd.DataFrame:
    """Service and wait per stage and variant, over its pools; nothing of instant stages, which do no work."""
    plan, world = environment.plan, environment.world
    queues, ended = world.queues, world.stages["ended"]
    rows = []
    for s, name in enumerate(plan.stage_names):
        own = queues["stage"] == s
        if not own.any():
            continue
        for v, variant in enumerate(VARIANTS[: world.variant_n]):
            done = int(queues["done"][own, v].sum())
            if done == 0 and v > 0:
                continue
            wait, service = world.hist[own, v].sum(axis=0)
            rows.append(
                {
                    "stage": name,
                    "variant": variant,
                    "done": done,
                    "dropped": int(ended[s].sum() - ended[s, PUBLISHED]) if v == 0 else 0,
                    "wait_mean_s": queues["wait_s"][own, v].sum() / done if done else np.nan,
                    "wait_p99_s": quantile_s(wait, 0.99),
                    "service_mean_s": queues["service_s"][own, v].sum() / done if done else np.nan,
                    "service_p50_s": quantile_s(service, 0.5),
                    "service_p99_s": quantile_s(service, 0.99),
                }
            )
    return pd.DataFrame(rows)


def _pools(environment: TwinEnvironment) -> pd.DataFrame:
    """Use and queue of every pool over the horizon."""
    plan, world = environment.plan, environment.world
    bins = world.bins[:, : round(plan.horizon_s / plan.bin_s)]
    span_s = bins.shape[1] * plan.bin_s
    queue_s, busy_s, servers_s = np.moveaxis(bins.sum(axis=1), -1, 0)
    return pd.DataFrame(
        {
            "pool": plan.pool_names,
            "site": [plan.site_names[s] for s in plan.pools["site"]],
            "servers": plan.pools["servers"],
            "use": np.divide(busy_s, servers_s, out=np.zeros_like(busy_s), where=servers_s > 0),
            "queue_mean": queue_s / span_s,
            "queue_peak": world.pools["queue_peak"],
            "preempted": world.pools["preempted"],
            "killed": world.pools["killed"],
            "swaps": world.pools["swaps"],
            "down_s": environment.down_s,
        }
    )


def _links(environment: TwinEnvironment) -> pd.DataFrame:
    """Transfers, bytes and busy time between sites."""
    names = environment.plan.site_names
    links = environment.world.links.reshape(len(names), len(names))
    rows: list[dict[str, Any]] = [
        {
            "source": names[a],
            "target": names[b],
            "transfers": int(links[a, b]["sent"]),
            "bytes": round(float(links[a, b]["bytes"])),
            "busy_s": float(links[a, b]["busy_s"]),
        }
        for a, b in zip(*np.nonzero(links["sent"]), strict=True)
    ]
    return pd.DataFrame(rows, columns=["source", "target", "transfers", "bytes", "busy_s"])


def _timeline(environment: TwinEnvironment) -> pd.DataFrame:
    """Time-weighted means per bin: queue, busy and available servers of each pool."""
    plan = environment.plan
    bins = environment.world.bins
    n = bins.shape[1]
    starts_s = np.arange(n) * plan.bin_s
    parts = []
    for p, pool in enumerate(plan.pool_names):
        for k, quantity in enumerate(("queue", "busy", "servers")):
            values = bins[p, :, k] / plan.bin_s
            parts.append(
                pd.DataFrame(
                    {"time_s": starts_s, "bin_s": plan.bin_s, "quantity": quantity, "name": pool, "value": values}
                )
            )
    timeline = pd.concat(parts, ignore_index=True)
    return timeline[timeline["time_s"] < plan.horizon_s + plan.drain_s].reset_index(drop=True)


KEPT = ("waiting", "asked", "transit", "queued", "running", "backoff", "done")


def _counts(environment: TwinEnvironment) -> pd.DataFrame:
    """What became of the work offered to each stage; nothing may be lost on the way."""
    plan, stages = environment.plan, environment.world.stages
    dropped = {name: stages["ended"][:, k] for k, name in enumerate(OUTCOMES) if k != PUBLISHED}
    kept = np.sum([*(stages[name] for name in KEPT), *dropped.values()], axis=0)
    if not np.array_equal(stages["offered"], kept):
        raise RuntimeError(f"work was lost: offered {stages['offered'].tolist()}, accounted for {kept.tolist()}")
    guarded = ("outside", "outside_s") if plan.stages["guarded"].any() else ()
    return pd.DataFrame(
        {"work": plan.stage_names, "offered": stages["offered"]}
        | {name: stages[name] for name in KEPT}
        | {f"dropped_{name}": counts for name, counts in dropped.items()}
        | {
            "segments": _segments(environment),
            "unsearched": fates.unsearched(environment).size,
        }
        | {name: stages[name] for name in guarded}
    )


def _segments(environment: TwinEnvironment) -> int:
    """Segments that arrived, by the stream that delivered most of them."""
    plan, arrived = environment.plan, [0]
    for before, now in zip(plan.streams, environment.world.streams, strict=True):
        passed = plan.breaks[before["break"] : now["break"]]
        never = int((passed["next"] - passed["at"]).sum())
        arrived.append(int(now["span"] * (now["next"] - never)))
    return max(arrived)
