"""Which of a stage's queues a job takes. Knows no batch and no server."""

from __future__ import annotations

from typing import NamedTuple

from tests.twin.reference.environment import uniform
from twin.kernel.state import (
    ASKED,
    DATA_LOCAL,
    FAILOVER,
    LEAST_LOADED,
    NEAREST,
    ROUTES,
    SHED,
    STALE_LOADED,
    TWO_CHOICES,
)


class Question(NamedTuple):
    """What a Python route is asked: which of these pools takes the job?"""

    stage: int
    entity: int
    segment: int
    shard: int
    site: int
    pools: tuple[int, ...]


class Routes:
    """The part of the reference that chooses queues."""

    def route(self, job):
        stage = self.stages[job.stage]
        if stage.route == ASKED:
            self.counts["asked", job.stage] += 1
            job.since_s = self.now
            self.asking.append(job)
            return
        able = self.eligible(job)
        if not able:
            self.travel(job, self.queues[stage.queue_start])
            return
        if len(able) > 1:
            self.seen[f"route {ROUTES[stage.route]}"] += 1
        self.travel(job, self.choice[stage.route](self, job, stage, able))

    def eligible(self, job):
        stage = self.stages[job.stage]
        able = []
        for queue in self.queues[stage.queue_start : stage.queue_stop]:
            obstacle = self.obstacle(job, queue)
            if obstacle:
                self.seen[f"route avoids {obstacle}"] += 1
            else:
                able.append(queue)
        self.seen["route, none eligible"] += not able
        return able

    def obstacle(self, job, queue):
        if not queue.pool.open:
            return "closed pool"
        if queue.pool.servers <= 0:
            return "pool without servers"
        if len(queue.jobs) >= queue.stage.queue_limit:
            return "full queue"
        if queue.pool.site != job.site and not self.links[job.site, queue.pool.site].open:
            return "closed link"
        return ""

    def nearest(self, job, stage, able):
        return min(able, key=lambda queue: self.plan.delays[queue.number, job.site])

    def first(self, job, stage, able):
        return able[0]

    def least_loaded(self, job, stage, able):
        return min(able, key=lambda queue: queue.pool.load())

    def least_loaded_once(self, job, stage, able):
        choice = min(able, key=lambda queue: queue.pool.seen_load)
        self.seen["route by an old load"] += choice is not self.least_loaded(job, stage, able)
        return choice

    def two_choices(self, job, stage, able):
        m, draw = len(able), self.draw(job)
        if m == 1:
            return able[0]
        i = int(uniform(stage.route_key, 2 * draw) * m)
        k = int(uniform(stage.route_key, 2 * draw + 1) * (m - 1))
        if k >= i:
            k += 1
        self.seen["two choices of three"] += m > 2
        return min(able[i], able[k], key=lambda queue: queue.pool.load())

    def data_local(self, job, stage, able):
        here = [queue for queue in able if queue.pool.site == job.site]
        if here:
            best = self.least_loaded(job, stage, here)
            if best.pool.load() < stage.spill:
                return best
            self.seen["data-local spills"] += 1
        return self.least_loaded(job, stage, able)

    choice = {  # noqa: RUF012
        NEAREST: nearest,
        FAILOVER: first,
        LEAST_LOADED: least_loaded,
        STALE_LOADED: least_loaded_once,
        TWO_CHOICES: two_choices,
        DATA_LOCAL: data_local,
    }

    def draw(self, job):
        """The number of this attempt among the stage's random numbers."""
        stage = self.stages[job.stage]
        return (job.entity * stage.shards + job.shard) * (stage.retries + 1) + job.attempt

    def ask_policy(self):
        """Route those whose route a function decides, first come first."""
        while self.asking:
            job = self.asking.popleft()
            stage = self.stages[job.stage]
            listed = self.queues[stage.queue_start : stage.queue_stop]
            offered = tuple(queue.pool.number for queue in self.eligible(job) or listed)
            pool = self.policy(Question(job.stage, job.entity, job.segment, job.shard, job.site, offered))
            self.counts["asked", job.stage] -= 1
            if pool is None:
                self.seen["route python says no"] += 1
                self.drop(job, SHED)
            else:
                self.seen["route python"] += 1
                self.travel(job, next(queue for queue in listed if queue.pool.number == pool))
