"""The executable specification: the same plan run by plain SimPy processes, one per job, batch and source.

Nothing of the compiled kernel is used: queues are deques, jobs are objects, chance is Python integers.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from dataclasses import dataclass, field, replace

import simpy

COMPLETE, ARRIVE, STREAM, TIMER, DISPATCH = 2, 3, 4, 5, 10


def uniform(key: int, n: int) -> float:
    """The n-th output of SplitMix64 with this key, in [0, 1)."""
    mask = (1 << 64) - 1
    z = (key + n * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return ((z ^ (z >> 31)) >> 11) / (1 << 53)


class Environment(simpy.Environment):
    """SimPy with events at an absolute time and a rank among equals."""

    def at(self, time, rank):
        event = self.event()
        event._ok, event._value = True, None
        heapq.heappush(self._queue, (time, rank, next(self._eid), event))
        return event

    def after(self, delay, rank):
        return self.at(self.now + delay, rank)


@dataclass
class Job:
    entity: int
    segment: int
    site: int
    born: float
    stage: int = -1
    flag: bool = False
    variant: int = 0
    enqueued: float = 0.0
    transfer: float = 0.0
    wait: float = 0.0
    compute: float = 0.0


@dataclass
class Queue:
    stage: int
    pool: int
    jobs: deque = field(default_factory=deque)
    timer: float = -1.0


@dataclass
class Pool:
    site: int
    servers: int
    up: bool = True
    busy: int = 0
    transit: int = 0
    dispatch_due: bool = False


class Reference:
    """One run of `plan`; afterwards `trace` and `rows` hold what happened, `counts` what became of the work."""

    def __init__(self, plan):
        self.plan = plan
        self.env = Environment()
        self.pools = [Pool(int(p["site"]), int(p["servers"])) for p in plan.pools]
        self.queues = [Queue(int(q["stage"]), int(q["pool"])) for q in plan.queues]
        self.variants = [0] * len(plan.stages)
        self.rows, self.trace, self.counts = [], [], Counter()
        for stream in plan.streams:
            self.env.process(self.source(stream))

    # what control processes call

    @property
    def now(self):
        return self.env.now

    def timeout(self, delay):
        return self.env.timeout(delay)

    def process(self, generator):
        return self.env.process(generator)

    def down(self, pool):
        self.pools[pool].up = False

    def restore(self, pool):
        self.pools[pool].up = True
        self.wake(pool)

    def scale(self, pool, by):
        self.pools[pool].servers += by
        self.wake(pool)

    def swap(self, stage, variant):
        self.variants[stage] = variant

    # processes

    def source(self, stream):
        for n in range(stream["count"]):
            strided = stream["stride_s"] > 0
            time = (
                stream["phase_s"] + n * stream["stride_s"] if strided else self.plan.arrivals[stream["first"] + n]
            )
            yield self.env.at(float(time), STREAM)
            # The next arrival is scheduled before this one is handled: a fresh process handles it.
            self.send(Job(n, n, int(stream["site"]), self.now), int(stream["stage"]))

    def travel(self, job, q, delay):
        pool = self.pools[self.queues[q].pool]
        pool.transit += 1
        self.counts["transit", job.stage] += 1
        yield self.env.after(delay, ARRIVE)
        pool.transit -= 1
        self.counts["transit", job.stage] -= 1
        self.enqueue(job, q)

    def serve(self, q, batch, variant, service):
        start = self.now
        yield self.env.after(service, COMPLETE)
        queue = self.queues[q]
        self.pools[queue.pool].busy -= 1
        self.wake(queue.pool)
        for job in batch:
            job.compute += self.now - start
            self.counts["running", queue.stage] -= 1
            self.counts["done", queue.stage] += 1
            self.trace.append(
                (queue.stage, job.entity, queue.pool, len(batch), variant, job.enqueued, start, self.now)
            )
            self.finish(job, q, variant)

    def pool_turn(self, p):
        yield self.env.at(self.now, DISPATCH + p)
        self.pools[p].dispatch_due = False
        self.dispatch(p)

    # rules

    def wake(self, p):
        if not self.pools[p].dispatch_due:
            self.pools[p].dispatch_due = True
            self.start_now(self.pool_turn(p))

    def start_now(self, generator):
        """A process whose first step runs at once, so that its event is scheduled in the order of decisions."""
        event = next(generator)

        def resume(_event):
            for _ in generator:
                raise AssertionError("one event only")

        event.callbacks.append(resume)

    def send(self, job, s):
        stage = self.plan.stages[s]
        job.stage = s
        self.counts["offered", s] += 1
        if stage["gate"] and job.flag:
            self.counts["vetoed", s] += 1
            self.end(job, 1)
            return
        q = self.route(s, job.site)
        delay = float(self.plan.delays[q, job.site])
        job.site = self.pools[self.queues[q].pool].site
        if delay > 0:
            job.transfer += delay
            self.start_now(self.travel(job, q, delay))
        else:
            self.enqueue(job, q)

    def route(self, s, site):
        stage = self.plan.stages[s]
        listed = range(stage["queue_start"], stage["queue_stop"])
        able = [
            q for q in listed if self.pools[self.queues[q].pool].up and self.pools[self.queues[q].pool].servers
        ]
        if not able:
            return listed[0]
        if stage["route"] == 1:
            return able[0]
        if stage["route"] == 0:
            return min(able, key=lambda q: self.plan.delays[q, site])
        return min(able, key=self.load)

    def load(self, q):
        p = self.queues[q].pool
        queued = sum(len(other.jobs) for other in self.queues if other.pool == p)
        return (queued + self.pools[p].transit + self.pools[p].busy) / self.pools[p].servers

    def enqueue(self, job, q):
        job.enqueued = self.now
        self.queues[q].jobs.append(job)
        self.counts["queued", job.stage] += 1
        self.wake(self.queues[q].pool)

    def dispatch(self, p):
        pool = self.pools[p]
        while pool.up and pool.busy < pool.servers:
            ready = []
            own = [q for q, queue in enumerate(self.queues) if queue.pool == p]
            for q in sorted(own, key=lambda q: self.plan.stages[self.queues[q].stage]["priority"]):
                self.shed(q)
                if self.queues[q].jobs and self.ready(q):
                    ready.append(q)
            if not ready:
                return
            self.start(min(ready, key=self.precedence))

    def precedence(self, q):
        return self.plan.stages[self.queues[q].stage]["priority"], self.queues[q].jobs[0].enqueued

    def stale(self, job):
        return self.now - job.born > self.plan.stages[job.stage]["shelf_life_s"]

    def shed(self, q):
        jobs = self.queues[q].jobs
        while jobs and self.stale(jobs[0]):
            job = jobs.popleft()
            self.counts["queued", job.stage] -= 1
            self.counts["stale", job.stage] += 1
            self.end(job, 2)

    def ready(self, q):
        queue, stage = self.queues[q], self.plan.stages[self.queues[q].stage]
        deadline = queue.jobs[0].enqueued + stage["max_wait_s"]
        if stage["max_wait_s"] == 0 or len(queue.jobs) >= stage["max_batch"] or self.now >= deadline:
            return True
        if queue.timer != deadline:
            queue.timer = deadline
            self.env.at(float(deadline), TIMER).callbacks.append(lambda _: self.wake(queue.pool))
        return False

    def start(self, q):
        queue = self.queues[q]
        stage = self.plan.stages[queue.stage]
        batch = []
        while queue.jobs and len(batch) < stage["max_batch"] and not self.stale(queue.jobs[0]):
            job = queue.jobs.popleft()
            job.wait += self.now - job.enqueued
            batch.append(job)
        self.counts["queued", queue.stage] -= len(batch)
        self.counts["running", queue.stage] += len(batch)
        self.pools[queue.pool].busy += 1
        variant = self.variants[queue.stage]
        table = self.plan.tables[self.plan.queues[q]["table"][variant] + len(batch) - 1]
        x = uniform(int(stage["key"]), batch[0].entity) * (len(table) - 1)
        i = math.floor(x)
        service = float(table[i] + (x - i) * (table[i + 1] - table[i]))
        self.start_now(self.serve(q, batch, variant, service))

    def finish(self, job, q, variant):
        s = self.queues[q].stage
        stage = self.plan.stages[s]
        children = self.plan.children[stage["child_start"] : stage["child_stop"]]
        d = int(self.plan.queues[q]["decide"][variant])
        if stage["role"] == 1:
            job.flag = job.flag or self.flags(job.segment, d)
        if stage["role"] == 2:
            for entity in self.candidates(job.segment, d):
                for child in children:
                    self.send(replace(job, entity=entity, variant=variant), int(child))
            return
        if stage["publishes"]:
            self.end(job, 0)
        for child in children[:-1]:
            self.send(replace(job), int(child))
        if len(children):
            self.send(job, int(children[-1]))

    def flags(self, segment, d):
        events = self.events(segment)
        if not events:
            return uniform(self.plan.noise_key, 2 * segment + 1) < self.plan.noise[d]
        return any(e["u_flag"] < self.chance(e, d) for _, e in events)

    def candidates(self, segment, d):
        events = self.events(segment)
        if not events:
            return [-segment - 1] if uniform(self.plan.noise_key, 2 * segment) < self.plan.noise[d] else []
        return [i for i, e in events if e["u_trigger"] < self.chance(e, d)]

    def events(self, segment):
        return [(i, self.plan.events[i]) for i, k in enumerate(self.plan.event_segment) if k == segment]

    def chance(self, event, d):
        edges = self.plan.edges[d]
        inside = [b for b in range(len(edges) - 1) if event["snr"] >= edges[b]]
        return self.plan.responses[d, event["cls"], inside[-1] if inside else 0]

    def end(self, job, outcome):
        self.rows.append(
            (job.entity, job.segment, job.stage, outcome, int(job.flag), job.variant, job.born, self.now,
             job.transfer, job.wait, job.compute)
        )  # fmt: skip

    def run(self, until):
        self.env.run(until=until)
