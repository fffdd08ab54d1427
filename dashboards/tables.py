"""The numbers behind every figure, as frames: what is drawn is what these return.

For figures, reports and notebooks. Reads tables of a record; knows no plotly and no HTML.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin import metrics
from twin.estimates import band
from twin.limits import alert_name, judged_signals, published_signals, replicas
from twin.recorded import Recorded

POINTS = 400
"""Of a latency curve, and bins of a time axis."""
Span = tuple[float, float]
"""From and to, in s since the start of the run."""
HOUR_S = 3600.0


@dataclass(frozen=True)
class Signals:
    """What several figures ask of the table alerts, worked out once.

    `judged` is the alert of each signal that the latency targets are about, `published` its first one, `events`
    every signal and false candidate once.
    """

    judged: pd.DataFrame
    published: pd.DataFrame
    events: pd.DataFrame


def signals(record: Recorded) -> Signals:
    """Those of `record`; all figures take them, to spare them the work."""
    published = published_signals(record)
    named = record.scenario.targets.product is not None
    events = record.alerts[["replica", "event_id", "is_signal", "event_time_s"]]
    events = events.drop_duplicates(["replica", "event_id"])
    return Signals(judged_signals(record) if named else published, published, events)


def latency_table(record: Recorded, known: Signals | None = None) -> pd.DataFrame:
    """Share of published signals alerted within each latency: mean over replicas, 95 % interval."""
    alerts = judged_signals(record) if known is None else known.judged
    columns = ["latency_s", "share_within", "low", "high"]
    if alerts.empty:
        return pd.DataFrame(columns=columns, dtype=float)
    grid_s = _quantile_grid(alerts["latency_s"].to_numpy())
    each = [np.sort(own["latency_s"].to_numpy()) for _, own in alerts.groupby("replica", observed=True)]
    shares = np.array([np.searchsorted(own, grid_s, side="right") / own.size for own in each])
    centre, low, high = band(shares)
    return pd.DataFrame(dict(zip(columns, (grid_s, centre, low.clip(0.0, 1.0), high.clip(0.0, 1.0)), strict=True)))


def timeline_table(record: Recorded, span: Span | None = None, known: Signals | None = None) -> pd.DataFrame:
    """Per time bin: latency (median; low and high are p10 and p90), queue and use of each pool (low and high
    are the extreme replicas), signals and false candidates an hour (mean over replicas). Use is busy over
    available servers; empty while there are none. With a `span` only what lies in it, in finer bins."""
    known = known or signals(record)
    parts = [
        _latency_over_time(record, known.judged, span),
        _pools_over_time(record, span),
        _arrivals_over_time(record, known.events, span),
    ]
    return pd.concat(parts, ignore_index=True)


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


def _latency_over_time(record: Recorded, alerts: pd.DataFrame, span: Span | None) -> pd.DataFrame:
    first_s, last_s = span or (0.0, record.scenario.horizon)
    if span is not None:
        alerts = alerts[(alerts["event_time_s"] >= first_s) & (alerts["event_time_s"] < last_s)]
    bins = min(POINTS, max(1, len(alerts) // 20))
    bin_s = (last_s - first_s) / bins
    by = alerts.groupby(((alerts["event_time_s"] - first_s) // bin_s).astype(int))["latency_s"]
    table = (
        by.quantile(np.array([0.1, 0.5, 0.9])).unstack() if len(alerts) else pd.DataFrame(columns=[0.1, 0.5, 0.9])
    )
    return pd.DataFrame(
        {
            "time_s": first_s + (np.asarray(table.index, dtype=float) + 0.5) * bin_s,
            "quantity": "latency_s",
            "name": f"{alert_name(record)}s",
            "value": table[0.5].to_numpy(float),
            "low": table[0.1].to_numpy(float),
            "high": table[0.9].to_numpy(float),
        }
    )


def _arrivals_over_time(record: Recorded, events: pd.DataFrame, span: Span | None) -> pd.DataFrame:
    """Events an hour by when they happened: every signal, and what was reported that is none; once each."""
    first_s, last_s = span or (0.0, record.scenario.horizon)
    events = events[(events["event_time_s"] >= first_s) & (events["event_time_s"] < last_s)]
    bins = min(POINTS, max(1, len(events) // 50))
    hours = (last_s - first_s) / bins / HOUR_S * max(len(replicas(record)), 1)
    edges_s = np.linspace(first_s, last_s, bins + 1)
    frames = []
    for name, own in (
        ("signals", events[events["is_signal"]]),
        ("false candidates", events[~events["is_signal"]]),
    ):
        rate = np.histogram(own["event_time_s"].to_numpy(float), edges_s)[0] / hours
        head = {"time_s": (edges_s[1:] + edges_s[:-1]) / 2.0, "quantity": "arrivals_per_h", "name": name}
        frames.append(pd.DataFrame({**head, "value": rate, "low": np.nan, "high": np.nan}))
    return pd.concat(frames, ignore_index=True)


def _pools_over_time(record: Recorded, span: Span | None) -> pd.DataFrame:
    first_s, last_s = span or (0.0, record.scenario.horizon)
    table = record.timeline
    time_s = table["time_s"].to_numpy(float)
    inside = (time_s >= first_s) & (time_s < last_s)
    names, quantities = (table[column].astype("category") for column in ("name", "quantity"))
    frames = []
    for pool in sorted(str(name) for name in names.cat.categories):
        own = inside & (names == pool).to_numpy(bool)
        if not own.any():
            continue
        wide = {
            q: _by_replica(table[own & (quantities == q).to_numpy(bool)]) for q in ("queue", "busy", "servers")
        }
        use = wide["busy"] / wide["servers"].where(wide["servers"] > 0.0)
        for quantity, values in (("queue", wide["queue"]), ("use", use)):
            stats = {"value": values.mean(axis=1), "low": values.min(axis=1), "high": values.max(axis=1)}
            head = {"time_s": values.index.to_numpy(float), "quantity": quantity, "name": pool}
            frames.append(pd.DataFrame({**head, **{key: value.to_numpy() for key, value in stats.items()}}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _by_replica(rows: pd.DataFrame) -> pd.DataFrame:
    """Values (bin, replica), neighbouring bins averaged until at most `POINTS` are left."""
    starts_s, row = np.unique(rows["time_s"].to_numpy(float), return_inverse=True)
    numbers, column = np.unique(rows["replica"].to_numpy(np.int64), return_inverse=True)
    values = np.full((starts_s.size, numbers.size), np.nan)
    values[row, column] = rows["value"].to_numpy(float)
    wide = pd.DataFrame(values, index=starts_s, columns=numbers)
    together = math.ceil(len(wide) / POINTS)
    group = np.arange(len(wide)) // together
    averaged = wide.groupby(group).mean()
    averaged.index = pd.Index(wide.index.to_numpy()[::together], name="time_s")
    return averaged


def replica_text(record: Recorded) -> str:
    """'10 replicas' of a record."""
    n = len(replicas(record))
    return f"{n} replica{'' if n == 1 else 's'}"
