"""Data drift as a scenario says, models age as was measured, and policies train them anew when they should."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from math import inf, sqrt
from typing import get_args

import numpy as np
import pytest

from tests.twin.ground import Ground
from twin.ageing.course import STILL, Course, course
from twin.ageing.curves import Curve, Model
from twin.ageing.policy import PASSED, ROLLED_BACK, Policy
from twin.controls import Ageing, from_json, to_json
from twin.kernel.state import PRIMARY
from twin.schema_ageing import KINDS, ONE_SIDED, Drift, Kind
from workloads import drift as known

HOUR_S, DAY_S = 3600.0, 86_400.0


# --- the data ---


def test_kinds_are_those_that_are_measured():
    assert tuple(known.Drift.__dataclass_fields__) == KINDS == get_args(Kind)
    for kind in KINDS:
        if kind in ONE_SIDED:
            with pytest.raises(ValueError, match=f"drift {kind}=-0.01; allowed: 0 to"):
                known.Drift(**{kind: -0.01})
        else:
            known.Drift(**{kind: -0.01})


def drifts(**given):
    about = {"standing": "assumed", "source": "a test"}
    return {name: Drift.model_validate(about | d) for name, d in given.items()}


def test_a_linear_drift_moves_hour_by_hour():
    path = course(drifts(a={"of": "level", "amount": 0.24, "per": "1 d"}), 3 * HOUR_S, 1, 0)
    assert path.kinds == ("level",)
    assert path.times_s == (0.0, HOUR_S, 2 * HOUR_S)
    assert [a for (a,) in path.amounts] == pytest.approx([0.0, 0.01, 0.02])
    assert path.at(1.5 * HOUR_S) == path.amounts[1]


def test_steps_come_at_their_time_and_drifts_of_a_kind_add_up():
    steps = ({"at": "90 min", "by": 0.5}, {"at": "100 min", "by": -0.2})
    path = course(
        drifts(
            a={"of": "level", "amount": 0.24, "per": "1 d"},
            b={"of": "level", "steps": steps},
            c={"of": "lines", "amount": 1.0, "per": "1 h", "every": "2 h"},
        ),
        3 * HOUR_S,
        1,
        0,
    )
    assert path.kinds == ("level", "lines")
    assert path.times_s == (0.0, 3600.0, 5400.0, 6000.0, 7200.0)
    expected = [(0.0, 0.0), (0.01, 0.0), (0.51, 0.0), (0.31, 0.0), (0.32, 2.0)]
    assert np.allclose(path.amounts, expected)


def test_a_walk_is_spread_as_it_says_and_differs_between_replicas():
    walk = drifts(a={"of": "level", "law": "random-walk", "amount": 0.1, "per": "1 d"})
    ends = [course(walk, 4 * DAY_S, 1, replica).amounts[-1][0] for replica in range(400)]
    assert abs(np.mean(ends)) < 4 * 0.2 / sqrt(400)
    assert np.std(ends) == pytest.approx(0.2 * sqrt(95 / 96), rel=0.15)
    longer, shorter = (course(walk, days * DAY_S, 1, 7) for days in (4, 2))
    assert longer.amounts[: len(shorter.amounts)] == shorter.amounts


def test_an_amount_that_is_never_negative_stays_at_zero():
    walk = drifts(a={"of": "lines", "law": "random-walk", "amount": 1.0, "per": "1 h"})
    amounts = [a for (a,) in course(walk, 10 * DAY_S, 1, 0).amounts]
    assert min(amounts) == 0.0 < max(amounts)


# --- what models decide on them ---

LEVEL = Curve(
    "level",
    (-0.1, 0.0, 0.1, 0.2),
    (((0.8,), (0.2,)), ((0.8,), (0.2,)), ((0.4,), (0.6,)), ((0.0,), (0.6,))),
    (0.0, 0.01, 0.11, 0.31),
)
LINES = Curve("lines", (0.0, 2.0), (((0.8,), (0.2,)), ((0.4,), (0.2,))), (0.01, 0.01))
MODEL = Model(PRIMARY, 0, (6.0, 100.0), ((0.9,), (0.3,)), 0.02, (LEVEL, LINES))


def decided(*stale, model=MODEL):
    responses, noise = model.after(("level", "lines"), stale)
    return [*responses[:, 0].tolist(), noise]


def test_a_fresh_model_decides_as_its_profile_says_to_the_bit():
    assert decided(0.0, 0.0) == [0.9, 0.3, 0.02]


def test_between_measured_amounts_probabilities_are_interpolated():
    # 0.6 of 0.8 is left of the first class; of what the second one missed, 0.6 of 0.8
    assert decided(0.05, 0.0) == pytest.approx([0.9 * 0.75, 1.0 - 0.7 * 0.75, 1.0 - 0.98 * 0.94 / 0.99])


def test_two_kinds_act_each_by_itself():
    (alone, _, _), (other, _, _), (both, _, _) = decided(0.1, 0.0), decided(0.0, 2.0), decided(0.1, 2.0)
    assert both / 0.9 == pytest.approx(alone / 0.9 * other / 0.9)


def test_past_the_largest_amount_the_last_values_hold_and_it_is_said():
    assert decided(0.7, 0.0) == decided(0.2, 0.0)
    assert MODEL.passed(("level", "lines"), (0.7, 0.0)) == ("level",)
    assert MODEL.passed(("level", "lines"), (-0.2, 3.0)) == ("level", "lines")
    assert MODEL.passed(("level", "lines"), (0.2, 2.0)) == ()


def test_what_was_measured_one_way_is_as_bad_the_other_way():
    assert decided(0.0, -2.0) == decided(0.0, 2.0)
    assert decided(-0.1, 0.0) != decided(0.1, 0.0)


def test_what_a_program_does_not_look_for_it_never_looks_for():
    model = replace(MODEL, responses=((0.9,), (-1.0,)))
    assert decided(0.1, 1.0, model=model)[1] == -1.0


# --- policies ---


def moving(*amounts, every_s=10.0):
    """A course of the noise's level that changes every 10 s."""
    times_s = tuple(every_s * k for k in range(len(amounts)))
    return Course(("level",), times_s, tuple((float(a),) for a in amounts))


