"""Controls do what they say when they say it, and are data: copied, written and read back at any time."""

from __future__ import annotations

import inspect
import json
from copy import deepcopy
from math import inf

import pytest
import simpy

from tests.twin.every_control import CONTROLS, LINK, POOL, SERVER, SITE
from tests.twin.ground import Ground
from twin.controls import (
    Control,
    Degradation,
    Failover,
    Maintenance,
    Outage,
    Retraining,
    Target,
    ThresholdScaling,
    Trace,
    TrackingScaling,
    Withdrawal,
    from_json,
    to_json,
)
from twin.kernel.state import DRAIN, FALLBACK, GONE, LOSE, PRIMARY, REQUEUE


def by_class(control):
    return type(control).__name__


def outage(target, at_s=1.0, lasts_s=2.0, **more):
    return Outage(name="o", targets=(target,), at_s=at_s, lasts_s=lasts_s, **more)


def test_one_of_every_class_is_tested():
    concrete = {name for name, kind in Control.kinds.items() if not inspect.isabstract(kind)}
    assert {by_class(control) for control in CONTROLS} == concrete


@pytest.mark.parametrize("acts", [0, 1, 2, 7])
@pytest.mark.parametrize("control", CONTROLS, ids=by_class)
def test_a_control_comes_back_from_json_and_goes_on_the_same(control, acts):
    first, here = deepcopy(control), Ground(2)
    for _ in range(acts):
        if first.next_s < inf:
            here.run(first, until=first.next_s + 1e-12)
    second, there = from_json(json.loads(json.dumps(to_json(first)))), deepcopy(here)
    assert second == first
    assert repr(second) == repr(first)
    assert here.run(first, until=100.0) == there.run(second, until=100.0)
    assert here.marks == there.marks
    assert second == first


ENDING = [control for control in CONTROLS if not hasattr(control, "every_s")]


@pytest.mark.parametrize("control", ENDING, ids=by_class)
def test_a_control_that_is_over_leaves_nothing_behind(control):
    here, control = Ground(2), deepcopy(control)
    here.run(control, until=0.5)
    assert control.next_s < inf
    assert here.run(control) != []
    assert here.causes == {}


def process(environment, control):
    """The SimPy process that carries out `control`, which changes on the way."""
    while control.next_s < inf:
        yield environment.timeout(max(0.0, control.next_s - environment.now))
        control.act(environment)


@pytest.mark.parametrize("control", CONTROLS, ids=by_class)
def test_simpy_drives_a_control_to_the_same_actions(control):
    here, there = Ground(2), Ground(2)
    clock, second = simpy.Environment(), deepcopy(control)
    here.run(deepcopy(control), until=30.0)

    class Clocked:
        """The tiny computing under SimPy's clock."""

        def __getattr__(self, name):
            there.now = clock.now
            return getattr(clock if name in ("now", "timeout") else there, name)

    clock.process(process(Clocked(), second))
    clock.run(until=30.0)
    assert [call[1:] for call in there.calls] == [call[1:] for call in here.calls]
    assert [call[0] for call in there.calls] == pytest.approx([call[0] for call in here.calls])


def test_an_unknown_control_is_refused():
    with pytest.raises(
        ValueError, match=r"no control is called 'Otage'; known: Ageing, CommonCause, Degradation, Failures, M"
    ):
        from_json({**to_json(CONTROLS[0]), "class": "Otage"})


def test_a_control_holds_data_only():
    with pytest.raises(TypeError, match=r"a control holds <.*>; allowed: numbers, texts"):
        to_json(Outage(name=object(), targets=(), at_s=0.0, lasts_s=1.0))


# --- outages ---


def test_an_outage_of_a_pool():
    assert Ground(2).run(outage(POOL, mode=REQUEUE)) == [(1.0, "down", 0, REQUEUE), (3.0, "restore", 0)]


def test_an_outage_of_a_server():
    assert Ground(2).run(outage(SERVER, mode=LOSE)) == [(1.0, "fail", 0, 1, LOSE), (3.0, "repair", 0, 1)]


def test_an_outage_of_a_link_stalls_both_directions():
    assert Ground().run(outage(LINK)) == [
        (1.0, "link_share", 0, 1, 0.0),
        (1.0, "link_share", 1, 0, 0.0),
        (3.0, "link_share", 0, 1, 1.0),
        (3.0, "link_share", 1, 0, 1.0),
    ]


