"""A farm without workers: a clock and a crew that follow a script, and the log that such a farm writes."""

from __future__ import annotations

import numpy as np

from tests.twin.small import constant, system
from tests.twin.test_farm import Ones, Scripted, Wall
from twin.farm.driver import Farm
from twin.farm.journal import Journal
from twin.plan import Program, StageSpec

SHORTEST_S, LONGEST_S = 0.075, 0.225
"""Service times of the profile and of the crew are uniform between these."""


def flow(rate_per_s, horizon_s=300.0, seed=1, **rules):
    """Poisson arrivals at two servers, and an alert 50 ms after each job."""
    gaps_s = np.random.default_rng(seed).exponential(1.0 / rate_per_s, int(rate_per_s * horizon_s))
    profile = Program(np.tile([SHORTEST_S, LONGEST_S], (rules.get("max_batch", 1), 1)))
    stages = [
        StageSpec("work", {"pool": (profile, None)}, live=True, **rules),
        StageSpec("after", {"other": (constant(0.05), None)}, after=("work",), publishes="alert"),
    ]
    return system({"pool": 2, "other": 2}, stages, {"work": np.cumsum(gaps_s)}, horizon_s=horizon_s)


def logged(plan, path, slower=1.0, from_s=np.inf, deaths=(), lost=False):
    """A farm that has run `plan`, its log at `path`; from `from_s` on all takes `slower` times as long."""
    wall = Wall()
    seconds = np.random.default_rng(2).uniform(SHORTEST_S, LONGEST_S, 3 * int(plan.streams["count"].sum()))
    crew = Scripted(wall, seconds, deaths)
    send = crew.send

    def slowly(*given):
        if wall() >= from_s:
            crew.seconds[0] *= slower
        return send(*given)

    crew.send = slowly
    farm = Farm(plan, crew, Ones(), wall, lost=lost, trace=True)
    with Journal(path, {"scenario": "flow", "seed": 1}) as journal:
        journal.attach(farm)
        farm.run(until=plan.horizon_s)
        farm.written()
    return farm
