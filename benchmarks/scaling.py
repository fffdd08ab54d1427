"""What one completion costs as the heap, the queue and the run grow: kernel and plain SimPy, in ns.

Both engines get the same steady state at once (a burst at time 0) and are timed from then on:
`busy_servers` is M/M/c at utilisation 0.8 with 0.8 c servers busy, each an event in the heap;
`waiting` is one server, a job every second that takes a second, behind so many that wait;
`completions` is workload et, in the kernel only.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from benchmarks import et
from benchmarks.work import Array, arrivals, exponential, program, services
from twin.assembly import assemble
from twin.engine import TwinEnvironment
from twin.plan import Geography, PoolSpec, StageSpec, Stream

UTILISATION = 0.8
KEY = 7


@dataclass(frozen=True)
class Load:
    """One pool: jobs at `times_s`, of which those at time 0 make the state; timed over the last `timed_s`."""

    servers: int
    times_s: Array
    table: Array
    timed_s: float


def busy(servers: int, jobs: int) -> Load:
    """M/M/c, its usual number of servers busy from the start; about `jobs` completions are timed."""
    burst = np.zeros(max(1, round(UTILISATION * servers)))
    following = arrivals(UTILISATION * servers, jobs, 1)
    return Load(servers, np.concatenate([burst, following]), exponential(1.0), float(following[-1]))


def waiting(length: int, jobs: int) -> Load:
    """One server and a queue of constant length; `jobs` completions are timed."""
    times_s = np.concatenate([np.zeros(length + 1), np.arange(1.0, jobs + 1.0)])
    return Load(1, times_s, np.ones(2), jobs + 0.5)


def kernel_ns(load: Load) -> float:
    """Time per completion in the kernel."""
    plan = assemble(
        geography=Geography(("site",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("pool", 0, load.servers)],
        stages=[StageSpec("work", {"pool": program(load.table)}, key=KEY)],
        streams=[Stream("work", load.times_s.size, times_s=load.times_s)],
        horizon_s=load.timed_s + 1.0,
    )
    environment = TwinEnvironment(plan)
    return _ns(environment, load, lambda: int(environment.world.stages["done"].sum()))


def simpy_ns(load: Load) -> float:
    """Time per completion in plain SimPy."""
    environment = simpy.Environment()
    pool = simpy.Resource(environment, load.servers)
    service_s = services(KEY, load.table, load.times_s.size).tolist()
    done = 0

    def job(k: int) -> Iterator[Any]:
        nonlocal done
        turn = pool.request()  # not in a `with`: closing it when the run is over takes far longer than the run
        yield turn
        yield environment.timeout(service_s[k])
        pool.release(turn)
        done += 1

    def source() -> Iterator[Any]:
        for k, time_s in enumerate(load.times_s.tolist()):
            if time_s > environment.now:
                yield environment.timeout(time_s - environment.now)
            environment.process(job(k))

    environment.process(source())
    return _ns(environment, load, lambda: done)


def _ns(environment: simpy.Environment, load: Load, done: Callable[[], int]) -> float:
    """Time per completion once the burst is there."""
    environment.run(until=min(1e-9, load.timed_s / 2))
    before = done()
    start_s = time.perf_counter()
    environment.run(until=load.timed_s)
    wall_s = time.perf_counter() - start_s
    return 1e9 * wall_s / (done() - before)


def et_ns(completions: int) -> float:
    """Time per completion of workload et in the kernel."""
    plan = et.plan(completions // et.PER_JOB)
    environment = TwinEnvironment(plan)
    start_s = time.perf_counter()
    environment.run(until=plan.horizon_s)
    wall_s = time.perf_counter() - start_s
    return 1e9 * wall_s / int(environment.world.stages["done"].sum())


def measure(small: bool = False) -> dict[str, Any]:
    """All three, each figure a median of three but those of the largest; `small` is for trying it out."""
    top = 2 if small else 5
    jobs, shorter = (3_000, 300) if small else (300_000, 5_000)
    return {
        "busy_servers": [_both(busy, 10**e, jobs, shorter) for e in range(top + 1)],
        "waiting": [_both(waiting, 10**e, jobs, shorter) for e in range(top + 2)],
        "completions": [_alone(10**e) for e in ((4,) if small else (5, 6, 7, 8))],
    }


def _both(state: Callable[[int, int], Load], n: int, jobs: int, shorter: int) -> dict[str, float]:
    many, few = state(n, jobs), state(n, shorter)
    kernel, peer = [], []
    for _ in range(3 if n < 10**5 else 1):
        kernel.append(kernel_ns(many))
        peer.append(simpy_ns(few))
    return {"n": n, "kernel_ns": statistics.median(kernel), "simpy_ns": statistics.median(peer)}


def _alone(completions: int) -> dict[str, float]:
    times = 3 if completions < 10**8 else 1
    return {"n": completions, "kernel_ns": statistics.median(et_ns(completions) for _ in range(times))}
