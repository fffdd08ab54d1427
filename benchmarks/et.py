"""Workload et: segments fork, are searched in batches elsewhere, and join. For every engine; knows only the plan.

A segment comes every second. `condition` takes it in 3 shards on 4 servers at site A. Then `dq` takes it in 4
shards on 6 servers at site A and, at once, `search` in 8 shards on 4 servers at site B, in batches of up to 8 that
start whenever a server is free. When all shards of both are done, `candidate` takes it on 1 server at site B.
Crossing from A to B takes CROSSING_S: every shard of `search` does, and what joins when `dq` was last.
A batch takes the time for its size at the random number of its first job.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.work import Array, lognormal, program, services
from twin.assembly import assemble
from twin.plan import Geography, Plan, PoolSpec, StageSpec, Stream

NAME = "et"
CONDITION, DQ, SEARCH, CANDIDATE = range(4)
STAGES = ("condition", "dq", "search", "candidate")
SHARDS = (3, 4, 8, 1)
SERVERS = (4, 6, 4, 1)
SITES = (0, 0, 1, 1)
KEYS = (1, 2, 3, 4)
MAX_BATCH = 8
CROSSING_S = 0.05
PER_JOB = sum(SHARDS)
TABLES: tuple[tuple[Array, ...], ...] = (
    (lognormal(0.87),),
    (lognormal(0.98),),
    tuple(lognormal(2.6 * (0.3 + 0.7 * (n + 1) / MAX_BATCH)) for n in range(MAX_BATCH)),
    (lognormal(0.65),),
)
"""Inverse CDFs of service times in s, by stage and batch size: each pool is busy about 65 % of the time."""


@dataclass(frozen=True)
class Work:
    """Shard i of segment k takes `service_s[stage][n - 1][k * SHARDS[stage] + i]` as the first of n in a batch."""

    segments: int

    @cached_property
    def service_s(self) -> list[list[Array]]:
        """Drawn when an engine wants to be told."""
        rows = zip(KEYS, TABLES, SHARDS, strict=True)
        return [[services(key, table, c * self.segments) for table in tables] for key, tables, c in rows]

    @property
    def completions(self) -> int:
        """Stage completions when all is done."""
        return PER_JOB * self.segments


def work(segments: int) -> Work:
    """The first `segments` segments."""
    return Work(segments)


def plan(segments: int, publishes: str = "") -> Plan:
    """The same for the kernel, until long after the last segment; candidates are published as `publishes`."""
    pools = [PoolSpec(STAGES[s], SITES[s], SERVERS[s]) for s in range(4)]
    after: tuple[tuple[str, ...], ...] = ((), ("condition",), ("condition",), ("dq", "search"))
    stages = [
        StageSpec(
            STAGES[s],
            {STAGES[s]: program(*TABLES[s])},
            after[s],
            shards=SHARDS[s],
            max_batch=len(TABLES[s]),
            publishes=publishes if s == CANDIDATE else "",
            key=KEYS[s],
        )
        for s in range(4)
    ]
    crossing = np.array([[0.0, CROSSING_S], [CROSSING_S, 0.0]])
    return assemble(
        geography=Geography(("A", "B"), crossing, np.ones((2, 2))),
        pools=pools,
        stages=stages,
        streams=[Stream("condition", segments, phase_s=1.0, stride_s=1.0)],
        horizon_s=segments + 1000.0,
    )
