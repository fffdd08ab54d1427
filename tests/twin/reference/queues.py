"""What waits where: admission, limits, ages, and where a job's waiting time goes. Knows no batch that runs."""

from __future__ import annotations

from twin.kernel.state import EXPIRED, NEWEST, REJECTED, SHED, STALE


class Queues:
    """The part of the reference that lets jobs wait."""

    def enqueue(self, job, queue):
        """The job has reached its queue."""
        pool, stage = queue.pool, queue.stage
        if pool.queued * queue.mean_s / max(pool.servers, 1) > stage.admit_wait_s:
            self.seen["shed at admission"] += 1
            self.drop(job, SHED)
            return
        if len(queue.jobs) >= stage.queue_limit:
            if stage.when_full == NEWEST:
                self.seen["newest rejected"] += 1
                self.drop(job, REJECTED)
                return
            self.seen["oldest rejected"] += 1
            self.drop(self.take(queue), REJECTED)
        job.enqueued_s = self.now
        self.wait(job, queue)
        queue.jobs.append(job)
        self.counts["queued", job.stage] += 1
        self.touch(pool)

    def wait(self, job, queue):
        """The job starts to wait: from here its time is the queue's, an outage's or a filling batch's."""
        job.since_s = self.now
        job.outage_mark_s = queue.outage_clock_s(self.now)
        job.hold_mark_s = queue.hold_clock_s(self.now)

    def settle_wait(self, job):
        """The job stops waiting."""
        queue = self.queues[job.queue]
        waited = self.now - job.since_s
        outage_s = queue.outage_clock_s(self.now) - job.outage_mark_s
        held_s = queue.hold_clock_s(self.now) - job.hold_mark_s
        self.seen["waits for a batch to fill"] += held_s > 0.0
        self.seen["waits for a pool that is down"] += outage_s > 0.0 and queue.still_s == 0.0 and not queue.still
        self.seen["waits for a variant"] += outage_s > 0.0 and queue.pool.outage_clock_s(self.now) == 0.0
        job.outage_s += outage_s
        job.batch_s += held_s
        job.queue_s += waited - outage_s - held_s

    def take(self, queue):
        """The head of the queue leaves it."""
        job = queue.jobs.popleft()
        self.counts["queued", job.stage] -= 1
        self.settle_wait(job)
        return job

    def put_back(self, jobs, queue):
        """Jobs that ran or were suspended wait again, before all others."""
        for job in jobs:
            self.wait(job, queue)
        queue.jobs.extendleft(reversed(jobs))

    def too_old(self, job):
        """How a job that is too old for its stage ends, None if it is not."""
        stage, age_s = self.stages[job.stage], self.now - job.born_s
        if age_s > stage.deadline_s:
            return EXPIRED
        if stage.whole:
            others = self.meetings["shards", job.stage, job.entity]
            if others.gone is not None or job.queue in others.begun:
                return others.gone
        return STALE if age_s > stage.shelf_life_s else None

    def take_up(self, job, queue):
        """The queue has taken up a shard: the others that come there do not become stale."""
        others = self.meetings["shards", job.stage, job.entity]
        stale = self.now - job.born_s > self.stages[job.stage].shelf_life_s
        self.seen["shard goes on past its shelf life"] += stale and queue.number in others.begun
        others.begun.add(queue.number)

    def give_up(self, job, outcome):
        """A shard ends early: the others that nobody has taken will end as it did."""
        others = self.meetings["shards", job.stage, job.entity]
        self.seen["shard ends with another one"] += others.gone == outcome
        if others.gone is None:
            others.gone = outcome

    def expire(self, queue):
        while queue.jobs and (outcome := self.too_old(queue.jobs[0])) is not None:
            self.seen["dropped from the queue for its age"] += 1
            if not queue.pool.free:
                self.seen["dropped for its age while no server was free"] += 1
            self.drop(self.take(queue), outcome)

    def deadline_s(self, queue):
        """When the head has waited long enough for others."""
        return queue.jobs[0].enqueued_s + queue.stage.max_wait_s

    def ready(self, queue):
        """Whether a batch may start: a preempted one, a full one, or one that waited long enough."""
        if queue.suspended:
            return True
        if not queue.jobs or queue.still:
            return False
        if len(queue.jobs) >= queue.stage.max_batch or queue.stage.max_wait_s == 0.0:
            return True
        return self.now >= self.deadline_s(queue)

    def oldest_s(self, queue):
        return (queue.suspended[-1].jobs if queue.suspended else queue.jobs)[0].enqueued_s

    def open_holds(self, pool):
        """From now on waiting jobs wait for their batch to fill, where a free server does too."""
        for queue in pool.queues:
            waits = queue.stage.max_wait_s > 0.0 and queue.jobs and not queue.still and not self.ready(queue)
            if waits and pool.works and pool.free:
                queue.hold_since_s = self.now

    def close_holds(self, pool):
        for queue in pool.queues:
            if queue.hold_since_s >= 0.0:
                queue.hold_s += self.now - queue.hold_since_s
                queue.hold_since_s = -1.0

    def evacuate(self, pool):
        """What waits at the pool and may run elsewhere is routed again."""
        for queue in self.pools[pool].queues:
            if queue.stage.queue_stop - queue.stage.queue_start > 1:
                leaving = [self.take(queue) for _ in range(len(queue.jobs))]
                self.seen["evacuated"] += len(leaving)
                for job in leaving:
                    self.route(job)
        self.ask_policy()
