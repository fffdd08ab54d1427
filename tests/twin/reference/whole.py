"""The reference put together: a plan's tables as objects, its sources, and its clock."""

from __future__ import annotations

import math
from collections import Counter, deque

from tests.twin.reference.audit import Audit
from tests.twin.reference.controls import Controls
from tests.twin.reference.environment import REPORT, STREAM, Environment, start_now
from tests.twin.reference.graph import Graph
from tests.twin.reference.links import Links
from tests.twin.reference.pools import Pools
from tests.twin.reference.queues import Queues
from tests.twin.reference.routes import Routes
from tests.twin.reference.servers import Servers
from tests.twin.reference.things import Job, Link, Pool, Queue, Server, records
from twin.kernel.state import ABSENT, FALLBACK


class Reference(Graph, Routes, Links, Queues, Servers, Pools, Controls, Audit):
    """One run of `plan`; afterwards `trace` and `rows` hold what happened, `counts` what became of the work.

    `policy` answers a Question with a pool of the stage or None; `seen` counts what really happened.
    """

    def __init__(self, plan, policy=None):
        self.plan, self.policy = plan, policy
        self.env = Environment(self.ask_policy, self.before_move)
        self.seen, self.counts = self.env.seen, Counter()
        self.rows, self.trace = [], []
        self.responses, self.noise = plan.responses.tolist(), plan.noise.tolist()
        self.inside, self.sojourn_s, self.area_s = set(), 0.0, 0.0
        self.meetings, self.waits, self.asking = {}, {}, deque()
        self.read_stages()
        self.read_pools()
        sites = range(len(plan.site_names))
        self.links = {
            (a, b): Link(row.latency_s, row.bandwidth, row.share, bool(row.open))
            for (a, b), row in zip(((a, b) for a in sites for b in sites), records(plan.links), strict=True)
        }
        for stream in records(plan.streams):
            breaks = [tuple(row) for row in plan.breaks[stream.__dict__["break"] : stream.break_stop].tolist()]
            start_now(self.source(stream, 0, breaks, stream.lag_s))
        if plan.report_s > 0.0:
            start_now(self.report())

    def read_stages(self):
        plan = self.plan
        self.stages = records(plan.stages)
        absent = {k: ABSENT for first, after in plan.absent.tolist() for k in range(first, after)}
        self.verdicts = [dict(absent) for _ in self.stages]
        self.children = [plan.children[s.child_start : s.child_stop].tolist() for s in self.stages]
        for s, stage in enumerate(self.stages):
            stage.number = s
            stage.aside = FALLBACK if stage.guarded else None
        self.out = [set() for _ in self.stages]

    def read_pools(self):
        plan = self.plan
        self.pools = []
        tables, tempo = plan.tables.tolist(), plan.tempo.tolist()
        for p, row in enumerate(records(plan.pools)):
            pool = Pool(p, row.site, row.servers, row.memory_bytes, row.keep_warm_s, bool(row.resident), [], [])
            for _ in range(row.servers):
                self.add_server(pool)
            pool.free.reverse()  # server 0 is taken first
            pool.outage_since_s = 0.0 if row.servers == 0 else -1.0
            pool.slowness = row.slowness
            pool.tempo, pool.tempo_s = tempo[row.tempo : row.tempo + row.tempo_n], row.tempo_s
            self.pools.append(pool)
        self.queues = []
        for q, row in enumerate(records(plan.queues)):
            tables_of = [tables[first:] for first in row.table]
            crowding = [plan.crowding[crowd].tolist() if crowd >= 0 else None for crowd in row.crowd]
            warmth = [plan.warmth[warm].tolist() if warm >= 0 else None for warm in row.warm]
            programs = tables_of, row.idle_rows, warmth, crowding, row.decide, row.memory_bytes, row.load_time_s
            stage, pool = self.stages[row.stage], self.pools[row.pool]
            there = [v for v, table in enumerate(row.table) if table >= 0]
            self.queues.append(Queue(q, stage, pool, row.slot, row.mean_s, there, *programs))
        for pool, row in zip(self.pools, records(plan.pools), strict=True):
            pool.queues = [self.queues[q] for q in plan.pool_queues[row.queue_start : row.queue_stop]]

    def add_server(self, pool):
        server = Server(len(pool.all))
        pool.all.append(server)
        pool.free.append(server)

    # What is known of a clock

    @property
    def now(self):
        return self.env.now

    def timeout(self, delay_s):
        return self.env.timeout(delay_s)

    def process(self, generator):
        return self.env.process(generator)

    def run(self, until):
        self.env.run(until=until)

    # Sources

    def source(self, stream, n, breaks, lag_s):
        """Job `n` of the stream comes, unless it never does; the next one is scheduled before it is handled."""
        while breaks and n >= breaks[0][0]:
            _, after, lag_s = breaks.pop(0)
            self.seen["stream jumps" if after > n else "stream has another lag"] += 1
            n = max(n, after)
        if n == stream.count:
            return
        yield self.env.at(self.comes_s(stream, n, lag_s), STREAM)
        start_now(self.source(stream, n + 1, breaks, lag_s))
        first = n * stream.span
        self.hand(Job(first, first, stream.site, self.now, self.now), stream.stage)

    def comes_s(self, stream, n, lag_s):
        """When job `n` of the stream comes."""
        if stream.stride_s == 0.0:
            return self.plan.arrivals[stream.first + n]
        data_s = stream.phase_s + n * stream.stride_s
        if stream.frame_s > 0.0:
            self.seen["stream in frames"] += 1
            data_s = math.ceil(data_s / stream.frame_s - 1e-9) * stream.frame_s
        self.seen["stream kept in order"] += data_s + lag_s < self.now
        return max(data_s + lag_s, self.now)

    def report(self):
        """Pools tell their load."""
        due = self.env.at(self.plan.report_s, REPORT)
        while True:
            yield due
            due = self.env.after(self.plan.report_s, REPORT)
            for pool in self.pools:
                pool.seen_load = pool.load()
