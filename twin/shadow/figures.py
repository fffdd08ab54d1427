"""What a window of time is told by, the same for what was foretold and for what happened. Knows no log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.engine import TwinEnvironment
from twin.kernel.state import PUBLISHED

NAMES = ("latency_p50_s", "latency_p95_s", "queue", "throughput_per_s", "late_share")
LEAST_JOBS = {"latency_p50_s": 20, "latency_p95_s": 200}
"""A quantile q is told from 10 / (1 - q) jobs on."""


@dataclass(frozen=True)
class Part:
    """What happened in a stretch of time: stage completions (TRACE), endings (ROW), job seconds spent waiting."""

    trace: NDArray[np.void]
    rows: NDArray[np.void]
    waited_s: float


@dataclass(frozen=True)
class Figures:
    """Of the live stages' work in a window; NaN where there is too little of it.

    A job's latency lasts from joining a live stage's queue to its end there; `queue` is the mean number of jobs
    waiting at the pools of live stages; of what was published, `late_share` came too late after its segment.
    """

    jobs: int
    latency_p50_s: float
    latency_p95_s: float
    queue: float
    throughput_per_s: float
    late_share: float


def figures(parts: Sequence[Part], live: NDArray[np.bool_], span_s: float, late_s: float) -> Figures:
    """Of the window of `span_s` that `parts` make up; `live` says of each stage whether workers execute it."""
    trace = np.concatenate([part.trace for part in parts])
    rows = np.concatenate([part.rows for part in parts])
    trace = trace[live[trace["stage"]]]
    latency_s = trace["end_s"] - trace["enqueued_s"]
    published = rows[rows["outcome"] == PUBLISHED]
    late = published["end_s"] - published["born_s"] > late_s
    return Figures(
        jobs=trace.size,
        latency_p50_s=_quantile(latency_s, 0.5, LEAST_JOBS["latency_p50_s"]),
        latency_p95_s=_quantile(latency_s, 0.95, LEAST_JOBS["latency_p95_s"]),
        queue=sum(part.waited_s for part in parts) / span_s,
        throughput_per_s=trace.size / span_s,
        late_share=float(late.mean()) if late.size else np.nan,
    )


def waited_s(environment: TwinEnvironment, live: NDArray[np.bool_]) -> float:
    """Job seconds that were spent waiting at pools of live stages, since the run began."""
    environment.settle()
    queues = environment.plan.queues
    pools = np.unique(queues["pool"][live[queues["stage"]]])
    return float(environment.world.bins[pools, :, 0].sum())


def _quantile(latency_s: NDArray[np.float64], q: float, least: int) -> float:
    return float(np.quantile(latency_s, q)) if latency_s.size >= least else np.nan
