"""A bench with real workers: what it shows is repeated by the kernel, and what it measures is what there is."""

import numpy as np
import pytest

from twin.farm import occupied
from twin.farm.bench import Bench
from twin.farm.line import line, untold
from twin.farm.log import FAIL, REPAIR
from twin.farm.occupied import measure
from twin.validation.cases import Arrivals, Case
from twin.validation.foretold import fed, observed, plan
from twin.validation.tries import replays

PROGRAMS = [("calibration-check", "numpy", 1), ("witness", "onnxruntime", 1)]


@pytest.fixture(scope="module")
def bench():
    with Bench(PROGRAMS, 2) as ready:
        yield ready


def jobs(*times_s, **rules):
    return line({"job": np.array(times_s, float)}, (untold(rules.get("max_batch", 1)), None), **rules)


def test_every_job_is_executed_and_the_kernel_repeats_the_run(bench):
    farm = bench.run(jobs(*np.linspace(0.0, 0.3, 60), servers=2, max_batch=3, max_wait_s=5e-3))
    assert len(farm.traced()) == 60
    assert all(e.program_s < e.end_s - e.start_s for e in farm.log.batches)
    assert replays(farm)


def test_a_killed_worker_is_replaced_and_no_job_is_lost(bench):
    before = bench.processes()
    farm = bench.run(jobs(*np.linspace(0.0, 0.5, 50)), kills=[(0.2, 0)])
    assert [i.what for i in farm.log.incidents] == [FAIL, REPAIR]
    assert np.unique(farm.traced()["entity"]).size == 50
    assert replays(farm)
    assert bench.processes()[0] == before[0]
    assert bench.processes()[1] != before[1]
    assert bench.processes()[2] == before[2]


def test_a_fallback_serves_while_its_primary_is_trained_anew(bench):
    case = Case("retraining", 0.1, happens="retraining")
    arrivals = Arrivals({"routine": np.linspace(0.0, 1.0, 50)}, 50.0, (0.3, 0.6))
    farm = bench.run(plan(case, arrivals))
    on_fallback = [e.start_s for e in farm.log.batches if e.batch.variant == 1]
    assert on_fallback
    assert 0.3 <= min(on_fallback) <= max(on_fallback) < 0.6
    assert {e.start_s for e in farm.log.batches} - set(on_fallback)


def test_the_twin_that_is_fed_a_farms_times_gives_nearly_the_farms_latencies(bench):
    case = Case("crowded", 1.0)
    arrivals = Arrivals({"routine": np.zeros(200)}, 1.0, None)
    farm = bench.run(plan(case, arrivals))
    shown, twin = observed(case, arrivals, farm.traced()), fed(case, arrivals, farm.log)
    assert twin.end_s.max() == pytest.approx(shown.end_s.max(), rel=1e-9)
    beside_s = np.array([e.end_s - e.start_s - e.program_s for e in farm.log.batches])
    second = np.floor([e.start_s for e in farm.log.batches]).astype(int)
    evened_s = (np.bincount(second, beside_s) / np.maximum(np.bincount(second), 1))[second]
    assert np.abs(twin.latency_s - shown.latency_s).max() < np.abs(np.cumsum(beside_s - evened_s)).max() + 1e-6


def test_an_occupancy_holds_every_term(bench, monkeypatch):
    monkeypatch.setattr(occupied, "RESTARTS", 2)
    found = measure(bench, [1, 2], 8.0)
    assert list(found.busy) == [1, 2]
    assert found.idle
    assert all(1 <= k <= 7 and t.n >= 15 for k, t in found.idle.items())
    assert found.crowding[0] == 1.0
    assert len(found.crowding) == 2
    assert np.mean(found.tempo) == pytest.approx(1.0, abs=0.2)
    assert found.restart_s > 0.05
    assert found.table(2).shape[:2] == (8, 2)


def test_the_client_has_all_its_cores_again_afterwards():
    import os

    before = os.sched_getaffinity(0)
    with Bench(PROGRAMS[:1], 1):
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
