"""Everything fails at once, at random: nothing is lost on the way, and in the end everything is well again."""

from __future__ import annotations

import numpy as np
import pytest

from tests.twin.small import constant, system
from twin.controls import (
    CommonCause,
    Degradation,
    Failover,
    Failures,
    Law,
    Maintenance,
    Retraining,
    Target,
    ThresholdScaling,
)
from twin.engine import TwinEnvironment
from twin.plan import StageSpec

UNTIL_S, LAST_S = 60.0, 400.0
SITE, POOL = Target("there", (1,), ((0, 1), (1, 0))), Target("p", (0,))
KEPT = ("waiting", "asked", "transit", "queued", "running", "backoff", "done")
OVER = (Maintenance, ThresholdScaling)


def program(rng):
    return constant(rng.uniform(0.1, 2.0), 4), constant(rng.uniform(0.1, 2.0), 4)


def stages(rng, seed):
    route = str(rng.choice(["failover", "least-loaded", "two-choices", "data-local"]))
    preempt = str(rng.choice(["none", "resume", "restart"]))
    batches = {"max_batch": int(rng.integers(1, 5)), "max_wait_s": float(rng.choice([0.0, 1.0]))}
    return [
        StageSpec(
            "a",
            {"p": program(rng), "q": program(rng)},
            route=route,
            spill=2.0,
            priority=2,
            preempt=preempt,
            payload_bytes=float(rng.choice([0.0, 10.0])),
            key=seed,
            **batches,
        ),
        StageSpec(
            "b", {"q": program(rng)}, ("a",), payload_bytes=5.0, shards=int(rng.integers(1, 3)), key=seed + 1
        ),
        StageSpec("c", {"p": program(rng), "q": program(rng)}, priority=0, route="failover", key=seed + 2),
    ]


def controls(rng, seed, p, q):
    def failing(name, targets, mean_up, mean_down, kind=Failures, **more):
        up, down = Law("exponential", mean_up), Law("exponential", mean_down)
        mode = int(rng.integers(0, 3))
        return kind(name=name, targets=targets, up=up, down=down, key=seed, mode=mode, until_s=UNTIL_S, **more)

    failover = Failover(float(rng.choice([0.0, 0.5, 2.0])), float(rng.choice([0.0, 1.0])), bool(rng.integers(2)))
    servers = tuple(Target(f"p.{k}", (0,), server=k) for k in range(p + 2))
    cut = (POOL, Target("q.0", (1,), server=0))
    found = [
        failing("s", servers, rng.uniform(1.0, 20.0), rng.uniform(0.5, 8.0)),
        failing("t", tuple(Target(f"q.{k}", (1,), server=k) for k in range(q)), 10.0, 4.0),
        failing("w", (SITE, POOL), 15.0, 3.0, failover=failover),
        failing("c", cut, 15.0, 3.0, CommonCause, probability=0.6, failover=Failover(0.5, 1.0)),
        Maintenance(name="m", target=Target("q", (1,)), at_s=5.0, lasts_s=1.0, every_s=13.0, lead_s=2.0),
        Degradation(name="d", target=Target("l", links=((0, 1),)), at_s=3.0, lasts_s=20.0, factor=0.1),
        Retraining(name="r", at_s=10.0, lasts_s=20.0, stage=0, pool=0, takes=p),
    ]
    if rng.integers(2):
        policy = {"pool": 0, "every_s": 1.0, "least": 1, "most": p + 2, "up": 2.0, "down": 0.7, "startup_s": 0.7}
        found.append(ThresholdScaling(name="x", **policy))
    return found


@pytest.mark.parametrize("seed", range(30))
def test_all_at_once(seed):
    rng = np.random.default_rng(seed)
    p, q = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    plan = system(
        {"p": (0, p), "q": (1, q)},
        stages(rng, seed),
        {"a": np.sort(rng.uniform(0.0, UNTIL_S, 60)), "c": np.sort(rng.uniform(0.0, UNTIL_S, 30))},
        LAST_S,
        latency_s=0.1,
        bandwidth=8.0,
        controls=controls(rng, seed, p, q),
    )
    environment = TwinEnvironment(plan, trace=True)
    environment.run(until=23.7)
    copy = environment.fork()
    for each in (environment, copy):
        each.run(until=LAST_S - 8.0)  # between two windows of maintenance, none announced
    work = environment.world.stages
    assert (work["offered"] == sum(work[fate] for fate in KEPT) + work["ended"].sum(axis=1)).all()
    assert work["offered"].sum() == work["done"].sum() + work["ended"].sum()
    assert copy.traced().tobytes() == environment.traced().tobytes()
    assert (copy.causes, copy.marks) == (environment.causes, environment.marks) == ({}, environment.marks)
    assert [c.name for c in environment.controls if c.next_s < np.inf and not isinstance(c, OVER)] == []
    world = environment.world
    assert world.pools[["up", "open", "busy"]].tolist() == [(1, 1, 0)] * 2
    assert world.links[["share", "open"]].tolist() == [(1.0, 1)] * 4
    assert int(world.pools["servers"][1]) == q
