"""Kernel and SimPy reference agree to the bit on random cases; nothing is ever lost, late work has its cause."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.twin.features import EXPECTED, features, report
from tests.twin.plans import case, cases, policy
from tests.twin.reference import Reference
from twin.engine import TwinEnvironment
from twin.kernel.state import OUTCOMES, PARTS, PUBLISHED

SEEDS = 3000
FATES = ("waiting", "asked", "transit", "queued", "running", "backoff", "done")
ENDED = [k for k in range(len(OUTCOMES)) if k != PUBLISHED]  # published counts besides done


class Run(NamedTuple):
    """What one case left behind; the reference's part only as far as later tests ask for it."""

    seed: int
    features: set[str]
    area_s: float
    sojourn_s: float
    trace: Any
    rows: Any
    stages: Any


def carry_out(environment, plan, actions):
    def act():
        for at_s, method, arguments in actions:
            yield environment.timeout(at_s - environment.now)
            getattr(environment, method)(*arguments)

    environment.process(act())
    environment.run(until=plan.horizon_s)
    return environment


def run_both(plan, actions):
    """Kernel and reference after the case; the reference checks itself whenever its clock moves."""
    reference = carry_out(Reference(plan, policy), plan, actions)
    kernel = carry_out(TwinEnvironment(plan, trace=True, policy=policy), plan, actions)
    kernel.settle()
    return kernel, reference


def assert_agree(kernel, reference):
    """Equality to the bit of completions, ends and counts, and of what is counted on the way."""
    assert kernel.traced().tolist() == reference.trace
    assert kernel.ended().tolist() == reference.rows
    for s, stage in enumerate(kernel.world.stages):
        for fate in ("offered", *FATES, "outside", "outside_s"):
            assert stage[fate] == reference.counts[fate, s], (fate, s)
        for k, outcome in enumerate(OUTCOMES):
            assert stage["ended"][k] == reference.counts[outcome, s], (outcome, s)
    for pool, other in zip(kernel.world.pools, reference.pools, strict=True):
        for name in ("swaps", "killed", "preempted", "busy", "queued", "transit"):
            assert pool[name] == getattr(other, name), (name, other.number)
    for link, other in zip(kernel.world.links, reference.links.values(), strict=True):
        for name in ("sent", "bytes", "busy_s"):
            assert link[name] == getattr(other, name), name
    areas_s = np.reshape([pool.areas_s for pool in reference.pools], (-1, 3))
    np.testing.assert_allclose(kernel.world.bins.sum(axis=1), areas_s, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def runs():
    """All seeded cases, on which kernel and reference agreed."""
    done = []
    for seed in range(SEEDS):
        plan, actions = case(seed)
        try:
            kernel, reference = run_both(plan, actions)
            assert_agree(kernel, reference)
        except Exception as error:
            error.add_note(f"in tests.twin.plans.case({seed})")
            raise
        figures = reference.area_s, reference.total_sojourn_s()
        arrays = kernel.traced(), kernel.ended(), kernel.world.stages
        done.append(Run(seed, features(plan, actions, reference), *figures, *arrays))
    return done


@settings(
    max_examples=500,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
@given(cases())
def test_kernel_and_reference_agree_bit_for_bit(drawn):
    assert_agree(*run_both(*drawn))


def test_random_cases_exercise_every_rule(runs):
    counts = Counter(name for run in runs for name in run.features)
    print(report(counts, len(runs)))  # noqa: T201
    assert sorted(EXPECTED - set(counts)) == []


def test_offered_work_is_accounted_for(runs):
    for run in runs:
        fates = sum(run.stages[fate] for fate in FATES) + run.stages["ended"][:, ENDED].sum(axis=1)
        assert np.array_equal(run.stages["offered"], fates), run.seed


def test_nothing_happens_before_its_cause(runs):
    for run in runs:
        assert (run.trace["start_s"] >= run.trace["enqueued_s"]).all(), run.seed
        assert (run.trace["end_s"] >= run.trace["start_s"]).all(), run.seed
        assert (run.rows["end_s"] >= run.rows["born_s"]).all(), run.seed
        assert (np.diff(run.trace["end_s"]) >= 0.0).all(), run.seed
        assert (np.diff(run.rows["end_s"]) >= 0.0).all(), run.seed


def test_every_second_of_a_job_is_in_one_of_its_parts(runs):
    for run in runs:
        parts_s = np.array([run.rows[part] for part in PARTS])
        assert (parts_s >= -1e-9).all(), run.seed
        latency_s = run.rows["end_s"] - run.rows["born_s"]
        np.testing.assert_allclose(parts_s.sum(axis=0), latency_s, rtol=1e-9, atol=1e-9, err_msg=str(run.seed))


def test_the_area_under_the_number_of_jobs_is_the_sum_of_their_times(runs):
    """Little's law, exact on every path."""
    for run in runs:
        assert run.area_s == pytest.approx(run.sojourn_s, rel=1e-9, abs=1e-9), run.seed
