"""What a pool's servers do in its turn: what starts, what is preempted, what ends how. Knows no graph."""

from __future__ import annotations

import math

from tests.twin.reference.environment import COMPLETE, RETRY, TIMER, TURN, inverse_cdf, start_now, uniform
from tests.twin.reference.things import Batch
from twin.kernel.state import (
    BREAKING,
    EXPIRED,
    FAILED,
    KEPT,
    LOSE,
    LOST,
    MOST_CROWD,
    OUTSIDE,
    RESUMED,
)
from workloads.occupancy import IDLE_EDGES_S


class Pools:
    """The part of the reference that runs batches."""

    def touch(self, pool):
        """The pool may be able to start something: it gets a turn at this instant."""
        if not pool.turn_due:
            pool.turn_due = True
            self.seen["turn again"] += pool.in_turn
            self.env.at(self.now, TURN + pool.number).callbacks.append(lambda _: self.turn(pool))

    def turn(self, pool):
        pool.turn_due, pool.in_turn = False, True
        self.close_holds(pool)
        while pool.works:
            best = self.best(pool)
            if best is None or not (pool.free or self.preempt(pool, best)):
                break
            self.start(best)
        self.open_holds(pool)
        pool.in_turn = False

    def best(self, pool):
        """The ready queue to serve next; heads that are too old are dropped, deadlines set."""
        ready = []
        for queue in pool.queues:
            self.expire(queue)
            if self.ready(queue):
                ready.append(queue)
            elif queue.jobs and not queue.still and queue.timer_s != self.deadline_s(queue):
                queue.timer_s = self.deadline_s(queue)
                self.env.at(queue.timer_s, TIMER).callbacks.append(lambda _: self.touch(pool))
        return min(ready, key=lambda queue: (queue.stage.priority, self.oldest_s(queue)), default=None)

    def start(self, queue):
        """The queue's next batch starts on a free server: a preempted one first."""
        pool, stage = queue.pool, queue.stage
        if queue.suspended:
            batch = queue.suspended.pop()
            self.counts["queued", stage.number] -= len(batch.jobs)
            for job in batch.jobs:
                self.settle_wait(job)
            self.seen["resumed"] += 1
        else:
            batch = self.fresh(queue)
        self.counts["running", stage.number] += len(batch.jobs)
        pool.busy += 1
        server = self.choose_server(pool, batch.slot)
        server.batch, batch.server = batch, server
        if not batch.runs:
            batch.left_s = self.service_s(batch)
        batch.start_s, batch.load_s = self.now, self.load_program(pool, server, queue, batch.variant)
        batch.runs += 1
        queue.running.append(batch)
        self.seen[f"batch of {min(len(batch.jobs), 2)}{' or more' * (len(batch.jobs) > 1)}"] += 1
        self.seen["batch deadline"] += stage.max_wait_s > 0.0 and len(batch.jobs) < stage.max_batch
        start_now(self.serve(batch, batch.runs))

    def fresh(self, queue):
        """A new batch from the head of the queue; its first job's number decides how long it takes."""
        stage, jobs = queue.stage, []
        variant = self.variant_for(queue.jobs[0])
        while queue.jobs and len(jobs) < stage.max_batch and self.too_old(queue.jobs[0]) is None:
            if self.variant_for(queue.jobs[0]) != variant:
                self.seen["batch ends before another variant"] += 1
                break
            jobs.append(self.take(queue))
            if stage.whole:
                self.take_up(jobs[-1], queue)
        batch = Batch(jobs, queue, variant)
        draw = self.draw(jobs[0])
        batch.fails = stage.failure > 0.0 and uniform(stage.failure_key, draw) < stage.failure
        self.seen["attempt fails"] += batch.fails
        self.seen["fallback runs"] += batch.variant
        return batch

    def variant_for(self, job):
        """Which variant of its stage serves the job."""
        stage = self.stages[job.stage]
        if stage.guarded and job.flag & OUTSIDE:
            if stage.aside is not None:
                self.seen["fallback for what is outside"] += stage.variant != stage.aside
                return stage.aside
            self.seen["no fallback for what is outside"] += 1
        return stage.variant

    def service_s(self, batch):
        """How long the batch, which starts on its server for the first time, will take."""
        queue, stage, pool = batch.queue, batch.queue.stage, batch.queue.pool
        row, idle_rows = len(batch.jobs) - 1, queue.idle_rows[batch.variant]
        if idle_rows > 0:
            idle_s = self.now - batch.server.freed_s
            number = sum(idle_s > edge_s for edge_s in IDLE_EDGES_S)
            row += number * idle_rows
            self.seen["service after idling" if number else "service without a pause"] += 1
        points = queue.tables[batch.variant][row]
        service_s = inverse_cdf(points, uniform(stage.key, self.draw(batch.jobs[0])))
        if pool.slowness != 1.0:
            service_s *= pool.slowness
            self.seen["slow service"] += 1
        if queue.warmth[batch.variant] is not None:
            warmth, warm = queue.warmth[batch.variant], batch.server.warm
            point = min(math.floor(4 * warm), 3)
            service_s *= warmth[point] + (4 * warm - point) * (warmth[point + 1] - warmth[point])
            self.seen["service on a warm server" if warm > 0.5 else "service on a cold server"] += 1
        if queue.crowding[batch.variant] is not None:
            service_s *= queue.crowding[batch.variant][min(pool.busy, MOST_CROWD) - 1]
            self.seen["crowded service"] += pool.busy > 1
        if pool.tempo:
            service_s *= pool.tempo[int(self.now / pool.tempo_s) % len(pool.tempo)]
            self.seen["service at its tempo"] += 1
        if service_s > stage.timeout_s:
            service_s, batch.fails = stage.timeout_s, True
            self.seen["attempt times out"] += 1
        self.seen["batch of no time"] += service_s == 0.0
        return service_s

    def serve(self, batch, run):
        yield self.env.at((self.now + batch.load_s) + batch.left_s, COMPLETE)
        if batch.server is None or batch.runs != run:
            return
        server = self.off_server(batch)
        self.release(batch.queue.pool, server)
        self.touch(batch.queue.pool)
        for job in batch.jobs:
            if batch.fails:
                self.fail_attempt(job, batch)
            else:
                self.complete(job, batch, server)

    def off_server(self, batch):
        """The batch no longer runs; its server, whose program was used until now."""
        server, batch.server = batch.server, None
        server.batch = None
        batch.queue.running.remove(batch)
        batch.queue.pool.busy -= 1
        if batch.queue.pool.resident:
            server.held[batch.slot] = self.now
        return server

    def complete(self, job, batch, server):
        job.load_s += batch.load_s
        job.compute_s += (self.now - batch.start_s) - batch.load_s
        self.counts["running", job.stage] -= 1
        if self.now - job.born_s > self.stages[job.stage].deadline_s:
            self.seen["expired at its end"] += 1
            self.drop(job, EXPIRED)
            return
        if self.stages[job.stage].guarded and job.flag & OUTSIDE and batch.variant > 0:
            self.counts["outside", job.stage] += 1
            self.counts["outside_s", job.stage] += (self.now - batch.start_s) / len(batch.jobs)
        self.done(job)
        where = batch.queue.pool.number, server.number, len(batch.jobs), batch.variant
        times = job.enqueued_s, batch.start_s, self.now
        self.trace.append((job.stage, job.entity, job.shard, *where, *times))
        self.leave(job, batch)

    def fail_attempt(self, job, batch):
        stage = self.stages[job.stage]
        job.outage_s += self.now - batch.start_s
        self.counts["running", job.stage] -= 1
        if job.attempt < stage.retries:
            start_now(self.retry(job, stage))
        else:
            self.seen["retries exhausted"] += stage.retries > 0
            self.drop(job, FAILED)

    def retry(self, job, stage):
        self.seen["retry"] += 1
        job.attempt += 1
        self.counts["backoff", job.stage] += 1
        job.since_s = self.now
        yield self.env.after(stage.backoff_s, RETRY)
        self.counts["backoff", job.stage] -= 1
        job.outage_s += self.now - job.since_s
        self.route(job)

    # What is interrupted

    def preempt(self, pool, best):
        """Free a server of lower work for the queue `best`; False when there is none to take."""
        lower = [
            (queue.stage.priority, queue.number, k, batch)
            for queue in pool.queues
            if queue.stage.priority > best.stage.priority and queue.stage.preempt != KEPT
            for k, batch in enumerate(queue.running)
        ]
        victims = [victim for victim in lower if victim[3].server.state != BREAKING]
        self.seen["no preemption on a breaking server"] += len(victims) < len(lower)
        if victims and pool.surplus > 0:
            self.seen["no preemption while servers leave"] += 1
            return False
        if victims:
            self.interrupt(max(victims, key=lambda victim: victim[:3])[3])
        return bool(victims)

    def interrupt(self, batch):
        """The batch makes way for higher work."""
        batch.queue.pool.preempted += 1
        queue, ran_s = batch.queue, self.now - batch.start_s
        server = self.off_server(batch)
        self.counts["running", queue.stage.number] -= len(batch.jobs)
        self.counts["queued", queue.stage.number] += len(batch.jobs)
        if queue.stage.preempt == RESUMED:
            self.suspend(batch, ran_s)
        else:
            self.seen["preempted, restarts"] += 1
            for job in batch.jobs:
                job.queue_s += ran_s
            self.put_back(batch.jobs, queue)
        self.seen["preempted while loading"] += ran_s < batch.load_s
        self.release(queue.pool, server)

    def suspend(self, batch, ran_s):
        loaded_s = min(ran_s, batch.load_s)
        worked_s = ran_s - loaded_s
        batch.left_s -= worked_s
        for job in batch.jobs:
            job.load_s += loaded_s
            job.compute_s += worked_s
            self.wait(job, batch.queue)
        batch.queue.suspended.append(batch)
        self.seen["preempted, resumes"] += 1

    def kill(self, batch, mode):
        """The batch's server fails, and is returned: its jobs are lost or wait again."""
        queue = batch.queue
        queue.pool.killed += 1
        self.seen[f"running killed, {'lost' if mode == LOSE else 'waits again'}"] += 1
        server = self.off_server(batch)
        for job in batch.jobs:
            job.outage_s += self.now - batch.start_s
        if mode == LOSE:
            for job in batch.jobs:
                self.counts["running", queue.stage.number] -= 1
                self.drop(job, LOST)
        else:
            self.counts["running", queue.stage.number] -= len(batch.jobs)
            self.counts["queued", queue.stage.number] += len(batch.jobs)
            self.put_back(batch.jobs, queue)
        return server

    def kill_suspended(self, queue, mode):
        """Preempted batches lose what they had done, last preempted first."""
        while queue.suspended:
            batch = queue.suspended[-1]
            self.seen[f"suspended killed, {'lost' if mode == LOSE else 'waits again'}"] += 1
            if mode == LOSE:
                while batch.jobs:
                    job = batch.jobs.pop(0)
                    self.counts["queued", queue.stage.number] -= 1
                    self.settle_wait(job)
                    self.drop(job, LOST)
                queue.suspended.pop()
            else:
                queue.suspended.pop()
                for job in batch.jobs:
                    self.settle_wait(job)
                self.put_back(batch.jobs, queue)