ONE = Model(PRIMARY, 0, (6.0, 100.0), ((0.9,), (0.3,)), 0.02, (LEVEL,))


def ageing(path, *policies, **more):
    return Ageing(name="ageing/s", stage=3, course=path, models=(ONE,), policies=policies, **more)


def calls(here, *actions):
    return [call for call in here.calls if call[1] in actions]


def test_a_model_is_judged_when_the_data_have_moved_and_not_before():
    here = Ground(2)
    here.run(ageing(moving(0.0, 0.1, 0.0)))
    assert [call[0] for call in here.calls] == [10.0, 20.0]
    _, _, stage, variant, responses, _, pool = here.calls[0]
    assert (stage, variant, pool) == (3, PRIMARY, 0)
    assert responses == ((pytest.approx(0.45),), (pytest.approx(0.65),))
    assert here.calls[1][4:6] == (((0.9,), (0.3,)), 0.02)


def test_training_on_the_clock_takes_servers_and_runs_the_fallback():
    here, control = Ground(2), ageing(STILL, Policy("p", 5.0, 2.0, every_s=10.0, pool=0, takes=1), until_s=20.0)
    here.run(control)
    assert here.calls == [
        (5.0, "scale", 0, -1),
        (5.0, "withdraw", 3, PRIMARY),
        (7.0, "scale", 0, 1),
        (7.0, "reinstate", 3, PRIMARY),
        (15.0, "scale", 0, -1),
        (15.0, "withdraw", 3, PRIMARY),
        (17.0, "scale", 0, 1),
        (17.0, "reinstate", 3, PRIMARY),
    ]
    assert control.version == 3
    assert control.trained == ((0, 5.0, 7.0, 7.0, PASSED, 1, 2.0), (0, 15.0, 17.0, 17.0, PASSED, 1, 2.0))
    assert here.marks == [("retraining", "p", 5.0, 7.0), ("retraining", "p", 15.0, 17.0)]


def test_a_new_model_is_made_for_the_data_its_training_began_with():
    control = ageing(moving(0.0, 0.1, 0.15), Policy("p", 12.0, 10.0, hold_s=3.0))
    here = Ground(2)
    here.run(control)
    assert control.epoch == (0.1,)
    assert control.stale(25.0) == (pytest.approx(0.05),)
    assert [call[0] for call in calls(here, "judge")] == [10.0, 20.0, 25.0]
    assert calls(here, "judge")[-1][4] == ((pytest.approx(0.9 * 0.75),), (pytest.approx(1 - 0.7 * 0.75),))
    assert [(t, n) for t, n, _ in control.served] == [(0.0, 1), (25.0, 2)]


