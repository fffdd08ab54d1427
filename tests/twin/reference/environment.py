"""SimPy with events at an absolute time and a rank among equals, and the reference's own random numbers.

Knows no stage and no pool. SimPy's own events (control processes) have ranks 0 and 1 and so come first.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter

import simpy

COMPLETE, FLOW, ARRIVE, STREAM, RETRY, OVERDUE, TIMER, REPORT, TURN = range(2, 11)
"""Ranks at equal time; the turn of pool p has TURN + p: every event comes before it, lower pools too."""

WORDS = ("control", "control", "complete", "flow", "arrival", "stream", "retry", "overdue", "timer", "report")


class Environment(simpy.Environment):
    """SimPy's clock; `seen` counts which ranks met at one instant."""

    def __init__(self, after_step, before_move):
        super().__init__()
        self.seen = Counter()
        self._after_step, self._before_move = after_step, before_move
        self._ranks = set()

    def at(self, time_s, rank):
        """An event at `time_s`, of this rank among those at the same time."""
        event = self.event()
        event._ok, event._value = True, None
        heapq.heappush(self._queue, (float(time_s), rank, next(self._eid), event))
        return event

    def after(self, delay_s, rank):
        return self.at(self.now + delay_s, rank)

    def step(self):
        if self._queue:
            self._look_at(self._queue[0])
        super().step()
        self._after_step()

    def _look_at(self, first):
        time_s, rank = first[:2]
        if time_s > self.now:
            self._before_move(time_s)
            self._ranks.clear()
        if rank < TURN:
            for other in self._ranks:
                self.seen[f"tie of {WORDS[min(rank, other)]} and {WORDS[max(rank, other)]}"] += 1
            self._ranks.add(rank)


def start_now(generator):
    """A process whose first step runs at once: its events are scheduled in the order of decisions."""

    def resume(_event=None):
        event = next(generator, None)
        if event is not None:
            event.callbacks.append(resume)

    resume()


def uniform(key, n):
    """The `n`-th number of stream `key`, in [0, 1): SplitMix64 in whole numbers."""
    mask = (1 << 64) - 1
    z = (key + n * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return ((z ^ (z >> 31)) >> 11) / (1 << 53)


def inverse_cdf(points, u):
    """The value at probability `u`, linear between equally spaced points."""
    x = u * (len(points) - 1)
    i = math.floor(x)
    return points[i] + (x - i) * (points[i + 1] - points[i])
