"""The workloads in salabim the fastest way it has: a component per server, generators, no monitor, no trace.

A component per job would bring its own monitors, and is several times slower. What is on its way waits in a
component per link: all take equally long, so the first to go is the first to arrive.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import salabim

from benchmarks import et as _et
from benchmarks import mm8 as _mm8
from benchmarks import network as _network
from benchmarks.peers import Outcome, Run

Process = Iterator[Any]


class Quiet(salabim.Component):  # type: ignore[misc]
    """A component that is not monitored and runs `life`."""

    def setup(self, life: Callable[[Any], Process]) -> None:
        """Remember what it does."""
        self.status.monitor(False)
        self.mode.monitor(False)
        self.life = life

    def process(self) -> Process:
        """Do it."""
        yield from self.life(self)


class Pool:
    """Servers that take what waits, up to `max_batch` at once; `service_s(batch)` in s, then `then(batch)`."""

    def __init__(
        self,
        servers: int,
        service_s: Callable[[list[Any]], float],
        then: Callable[[list[Any]], None],
        max_batch: int = 1,
    ) -> None:
        self.service_s, self.then, self.max_batch = service_s, then, max_batch
        self.waiting: deque[Any] = deque()
        self.idle: list[Any] = []
        for _ in range(servers):
            Quiet(life=self.server)

    def server(self, me: Any) -> Process:
        """What a server does."""
        waiting = self.waiting
        while True:
            while waiting:
                batch = [waiting.popleft() for _ in range(min(self.max_batch, len(waiting)))]
                yield me.hold(self.service_s(batch))
                self.then(batch)
            self.idle.append(me)
            yield me.passivate()

    def offer(self, *jobs: Any) -> None:
        """These jobs want to be served; as many servers wake as there are batches."""
        self.waiting.extend(jobs)
        batches = -(-len(jobs) // self.max_batch)
        for _ in range(min(batches, len(self.idle))):
            self.idle.pop().activate()


class Link:
    """What is sent arrives CROSSING_S later: `then(what)`."""

    def __init__(self, environment: Any, crossing_s: float, then: Callable[[Any], None]) -> None:
        self.environment, self.crossing_s, self.then = environment, crossing_s, then
        self.under_way: deque[tuple[float, Any]] = deque()
        self.idle = False
        self.carrier = Quiet(life=self.carry)

    def carry(self, me: Any) -> Process:
        """What the link does."""
        while True:
            while self.under_way:
                at_s, what = self.under_way.popleft()
                yield me.hold(till=at_s)
                self.then(what)
            self.idle = True
            yield me.passivate()

    def send(self, what: Any) -> None:
        """Send it now."""
        self.under_way.append((self.environment._now + self.crossing_s, what))
        if self.idle:
            self.idle = False
            self.carrier.activate()


def _environment() -> Any:
    salabim.yieldless(False)
    return salabim.Environment(trace=False, random_seed="*", yieldless=False)


def _source(times_s: list[float], arrive: Callable[[int], None]) -> None:
    def life(me: Any) -> Process:
        for k, time_s in enumerate(times_s):
            yield me.hold(till=time_s)
            arrive(k)

    Quiet(life=life)


def mm8(work: _mm8.Work) -> Run:
    """M/M/8."""
    times_s, service_s = work.times_s.tolist(), work.service_s.tolist()

    def run() -> Outcome:
        environment = _environment()
        ends: list[float] = []
        pool = Pool(_mm8.SERVERS, lambda b: service_s[b[0]], lambda _: ends.append(environment._now))
        _source(times_s, pool.offer)
        environment.run()
        return Outcome(len(ends), sum(ends) / len(ends))

    return run


def network(work: _network.Work) -> Run:
    """Two sites, three stations each."""
    times_s = [t.tolist() for t in work.times_s]
    service_s = [[s.tolist() for s in stations] for stations in work.service_s]

    def run() -> Outcome:
        environment = _environment()
        load = [0, 0]
        ends: list[float] = []

        def choose(a: int, n: int) -> None:
            site = a if load[a] <= load[1 - a] else 1 - a
            load[site] += 1
            if site == a:
                thirds[a].offer((a, n))
            else:
                links[site].send((a, n))

        def left(site: int) -> None:
            load[site] -= 1
            ends.append(environment._now)

        def stations(a: int) -> None:
            c = _network.SERVERS
            second = Pool(c[1], lambda b: service_s[a][1][b[0]], lambda b: choose(a, b[0]))
            first = Pool(c[0], lambda b: service_s[a][0][b[0]], lambda b: second.offer(b[0]))
            _source(times_s[a], first.offer)

        thirds = [
            Pool(_network.SERVERS[2], lambda b: service_s[b[0][0]][2][b[0][1]], lambda _, a=a: left(a))
            for a in range(2)
        ]
        links = [Link(environment, _network.CROSSING_S, lambda job, a=a: thirds[a].offer(job)) for a in range(2)]
        for a in range(2):
            stations(a)
        environment.run()
        return Outcome(3 * len(ends), sum(ends) / len(ends))

    return run


def et(work: _et.Work) -> Run:
    """Segments that fork and join; shards are counted down."""
    service_s = [[row.tolist() for row in stage] for stage in work.service_s]

    def run() -> Outcome:
        environment = _environment()
        left = [[shards] * work.segments for shards in _et.SHARDS]
        done = 0
        ends: list[float] = []

        def over(stage: int, batch: list[int]) -> list[int]:
            """The segments of which no shard of this stage is left."""
            nonlocal done
            done += len(batch)
            whole = []
            for number in batch:
                k = number // _et.SHARDS[stage]
                left[stage][k] -= 1
                if left[stage][k] == 0:
                    whole.append(k)
            return whole

        def numbers(stage: int, k: int) -> range:
            return range(k * _et.SHARDS[stage], (k + 1) * _et.SHARDS[stage])

        def conditioned(batch: list[int]) -> None:
            for k in over(_et.CONDITION, batch):
                pools[_et.DQ].offer(*numbers(_et.DQ, k))
                out.send(k)

        def checked(batch: list[int]) -> None:
            for k in over(_et.DQ, batch):
                if left[_et.SEARCH][k] == 0:
                    joining.send(k)

        def searched(batch: list[int]) -> None:
            for k in over(_et.SEARCH, batch):
                if left[_et.DQ][k] == 0:
                    pools[_et.CANDIDATE].offer(k)

        def published(batch: list[int]) -> None:
            over(_et.CANDIDATE, batch)
            ends.append(environment._now)

        def pool(stage: int, then: Callable[[list[int]], None]) -> Pool:
            rows = service_s[stage]
            return Pool(_et.SERVERS[stage], lambda b: rows[len(b) - 1][b[0]], then, len(rows))

        thens = (conditioned, checked, searched, published)
        pools = [pool(stage, then) for stage, then in enumerate(thens)]
        out = Link(environment, _et.CROSSING_S, lambda k: pools[_et.SEARCH].offer(*numbers(_et.SEARCH, k)))
        joining = Link(environment, _et.CROSSING_S, lambda k: pools[_et.CANDIDATE].offer(k))
        _source(
            [1.0 + k for k in range(work.segments)],
            lambda k: pools[_et.CONDITION].offer(*numbers(_et.CONDITION, k)),
        )
        environment.run()
        return Outcome(done, sum(ends) / len(ends))

    return run
