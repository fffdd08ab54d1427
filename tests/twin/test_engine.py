"""What the environment offers: outages, swaps, scaling, live batches, growth without limit, plain-Python runs."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numba import config

from twin.assembly import assemble
from twin.controls import Outage, Target
from twin.engine import LiveResult, TwinEnvironment
from twin.kernel.memory import histogram_bin
from twin.kernel.state import BIN_LOW_S, BINS, PRIMARY, STALE
from twin.plan import Geography, PoolSpec, Program, StageSpec, Stream

HERE = Geography(("here",), np.zeros((1, 1)), np.ones((1, 1)))


def constant(seconds, max_batch=1):
    return Program(np.full((max_batch, 2), float(seconds)))


def one_stage(times_s, service_s=1.0, fallback_s=None, servers=1, controls=(), horizon_s=100.0, **rules):
    programs = (
        constant(service_s, rules.get("max_batch", 1)),
        None if fallback_s is None else constant(fallback_s, rules.get("max_batch", 1)),
    )
    return assemble(
        geography=HERE,
        pools=[PoolSpec("pool", 0, servers)],
        stages=[StageSpec("work", {"pool": programs}, **rules)],
        streams=[Stream("work", len(times_s), times_s=np.array(times_s, float))],
        horizon_s=horizon_s,
        controls=controls,
    )


def simulate(plan, execute=None):
    environment = TwinEnvironment(plan, execute, trace=True)
    environment.run(until=plan.horizon_s)
    return environment


def test_an_outage_lets_work_finish_and_starts_nothing_new():
    outage = Outage(name="o", targets=(Target("pool", (0,)),), at_s=0.5, lasts_s=10.0)
    environment = simulate(one_stage([0, 1.5], controls=[outage]))
    trace = environment.traced()
    assert environment.down_s.tolist() == [10.0]
    assert trace["start_s"].tolist() == [0.0, 10.5]
    assert trace["end_s"].tolist() == [1.0, 11.5]


@pytest.mark.parametrize("times", [[-1.0, 2.0], [3.0, 2.0], [1.0, np.nan]])
def test_arrivals_out_of_their_order_are_refused(times):
    with pytest.raises(ValueError, match="has times before the run's start, or not in their order"):
        one_stage(times)


def test_taking_more_servers_than_there_are_is_refused():
    environment = TwinEnvironment(one_stage([]))
    with pytest.raises(ValueError, match="pool 'pool' has 1 servers; 2 cannot be taken at 0"):
        environment.scale(0, -2)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda e: e.scale(99, 1), "no pool 99; allowed: 0 pool"),
        (lambda e: e.down(-1), "no pool -1"),
        (lambda e: e.restore(1), "no pool 1"),
        (lambda e: e.fail(1, 0), "no pool 1"),
        (lambda e: e.repair(0, 7), "pool 'pool' has no server 7; allowed: 0 to 0"),
        (lambda e: e.degrade(1, 2.0), "no pool 1"),
        (lambda e: e.close(-1), "no pool -1"),
        (lambda e: e.reopen(1), "no pool 1"),
        (lambda e: e.evacuate(1), "no pool 1"),
        (lambda e: e.load(1), "no pool 1"),
        (lambda e: e.withdraw(5, 0), "no stage 5; allowed: 0 work"),
        (lambda e: e.withdraw(0, 4), "no variant 4; allowed: 0 primary, 1 fallback, 2 fallback-2, 3 fallback-3"),
        (lambda e: e.reinstate(0, 2), "stage 'work' has no fallback-2"),
        (lambda e: e.link_share(0, 1, 0.5), "no site 1"),
        (lambda e: e.link_close(-1, 0), "no site -1"),
        (lambda e: e.link_reopen(0, 1), "no site 1"),
    ],
)
def test_an_action_on_what_is_not_there_is_refused(act, said):
    with pytest.raises(ValueError, match=said):
        act(TwinEnvironment(one_stage([])))


def test_a_users_own_simpy_process_controls_the_computing():
    environment = TwinEnvironment(one_stage([0, 0, 0, 0]), trace=True)

    def hire(env):
        yield env.timeout(1.0)
        env.scale(0, +3)

    environment.process(hire(environment))
    environment.run(until=50)
    assert environment.traced()["end_s"].tolist() == [1.0, 2.0, 2.0, 2.0]


def test_a_batch_waits_for_company_or_its_deadline():
    trace = simulate(one_stage([0, 1, 2, 30], max_batch=3, max_wait_s=5.0)).traced()
    assert trace["start_s"].tolist() == [2.0, 2.0, 2.0, 35.0]
    assert trace["n"].tolist() == [3, 3, 3, 1]


def test_stale_work_is_dropped_and_counted():
    environment = simulate(one_stage([0, 1, 2, 3], service_s=10.0, shelf_life_s=15.0))
    assert environment.world.stages["done"].tolist() == [2]
    assert environment.world.stages["ended"][0, STALE] == 2
    assert environment.ended()["end_s"].tolist() == [20.0, 20.0]


def test_live_batches_are_executed_while_the_clock_stands_still():
    seen = []

    def execute(batch):
        seen.append((batch.order, batch.entities))
        return LiveResult(0.5 * len(batch.entities), (0,) * len(batch.entities), {})

    trace = simulate(one_stage([0, 0, 0], live=True, max_batch=2), execute).traced()
    assert seen == [(0, (0, 1)), (1, (2,))]
    assert trace["end_s"].tolist() == [1.0, 1.0, 1.5]


def test_live_stages_without_an_executor_are_refused():
    with pytest.raises(ValueError, match="live stages, but nothing that executes them"):
        simulate(one_stage([0], live=True))


def test_a_hundred_thousand_queued_jobs_fit():
    environment = simulate(one_stage(np.zeros(100_000), service_s=1e-3, horizon_s=200.0))
    stages = environment.world.stages
    assert stages["done"].tolist() == [100_000]
    assert environment.world.pools["queue_peak"].tolist() == [100_000]
    assert len(environment.traced()) == 100_000


def test_areas_are_queue_times_time():
    plan = one_stage([0, 0, 0], horizon_s=10.0)
    environment = simulate(replace(plan, bin_s=1.0))
    environment.settle()
    assert environment.world.bins[0, :4].tolist() == [[2, 1, 1], [1, 1, 1], [0, 1, 1], [0, 0, 1]]


def test_histogram_bins_are_within_one_percent():
    values = np.geomspace(1e-5, 1e6, 1000)
    bins = np.array([histogram_bin(v) for v in values])
    assert np.all(np.diff(bins) >= 0)
    assert histogram_bin(BIN_LOW_S) == 0
    assert histogram_bin(1e300) == BINS - 1
    for b in np.unique(bins)[1:-1]:
        inside = values[bins == b]
        assert inside.max() / inside.min() <= 1.016


def test_the_kernel_runs_unjitted_to_the_same_numbers():
    code = (
        "from tests.twin.test_engine import one_stage, simulate\n"
        "plan = one_stage([0, 0, 1, 7], service_s=2.5, max_batch=2, max_wait_s=1.0)\n"
        "print(simulate(plan).traced().tolist())"
    )
    root = Path(__file__).parents[2]
    plain = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert not config.DISABLE_JIT
    plan = one_stage([0, 0, 1, 7], service_s=2.5, max_batch=2, max_wait_s=1.0)
    assert plain == f"{simulate(plan).traced().tolist()}\n"


def test_what_takes_over_acts_from_the_next_start():
    plan = one_stage([0, 0.5], fallback_s=3.0)
    environment = TwinEnvironment(plan, trace=True)
    environment.run(until=0.25)
    environment.withdraw(0, PRIMARY)
    environment.run(until=50)
    assert environment.traced()["end_s"].tolist() == [1.0, 4.0]
