"""Workload network: two sites of three stations, the third shared. For every engine; knows only the plan.

Each site's jobs pass its first two stations; for the third they go to the site with less load per server (their
own when equal), where load counts who waits, is served or is on the way; crossing takes CROSSING_S.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.work import Array, arrivals, exponential, program, services
from twin.assembly import assemble
from twin.plan import Geography, Plan, PoolSpec, StageSpec, Stream

NAME = "network"
SERVERS = (2, 4, 8)
MEAN_S = (2.0, 4.0, 8.0)
RATE_HZ = 0.8
CROSSING_S = 0.05
PER_JOB = 3


@dataclass(frozen=True)
class Work:
    """Job n of site a arrives at `times_s[a][n]` and takes `service_s[a][k][n]` at its k-th station."""

    times_s: tuple[Array, Array]

    @cached_property
    def service_s(self) -> list[list[Array]]:
        """Drawn when an engine wants to be told."""
        return [
            [services(key(a, k), exponential(m), t.size) for k, m in enumerate(MEAN_S)]
            for a, t in enumerate(self.times_s)
        ]

    @property
    def completions(self) -> int:
        """Stage completions when all is done."""
        return PER_JOB * sum(t.size for t in self.times_s)


def key(site: int, station: int) -> int:
    """The stream of the service times of this site's jobs at this station."""
    return 10 * site + station


def work(jobs: int) -> Work:
    """The first `jobs` jobs, half of them at each site."""
    return Work((arrivals(RATE_HZ, jobs // 2, 2), arrivals(RATE_HZ, jobs // 2, 3)))


def plan(work: Work) -> Plan:
    """The same for the kernel, until long after the last arrival."""
    pools = [PoolSpec(f"{a}{k}", a, c) for a in range(2) for k, c in enumerate(SERVERS)]
    stages = []
    for a in range(2):
        for k, mean_s in enumerate(MEAN_S):
            on = [f"{a}{k}"] if k < 2 else [f"{a}2", f"{1 - a}2"]
            programs = {p: program(exponential(mean_s)) for p in on}
            after = (f"s{a}{k - 1}",) if k else ()
            stages.append(StageSpec(f"s{a}{k}", programs, after, route="least-loaded", key=key(a, k)))
    crossing = np.array([[0.0, CROSSING_S], [CROSSING_S, 0.0]])
    return assemble(
        geography=Geography(("north", "south"), crossing, np.ones((2, 2))),
        pools=pools,
        stages=stages,
        streams=[Stream(f"s{a}0", t.size, site=a, times_s=t) for a, t in enumerate(work.times_s)],
        horizon_s=max(t[-1] for t in work.times_s) + 1000.0,
    )
