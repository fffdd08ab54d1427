"""The numbers behind every figure, as frames: what is drawn is what these return.

For figures, reports and notebooks. Reads tables of a record; knows no plotly and no HTML.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin import metrics
from twin.estimates import band
from twin.limits import alert_name, judged_signals, replicas
from twin.recorded import Recorded

POINTS = 400
"""Of a latency curve, and bins of a time axis."""


def latency_table(record: Recorded) -> pd.DataFrame:
    """Share of published signals alerted within each latency: mean over replicas, 95 % interval."""
    alerts = judged_signals(record)
    columns = ["latency_s", "share_within", "low", "high"]
    if alerts.empty:
        return pd.DataFrame(columns=columns, dtype=float)
    grid_s = _quantile_grid(alerts["latency_s"].to_numpy())
    each = [np.sort(own["latency_s"].to_numpy()) for _, own in alerts.groupby("replica", observed=True)]
    shares = np.array([np.searchsorted(own, grid_s, side="right") / own.size for own in each])
    centre, low, high = band(shares)
    return pd.DataFrame(dict(zip(columns, (grid_s, centre, low.clip(0.0, 1.0), high.clip(0.0, 1.0)), strict=True)))


def timeline_table(record: Recorded) -> pd.DataFrame:
    """Per time bin: latency (median; low and high are p10 and p90), queue and use of each pool (low and high
    are the extreme replicas). Use is busy over available servers; empty while there are none."""
    return pd.concat([_latency_over_time(record), _pools_over_time(record)], ignore_index=True)


def waterfall_table(record: Recorded) -> pd.DataFrame:
    """Mean seconds of each part of the latency, of typical alerts, of all and of the slowest.

    Parts that took no time in any alert are left out.
    """
    table = metrics.parts(record)
    seen = table.drop(columns="part").ne(0.0).any(axis=1)
    return table[seen].reset_index(drop=True)


def stages_table(record: Recorded) -> pd.DataFrame:
    """Work, waits and service times by stage and variant."""
    return metrics.stages(record)


def pools_table(record: Recorded) -> pd.DataFrame:
    """Use with its interval, queues and time down by pool."""
    return metrics.pools(record)


def _quantile_grid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """At most `POINTS` of `values`: even in the body, denser in the tail, the extremes always."""
    tail = 1.0 - np.geomspace(0.1, 1.0 / max(values.size, 11), POINTS // 2)
    q = np.concatenate([np.linspace(0.0, 0.9, POINTS - tail.size - 1), tail, [1.0]])
    grid: NDArray[np.float64] = np.unique(np.quantile(values, q, method="inverted_cdf"))
    return grid


def _latency_over_time(record: Recorded) -> pd.DataFrame:
    alerts = judged_signals(record)
    bins = min(POINTS, max(1, len(alerts) // 20))
    bin_s = record.scenario.horizon / bins
    by = alerts.groupby((alerts["event_time_s"] // bin_s).astype(int))["latency_s"]
    table = (
        by.quantile(np.array([0.1, 0.5, 0.9])).unstack() if len(alerts) else pd.DataFrame(columns=[0.1, 0.5, 0.9])
    )
    return pd.DataFrame(
        {
            "time_s": (np.asarray(table.index, dtype=float) + 0.5) * bin_s,
            "quantity": "latency_s",
            "name": f"{alert_name(record)}s",
            "value": table[0.5].to_numpy(float),
            "low": table[0.1].to_numpy(float),
            "high": table[0.9].to_numpy(float),
        }
    )


def _pools_over_time(record: Recorded) -> pd.DataFrame:
    table = record.timeline[record.timeline["time_s"] < record.scenario.horizon]
    frames = []
    for pool in sorted(table["name"].astype(str).unique()):
        own = table[table["name"] == pool]
        wide = {q: _by_replica(own[own["quantity"] == q]) for q in ("queue", "busy", "servers")}
        use = wide["busy"] / wide["servers"].where(wide["servers"] > 0.0)
        for quantity, values in (("queue", wide["queue"]), ("use", use)):
            stats = {"value": values.mean(axis=1), "low": values.min(axis=1), "high": values.max(axis=1)}
            head = {"time_s": values.index.to_numpy(float), "quantity": quantity, "name": pool}
            frames.append(pd.DataFrame({**head, **{key: value.to_numpy() for key, value in stats.items()}}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _by_replica(rows: pd.DataFrame) -> pd.DataFrame:
    """Values (bin, replica), neighbouring bins averaged until at most `POINTS` are left."""
    wide = rows.pivot_table(index="time_s", columns="replica", values="value", observed=True)
    together = math.ceil(len(wide) / POINTS)
    group = np.arange(len(wide)) // together
    averaged = wide.groupby(group).mean()
    averaged.index = pd.Index(wide.index.to_numpy()[::together], name="time_s")
    return averaged


def replica_text(record: Recorded) -> str:
    """'10 replicas' of a record."""
    n = len(replicas(record))
    return f"{n} replica{'' if n == 1 else 's'}"
