"""What a stage decides can be changed in the middle of a run: on all its pools or one, copied with the run."""

from __future__ import annotations

import numpy as np
import pytest

from tests.twin.small import constant, endings, run, says, stage, system
from twin.engine import TwinEnvironment
from twin.plan import StageSpec
from workloads.sky import CLASSES

NEVER, ALWAYS = ([[0.0]] * len(CLASSES), 0.0), ([[1.0]] * len(CLASSES), 1.0)


def plan():
    """Segments each second, searched in half a second at two pools; at the second only while the first is full."""
    program = constant(0.5, decision=says(answer=True)), constant(0.5, decision=says(answer=True))
    search = StageSpec("search", {"p": program, "q": program}, role="trigger", route="least-loaded")
    alert = stage("alert", "r", 0.1, after=("search",), publishes="alert")
    return system({"p": 1, "q": 1, "r": 1}, [search, alert], {"search": np.arange(10.0)}, horizon_s=20.0)


def published(*actions):
    """When alerts went out."""
    return [at_s for outcome, *_, at_s in endings(run(plan(), actions)) if outcome == "published"]


def test_a_judged_stage_decides_otherwise_from_then_on():
    assert len(published()) == 10
    found = published((2.6, "judge", 0, 0, *NEVER), (6.6, "judge", 0, 0, *ALWAYS))
    assert found == pytest.approx([0.6, 1.6, 2.6, 7.6, 8.6, 9.6])


def test_one_pool_or_one_variant_may_decide_otherwise():
    only_q = published((0.1, "judge", 0, 0, *NEVER, 1))
    assert only_q == published()
    assert published((0.1, "judge", 0, 0, *NEVER, 0)) == []
    assert published((0.1, "judge", 0, 1, *NEVER)) == published()
    assert published((0.1, "judge", 0, 1, *NEVER), (0.2, "withdraw", 0, 0)) == pytest.approx([0.6])


def test_a_copy_of_a_run_decides_as_it_did():
    first = TwinEnvironment(plan())
    first.run(until=2.6)
    first.judge(0, 0, *NEVER)
    second = first.fork()
    second.judge(0, 0, *ALWAYS)
    for environment in (first, second):
        environment.run(until=20.0)
    assert len(endings(first)) == 3
    assert len(endings(second)) == 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((7, 0, *NEVER), r"there is no stage 7; allowed: 0 search, 1 alert"),
        ((0, 4, *NEVER), r"there is no variant 4; allowed: 0 primary, 1 fallback, 2 fallback-2, 3 fallback-3"),
        ((0, 2, *NEVER), r"stage 'search' has no fallback-2 that decides"),
        ((0, 0, *NEVER, 9), r"there is no pool 9"),
        ((0, 0, *NEVER, 2), r"stage 'search' has no primary that decides on r"),
        ((1, 0, *NEVER), r"stage 'alert' has no primary that decides"),
        ((0, 0, [[0.5]], 0.0), rf"responses have shape \(1, 1\); allowed: \({len(CLASSES)}, 1\)"),
        ((0, 0, [[1.5]] * len(CLASSES), 0.0), r"are probabilities; allowed: 0 to 1, -1 for a class"),
        ((0, 0, [[float("nan")]] * len(CLASSES), 0.0), r"are probabilities"),
        ((0, 0, NEVER[0], -0.1), r"are probabilities"),
    ],
)
def test_what_is_no_decision_is_refused_and_changes_nothing(arguments, said):
    environment = TwinEnvironment(plan())
    before = environment.world.responses.copy(), environment.world.noise.copy()
    with pytest.raises(ValueError, match=said):
        environment.judge(*arguments)
    assert np.array_equal(environment.world.responses, before[0])
    assert np.array_equal(environment.world.noise, before[1])
