"""Controls on the real kernel: what a failure, a failover, a window or a policy does to the work."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from tests.twin.every_control import CONTROLS
from tests.twin.small import completions, constant, endings, run, says, stage, system
from twin.checkpoint import read
from twin.controls import (
    Degradation,
    Failover,
    Failures,
    Law,
    Maintenance,
    Outage,
    Retraining,
    Target,
    ThresholdScaling,
)
from twin.engine import TwinEnvironment
from twin.kernel.chance import stream_key
from twin.kernel.state import LOSE, OUTCOMES, REQUEUE
from twin.plan import StageSpec

POOL = Target("p", (0,))
THERE = Target("q", (1,))
SITE = Target("there", (1,), ((0, 1), (1, 0)))


def many(n=200, until_s=100.0):
    return np.linspace(0.0, until_s, n).tolist()


def failing(mode, targets):
    return Failures(
        name="f",
        targets=targets,
        up=Law("exponential", 8.0),
        down=Law("lognormal", 2.0, 1.0),
        key=stream_key(2, 0, "f"),
        mode=mode,
        until_s=150.0,
    )


SERVERS = tuple(Target(f"p.{k}", (0,), server=k) for k in range(3))


@pytest.mark.parametrize("targets", [(POOL,), SERVERS, (*SERVERS, POOL)], ids=["pool", "servers", "both"])
def test_what_fails_and_requeues_loses_nothing(targets):
    plan = system(
        {"p": 3}, [stage("work", "p", 0.9)], {"work": many()}, 400.0, controls=[failing(REQUEUE, targets)]
    )
    environment = run(plan)
    assert environment.world.pools["killed"][0] > 10
    assert environment.world.stages["done"].tolist() == [200]
    assert environment.world.stages["ended"].sum() == 0
    assert environment.causes == {}
    assert environment.world.pools[["servers", "up", "busy"]].tolist() == [(3, 1, 0)]


def test_what_fails_and_loses_counts_it():
    plan = system({"p": 3}, [stage("work", "p", 0.9)], {"work": many()}, 400.0, controls=[failing(LOSE, (POOL,))])
    environment = run(plan)
    lost = int(environment.world.stages["ended"][0, OUTCOMES.index("lost")])
    assert lost == environment.world.pools["killed"][0] > 10
    assert environment.world.stages["done"].tolist() == [200 - lost]


def test_a_failed_server_leaves_the_work_to_the_others():
    control = Outage(name="o", targets=(SERVERS[0],), at_s=0.5, lasts_s=10.0, mode=REQUEUE)
    environment = run(system({"p": 2}, [stage("work", "p", 2.0)], {"work": [0.0, 0.0]}, controls=[control]))
    assert sorted(end_s for *_, end_s in completions(environment)) == [2.0, 4.0]


def two_pools(controls, **more):
    """Jobs, one every second, may run here or there; here comes first."""
    stages = [stage("work", ["p", "q"], 0.5, route="failover")]
    pools = {"p": (0, 1), "q": (1, 1)}
    return run(system(pools, stages, {"work": [0.5 + k for k in range(20)]}, controls=controls, **more))


def where(environment):
    return [environment.plan.pool_names[row["pool"]] for row in np.sort(environment.traced(), order="entity")]


@pytest.mark.parametrize(
    ("failover", "pools"),
    [
        (None, 20 * "p"),
        (Failover(3.0), 5 * "p" + 6 * "q" + 9 * "p"),
        (Failover(3.0, 2.0, evacuate=True), 2 * "p" + 11 * "q" + 7 * "p"),
    ],
    ids=["nobody notices", "noticed", "evacuated"],
)
def test_a_failover_starts_when_it_is_noticed_and_ends_after_a_while(failover, pools):
    environment = two_pools([Outage(name="o", targets=(POOL,), at_s=2.0, lasts_s=9.0, failover=failover)])
    assert "".join(where(environment)) == pools


def test_a_site_that_is_cut_off_gets_its_transfers_afterwards():
    control = Outage(name="o", targets=(SITE,), at_s=1.0, lasts_s=10.0)
    plan = system(
        {"p": (0, 1), "q": (1, 1)},
        [stage("work", "q", 1.0, payload_bytes=10.0)],
        {"work": [0.0]},
        bandwidth=5.0,
        controls=[control],
    )
    assert [c[-2:] for c in completions(run(plan))] == [(12.0, 13.0)]


def test_a_degraded_link_takes_longer():
    control = Degradation(name="d", target=Target("l", links=((0, 1), (1, 0))), at_s=1.0, lasts_s=10.0, factor=0.1)
    plan = system(
        {"p": (0, 1), "q": (1, 1)},
        [stage("work", "q", 1.0, payload_bytes=10.0)],
        {"work": [0.0]},
        bandwidth=5.0,
        controls=[control],
    )
    assert [c[-2] for c in completions(run(plan))] == [pytest.approx(11.0)]


def test_maintenance_with_lead_interrupts_nothing():
    window = Maintenance(name="m", target=POOL, at_s=5.0, lasts_s=5.0, lead_s=2.0, mode=LOSE)
    environment = two_pools([window])
    assert "".join(where(environment)) == 3 * "p" + 7 * "q" + 10 * "p"
    assert environment.world.pools["killed"].tolist() == [0, 0]
    assert environment.down_s.tolist() == [5.0, 0.0]


def test_a_slow_pool_is_slow_for_what_it_starts_meanwhile():
    control = Degradation(name="d", target=POOL, at_s=0.5, lasts_s=10.0, factor=3.0)
    environment = run(system({"p": 1}, [stage("w", "p", 1.0)], {"w": [0.0, 1.0, 20.0]}, controls=[control]))
    assert [end_s for *_, end_s in completions(environment)] == [1.0, 4.0, 21.0]


def test_retraining_runs_the_fallback_and_takes_servers():
    work = StageSpec("work", {"p": (constant(1.0), constant(2.0))})
    control = Retraining(name="r", at_s=2.0, lasts_s=5.0, stage=0, pool=0, takes=1)
    environment = run(system({"p": 2}, [work], {"work": [0.0, 3.0, 3.0, 8.0]}, controls=[control]))
    trace = environment.traced()
    assert trace["variant"].tolist() == [0, 1, 1, 0]
    assert trace["end_s"].tolist() == [1.0, 5.0, 7.0, 9.0]


def test_retraining_and_failures_never_take_more_than_there_is():
    work = StageSpec("work", {"p": (constant(0.9), constant(1.0))})
    training = Retraining(name="r", at_s=20.0, lasts_s=50.0, stage=0, pool=0, takes=3)
    plan = system({"p": 3}, [work], {"work": many()}, 400.0, controls=[failing(REQUEUE, SERVERS), training])
    environment = run(plan)
    assert environment.world.stages["done"].tolist() == [200]
    assert environment.world.pools["servers"].tolist() == [3]


def test_a_policy_gives_a_rush_the_servers_it_needs():
    rush = [0.0] * 40
    policy = ThresholdScaling(
        name="s", pool=0, every_s=1.0, least=1, most=8, up=3.0, down=0.5, step=2, startup_s=1.5
    )
    fixed = run(system({"p": 1}, [stage("w", "p", 1.0)], {"w": rush}))
    elastic = run(system({"p": 1}, [stage("w", "p", 1.0)], {"w": rush}, controls=[policy]))
    assert max(c[-1] for c in completions(fixed)) == 40.0
    assert max(c[-1] for c in completions(elastic)) < 12.0
    assert elastic.world.pools["servers"].tolist() == [1]
    assert elastic.controls[0].startup_server_s > 0.0


def test_marks_and_downtime_of_an_outage():
    environment = run(
        system(
            {"p": 1},
            [stage("w", "p")],
            {"w": []},
            controls=[Outage(name="o", targets=(POOL,), at_s=2.0, lasts_s=3.0)],
        )
    )
    assert environment.marks == [("outage", "o", 2.0, 5.0)]
    assert environment.down_s.tolist() == [3.0]


# --- copies ---

UNTIL_S = 60.0


def eventful():
    """Every kind of control at once, on two sites whose queues are never empty for long."""
    first, second, third, fourth = (constant(s, decision=says(answer=False)) for s in (0.5, 0.8, 0.7, 0.9))
    work = StageSpec("work", {"p": (first, second), "q": (third, fourth)}, role="flag")
    plan = system(
        {"p": (0, 2), "q": (1, 2)},
        [work],
        {"work": many(150, 55.0)},
        UNTIL_S,
        latency_s=0.1,
        bandwidth=8.0,
        controls=deepcopy(CONTROLS),
    )
    assert len(plan.controls) == len(CONTROLS)
    return plan


def outcome(environment):
    environment.run(until=UNTIL_S)
    environment.settle()
    world = environment.world
    arrays = [a.tobytes() for a in (environment.traced(), environment.ended(), world.stages, world.bins)]
    return (*arrays, repr(environment.controls), environment.causes, environment.marks)


@pytest.fixture(scope="module")
def undisturbed():
    return outcome(TwinEnvironment(eventful(), trace=True))


def test_a_busy_timeline_does_something(undisturbed):
    kinds = {kind for kind, *_ in undisturbed[-1]}
    assert kinds == {
        "outage",
        "failure-trace",
        "failures",
        "maintenance",
        "degradation",
        "retraining",
        "withdrawal",
    }


@pytest.mark.parametrize("at_s", [0.2, 3.0, 5.5, 20.0, 47.0])
def test_a_fork_amid_failures_goes_on_byte_for_byte(at_s, undisturbed, tmp_path):
    plan = eventful()
    first = TwinEnvironment(plan, trace=True)
    first.run(until=at_s)
    second = first.fork()
    first.checkpoint().save(tmp_path / "run.npz")
    third = TwinEnvironment(plan, trace=True, checkpoint=read(tmp_path / "run.npz", plan.digest))
    assert outcome(second) == undisturbed
    assert outcome(third) == undisturbed
    assert outcome(first) == undisturbed


def test_work_that_is_lost_to_failures_ends_as_lost():
    control = Outage(name="o", targets=(POOL,), at_s=0.5, lasts_s=1.0, mode=LOSE)
    environment = run(system({"p": 1}, [stage("w", "p")], {"w": [0.0, 0.2]}, controls=[control]))
    assert endings(environment) == [("lost", "w", 0, 0.5)]
    assert [c[-1] for c in completions(environment)] == [2.5]
