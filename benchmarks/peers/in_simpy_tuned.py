"""The workloads in SimPy as fast as Python allows: no process, no Resource, one event per completion.

Events are pushed straight into SimPy's own heap and used again when they have happened; what an event does is a
plain function. SimPy keeps the clock and the order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappush
from typing import Any

import simpy

from benchmarks import et as _et
from benchmarks import mm8 as _mm8
from benchmarks import network as _network
from benchmarks.peers import Outcome, Run


class Call:
    """As much of an event as SimPy's loop looks at; `what` is for whom it calls."""

    __slots__ = ("callbacks", "what")
    _ok = True

    def __init__(self) -> None:
        self.callbacks: Any = None
        self.what: Any = None


class Clock(simpy.Environment):
    """SimPy's loop with a short way into its heap."""

    def call(self, event: Call, what: Any, functions: list[Callable[[Call], None]], at_s: float) -> None:
        """Call `functions` with `event` at `at_s`."""
        event.what = what
        event.callbacks = functions
        heappush(self._queue, (at_s, 1, next(self._eid), event))  # type: ignore[arg-type]


def mm8(work: _mm8.Work) -> Run:
    """M/M/8."""
    times_s, service_s = work.times_s.tolist(), work.service_s.tolist()

    def run() -> Outcome:
        clock = Clock()
        call = clock.call
        waiting: deque[int] = deque()
        free = [Call() for _ in range(_mm8.SERVERS)]
        done, total_s = 0, 0.0

        def completed(event: Call) -> None:
            nonlocal done, total_s
            now_s = clock._now
            done += 1
            total_s += now_s
            if waiting:
                k = waiting.popleft()
                call(event, k, on_end, now_s + service_s[k])
            else:
                free.append(event)

        def arrived(event: Call) -> None:
            k = event.what
            if free:
                call(free.pop(), k, on_end, clock._now + service_s[k])
            else:
                waiting.append(k)
            if k + 1 < len(times_s):
                call(event, k + 1, on_arrival, times_s[k + 1])

        on_end, on_arrival = [completed], [arrived]
        call(Call(), 0, on_arrival, times_s[0])
        clock.run()
        return Outcome(done, total_s / done)

    return run


class Station:
    """A pool whose jobs, one at a time on each server, go on to `then`."""

    __slots__ = ("busy", "clock", "free", "load", "on_end", "servers", "then", "waiting")

    def __init__(self, clock: Clock, servers: int, then: Callable[[Any], None]) -> None:
        self.clock = clock
        self.servers = servers
        self.then = then
        self.waiting: deque[tuple[Any, float]] = deque()
        self.free = [Call() for _ in range(servers)]
        self.load = 0
        self.on_end = [self.completed]

    def offer(self, job: Any, service_s: float) -> None:
        """`job` wants to be served."""
        if self.free:
            self.clock.call(self.free.pop(), job, self.on_end, self.clock._now + service_s)
        else:
            self.waiting.append((job, service_s))

    def completed(self, event: Call) -> None:
        """A server has finished."""
        job = event.what
        if self.waiting:
            following, service_s = self.waiting.popleft()
            self.clock.call(event, following, self.on_end, self.clock._now + service_s)
        else:
            self.free.append(event)
        self.then(job)


def network(work: _network.Work) -> Run:
    """Two sites, three stations each."""
    times_s = [t.tolist() for t in work.times_s]
    service_s = [[s.tolist() for s in stations] for stations in work.service_s]

    def run() -> Outcome:
        clock = Clock()
        spare: list[Call] = []
        done, total_s = 0, 0.0

        def passed(job: tuple[int, int]) -> None:
            a, n = job
            stations[a][1].offer(job, service_s[a][1][n])

        def choose(job: tuple[int, int]) -> None:
            a, n = job
            site = a if stations[a][2].load <= stations[1 - a][2].load else 1 - a
            stations[site][2].load += 1
            if site == a:
                stations[a][2].offer((job, a), service_s[a][2][n])
            else:
                event = spare.pop() if spare else Call()
                clock.call(event, (job, site), on_crossing, clock._now + _network.CROSSING_S)

        def crossed(event: Call) -> None:
            (a, n), site = event.what
            stations[site][2].offer(event.what, service_s[a][2][n])
            spare.append(event)

        def left(job: tuple[tuple[int, int], int]) -> None:
            nonlocal done, total_s
            stations[job[1]][2].load -= 1
            done += 1
            total_s += clock._now

        def arrived(event: Call) -> None:
            a, n = event.what
            stations[a][0].offer((a, n), service_s[a][0][n])
            if n + 1 < len(times_s[a]):
                clock.call(event, (a, n + 1), on_arrival, times_s[a][n + 1])

        on_crossing, on_arrival = [crossed], [arrived]
        thens: tuple[Callable[[Any], None], ...] = (passed, choose, left)
        stations = [
            [Station(clock, c, then) for c, then in zip(_network.SERVERS, thens, strict=True)] for _ in range(2)
        ]
        for a in range(2):
            clock.call(Call(), (a, 0), on_arrival, times_s[a][0])
        clock.run()
        return Outcome(3 * done, total_s / done)

    return run


