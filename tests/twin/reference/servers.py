"""Servers of a pool: which are free, what they hold, which leave or break. Knows no queue."""

from __future__ import annotations

import math

from twin.kernel.state import BREAKING, BROKEN, BUSY, FREE, GONE
from workloads.occupancy import WARM_S


class Servers:
    """The part of the reference that minds servers."""

    def choose_server(self, pool, slot):
        """Take a free server: one that holds the program if there is one, else the last freed."""
        choice = pool.free[-1]
        if pool.resident:
            holders = [x for x in reversed(pool.free) if self.holds(pool, x, slot)]
            choice = holders[0] if holders else choice
            self.seen["server chosen for what it holds"] += bool(holders) and choice is not pool.free[-1]
        pool.free.remove(choice)
        choice.state = BUSY
        choice.warm *= math.exp((choice.freed_s - self.now) / WARM_S)
        choice.taken_s = self.now
        return choice

    def holds(self, pool, server, slot):
        return slot in server.held and self.now - server.held[slot] <= pool.keep_warm_s

    def load_program(self, pool, server, queue, variant):
        """Time to make the program ready on this server; others go where memory is short."""
        if not pool.resident:
            return 0.0
        slot, load_s = queue.slot + variant, 0.0
        if self.holds(pool, server, slot):
            self.seen["program held"] += 1
        else:
            load_s = queue.load_time_s[variant]
            pool.swaps += 1
            self.seen["program loaded" if load_s > 0.0 else "program loaded in no time"] += 1
            if slot in server.held:
                self.seen["program gone cold"] += 1
            else:
                server.used_bytes += queue.memory_bytes[variant]
                self.make_room(pool, server, slot)
        server.held[slot] = self.now
        return load_s

    def make_room(self, pool, server, slot):
        while server.used_bytes > pool.memory_bytes:
            others = [other for other in server.held if other != slot]
            last = min(others, key=lambda other: (server.held[other], other))
            del server.held[last]
            server.used_bytes -= self.memory_bytes(pool, last)
            self.seen["program evicted"] += 1

    def memory_bytes(self, pool, slot):
        queue = next(q for q in pool.queues if 0 <= slot - q.slot < len(q.memory_bytes))
        return queue.memory_bytes[slot - queue.slot]

    def release(self, pool, server):
        """The server's batch is over: it is free, or breaks, or leaves."""
        server.warm = 1.0 - (1.0 - server.warm) * math.exp((server.taken_s - self.now) / WARM_S)
        server.freed_s = self.now
        if server.state == BREAKING:
            server.state = BROKEN
            server.forget()
            self.seen["breaking server breaks"] += 1
        elif pool.surplus > 0:
            pool.surplus -= 1
            server.state = GONE
            self.seen["leaving server leaves"] += 1
        else:
            server.state = FREE
            pool.free.append(server)