def test_an_outage_of_a_site_takes_its_pools_and_links():
    calls = Ground(2).run(outage(SITE))
    assert [call[1] for call in calls] == [
        "down",
        "link_share",
        "link_share",
        "restore",
        "link_share",
        "link_share",
    ]


def test_what_fails_is_marked_with_its_end():
    here = Ground(2)
    here.run(outage(POOL))
    assert here.marks == [("outage", "o", 1.0, 3.0)]


def test_a_server_that_was_taken_away_does_not_fail():
    here = Ground(2)
    here.world.servers["state"][1] = GONE
    assert here.run(outage(SERVER)) == []
    assert here.marks == []


def test_the_next_server_takes_the_place_of_one_that_was_taken_away():
    here = Ground(3)
    here.world.servers["state"][1] = GONE
    assert here.run(outage(SERVER))[0] == (1.0, "fail", 0, 2, DRAIN)


@pytest.mark.parametrize(
    ("failover", "said"),
    [
        (
            Failover(0.5, 0.25, evacuate=True),
            [(1.5, "close", 0), (1.5, "evacuate", 0), (3.0, "restore", 0), (3.25, "reopen", 0)],
        ),
        (Failover(0.0), [(1.0, "close", 0), (3.0, "restore", 0), (3.0, "reopen", 0)]),
        (Failover(2.0), [(3.0, "restore", 0)]),
    ],
    ids=["noticed", "at once", "too short to be noticed"],
)
def test_an_outage_is_noticed_after_a_while(failover, said):
    assert Ground(2).run(outage(POOL, failover=failover)) == [(1.0, "down", 0, DRAIN), *said]


def test_a_target_is_up_when_the_last_of_its_causes_is_gone():
    calls = Ground(2).run(outage(SITE, 1.0, 3.0), outage(POOL, 2.0, 5.0, mode=LOSE), outage(LINK, 3.0, 0.5))
    assert [c for c in calls if c[1] in ("down", "restore")] == [
        (1.0, "down", 0, DRAIN),
        (2.0, "down", 0, LOSE),
        (7.0, "restore", 0),
    ]
    assert [c[0] for c in calls if c[1:] == ("link_share", 0, 1, 1.0)] == [4.0]


def test_what_is_still_down_for_another_reason_is_not_used_again():
    first = outage(POOL, 1.0, 2.0, failover=Failover(0.5, 0.5))
    calls = Ground(2).run(first, outage(POOL, 2.5, 4.0))
    assert [c for c in calls if c[1] != "down"] == [(1.5, "close", 0), (6.5, "restore", 0), (6.5, "reopen", 0)]


def test_several_failovers_close_once_and_open_once():
    failover = Failover(0.5, 1.0)
    calls = Ground(2).run(outage(POOL, 1.0, 2.0, failover=failover), outage(POOL, 2.0, 3.0, failover=failover))
    assert [c for c in calls if c[1] != "down"] == [(1.5, "close", 0), (5.0, "restore", 0), (6.0, "reopen", 0)]


def test_a_trace_is_replayed():
    trace = Trace(name="t", targets=(POOL, SERVER), entries=((5.0, 1.0, 1, LOSE), (1.0, 2.0, 0, REQUEUE)))
    here = Ground(2)
    assert here.run(trace) == [
        (1.0, "down", 0, REQUEUE),
        (3.0, "restore", 0),
        (5.0, "fail", 0, 1, LOSE),
        (6.0, "repair", 0, 1),
    ]
    assert here.marks == [("failure-trace", "t a.p", 1.0, 3.0), ("failure-trace", "t a.p.1", 5.0, 6.0)]


# --- maintenance, degradation, retraining ---


def test_maintenance_is_announced_and_comes_again():
    window = Maintenance(name="m", target=POOL, at_s=5.0, lasts_s=1.0, every_s=10.0, lead_s=2.0, mode=REQUEUE)
    once = [(3.0, "close", 0), (5.0, "down", 0, REQUEUE), (6.0, "restore", 0), (6.0, "reopen", 0)]
    here = Ground(2)
    assert here.run(window, until=30.0) == [(t + k, *rest) for k in (0.0, 10.0, 20.0) for t, *rest in once]
    assert here.marks == [("maintenance", "m", 5.0 + k, 6.0 + k) for k in (0.0, 10.0, 20.0)]


def test_maintenance_without_repetition_happens_once():
    window = Maintenance(name="m", target=POOL, at_s=1.0, lasts_s=1.0, lead_s=2.0)
    assert Ground(2).run(window)[0] == (0.0, "close", 0)
    assert window.next_s == inf


