"""What must hold at any time, whatever the rules: checked whenever the clock moves. Knows no rule in detail."""

from __future__ import annotations

INSIDE = ("waiting", "asked", "transit", "queued", "running", "backoff")
"""Where a job at a stage may be until it is done or ends."""


class Audit:
    """The part of the reference that watches it."""

    def offer(self, job):
        """A job is at its stage (a shard from when it was split off)."""
        job.entered_s = self.now
        self.counts["offered", job.stage] += 1
        self.inside.add(job)

    def done(self, job):
        self.counts["done", job.stage] += 1
        self.gone(job)

    def gone(self, job):
        self.inside.remove(job)
        self.sojourn_s += self.now - job.entered_s

    def before_move(self, to_s):
        """The clock is about to move: nothing that could be done now is left."""
        assert to_s > self.now
        assert not self.asking
        assert len(self.inside) == sum(self.counts[where, s.number] for s in self.stages for where in INSIDE)
        self.area_s += len(self.inside) * (to_s - self.now)
        for pool in self.pools:
            available = max(pool.servers, 0) * pool.up
            for k, number in enumerate((pool.queued, pool.busy, available)):
                pool.areas_s[k] += number * (to_s - self.now)
            self.no_server_idles(pool)
            self.servers_are_counted(pool)

    def no_server_idles(self, pool):
        assert not pool.turn_due
        if pool.works and pool.free:
            for queue in pool.queues:
                due = self.ready(queue) and (queue.suspended or self.too_old(queue.jobs[0]) is None)
                assert not due, f"pool {pool.number} idles at {self.now} s beside queue {queue.number}"

    def servers_are_counted(self, pool):
        running = [batch for queue in pool.queues for batch in queue.running]
        assert pool.busy == len(running) == sum(x.batch is not None for x in pool.all)
        assert all(x.batch is None for x in pool.free)
        for queue in pool.queues:
            assert all(job.queue == queue.number for job in queue.jobs)
            assert sorted(queue.running, key=lambda b: b.start_s) == queue.running

    def total_sojourn_s(self):
        """Time at stages of all jobs so far: by Little's law the area under their number."""
        return self.sojourn_s + sum(self.now - job.entered_s for job in self.inside)
