"""How jobs reach a queue: over links whose bandwidth flows share, then after a latency. Knows no server."""

from __future__ import annotations

from tests.twin.reference.environment import ARRIVE, FLOW, start_now


class Links:
    """The part of the reference that moves jobs between sites."""

    def travel(self, job, queue):
        """The job sets out for a queue."""
        source, target = job.site, queue.pool.site
        job.queue, job.site, job.since_s = queue.number, target, self.now
        if source == target:
            self.enqueue(job, queue)
            return
        self.counts["transit", job.stage] += 1
        queue.pool.transit += 1
        link = self.links[source, target]
        self.seen["transfer over a closed link"] += not link.open
        if queue.stage.payload_bytes > 0.0:
            self.join_flows(link, job)
        else:
            link.sent += 1  # nothing to wait for: it is through at once
            start_now(self.fly(link, job))

    def fly(self, link, job):
        if link.latency_s > 0.0:
            self.seen["latency"] += 1
            yield self.env.after(link.latency_s, ARRIVE)
        queue = self.queues[job.queue]
        self.counts["transit", job.stage] -= 1
        queue.pool.transit -= 1
        job.transfer_s += self.now - job.since_s
        self.enqueue(job, queue)

    def join_flows(self, link, job):
        self.catch_up(link)
        finish = link.progress + self.stages[job.stage].payload_bytes
        link.flows.append((finish, link.order, job))
        link.order += 1
        self.seen[f"link shared by {min(len(link.flows), 3)} flows{' or more' * (len(link.flows) > 2)}"] += 1
        self.reschedule(link)

    def catch_up(self, link):
        """Bring the link's progress up to the present."""
        if link.flows:
            link.progress += (self.now - link.last_s) * link.rate()
            link.busy_s += self.now - link.last_s
        link.last_s = self.now

    def reschedule(self, link):
        """The next flow to be through is due anew: the share of each has changed."""
        link.token += 1
        if link.flows and link.share > 0.0:
            left = max(0.0, min(link.flows)[0] - link.progress)
            start_now(self.flow(link, link.token, left / link.rate()))
        self.seen["link stalled with flows"] += bool(link.flows) and link.share == 0.0

    def flow(self, link, token, takes_s):
        yield self.env.after(takes_s, FLOW)
        if link.token != token:
            return
        self.catch_up(link)
        first = min(link.flows)
        self.seen["flows tie"] += [flow[0] for flow in link.flows].count(first[0]) > 1
        link.progress = first[0]
        link.flows.remove(first)
        link.sent += 1
        link.bytes += self.stages[first[2].stage].payload_bytes
        if not link.flows:
            link.progress = 0.0
        self.reschedule(link)
        start_now(self.fly(link, first[2]))

    def link_share(self, a, b, share):
        """The link has this share of its bandwidth from now on."""
        link = self.links[a, b]
        self.seen["link share changes under flows"] += bool(link.flows) and link.share != share
        self.catch_up(link)
        link.share = float(share)
        self.reschedule(link)

    def link_close(self, a, b):
        self.links[a, b].open = False

    def link_reopen(self, a, b):
        self.links[a, b].open = True