def test_a_refinement_makes_up_a_part_of_the_way():
    control = ageing(moving(0.0, 0.2), Policy("p", 12.0, 1.0, regains=0.75))
    Ground(2).run(control)
    assert control.epoch == (pytest.approx(0.15),)


def test_the_old_model_serves_on_under_blue_green_and_servers_are_kept_through_validation():
    here = Ground(2)
    control = ageing(moving(0.0, 0.1), Policy("p", 15.0, 2.0, hold_s=3.0, pool=0, takes=2, blue_green=True))
    here.run(control)
    assert calls(here, "withdraw", "scale") == [(15.0, "scale", 0, -2), (20.0, "scale", 0, 2)]
    assert control.trained == ((0, 15.0, 17.0, 20.0, PASSED, 2, 10.0),)


def test_a_model_that_fails_is_rolled_back_and_tried_again():
    policy = Policy("p", 12.0, 1.0, hold_s=1.0, passes=0.0, again_s=5.0)
    control, here = ageing(moving(0.0, 0.1), policy, until_s=30.0), Ground(2)
    here.run(control)
    assert [row[1:5] for row in control.trained] == [
        (12.0, 13.0, 14.0, ROLLED_BACK),
        (19.0, 20.0, 21.0, ROLLED_BACK),
        (26.0, 27.0, 28.0, ROLLED_BACK),
    ]
    assert (control.version, control.epoch) == (1, (0.0,))
    assert calls(here, "reinstate")[-1] == (28.0, "reinstate", 3, PRIMARY)


def test_as_many_pass_as_the_gate_says():
    control = ageing(STILL, Policy("p", 0.0, 0.5, every_s=1.0, passes=0.8, key=5), until_s=2000.0)
    Ground(2).run(control)
    passed = sum(row[4] == PASSED for row in control.trained)
    assert len(control.trained) == 2000
    assert abs(passed - 1600) < 4 * sqrt(2000 * 0.8 * 0.2)
    assert control.version == 1 + passed


@pytest.mark.parametrize(
    "trigger",
    [
        {"drift": ((0, 0.1),)},
        {"below": 0.6, "cls": 0, "snr": 10.0},
        {"false_alarms": 5.0},
        {"outside": 0.15, "guards": (ONE,)},
    ],
    ids=["drift", "efficiency", "false alarms", "guard"],
)
def test_a_trigger_is_pulled_when_its_limit_is_passed_and_again_from_the_new_model_on(trigger):
    path = moving(*(0.01 * k for k in range(25)))
    control = ageing(path, Policy("p", 0.0, 3.0, **trigger))
    Ground(2).run(control)
    first, *others = [row[1] for row in control.trained]
    assert len(others) == 1
    if "drift" in trigger:
        assert (first, *others) == (100.0, 200.0)
    stale = path.at(first)[0]
    before = path.at(first - 10.0)[0]
    policy = control.policies[0]
    assert policy.calls((ONE,), ("level",), (stale,))
    assert not policy.calls((ONE,), ("level",), (before,))
    assert path.at(others[0])[0] - stale == pytest.approx(stale, abs=0.011)


def test_one_training_at_a_time_and_the_other_waits():
    policies = Policy("long", 5.0, 20.0), Policy("short", 10.0, 1.0)
    control, here = ageing(STILL, *policies), Ground(2)
    here.run(control)
    assert [(row[0], row[1], row[2]) for row in control.trained] == [(0, 5.0, 25.0), (1, 25.0, 26.0)]


def test_it_comes_back_from_json_in_the_middle_and_goes_on_the_same():
    policies = (
        Policy("p", 12.0, 30.0, every_s=40.0, pool=0, takes=1, passes=0.5, again_s=7.0, key=3),
        Policy("q", 0.0, 5.0, drift=((0, 0.1),)),
    )
    first = ageing(moving(*(0.02 * k for k in range(20))), *policies, until_s=190.0)
    here = Ground(2)
    here.run(first, until=57.0)
    second, there = from_json(json.loads(json.dumps(to_json(first)))), deepcopy(here)
    assert repr(second) == repr(first)
    assert here.run(first) == there.run(second)
    assert second == first
    assert len(first.trained) > 3


def test_training_that_never_comes_is_never_planned():
    control = ageing(STILL, Policy("p", 50.0, 1.0), until_s=40.0)
    Ground(2).run(control)
    assert control.next_s == inf
    assert control.trained == ()
