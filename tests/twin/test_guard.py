"""What lies outside of what models were made for goes to the classical path, job by job, and is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import twin
from tests.twin.aged import aged
from tests.twin.profiles import make, write_all
from tests.twin.small import constant, endings, run, stage, system
from tests.twin.test_work_graph import RUNNABLE
from twin.loader import loads
from twin.plan import Awaits, Decision, StageSpec
from twin.record import open_record
from twin.studies.quantities import quantities
from workloads.sky import CLASSES, EVENT

STRANGE = (1, 2, 5)
"""Segments whose data are outside."""


def events():
    found = np.zeros(len(STRANGE), EVENT)
    found["time_s"], found["snr"] = np.array(STRANGE) + 0.5, 10.0
    return {"events": found, "event_segment": np.array(STRANGE)}


def guard(**rules):
    """A guard that marks segments with an event, and only those, in no time."""
    decides = Decision(np.array([0.0, 1e9]), np.ones((len(CLASSES), 1)), 0.0)
    return StageSpec("guard", {"p": (constant(0.0, decision=decides), None)}, role="flag", outside=True, **rules)


def search(primary_s=1.0, fallback_s=3.0, **rules):
    n = rules.get("max_batch", 1)
    programs = constant(primary_s, n), constant(fallback_s, n)
    return StageSpec("search", {"q": programs}, **{"after": ("guard",), "guarded": True} | rules)


def served(environment):
    """(entity, variant, start, jobs in the batch) of what the search did."""
    rows = environment.traced()
    rows = rows[rows["stage"] == environment.plan.stage_names.index("search")]
    return [tuple(row[f].item() for f in ("entity", "variant", "start_s", "n")) for row in rows]


def small(*stages, servers=9, times_s=None):
    arrivals = {stages[0].name: np.arange(6.0) if times_s is None else times_s}
    return system({"p": 9, "q": servers}, stages, arrivals, **events())


def test_single_jobs_go_to_the_fallback_and_are_counted():
    environment = run(small(guard(), search()))
    assert {entity: variant for entity, variant, *_ in served(environment)} == {
        0: 0, 1: 1, 2: 1, 3: 0, 4: 0, 5: 1,
    }  # fmt: skip
    counted = environment.world.stages[1]
    assert (counted["done"], counted["outside"], counted["outside_s"]) == (6, 3, 9.0)


def test_a_stage_without_a_guard_of_its_own_serves_all_alike():
    environment = run(small(guard(), search(guarded=False)))
    assert {variant for _, variant, *_ in served(environment)} == {0}
    assert environment.world.stages[1]["outside"] == 0


def test_a_batch_is_of_one_variant_and_nobody_overtakes():
    environment = run(small(guard(), search(max_batch=4), servers=1, times_s=[0.0] * 6))
    by_start = sorted({(start_s, variant, n) for _, variant, start_s, n in served(environment)})
    assert [(variant, n) for _, variant, n in by_start] == [(0, 1), (1, 2), (0, 2), (1, 1)]
    starts = [start_s for _, _, start_s, _ in sorted(served(environment))]
    assert starts == sorted(starts)


def test_what_is_outside_is_not_bad():
    stages = guard(), search(gate=True, publishes="alert")
    assert {what for what, *_ in endings(run(small(*stages)))} == {"published"}


def test_it_may_be_waited_for_beside_other_work():
    slow = replace(guard(), on={"p": (constant(5.0, decision=guard().on["p"][0].decision), None)})
    start = StageSpec("start")
    waiting = search(after=("start",), awaits=Awaits("guard"))
    plan = small(start, replace(slow, after=("start",)), waiting)
    environment = run(plan)
    assert {entity for entity, variant, *_ in served(environment) if variant} == set(STRANGE)
    assert min(start_s for _, _, start_s, _ in served(environment)) == 5.0


def test_while_the_fallback_serves_all_it_serves_these_as_well():
    environment = run(small(guard(), search()), [(0.0, "withdraw", 1, 0)])
    assert {variant for _, variant, *_ in served(environment)} == {1}
    assert environment.world.stages[1]["outside"] == 3


def test_a_plan_whose_guard_has_no_fallback_is_refused():
    with pytest.raises(ValueError, match="stage search: a guarded stage needs a fallback on each of its pools"):
        small(guard(), replace(search(), on={"q": (constant(1.0), None)}))
    with pytest.raises(ValueError, match="stage a: only a flag stage says what is outside"):
        system({"p": 1}, [stage("a", "p", outside=True)], {"a": [0.0]})


# --- in a scenario ---------------------------------------------------------------------------------------

GUARD = {"work": "domain-guard", "role": "guard", "after": "dq", "on": ["sos-enattos.cpu"]}
CHOICE = {"stages.guard": GUARD, "stages.detect.after": "guard", "stages.detect.guard": "fallback"}
SHORT = {"horizon": "3 h", "drain": "10 min", "replicas": 2, "timeline": {}, "sky.glitches.rate": "2 /min"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Profiles; the guard's marks every glitch, and all noise when that is a tenth louder."""
    folder = write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")
    strict = make("domain-guard", 0.001, "flag", 0.0, 1.0, 0.0, "epyc-core")
    replace(strict, ageing=(aged({}, 0.0, 1.0, 0.0), aged({"level": 0.1}, 1.0, 1.0, 1.0))).save(folder)
    return folder


