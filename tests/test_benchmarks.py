"""The benchmarks compare like with like: every engine does the same work, and says so where it cannot."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import et, mm8, network, scaling, turns, work, year
from benchmarks.peers import KERNEL, PEERS, CannotExpressError, Outcome, load
from twin.kernel.chance import uniform

JOBS = 400
WORKLOADS = (mm8, network, et)
BY_NAME = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.NAME)


@pytest.fixture(scope="module")
def reference():
    """The kernel's outcome of each workload."""
    kernel, _ = load(KERNEL)
    return {w.NAME: turns.prepare(w, kernel, JOBS, trace=True)() for w in WORKLOADS}


@BY_NAME
@pytest.mark.parametrize("engine", PEERS)
def test_an_engine_does_what_the_kernel_does(engine, workload, reference):
    module, note = load(engine)
    if module is None:
        pytest.skip(note)
    if (engine, workload) == ("ciw", et):
        with pytest.raises(CannotExpressError, match="neither fork and join nor service in batches"):
            turns.prepare(workload, module, JOBS)
        return
    outcome, expected = turns.prepare(workload, module, JOBS)(), reference[workload.NAME]
    assert outcome.completions == expected.completions == workload.work(JOBS).completions
    assert outcome.mean_end_s == pytest.approx(expected.mean_end_s, rel=turns.RTOL)


@BY_NAME
def test_plain_simpy_agrees_to_the_bit(workload, reference):
    simpy, _ = load("simpy")
    assert turns.prepare(workload, simpy, JOBS)().mean_end_s == reference[workload.NAME].mean_end_s


def test_the_numbers_are_the_kernels():
    assert work.uniforms(7, 50).tolist() == [uniform(np.uint64(7), n) for n in range(50)]


@BY_NAME
def test_every_pool_is_busy_but_not_too_busy(workload):
    kernel, _ = load(KERNEL)
    plan = et.plan(2000) if workload is et else workload.plan(workload.work(4000))
    environment = kernel.TwinEnvironment(plan, trace=True)
    environment.run(until=plan.horizon_s)
    trace = environment.traced()
    span_s = trace["end_s"].max()
    for pool, row in enumerate(plan.pools):
        own = trace[trace["pool"] == pool]
        batches = np.unique(own[["server", "start_s", "end_s"]])
        busy = (batches["end_s"] - batches["start_s"]).sum() / row["servers"] / span_s
        assert 0.55 < busy < 0.9


def test_an_engine_that_does_other_work_is_found_out():
    kernel, _ = load(KERNEL)

    class Sloppy:
        @staticmethod
        def mm8(job):
            return lambda: Outcome(job.completions, 1.0)

    class Lazy:
        @staticmethod
        def mm8(job):
            return lambda: Outcome(job.completions - 1, 1.0)

    with pytest.raises(AssertionError, match=r"mm8: jobs leave at 1\.0 s on average in sloppy"):
        turns.agree(mm8, {KERNEL: kernel, "sloppy": Sloppy}, 100)
    with pytest.raises(AssertionError, match="mm8: lazy completed 99 stages, not all"):
        turns.agree(mm8, {KERNEL: kernel, "lazy": Lazy}, 100)


def test_a_missing_peer_leaves_a_note_and_no_number(monkeypatch):
    known = load

    def without_salabim(engine):
        return (None, "salabim is not installed") if engine not in (KERNEL, "simpy") else known(engine)

    monkeypatch.setattr(turns, "load", without_salabim)
    row = turns.compare(mm8, dict.fromkeys((KERNEL, *PEERS), 200), rounds=3)
    assert row["salabim_per_s"] is None
    assert row["kernel_over_salabim"] is None
    assert row["salabim_note"] == "salabim is not installed"
    assert row["kernel_over_simpy_min"] <= row["kernel_over_simpy"] <= row["kernel_over_simpy_max"]
    assert row["kernel_over_simpy"] > 0.0
    assert row["rounds"] == 3


def test_a_peer_that_is_not_installed_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name="ciw")

    monkeypatch.setattr("benchmarks.peers.import_module", missing)
    assert load("ciw") == (None, "ciw is not installed")


@pytest.mark.parametrize("state", [scaling.busy, scaling.waiting])
def test_the_state_is_there_before_the_clock_runs(state):
    """Both engines are timed over the same completions; the queue is as long at the end as at the start."""
    counted = []

    def count(environment, load, done):
        environment.run(until=1e-9)
        before = done()
        environment.run(until=load.timed_s)
        counted.append((before, done() - before))
        return 1.0

    original = scaling._ns
    scaling._ns = count
    try:
        scaling.kernel_ns(state(20, 200))
        scaling.simpy_ns(state(20, 200))
    finally:
        scaling._ns = original
    (before, kernel), other = counted
    assert other == (before, kernel)
    assert before == 0
    assert kernel == 200 if state is scaling.waiting else math.isclose(kernel, 200, rel_tol=0.2)


def test_a_year_keeps_count_and_no_rows():
    told = year.simulate(500)
    assert (told["completions"], told["published"]) == (16 * 500, 500)
    assert 3.0 < told["mean_latency_s"] < 8.0
    assert told["peak_mib"] >= told["before_mib"] > 50.0


def test_the_command_merges_what_it_measured(tmp_path):
    out = tmp_path / "results.json"
    out.write_text(json.dumps({"engine": {"mm8": "as it was"}, "machine": {}}))
    command.main(["year", "--small", "--out", str(out)])
    told = json.loads(out.read_text())
    assert told["engine"] == {"mm8": "as it was"}
    assert told["year"]["completions"] == 16 * told["year"]["segments"]
    assert told["two_years"]["completions"] == 2 * told["year"]["completions"]
    assert {"cpu", "cores", "system"} == set(told["machine"])
    assert {"simpy", "ciw", "salabim", "cimba", "simgrid", "python"} <= set(told["versions"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["engine", "--small"], "--small measures nothing worth keeping: give --out FILE"),
        (["speed"], "no such measurement: speed; allowed: engine, floor, scaling, year"),
    ],
)
def test_the_command_says_what_is_allowed(arguments, said, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert said in capsys.readouterr().err