def test_degradations_that_overlap_multiply_and_end_exactly():
    slow = [Degradation(name="d", target=POOL, at_s=t, lasts_s=3.0, factor=f) for t, f in ((1.0, 3.0), (2.0, 1.1))]
    assert Ground(2).run(*slow) == [
        (1.0, "degrade", 0, 3.0),
        (2.0, "degrade", 0, 1.1 * 3.0),
        (4.0, "degrade", 0, 1.1),
        (5.0, "degrade", 0, 1.0),
    ]


def test_an_outage_of_a_degraded_link_gives_back_what_there_is_left():
    one_way = Target("a--b", links=((0, 1),))
    slow = Degradation(name="d", target=one_way, at_s=0.0, lasts_s=10.0, factor=0.25)
    shares = [call[-1] for call in Ground().run(slow, outage(one_way))]
    assert shares == [0.25, 0.0, 0.25, 1.0]


def test_retraining_takes_the_model_and_servers():
    control = Retraining(name="r", at_s=2.0, lasts_s=5.0, stage=1, pool=0, takes=2)
    assert Ground(3).run(control) == [
        (2.0, "withdraw", 1, PRIMARY),
        (2.0, "scale", 0, -2),
        (7.0, "reinstate", 1, PRIMARY),
        (7.0, "scale", 0, 2),
    ]


def test_retraining_takes_what_failures_left():
    control = Retraining(name="r", at_s=2.0, lasts_s=5.0, stage=1, pool=0, takes=2)
    assert [call[3] for call in Ground(1).run(control) if call[1] == "scale"] == [-1, 1]


def test_a_model_that_is_retrained_and_withdrawn_is_back_after_both():
    retrained = Retraining(name="r", at_s=2.0, lasts_s=5.0, stage=1)
    withdrawn = Withdrawal(name="w", at_s=4.0, lasts_s=5.0, stage=1, variants=(PRIMARY, FALLBACK))
    here = Ground()
    assert here.run(retrained, withdrawn) == [
        (2.0, "withdraw", 1, PRIMARY),
        (4.0, "withdraw", 1, FALLBACK),
        (9.0, "reinstate", 1, PRIMARY),
        (9.0, "reinstate", 1, FALLBACK),
    ]
    assert here.causes == {}
    assert here.marks == [("retraining", "r", 2.0, 7.0), ("withdrawal", "w", 4.0, 9.0)]


# --- elasticity ---


def scaled(policy, loads, servers=2):
    """Calls of a policy that sees one of `loads` at each look, one second apart."""
    here = Ground(servers)
    for k, load in enumerate(loads, start=1):
        here.loads[0] = load
        here.run(policy, until=k + 0.999)
    return here.calls


def threshold(**more):
    return ThresholdScaling(
        **{"name": "s", "pool": 0, "every_s": 1.0, "least": 1, "most": 5, "up": 2.0, "down": 0.5} | more
    )


def test_steps_up_and_down_stop_at_the_limits():
    calls = scaled(threshold(step=2), [3.0, 3.0, 3.0, 1.0, 0.1, 0.1, 0.1])
    assert calls == [(1, "scale", 0, 2), (2, "scale", 0, 1), (5, "scale", 0, -2), (6, "scale", 0, -2)]


def test_what_is_starting_counts_and_costs():
    policy = threshold(startup_s=2.5, most=4)
    assert scaled(policy, [3.0, 3.0, 3.0, 3.0, 3.0]) == [(3.5, "scale", 0, 1), (4.5, "scale", 0, 1)]
    assert policy.startup_server_s == 5.0
    assert policy.starting == 0


def test_nothing_is_taken_away_while_something_starts():
    assert scaled(threshold(startup_s=3.2), [3.0, 0.1, 0.1, 0.1]) == [(4.2, "scale", 0, 1)]


def test_a_policy_cools_down_after_a_change():
    assert [call[0] for call in scaled(threshold(cooldown_s=2.0), [3.0] * 6)] == [1, 3, 5]


def test_failed_servers_are_made_up_for_at_once():
    assert scaled(threshold(least=2, cooldown_s=100.0), [1.0], servers=0) == [(1, "scale", 0, 2)]


def test_a_load_is_tracked():
    policy = TrackingScaling(name="k", pool=0, every_s=1.0, least=1, most=10, track=2.0)
    assert scaled(policy, [6.0, 2.1, 0.5, inf]) == [(1, "scale", 0, 4), (3, "scale", 0, -4), (4, "scale", 0, 8)]
