"""What lies between two stamps of a log: its latencies by pipeline, in the order of event time. Knows no law."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twin.latencies.stamps import EVENT, Log

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Leg:
    """Latencies of a pipeline from stamp `start` to `end`: `seconds` (alert,), of events at `event_s` (GPS s).

    `lacking` rows of the pipeline hold only one of the two, or none.
    """

    pipeline: str
    start: str
    end: str
    event_s: Array
    seconds: Array
    lacking: int

    @property
    def name(self) -> str:
        """'pipeline/end': what a timer is made of."""
        return f"{self.pipeline}/{self.end}"

    @property
    def n(self) -> int:
        """How many there are."""
        return int(self.seconds.size)


def legs(log: Log) -> list[Leg]:
    """Every leg of every pipeline, by pipeline and in the order of the stamps."""
    ends = list(enumerate((EVENT, *log.stamps)))
    return [_leg(log, name, before, after) for name in log.pipelines for before, after in pairwise(ends)]


def together(log: Log, pipeline: str) -> tuple[Array, Array]:
    """Of alerts of a pipeline that have every stamp: event time in GPS s and seconds of each leg (alert, leg)."""
    rows = [row for row in log.rows if row.pipeline == pipeline and None not in row.since_s]
    whole = np.array([[0.0, *(s for s in row.since_s if s is not None)] for row in rows], float)
    times = np.array([row.event_s for row in rows], float)
    return times, np.diff(whole.reshape(len(rows), len(log.stamps) + 1), axis=1)


def _leg(log: Log, pipeline: str, before: tuple[int, str], after: tuple[int, str]) -> Leg:
    rows = [row for row in log.rows if row.pipeline == pipeline]
    pairs = [(row.event_s, (0.0, *row.since_s)[before[0]], row.since_s[after[0] - 1]) for row in rows]
    both = [(t, a, b) for t, a, b in pairs if a is not None and b is not None]
    return Leg(
        pipeline,
        before[1],
        after[1],
        np.array([t for t, _, _ in both], float),
        np.array([b - a for _, a, b in both], float),
        len(rows) - len(both),
    )
