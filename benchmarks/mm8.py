"""Workload M/M/8: one pool of eight servers at utilisation 0.8. For every engine; knows only the kernel's plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.work import Array, arrivals, exponential, program, services
from twin.assembly import assemble
from twin.plan import Geography, Plan, PoolSpec, StageSpec, Stream

NAME = "mm8"
SERVERS = 8
RATE_HZ = 6.4
KEY = 7
PER_JOB = 1


@dataclass(frozen=True)
class Work:
    """Job k arrives at `times_s[k]` and takes `service_s[k]`."""

    times_s: Array

    @cached_property
    def service_s(self) -> Array:
        """Drawn when an engine wants to be told."""
        return services(KEY, exponential(1.0), self.times_s.size)

    @property
    def completions(self) -> int:
        """Stage completions when all is done."""
        return self.times_s.size


def work(jobs: int) -> Work:
    """The first `jobs` jobs."""
    return Work(arrivals(RATE_HZ, jobs, 1))


def plan(work: Work) -> Plan:
    """The same for the kernel, until long after the last arrival."""
    return assemble(
        geography=Geography(("site",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("pool", 0, SERVERS)],
        stages=[StageSpec("work", {"pool": program(exponential(1.0))}, key=KEY)],
        streams=[Stream("work", work.times_s.size, times_s=work.times_s)],
        horizon_s=work.times_s[-1] + 1000.0,
    )
