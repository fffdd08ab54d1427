"""The workloads in SimPy as its manual teaches it: a process per job, a Resource per pool."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import simpy

from benchmarks import et as _et
from benchmarks import mm8 as _mm8
from benchmarks import network as _network
from benchmarks.peers import Outcome, Run

Process = Generator[Any, Any, Any]


def mm8(work: _mm8.Work) -> Run:
    """M/M/8."""
    times_s, service_s = work.times_s.tolist(), work.service_s.tolist()

    def run() -> Outcome:
        environment = simpy.Environment()
        pool = simpy.Resource(environment, _mm8.SERVERS)
        ends: list[float] = []

        def job(k: int) -> Process:
            with pool.request() as turn:
                yield turn
                yield environment.timeout(service_s[k])
            ends.append(environment.now)

        def source() -> Process:
            for k, time_s in enumerate(times_s):
                yield environment.timeout(time_s - environment.now)
                environment.process(job(k))

        environment.process(source())
        environment.run()
        return Outcome(len(ends), float(np.mean(ends)))

    return run


def network(work: _network.Work) -> Run:
    """Two sites, three stations each."""
    times_s = [t.tolist() for t in work.times_s]
    service_s = [[s.tolist() for s in stations] for stations in work.service_s]

    def run() -> Outcome:
        environment = simpy.Environment()
        pools = [[simpy.Resource(environment, c) for c in _network.SERVERS] for _ in range(2)]
        transit = [0, 0]
        ends: list[float] = []

        def load(site: int) -> float:
            pool = pools[site][2]
            return (len(pool.queue) + transit[site] + pool.count) / pool.capacity

        def station(site: int, k: int, duration_s: float) -> Process:
            with pools[site][k].request() as turn:
                yield turn
                yield environment.timeout(duration_s)

        def job(a: int, n: int) -> Process:
            yield from station(a, 0, service_s[a][0][n])
            yield from station(a, 1, service_s[a][1][n])
            site = a if load(a) <= load(1 - a) else 1 - a
            if site != a:
                transit[site] += 1
                yield environment.timeout(_network.CROSSING_S)
                transit[site] -= 1
            yield from station(site, 2, service_s[a][2][n])
            ends.append(environment.now)

        def source(a: int) -> Process:
            for n, time_s in enumerate(times_s[a]):
                yield environment.timeout(time_s - environment.now)
                environment.process(job(a, n))

        for a in range(2):
            environment.process(source(a))
        environment.run()
        return Outcome(3 * len(ends), float(np.mean(ends)))

    return run


def et(work: _et.Work) -> Run:
    """Segments that fork and join."""
    service_s = [[row.tolist() for row in stage] for stage in work.service_s]

    def run() -> Outcome:
        segments = _Segments(service_s)
        segments.environment.process(segments.source(work.segments))
        segments.environment.process(segments.batches())
        segments.environment.run()
        return Outcome(segments.done, float(np.mean(segments.ends)))

    return run


class _Segments:
    """Processes of workload et: one per segment, branch and shard, one that forms batches, one per batch."""

    def __init__(self, service_s: list[list[list[float]]]) -> None:
        self.environment = simpy.Environment()
        self.service_s = service_s
        self.pools = [simpy.Resource(self.environment, c) for c in _et.SERVERS]
        self.waiting = simpy.Store(self.environment)
        self.done = 0
        self.ends: list[float] = []

    def source(self, segments: int) -> Process:
        """Segments come."""
        for k in range(segments):
            yield self.environment.timeout(1.0)
            self.environment.process(self.segment(k))

    def segment(self, k: int) -> Process:
        """The way of one."""
        environment = self.environment
        yield from self.branch(_et.CONDITION, k, self.shard)
        dq = environment.process(self.branch(_et.DQ, k, self.shard))
        search = environment.process(self.branch(_et.SEARCH, k, self.searched))
        yield dq & search
        if dq.value > search.value:
            yield environment.timeout(_et.CROSSING_S)
        yield from self.shard(_et.CANDIDATE, k)
        self.ends.append(environment.now)

    def branch(self, stage: int, k: int, one: Callable[[int, int], Process]) -> Process:
        """All shards of a segment at a stage; its value is when the last was done."""
        environment, shards = self.environment, _et.SHARDS[stage]
        numbers = range(k * shards, (k + 1) * shards)
        yield environment.all_of([environment.process(one(stage, n)) for n in numbers])
        return environment.now

    def shard(self, stage: int, number: int) -> Process:
        """One shard on a server of its own."""
        with self.pools[stage].request() as turn:
            yield turn
            yield self.environment.timeout(self.service_s[stage][0][number])
        self.done += 1

    def searched(self, _stage: int, number: int) -> Process:
        """One shard that crosses and is done when its batch is."""
        yield self.environment.timeout(_et.CROSSING_S)
        over = self.environment.event()
        self.waiting.put((number, over))
        yield over
        self.done += 1

    def batches(self) -> Process:
        """A server and what waits become a batch; what comes at one moment is all there before this goes on."""
        while True:
            turn = self.pools[_et.SEARCH].request()
            yield turn
            batch = [(yield self.waiting.get()), *self.waiting.items[: _et.MAX_BATCH - 1]]
            del self.waiting.items[: len(batch) - 1]
            self.environment.process(self.serve(turn, batch))

    def serve(self, turn: Any, batch: list[tuple[int, simpy.Event]]) -> Process:
        """One batch on its server."""
        yield self.environment.timeout(self.service_s[_et.SEARCH][len(batch) - 1][batch[0][0]])
        self.pools[_et.SEARCH].release(turn)
        for _, over in batch:
            over.succeed()
