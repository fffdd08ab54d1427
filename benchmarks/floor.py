"""Where the kernel's time goes: the cost of what cannot be avoided, beside that of a completion.

The operations are the kernel's own functions in a tight loop, on memory as warm as it gets: replacing the first
event of a heap, drawing a service time from its table, counting a wait and a service in their histograms. The rest
is what deciding costs: branches that no processor foresees, and the words of jobs, queues and pools.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks import et, mm8, network
from benchmarks.work import exponential
from twin.engine import TwinEnvironment
from twin.kernel.chance import uniform
from twin.kernel.compiled import compiled
from twin.kernel.heap import first_event, push
from twin.kernel.memory import histogram_bin
from twin.kernel.state import BINS
from twin.plan import Plan

ROUNDS = 5
EVENTS = {mm8.NAME: 9, network.NAME: 24, et.NAME: 16}
"""Events in the heap while the workload runs: its busy servers and what travels."""


def measure(small: bool = False) -> dict[str, Any]:
    """Nanoseconds per completion, by workload: in all, and of each unavoidable operation."""
    n = 20_000 if small else 2_000_000
    found = {}
    size = 20_000 if small else 600_000
    plans = {
        mm8.NAME: mm8.plan(mm8.work(size)),
        network.NAME: network.plan(network.work(size)),
        et.NAME: et.plan(size // et.PER_JOB),
    }
    for name, plan in plans.items():
        whole_ns = min(_completion_ns(plan) for _ in range(ROUNDS))
        parts = {
            "heap_ns": min(_heap_ns(n, EVENTS[name]) for _ in range(ROUNDS)),
            "draw_ns": min(_timed(_draws, n, exponential(1.0)) for _ in range(ROUNDS)),
            "histogram_ns": 2 * min(_timed(_counts, n, np.zeros(BINS, np.int64)) for _ in range(ROUNDS)),
        }
        found[name] = {"completion_ns": whole_ns, **parts, "rest_ns": whole_ns - sum(parts.values())}
    return found


def _completion_ns(plan: Plan) -> float:
    environment = TwinEnvironment(plan)
    begun_s = time.perf_counter()
    environment.run(until=plan.horizon_s)
    return 1e9 * (time.perf_counter() - begun_s) / int(environment.world.stages["done"].sum())


def _timed(function: Any, n: int, array: Any) -> float:
    with np.errstate(over="ignore"):
        function(10, array)
        begun_s = time.perf_counter()
        function(n, array)
    return 1e9 * (time.perf_counter() - begun_s) / n


def _heap_ns(n: int, events: int) -> float:
    environment = TwinEnvironment(mm8.plan(mm8.work(1)))
    record = environment.world.record
    with np.errstate(over="ignore"):
        for k in range(events):
            push(record, float(k), 2, k)
        _replace(record, 10)
        begun_s = time.perf_counter()
        _replace(record, n)
    return 1e9 * (time.perf_counter() - begun_s) / n


@compiled
def _replace(w, n):
    for k in range(n):
        now_s = w["first_s"]
        w["hole"] = first_event(w)
        push(w, now_s + 20.0 * uniform(np.uint64(1), k), 2, k)


@compiled
def _draws(n, table):
    total_s = 0.0
    for k in range(n):
        x = uniform(np.uint64(2), k) * (table.size - 1)
        i = int(x)
        total_s += table[i] + (x - i) * (table[i + 1] - table[i])
    return total_s


@compiled
def _counts(n, counts):
    for k in range(n):
        counts[histogram_bin(10.0 * uniform(np.uint64(3), k))] += 1
