"""The work graph: forks, joins, shards, verdicts, and what follows when something does not come."""

from __future__ import annotations

import numpy as np
import pytest

from tests.twin.small import completions, endings, run, stage, system
from twin.plan import Awaits, StageSpec


def test_a_join_goes_on_with_the_last_of_its_branches():
    stages = [
        stage("a", "p"),
        stage("quick", "q", 1.0, after=("a",)),
        stage("slow", "r", 5.0, after=("a",)),
        stage("join", "p", 1.0, after=("quick", "slow"), publishes="alert"),
    ]
    environment = run(system({"p": 1, "q": 1, "r": 1}, stages, {"a": [0.0]}))
    assert completions(environment)[-1] == ("join", 0, 0, 6.0, 7.0)
    row = environment.ended()[0]
    assert (row["compute_s"], row["end_s"] - row["born_s"]) == (7.0, 7.0)


def test_the_first_of_several_goes_on_where_any_will_do():
    stages = [
        stage("a", "p"),
        stage("quick", "q", 1.0, after=("a",)),
        stage("slow", "r", 5.0, after=("a",)),
        stage("join", "p", 1.0, after=("quick", "slow"), any=True, publishes="alert"),
    ]
    environment = run(system({"p": 1, "q": 1, "r": 1}, stages, {"a": [0.0, 50.0]}))
    assert [e for e in endings(environment) if e[0] == "published"] == [
        ("published", "join", 0, 3.0),
        ("published", "join", 1, 53.0),
    ]
    assert environment.world.record["meeting_free_n"] == environment.world.meetings.size


def test_a_stage_is_done_when_its_last_shard_is():
    stages = [stage("a", "p", 1.0, shards=3), stage("b", "q", 1.0, after=("a",))]
    environment = run(system({"p": 2, "q": 1}, stages, {"a": [0.0]}))
    assert completions(environment) == [
        ("a", 0, 0, 0.0, 1.0),
        ("a", 0, 1, 0.0, 1.0),
        ("a", 0, 2, 1.0, 2.0),
        ("b", 0, 0, 2.0, 3.0),
    ]


def test_an_instant_stage_forks_and_publishes_without_a_pool():
    stages = [
        stage("a", "p"),
        StageSpec("point", after=("a",), publishes="alert"),
        stage("b", "p", after=("point",)),
        stage("c", "p", after=("point",)),
    ]
    environment = run(system({"p": 1}, stages, {"a": [0.0]}))
    assert endings(environment) == [("published", "point", 0, 1.0)]
    assert [c[0] for c in completions(environment)] == ["a", "b", "c"]


def test_what_will_never_come_together_is_forgotten():
    """One shard of segment 0 is too old: the join never happens, and nothing is left behind."""
    stages = [
        stage("a", "p", 10.0, shards=2, shelf_life_s=5.0),
        stage("b", "q", 1.0, after=("a",)),
        stage("join", "q", 1.0, after=("a", "b")),
    ]
    environment = run(system({"p": 1, "q": 1}, stages, {"a": [0.0]}))
    assert endings(environment) == [("stale", "a", 0, 10.0)]
    world = environment.world
    assert world.record["meeting_free_n"] == world.meetings.size
    assert world.record["job_free_n"] == world.jobs.size


def with_verdicts(dq_s, timeout_s=np.inf, decides=False, span=1, **dq):
    return [
        stage("dq", "q", dq_s, decides, role="flag", **dq),
        stage("detect", "p", 1.0, True, role="trigger"),
        stage(
            "alert",
            "r",
            1.0,
            after=("detect",),
            awaits=Awaits("dq", timeout_s, span),
            gate=True,
            publishes="alert",
        ),
    ]


def test_a_candidate_waits_for_the_verdict_on_its_segment():
    plan = system({"p": 1, "q": 1, "r": 1}, with_verdicts(4.0), {"dq": [0.0], "detect": [0.0]})
    environment = run(plan)
    assert endings(environment) == [("published", "alert", -1, 5.0)]
    assert environment.ended()[["join_s", "missing"]].tolist() == [(3.0, 0)]


def test_a_verdict_that_is_late_is_gone_without():
    plan = system({"p": 1, "q": 1, "r": 1}, with_verdicts(40.0, 2.0), {"dq": [0.0], "detect": [0.0]})
    environment = run(plan)
    assert endings(environment) == [("published", "alert", -1, 4.0)]
    assert environment.ended()[["join_s", "missing"]].tolist() == [(2.0, 1)]
    assert environment.world.record["waiter_free_n"] == environment.world.waiters.size


def test_a_verdict_that_will_not_come_is_not_waited_for():
    stages = with_verdicts(20.0, shelf_life_s=5.0)
    plan = system({"p": 1, "q": 1, "r": 1}, stages, {"dq": [0.0, 1.0], "detect": [0.0, 1.0]})
    environment = run(plan)
    assert endings(environment) == [
        ("published", "alert", -1, 21.0),
        ("stale", "dq", 1, 20.0),
        ("published", "alert", -2, 21.0),
    ] or sorted(e[0] for e in endings(environment)) == ["published", "published", "stale"]
    assert sorted(environment.ended()["missing"].tolist()) == [0, 0, 1]


def test_a_flagged_segment_is_vetoed_however_late_the_verdict_comes():
    plan = system({"p": 1, "q": 1, "r": 1}, with_verdicts(4.0, decides=True), {"dq": [0.0], "detect": [0.0]})
    assert endings(run(plan)) == [("vetoed", "alert", -1, 4.0)]


def test_a_candidate_may_need_the_verdicts_on_earlier_segments_too():
    plan = system(
        {"p": 1, "q": 1, "r": 1}, with_verdicts(4.0, span=3), {"dq": [0.0, 1.0, 2.0], "detect": [0.0, 1.0, 2.0]}
    )
    environment = run(plan)
    assert [e[3] for e in endings(environment)] == [5.0, 9.0, 13.0]


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([stage("b", "p", after=("a",))], "stage b: comes after 'a', which is not a stage before it"),
        ([stage("a", "p", awaits=Awaits("dq"))], "stage a: awaits 'dq', which is not a stage before it"),
        ([StageSpec("a", shards=2)], "an instant stage has one shard"),
        ([stage("a", "p", shards=0)], "shards, max_batch and queue_limit are at least 1"),
        ([stage("a", "p", role="flag")], "role flag needs decisions"),
        (
            [
                stage("a", "p", decides=True, role="trigger"),
                stage("b", "p", decides=True, role="trigger"),
                stage("c", "p", after=("a", "b")),
            ],
            "has to come from the same trigger stage",
        ),
    ],
)
def test_a_graph_that_cannot_work_is_refused(stages, message):
    with pytest.raises(ValueError, match=message):
        system({"p": 1}, stages, {})
