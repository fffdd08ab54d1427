"""A run that is copied at any instant goes on byte for byte, in memory and from a file."""

from __future__ import annotations

import numpy as np
import pytest

from tests.twin.small import constant, stage, system
from twin.checkpoint import CheckpointError, read
from twin.engine import TwinEnvironment
from twin.plan import Awaits, StageSpec

HORIZON_S = 200.0


def busy_plan():
    """A bit of everything: joins, shards, waits, flows, preemption, models that push each other out."""
    rng = np.random.default_rng(5)
    stages = [
        stage("dq", "q", 0.6, False, role="flag", shards=2),
        stage("detect", "p", 0.7, True, role="trigger", max_batch=3, max_wait_s=1.0, preempt="resume", priority=2),
        StageSpec(
            "locate", {"far": (constant(1.3, load_s=0.2, memory_bytes=1.0), None)}, ("detect",), payload_bytes=5.0
        ),
        StageSpec("classify", {"far": (constant(0.4, load_s=0.3, memory_bytes=1.0), None)}, ("detect",)),
        stage("alert", "p", 0.2, after=("locate", "classify"), awaits=Awaits("dq", 2.0), publishes="alert"),
    ]
    times = np.sort(rng.uniform(0.0, 150.0, 150))
    return system(
        {"p": 1, "q": 2, "far": (1, 2)},
        stages,
        {"dq": times, "detect": times},
        HORIZON_S,
        latency_s=0.1,
        bandwidth=8.0,
        far={"memory_bytes": 1.5},
    )


def outcome(environment):
    environment.run(until=HORIZON_S)
    environment.settle()
    world = environment.world
    return [a.tobytes() for a in (environment.traced(), environment.ended(), world.stages, world.hist, world.bins)]


@pytest.fixture(scope="module")
def undisturbed():
    return outcome(TwinEnvironment(busy_plan(), trace=True))


@pytest.mark.parametrize("at_s", [0.0, 1.0, 17.3, 80.0, 149.9])
def test_a_fork_goes_on_byte_for_byte(at_s, undisturbed):
    first = TwinEnvironment(busy_plan(), trace=True)
    first.run(until=at_s + 1e-9)
    second = first.fork()
    assert outcome(second) == undisturbed
    assert outcome(first) == undisturbed


def test_a_fork_may_differ_from_then_on_and_leaves_the_first_alone(undisturbed):
    first = TwinEnvironment(busy_plan(), trace=True)
    first.run(until=50.0)
    second = first.fork()
    second.scale(0, +2)
    assert outcome(second) != undisturbed
    assert outcome(first) == undisturbed


def test_a_checkpoint_survives_the_disk(tmp_path, undisturbed):
    plan = busy_plan()
    first = TwinEnvironment(plan, trace=True)
    first.run(until=60.0)
    first.checkpoint().save(tmp_path / "run.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]
    again = TwinEnvironment(plan, trace=True, checkpoint=read(tmp_path / "run.npz", plan.digest))
    assert outcome(again) == undisturbed


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path):
    plan = busy_plan()
    path = tmp_path / "run.npz"
    TwinEnvironment(plan).checkpoint().save(path)
    with pytest.raises(CheckpointError, match="belongs to another run"):
        read(path, "another digest")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CheckpointError, match=r"run.npz is damaged .*: remove it and run again"):
        read(path, plan.digest)


def test_a_run_with_simpy_processes_of_its_own_says_why_it_cannot_be_copied():
    environment = TwinEnvironment(busy_plan())

    def process(env):
        yield env.timeout(100.0)

    environment.process(process(environment))
    environment.run(until=10.0)
    with pytest.raises(ValueError, match=r"SimPy events are pending .1. at 10\.0 s"):
        environment.fork()
