"""Small systems for tests of single rules: a few pools, stages and arrivals written in a line or two."""

from __future__ import annotations

import numpy as np

from twin.assembly import assemble
from twin.engine import TwinEnvironment
from twin.kernel.state import OUTCOMES
from twin.plan import Decision, Geography, PoolSpec, Program, StageSpec, Stream
from workloads.sky import CLASSES


def constant(seconds, max_batch=1, **more):
    """A program that always takes `seconds`."""
    return Program(np.full((max_batch, 2), float(seconds)), **more)


def says(answer):
    """Decisions that always flag or find (True), or never (False)."""
    chance = 1.0 if answer else 0.0
    return Decision(np.array([0.0, 1e9]), np.full((len(CLASSES), 1), chance), chance)


def stage(name, on, seconds=1.0, decides=None, **rules):
    """Stage `name` on the pools `on` (one name, or several), always `seconds` long."""
    decision = None if decides is None else says(decides)
    program = constant(seconds, rules.get("max_batch", 1), decision=decision)
    return StageSpec(name, dict.fromkeys([on] if isinstance(on, str) else on, (program, None)), **rules)


def system(pools, stages, arrivals, horizon_s=100.0, latency_s=0.0, bandwidth=1.0, **more):
    """A plan: pools {name: servers, or (site, servers)}, stages, arrivals {stage: times}; sites 0 and 1."""
    specs = [
        PoolSpec(name, *(size if isinstance(size, tuple) else (0, size)), **more.pop(name, {}))
        for name, size in pools.items()
    ]
    between = np.array([[0.0, latency_s], [latency_s, 0.0]])
    return assemble(
        geography=Geography(("here", "there"), between, np.full((2, 2), float(bandwidth))),
        pools=specs,
        stages=stages,
        streams=[Stream(name, len(times), times_s=np.array(times, float)) for name, times in arrivals.items()],
        horizon_s=horizon_s,
        **more,
    )


def run(plan, actions=(), **how):
    """The environment at the horizon, after `actions`: (time, method, arguments …)."""
    environment = TwinEnvironment(plan, trace=True, **how)

    def act():
        for at_s, method, *arguments in actions:
            yield environment.timeout(at_s - environment.now)
            getattr(environment, method)(*arguments)

    environment.process(act())
    environment.run(until=plan.horizon_s)
    return environment


def completions(environment):
    """(stage, entity, shard, start, end) of every completion."""
    names = environment.plan.stage_names
    fields = ("entity", "shard", "start_s", "end_s")
    return [(names[row["stage"]], *(row[f].item() for f in fields)) for row in environment.traced()]


def endings(environment):
    """(outcome, stage, entity, time) of every job that ended or was published."""
    names = environment.plan.stage_names
    return [
        (OUTCOMES[row["outcome"]], names[row["stage"]], row["entity"].item(), row["end_s"].item())
        for row in environment.ended()
    ]
