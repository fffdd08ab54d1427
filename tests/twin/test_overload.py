"""Beyond saturation: nothing overflows, nothing is lost, and the cost of an event hardly grows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.twin.small import run, stage, system
from twin import world
from twin.engine import TwinEnvironment
from twin.kernel.state import OUTCOMES

FATES = ("waiting", "asked", "transit", "queued", "running", "backoff", "done")


def accounted(environment):
    stages = environment.world.stages
    dropped = stages["ended"][:, 1:].sum(axis=1)
    return stages["offered"].tolist() == (sum(stages[f] for f in FATES) + dropped).tolist()


@pytest.mark.parametrize("load", [0.8, 1.0, 1.2, 1.5])
def test_the_backlog_grows_as_a_fluid_does(load):
    n = 200_000
    times_s = np.cumsum(np.random.default_rng(4).exponential(1.0 / load, n))
    environment = run(system({"p": 4}, [stage("a", "p", 4.0)], {"a": times_s}, horizon_s=float(times_s[-1])))
    backlog = environment.world.pools["queued"][0]
    fluid = max(0.0, n - times_s[-1])
    assert abs(backlog - fluid) < 6 * np.sqrt(n)
    assert accounted(environment)


def test_a_surge_of_a_thousand_times_the_rate_is_worked_off():
    calm = np.arange(0.0, 1000.0, 1.0)
    surge = np.linspace(200.0, 210.0, 10_000)
    plan = system({"p": 20}, [stage("a", "p", 0.5)], {"a": np.sort(np.concatenate([calm, surge]))}, 1001.0)
    environment = run(plan)
    assert environment.world.stages["done"].tolist() == [11_000]
    assert environment.world.pools["queue_peak"][0] > 9000


def test_a_million_jobs_may_wait_and_be_dropped_together():
    stages = [stage("a", "p", 100.0, shelf_life_s=50.0, shards=2), stage("b", "p", 1.0, after=("a",))]
    plan = system({"p": 1}, stages, {"a": np.zeros(500_000)}, horizon_s=150.0)
    environment = TwinEnvironment(plan)
    environment.run(until=plan.horizon_s)
    assert environment.world.pools["queue_peak"].tolist() == [1_000_000]
    assert environment.world.stages["ended"][0, OUTCOMES.index("stale")] == 999_999
    assert accounted(environment)
    assert environment.world.record["meeting_free_n"] == environment.world.meetings.size


def test_a_million_jobs_lost_at_one_instant_are_all_written():
    plan = system({"p": 10_000}, [stage("a", "p", 100.0, max_batch=100)], {"a": np.zeros(1_000_000)})
    environment = run(plan, [(50.0, "down", 0, 2)])
    assert environment.ended().size == 1_000_000
    assert accounted(environment)


def test_more_than_the_machine_can_hold_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(world, "MOST_SLOTS", 4096)
    plan = system({"p": 1}, [stage("a", "p", 1.0)], {"a": np.zeros(10_000)})
    with pytest.raises(MemoryError, match="holds more than 2,048 jobs at once: it is overloaded"):
        run(plan)
