"""Pools shared by many workloads: preemption, memory, limits, retries, routes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.twin.small import completions, constant, endings, run, stage, system
from twin.kernel.state import LOSE, REQUEUE
from twin.plan import StageSpec


def preempting(how):
    return [stage("low", "p", 10.0, priority=2, preempt=how), stage("high", "p", 1.0, priority=0)]


@pytest.mark.parametrize(("how", "low_end_s"), [("none", 10.0), ("resume", 11.0), ("restart", 15.0)])
def test_preempted_work_is_resumed_or_restarted(how, low_end_s):
    environment = run(system({"p": 1}, preempting(how), {"low": [0.0], "high": [4.0]}))
    ends = {name: end for name, *_, end in completions(environment)}
    assert ends == {"low": low_end_s, "high": 11.0 if how == "none" else 5.0}
    assert environment.world.pools["preempted"].tolist() == [int(how != "none")]


def test_the_last_started_of_the_lowest_priority_makes_way():
    stages = [
        stage("low", "p", 10.0, priority=2, preempt="resume"),
        stage("middle", "p", 10.0, priority=1, preempt="resume"),
        stage("high", "p", 1.0, priority=0),
    ]
    environment = run(system({"p": 3}, stages, {"low": [0.0, 1.0], "middle": [2.0], "high": [4.0]}))
    ends = {(name, entity): end for name, entity, _, _, end in completions(environment)}
    assert ends == {("high", 0): 5.0, ("low", 0): 10.0, ("low", 1): 12.0, ("middle", 0): 12.0}


def sharing(memory_bytes, **pool):
    stages = [
        StageSpec("a", {"p": (constant(1.0, memory_bytes=6.0, load_s=2.0), None)}),
        StageSpec("b", {"p": (constant(1.0, memory_bytes=6.0, load_s=3.0), None)}),
    ]
    return system({"p": 1}, stages, {"a": [0.0, 20.0], "b": [10.0]}, p={"memory_bytes": memory_bytes, **pool})


def test_models_that_fit_together_are_loaded_once():
    environment = run(sharing(12.0))
    assert [c[4] for c in completions(environment)] == [3.0, 14.0, 21.0]
    assert environment.world.pools["swaps"].tolist() == [2]


def test_models_that_do_not_fit_push_each_other_out():
    environment = run(sharing(10.0))
    assert [c[4] for c in completions(environment)] == [3.0, 14.0, 23.0]
    assert environment.world.pools["swaps"].tolist() == [3]


def test_an_idle_model_goes_cold():
    environment = run(sharing(12.0, keep_warm_s=5.0))
    assert [c[4] for c in completions(environment)] == [3.0, 14.0, 23.0]


def test_a_model_larger_than_a_server_is_refused():
    with pytest.raises(ValueError, match="stage a on p: needs 6 bytes; a server has 5 bytes"):
        sharing(5.0)


def test_a_full_queue_turns_the_newest_or_the_oldest_away():
    for when_full, rejected in (("drop-newest", 2), ("drop-oldest", 1)):
        stages = [stage("a", "p", 10.0, queue_limit=1, when_full=when_full)]
        environment = run(system({"p": 1}, stages, {"a": [0.0, 1.0, 2.0]}))
        assert endings(environment) == [("rejected", "a", rejected, 2.0)]


def test_work_is_shed_when_its_wait_would_be_long():
    stages = [stage("a", "p", 10.0, admit_wait_s=15.0)]
    environment = run(system({"p": 1}, stages, {"a": [0.0, 1.0, 2.0, 3.0]}))
    assert endings(environment) == [("shed", "a", 3, 3.0)]


def test_a_result_after_its_deadline_is_thrown_away():
    stages = [stage("a", "p", 10.0, deadline_s=15.0, publishes="alert")]
    environment = run(system({"p": 1}, stages, {"a": [0.0, 1.0, 2.0]}))
    assert endings(environment) == [
        ("published", "a", 0, 10.0),
        ("expired", "a", 1, 20.0),
        ("expired", "a", 2, 20.0),
    ]


def test_an_attempt_that_takes_too_long_is_tried_again_and_given_up():
    stages = [stage("a", "p", 10.0, timeout_s=2.0, retries=2, backoff_s=1.0)]
    environment = run(system({"p": 1}, stages, {"a": [0.0]}))
    assert endings(environment) == [("failed", "a", 0, 8.0)]
    assert environment.ended()["outage_s"].tolist() == [8.0]


def test_attempts_fail_with_the_stated_probability():
    stages = [stage("a", "p", 0.1, failure=0.3, retries=1, key=1, failure_key=2)]
    environment = run(system({"p": 4}, stages, {"a": np.arange(20_000) * 0.05}, horizon_s=2000.0))
    failed = sum(e[0] == "failed" for e in endings(environment))
    assert abs(failed - 20_000 * 0.09) < 4 * np.sqrt(20_000 * 0.09 * 0.91)


def test_a_routes_choice():
    far = {"near": (0, 1), "far": (1, 1)}
    for route, pools in {
        "nearest": [0, 0, 0],
        "failover": [1, 1, 1],
        "least-loaded": [1, 0, 1],
        "data-local": [0, 0, 0],
        "stale-least-loaded": [1, 1, 1],
    }.items():
        stages = [stage("a", ["far", "near"], 10.0, route=route)]
        trace = run(system(far, stages, {"a": [0.0, 0.1, 0.2]}, latency_s=0.01)).traced()
        assert trace[np.argsort(trace["entity"])]["pool"].tolist() == pools, route


def test_data_local_work_spills_to_the_other_site_under_load():
    stages = [stage("a", ["near", "far"], 10.0, route="data-local", spill=2.0)]
    trace = run(system({"near": (0, 1), "far": (1, 1)}, stages, {"a": [0.0, 0.1, 0.2]})).traced()
    assert trace[np.argsort(trace["entity"])]["pool"].tolist() == [0, 0, 1]


def test_two_choices_are_better_than_one_and_need_no_full_knowledge():
    pools = {f"p{k}": 1 for k in range(10)}
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.exponential(1 / 8.0, 20_000))
    waits = {}
    for route in ("two-choices", "least-loaded"):
        stages = [stage("a", list(pools), 1.0, route=route, route_key=3)]
        trace = run(system(pools, stages, {"a": times}, horizon_s=2600.0)).traced()
        waits[route] = float((trace["start_s"] - trace["enqueued_s"]).mean())
    assert 0.0 < waits["least-loaded"] < waits["two-choices"] < 1.0


def test_a_python_function_may_choose_the_pool_or_turn_work_away():
    asked = []

    def policy(question):
        asked.append(question)
        return None if question.entity == 1 else question.pools[-1]

    stages = [stage("a", ["p", "q"], 1.0, route="python")]
    environment = run(system({"p": 1, "q": 1}, stages, {"a": [0.0, 1.0, 2.0]}), policy=policy)
    assert environment.traced()["pool"].tolist() == [1, 1]
    assert endings(environment) == [("shed", "a", 1, 1.0)]
    assert [q.pools for q in asked] == [(0, 1)] * 3


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (None, "no policy was given"),
        (lambda _: 7, r"stage 'a': the policy chose pool 7; allowed: \[0, 1\] or None"),
    ],
)
def test_a_missing_or_wrong_policy_is_refused(policy, message):
    stages = [stage("a", ["p", "q"], 1.0, route="python")]
    with pytest.raises(ValueError, match=message):
        run(system({"p": 1, "q": 1}, stages, {"a": [0.0]}), policy=policy)


def test_killed_work_is_requeued_in_order_or_lost():
    stages = [stage("a", "p", 10.0, max_batch=2)]
    plan = system({"p": 1}, stages, {"a": [0.0, 0.0, 0.0]})
    requeued = run(plan, [(4.0, "down", 0, REQUEUE), (6.0, "restore", 0)])
    assert [(c[1], c[4]) for c in completions(requeued)] == [(0, 16.0), (1, 16.0), (2, 26.0)]
    lost = run(plan, [(4.0, "down", 0, LOSE), (6.0, "restore", 0)])
    assert [e[:3] for e in endings(lost)] == [("lost", "a", 0), ("lost", "a", 1)]
    assert completions(lost)[0][3:] == (6.0, 16.0)


def test_one_server_breaks_and_is_repaired():
    plan = system({"p": 2}, [stage("a", "p", 10.0)], {"a": [0.0, 0.0, 0.0]})
    environment = run(plan, [(4.0, "fail", 0, 1, REQUEUE), (12.0, "repair", 0, 1)])
    assert [(c[1], c[4]) for c in completions(environment)] == [(0, 10.0), (1, 20.0), (2, 22.0)]


def test_what_waits_at_a_closed_pool_moves_to_another():
    plan = system({"p": 1, "q": 1}, [stage("a", ["p", "q"], 10.0, route="failover")], {"a": [0.0, 1.0, 2.0]})
    environment = run(plan, [(3.0, "close", 0), (3.0, "evacuate", 0)])
    assert [(r["entity"].item(), r["pool"].item(), r["end_s"].item()) for r in environment.traced()] == [
        (0, 0, 10.0),
        (1, 1, 13.0),
        (2, 1, 23.0),
    ]


def test_a_slow_pool_takes_longer_for_what_it_starts():
    plan = system({"p": 1}, [stage("a", "p", 10.0)], {"a": [0.0, 1.0]})
    assert [c[4] for c in completions(run(plan, [(5.0, "degrade", 0, 2.0)]))] == [10.0, 30.0]


def test_the_parts_of_a_wait_add_up_to_it():
    stages = [stage("a", "p", 2.0, max_batch=2, max_wait_s=3.0, publishes="alert")]
    plan = system({"p": 1}, stages, {"a": [0.0, 10.0, 10.5, 11.0]})
    environment = run(plan, [(10.6, "down", 0), (11.6, "restore", 0)])
    rows = environment.ended()
    parts = ("queue_s", "batch_s", "outage_s", "compute_s")
    assert [tuple(round(row[p].item(), 9) for p in parts) for row in rows] == [
        (0.0, 3.0, 0.0, 2.0),
        (0.0, 0.5, 0.0, 2.0),
        (0.0, 0.0, 0.0, 2.0),
        (0.9, 1.5, 0.6, 2.0),
    ] or np.allclose(sum(rows[p] for p in parts), rows["end_s"] - rows["born_s"])
