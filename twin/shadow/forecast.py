"""What comes next: the kernel goes on from where the log is, with the profile's times and chance of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from twin.engine import TwinEnvironment
from twin.kernel.events import schedule_arrival
from twin.kernel.heap import push
from twin.kernel.state import RANK_COMPLETE, TOKEN_SHIFT
from twin.plan import Array
from twin.shadow.figures import Figures, Part, figures, waited_s
from twin.shadow.follower import Follower, Running


def forecast(
    follower: Follower, scales: Array, ahead_s: float, recent_s: float, late_s: float, rng: Generator
) -> Iterator[Figures]:
    """A draw of the next `ahead_s` for each of `scales`, by which service times of pools exceed the profile's.

    `scales` has shape (draw, pool). Jobs go on coming at intervals drawn from those of the last `recent_s`.
    """
    live, until_s = follower.plan.stages["live"] > 0, follower.now + ahead_s
    waited_before_s = waited_s(follower, live)
    future = _Future(follower)
    for scale in scales:
        future.rewind()
        future.plan.arrivals[:] = _arrivals_s(follower, until_s, follower.now - recent_s, rng)
        future.take_chances(scale, rng)
        future.run(until=until_s)
        part = Part(future.traced(), future.ended(), waited_s(future, live) - waited_before_s)
        yield figures([part], live, ahead_s, late_s)


class _Future(TwinEnvironment):
    """The follower's system as it is, left to itself; a fork that can be rewound, which is faster than another."""

    def __init__(self, follower: Follower) -> None:
        plan = replace(follower.plan, arrivals=follower.plan.arrivals.copy())
        self._from = replace(follower.checkpoint(), plan_digest=plan.digest)
        self._running = follower.running()
        super().__init__(plan, trace=True, policy=follower.policy, checkpoint=self._from)

    def rewind(self) -> None:
        """To where the follower is."""
        self._now = self._from.now_s
        self._go_on(self._from)

    def take_chances(self, scale: Array, rng: Generator) -> None:
        """From here on service times come from the profile, times the pools' `scale`, and all chance is new."""
        world = self.world
        world.stages["live"] = 0
        for name in ("key", "failure_key", "route_key"):
            world.stages[name] = rng.integers(2**64, size=world.stages.size, dtype=np.uint64)
        world.record["noise_key"] = rng.integers(2**64, dtype=np.uint64)
        world.jobs["place"] = rng.uniform(0.0, self.plan.tables.shape[1] - 1.0, world.jobs.size)
        world.pools["slowness"] *= scale
        world.reserve(len(self._running))
        for one in self._running:
            world.batches["live"][one.slot] = 0
            end_s = max(self.now, one.start_s + lasts_s(one, self.now - one.start_s, scale[one.pool], rng))
            push(world.record, end_s, RANK_COMPLETE, one.slot | one.token << TOKEN_SHIFT)
        for m in np.flatnonzero(np.isinf(world.streams["next_s"])):
            schedule_arrival(world.record, int(m))


def lasts_s(one: Running, elapsed_s: float, scale: float, rng: Generator) -> float:
    """How long a batch takes that has run for `elapsed_s`; one that has outlasted the profile begins anew."""
    times_s = scale * one.profile_s
    places = np.linspace(0.0, 1.0, times_s.size)
    before = float(np.interp(elapsed_s, times_s, places))
    if before < 1.0:
        return float(np.interp(rng.uniform(before, 1.0), places, times_s))
    return elapsed_s + float(np.interp(rng.uniform(), places, times_s))


def _arrivals_s(follower: Follower, until_s: float, since_s: float, rng: Generator) -> Array:
    """The arrivals of all streams: those that came, and then others at intervals like those since `since_s`.

    The intervals are drawn twice, as many as were seen and then from these: their mean is not known exactly.
    """
    arrivals_s = follower.plan.arrivals.copy()
    for m, stream in enumerate(follower.plan.streams):
        came_s = follower.times_s(m)
        recent = max(2, int((came_s >= since_s).sum()))
        gaps_s = np.diff(came_s[-recent:])
        left = int(stream["count"]) - came_s.size
        if not gaps_s.size or left == 0:
            continue
        gaps_s = rng.choice(gaps_s, gaps_s.size)
        enough = int(2.0 * (until_s - came_s[-1]) / max(float(gaps_s.mean()), 1e-9)) + 50
        coming_s = came_s[-1] + np.cumsum(rng.choice(gaps_s, min(enough, left)))
        coming_s = coming_s[coming_s >= follower.now]
        first = int(stream["first"]) + came_s.size
        arrivals_s[first : first + coming_s.size] = coming_s
    return arrivals_s