def et(work: _et.Work) -> Run:
    """Segments that fork and join."""
    service_s = [[row.tolist() for row in stage] for stage in work.service_s]

    def run() -> Outcome:
        segments = _Segments(work.segments, service_s)
        segments.clock.run()
        return Outcome(segments.done, segments.total_s / segments.published)

    return run


class _Segments:
    """Workload et: shards are numbers, counted down for each segment in flight; a batch is a list of them."""

    def __init__(self, segments: int, service_s: list[list[list[float]]]) -> None:
        self.segments = segments
        self.condition_s, self.dq_s = service_s[_et.CONDITION][0], service_s[_et.DQ][0]
        self.search_s, self.candidate_s = service_s[_et.SEARCH], service_s[_et.CANDIDATE][0]
        clock = self.clock = Clock()
        self.spare: list[Call] = []
        self.conditioning: dict[int, int] = {}
        self.checking: dict[int, int] = {}
        self.searching: dict[int, int] = {}
        self.waiting: deque[int] = deque()
        self.idle = [Call() for _ in range(_et.SERVERS[_et.SEARCH])]
        self.done, self.published, self.total_s = 0, 0, 0.0
        self.condition = Station(clock, _et.SERVERS[_et.CONDITION], self.conditioned)
        self.dq = Station(clock, _et.SERVERS[_et.DQ], self.checked)
        self.candidate = Station(clock, _et.SERVERS[_et.CANDIDATE], self.left)
        self.on_arrival, self.on_crossing = [self.arrived], [self.crossed]
        self.on_search, self.on_joining = [self.searched], [self.joined]
        clock.call(Call(), 0, self.on_arrival, 1.0)

    def arrived(self, event: Call) -> None:
        """A segment comes."""
        k, shards, service_s = event.what, _et.SHARDS[_et.CONDITION], self.condition_s
        self.conditioning[k] = shards
        for n in range(k * shards, (k + 1) * shards):
            self.condition.offer(k, service_s[n])
        if k + 1 < self.segments:
            self.clock.call(event, k + 1, self.on_arrival, self.clock._now + 1.0)

    def conditioned(self, k: int) -> None:
        """A shard is conditioned; with the last, the segment forks."""
        self.done += 1
        self.conditioning[k] -= 1
        if self.conditioning[k] > 0:
            return
        del self.conditioning[k]
        shards, service_s = _et.SHARDS[_et.DQ], self.dq_s
        self.checking[k], self.searching[k] = shards, _et.SHARDS[_et.SEARCH]
        for n in range(k * shards, (k + 1) * shards):
            self.dq.offer(k, service_s[n])
        self._send(k, self.on_crossing)

    def _send(self, k: int, functions: list[Callable[[Call], None]]) -> None:
        event = self.spare.pop() if self.spare else Call()
        self.clock.call(event, k, functions, self.clock._now + _et.CROSSING_S)

    def crossed(self, event: Call) -> None:
        """A segment's shards reach the search."""
        k, shards = event.what, _et.SHARDS[_et.SEARCH]
        self.spare.append(event)
        self.waiting.extend(range(k * shards, (k + 1) * shards))
        while self.idle and self.waiting:
            self._start(self.idle.pop())

    def _start(self, server: Call) -> None:
        waiting, clock = self.waiting, self.clock
        batch = [waiting.popleft() for _ in range(min(_et.MAX_BATCH, len(waiting)))]
        clock.call(server, batch, self.on_search, clock._now + self.search_s[len(batch) - 1][batch[0]])

    def searched(self, server: Call) -> None:
        """A batch is searched."""
        batch, searching, shards = server.what, self.searching, _et.SHARDS[_et.SEARCH]
        self.done += len(batch)
        if self.waiting:
            self._start(server)
        else:
            self.idle.append(server)
        for n in batch:
            k = n // shards
            searching[k] -= 1
            if searching[k] == 0:
                del searching[k]
                if k not in self.checking:
                    self.candidate.offer(k, self.candidate_s[k])

    def checked(self, k: int) -> None:
        """A shard is checked; with the last, the segment may join."""
        self.done += 1
        self.checking[k] -= 1
        if self.checking[k] == 0:
            del self.checking[k]
            if k not in self.searching:
                self._send(k, self.on_joining)

    def joined(self, event: Call) -> None:
        """A segment whose check was last reaches site B."""
        self.spare.append(event)
        self.candidate.offer(event.what, self.candidate_s[event.what])

    def left(self, _: int) -> None:
        """A segment ends."""
        self.done += 1
        self.published += 1
        self.total_s += self.clock._now
