"""What control processes do to pools, servers and stages (links and evacuation are with their own rules)."""

from __future__ import annotations

from twin.kernel.state import BREAKING, BROKEN, BUSY, DRAIN, FREE, GONE, LOSE


class Controls:
    """The part of the reference that the outside acts on."""

    def down(self, pool, mode=DRAIN):
        """The pool starts nothing new; what runs finishes, waits again or is lost."""
        pool = self.pools[pool]
        pool.up = False
        self.capacity_changed(pool)
        self.seen["down, drain"] += mode == DRAIN and pool.busy > 0
        if mode != DRAIN:
            for queue in pool.queues:
                for batch in reversed(list(queue.running)):
                    self.release(pool, self.kill(batch, mode))
                self.kill_suspended(queue, mode)
            for server in pool.all:
                server.forget()
        self.ask_policy()

    def restore(self, pool):
        pool = self.pools[pool]
        self.seen["restore"] += not pool.up
        pool.up = True
        self.capacity_changed(pool)

    def capacity_changed(self, pool):
        """The pool is in an outage while it is down or without servers; holds are over."""
        self.close_holds(pool)
        if not pool.works and pool.outage_since_s < 0.0:
            pool.outage_since_s = self.now
        if pool.works and pool.outage_since_s >= 0.0:
            pool.outage_s += self.now - pool.outage_since_s
            pool.outage_since_s = -1.0
        for queue in pool.queues:
            self.watch_still(queue)
        self.touch(pool)

    def fail(self, pool, server, mode=DRAIN):
        """The server breaks; False when it was not there to break."""
        pool = self.pools[pool]
        server = pool.all[server]
        if server.state not in (FREE, BUSY):
            self.seen["fail refused"] += 1
            return False
        pool.servers -= 1
        self.seen["servers below zero"] += pool.servers < 0
        if server.state == FREE:
            self.seen["fail, idle"] += 1
            pool.free.remove(server)
        elif mode == DRAIN:
            self.seen["fail, drains"] += 1
            server.state = BREAKING
        else:
            self.seen["fail, lost" if mode == LOSE else "fail, waits again"] += 1
            self.kill(server.batch, mode)
        if server.state != BREAKING:
            server.state = BROKEN
            server.forget()
        self.capacity_changed(pool)
        self.ask_policy()
        return True

    def repair(self, pool, server):
        """The server works again; False when it was not broken."""
        pool = self.pools[pool]
        server = pool.all[server]
        if server.state not in (BROKEN, BREAKING):
            self.seen["repair refused"] += 1
            return False
        pool.servers += 1
        if server.state == BROKEN:
            self.seen["repair, broken"] += 1
            server.state = FREE
            pool.free.append(server)
        else:
            self.seen["repair, breaking"] += 1
            server.state = BUSY
        self.capacity_changed(pool)
        return True

    def scale(self, pool, by):
        """Servers come, or leave: free ones now, others when they have finished."""
        pool = self.pools[pool]
        if pool.servers + by < 0:
            raise ValueError(f"pool {pool.number} has {pool.servers} servers; {-by} cannot leave")
        pool.servers += by
        if by > 0:
            stay = min(by, pool.surplus)
            pool.surplus -= stay
            self.seen["scale up, leaving ones stay"] += stay > 0
            self.seen["scale up, new ones"] += by > stay
            left = [server for server in pool.all if server.state == GONE]
            self.seen["scale up, those that left"] += bool(left) and by > stay
            for server in left[: by - stay]:
                server.forget()
                server.state = FREE
                pool.free.append(server)
            for _ in range(by - stay - len(left)):
                self.add_server(pool)
        else:
            leave = min(-by, len(pool.free))
            for _ in range(leave):
                pool.free.pop().state = GONE
            pool.surplus += -by - leave
            self.seen["scale down, free ones"] += leave > 0
            self.seen["scale down, busy ones"] += -by > leave
        self.capacity_changed(pool)

    def withdraw(self, stage, variant):
        """The variant is there no longer, on none of the stage's pools; what runs goes on."""
        self.out[stage].add(variant)
        self.choose_variant(stage)

    def reinstate(self, stage, variant):
        self.out[stage].discard(variant)
        self.choose_variant(stage)

    def choose_variant(self, number):
        """The first that is there serves; without any the stage waits as in an outage."""
        stage = self.stages[number]
        own = self.queues[stage.queue_start : stage.queue_stop]
        before, there = stage.variant, [v for v in own[0].variants if v not in self.out[number]]
        stage.variant = there[0] if there else None
        stage.aside = next((v for v in there if v > 0), None)
        serves, served = stage.variant is not None, before is not None
        self.seen["another variant serves"] += stage.variant != before
        self.seen["second fallback serves"] += serves and stage.variant > 1
        self.seen["climbs back"] += serves and served and stage.variant < before
        if serves == served:
            return
        self.seen["stands still no longer" if serves else "stands still"] += 1
        for queue in own:
            self.close_holds(queue.pool)
            self.watch_still(queue)
            self.touch(queue.pool)

    def watch_still(self, queue):
        """The time that a queue waits for a variant counts while its pool is there."""
        still = queue.stage.variant is None and queue.pool.outage_since_s < 0.0
        if still and queue.still_since_s < 0.0:
            queue.still_since_s = self.now
        if not still and queue.still_since_s >= 0.0:
            queue.still_s += self.now - queue.still_since_s
            queue.still_since_s = -1.0

    def judge(self, stage, variant, responses, noise, pool=None):
        """The programs decide otherwise from now on."""
        for queue in self.queues:
            if queue.stage.number == stage and pool in (None, queue.pool.number):
                d = queue.decide[variant]
                width = len(self.responses[d][0])
                self.responses[d] = [[*row, *row[-1:] * (width - len(row))] for row in responses]
                self.noise[d] = noise
        self.seen["judged otherwise, fallback" if variant else "judged otherwise"] += 1

    def degrade(self, pool, slowness):
        self.pools[pool].slowness = float(slowness)

    def close(self, pool):
        self.pools[pool].open = False

    def reopen(self, pool):
        self.seen["reopen"] += not self.pools[pool].open
        self.pools[pool].open = True
