"""The numbers behind every figure, as frames: what is drawn is what these return.

For figures, reports and notebooks. Reads tables of a record; knows no plotly and no HTML.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.levels import Floats, Levels, levels, over_time
from twin import event_rows, metrics
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

    `judged` is the alert of each signal that the latency targets are about, `published` its first one.
    """

    judged: pd.DataFrame
    published: pd.DataFrame


@dataclass(frozen=True)
class Course:
    """What the timeline asks, worked out once: any window of it is a slice.

    Of the judged alerts in the order of their events `alerts_s`, when the event was, and `latency_s`; `signals_s`
    and `false_s`, when every signal and every false candidate was, in order, once each; `pools`, their queues and
    servers over time.
    """

    alerts_s: Floats
    latency_s: Floats
    signals_s: Floats
    false_s: Floats
    pools: Levels


def coursed(judged: pd.DataFrame, time_s: Floats, is_signal: NDArray[np.bool_], pools: Levels) -> Course:
    """That of the `judged` alerts and of every event: when it was, and whether it is a signal."""
    order = np.argsort(judged["event_time_s"].to_numpy(float), kind="stable")
    alerts_s, latency_s = (judged[name].to_numpy(float)[order] for name in ("event_time_s", "latency_s"))
    return Course(alerts_s, latency_s, np.sort(time_s[is_signal]), np.sort(time_s[~is_signal]), pools)


def signals(record: Recorded) -> Signals:
    """Those of `record`; all figures take them, to spare them the work."""
    published = published_signals(record)
    named = record.scenario.targets.product is not None
    return Signals(judged_signals(record) if named else published, published)


def course(record: Recorded, known: Signals | None = None) -> Course:
    """That of `record`."""
    judged = signals(record).judged if known is None else known.judged
    events = record.alerts[~event_rows.repeated(event_rows.keys(record.alerts))]
    time_s, is_signal = events["event_time_s"].to_numpy(float), events["is_signal"].to_numpy(bool)
    return coursed(judged, time_s, is_signal, levels(record))


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


def timeline_table(
    record: Recorded, span: Span | None = None, known: Signals | None = None, over: Course | None = None
) -> pd.DataFrame:
    """Per time bin: latency (median; low and high are p10 and p90), queue and use of each pool (low and high
    are the extreme replicas), signals and false candidates an hour (mean over replicas). Use is busy over
    available servers; empty while there are none. With a `span` only what lies in it, in finer bins."""
    over = over or course(record, known)
    first_s, last_s = span or (0.0, record.scenario.horizon)
    parts = [
        _latency_over_time(record, over, span),
        over_time(over.pools, first_s, last_s, POINTS),
        _arrivals_over_time(record, over, span),
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


def _latency_over_time(record: Recorded, over: Course, span: Span | None) -> pd.DataFrame:
    first_s, last_s = span or (0.0, record.scenario.horizon)
    inside = slice(None) if span is None else slice(*np.searchsorted(over.alerts_s, span))
    time_s, latency_s = over.alerts_s[inside], over.latency_s[inside]
    bins = min(POINTS, max(1, time_s.size // 20))
    bin_s = (last_s - first_s) / bins
    numbers = (time_s - first_s) // bin_s
    starts = np.flatnonzero(np.diff(numbers, prepend=np.nan))  # of each bin that has any
    found = [np.quantile(own, (0.1, 0.5, 0.9)) for own in np.split(latency_s, starts[1:]) if own.size]
    low, centre, high = np.reshape(found, (-1, 3)).T
    return pd.DataFrame(
        {
            "time_s": first_s + (numbers[starts] + 0.5) * bin_s,
            "quantity": "latency_s",
            "name": f"{alert_name(record)}s",
            "value": centre,
            "low": low,
            "high": high,
        }
    )


def _arrivals_over_time(record: Recorded, over: Course, span: Span | None) -> pd.DataFrame:
    """Events an hour by when they happened: every signal, and what was reported that is none; once each."""
    first_s, last_s = span or (0.0, record.scenario.horizon)
    inside = [own[slice(*np.searchsorted(own, (first_s, last_s)))] for own in (over.signals_s, over.false_s)]
    bins = min(POINTS, max(1, sum(own.size for own in inside) // 50))
    hours = (last_s - first_s) / bins / HOUR_S * max(len(replicas(record)), 1)
    edges_s = np.linspace(first_s, last_s, bins + 1)
    frames = []
    for name, own in zip(("signals", "false candidates"), inside, strict=True):
        counts = np.diff(np.searchsorted(own, edges_s))
        head = {"time_s": (edges_s[1:] + edges_s[:-1]) / 2.0, "quantity": "arrivals_per_h", "name": name}
        frames.append(pd.DataFrame({**head, "value": counts / hours, "low": np.nan, "high": np.nan}))
    return pd.concat(frames, ignore_index=True)


def replica_text(record: Recorded) -> str:
    """'10 replicas' of a record."""
    n = len(replicas(record))
    return f"{n} replica{'' if n == 1 else 's'}"