@pytest.fixture(scope="module")
def scenario():
    return twin.load("first-light").with_({**SHORT, **CHOICE})


@pytest.fixture(scope="module")
def record(scenario, folder):
    return twin.run(scenario, profiles=(folder,))


def test_the_share_is_that_of_the_segments_that_are_outside(record, folder):
    by = record.counts.set_index(["replica", "work"])
    alerts = record.alerts
    for replica in (0, 1):
        row = by.loc[replica, "detect"]
        share = row["outside"] / row["done"]
        assert share == pytest.approx(1.0 - np.exp(-3 * 2 / 60), rel=0.1)
        (fallback,) = record.stages.query(
            f"replica == {replica} and stage == 'detect' and variant == 'fallback'"
        ).to_dict("records")
        assert fallback["done"] == row["outside"]
        assert row["outside_s"] == pytest.approx(fallback["done"] * fallback["service_mean_s"])
    assert (by.xs("dq", level="work")["outside"] == 0).all()
    found = alerts[alerts["variant"] != ""]
    alone = (found.loc[found["is_signal"], "variant"] == "primary").mean()
    assert 0.75 < alone < 1.0  # the others share their segment with a glitch
    assert set(found.loc[found["cls"].isin(CLASSES[1:]), "variant"]) == {"fallback"}


def test_summary_and_comparison_tell_of_it(record, tmp_path):
    (told,) = record.summary["guarded"]["stages"]
    share = told["share"]
    assert share["low"] < share["value"] < share["high"]
    assert record.summary["guarded"]["text"].startswith("9")
    values = {q.name: q for q in quantities(record)}
    assert values["outside.detect"].values.mean() == pytest.approx(share["value"], rel=0.01)
    assert values["outside_work.detect"].values.mean() == pytest.approx(told["servers"]["value"])
    assert 0.02 < told["servers"]["value"] < 0.04  # a tenth of the segments, 0.3 s each
    pd.testing.assert_frame_equal(open_record(record.save(tmp_path / "run")).counts, record.counts)


def test_without_the_choice_nothing_is_counted_and_nothing_is_different(scenario, record, folder):
    without = twin.run(scenario.with_({"stages.detect.guard": None}), profiles=(folder,))
    assert "outside" not in without.counts
    assert "guarded" not in without.summary
    assert set(without.alerts["variant"]) <= {"primary", ""}
    assert (without.alerts["dq_flag"].sum(), record.alerts["dq_flag"].sum()) != (0, 0)


def test_data_that_drift_out_of_the_domain_leave_the_model(scenario, record, folder):
    drift = {"of": "level", "amount": 0.1, "per": "1 h", "standing": "assumed", "source": "a test"}
    drifted = twin.run(scenario.with_({"drifts": {"louder": drift}}), profiles=(folder,))
    share = {
        name: (r.counts.query("work == 'detect'")["outside"] / r.counts.query("work == 'detect'")["done"]).mean()
        for name, r in (("before", record), ("drifted", drifted))
    }
    # a third of the time as it was, then all of it
    assert share["drifted"] == pytest.approx((share["before"] + 2.0) / 3.0, abs=0.01)


def test_it_survives_the_resolved_file(scenario):
    assert loads(scenario.resolved()) == scenario
    assert "guard" not in twin.load("first-light").resolved()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stages.detect.guard": "fallback"}, "detect.guard: no stage before it has 'role: guard' or 'awaits'"),
        ({**CHOICE, "stages.detect.fallback": None}, "detect.guard: there is no fallback to run"),
        ({**CHOICE, "stages.guard.work": None, "stages.guard.time": "1 s"}, "guard.role: 'guard' needs 'work'"),
        (
            {"stages.dq.role": "guard"},
            "stages.alert.gate: no stage before it has 'role: flag' or 'awaits' one: there is nothing to veto",
        ),
    ],
)
def test_a_choice_that_could_not_be_carried_out_is_refused(changes, said):
    with pytest.raises(twin.ScenarioError, match=said):
        loads(RUNNABLE).with_(changes)
