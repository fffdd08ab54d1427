"""A new class of glitches appears: a classifier says that it does not know, and is trained for saying it often."""

from __future__ import annotations

from dataclasses import replace
from math import inf, sqrt

import numpy as np
import pytest

import twin
from tests.twin.aged import aged
from tests.twin.ground import Ground
from tests.twin.profiles import make
from tests.twin.profiles import write_all as write_plain
from twin.ageing import unlearned
from twin.ageing.course import KIND, STILL, course
from twin.ageing.measured import models
from twin.ageing.policy import Answers, Policy
from twin.controls import Ageing
from twin.loader import loads
from twin.planner import plan
from twin.programs import programs
from twin.strained import Strained
from twin.studies.quantities import quantities
from workloads.decisions import unknown_by_snr
from workloads.profile import SHIPPED, Response, load
from workloads.sky import ARRIVING, CLASSES, GLITCHES

UNSURE = {"none": 20, "unknown": 600} | dict.fromkeys(CLASSES, 50)
"""Of 1000 each, how many are called unknown."""
NEW = {"at": "6 h", "rate": {"value": "2 /min", "standing": "assumed", "source": "a test"}}
LEARN = {
    "kind": "retraining",
    "of": "dq",
    "lasts": "10 min",
    "swap": "blue-green",
    "glitch_class": {"stage": "dq", "window": "2 h", "every": "10 min"},
}
SHORT = {"horizon": "12 h", "drain": "10 min", "replicas": 2, "stages.dq.fallback": None}


def unsure(profile, found=0.2, by_snr=None):
    """`profile` of a classifier that flags this share of unknown glitches and answers as UNSURE says."""
    names = [*UNSURE, "x"]
    counts = [[UNSURE[row] if name == "unknown" else 1000 - UNSURE[row] if name == "x" else 0 for name in names]
              for row in UNSURE]  # fmt: skip
    counts = [*counts, [0] * len(names)]
    counts[-1][-1] = 1
    confusion = {"classes": names, "counts": counts} | ({} if by_snr is None else {"unknown_by_snr": by_snr})
    decisions = profile.decisions
    classes = {**decisions.classes, "unknown": Response((1000,) * 3, (round(1000 * found),) * 3)}
    return replace(profile, decisions=replace(decisions, classes=classes, confusion=confusion))


def write_all(folder, **more):
    """Profiles of first-light's programs that know what they make of unknown glitches."""
    write_plain(folder, hardware="epyc-core")
    for runtime in ("onnxruntime", "torch"):
        unsure(make("glitch-classifier", 0.01, "flag", 0.0, 0.9, 0.001, "epyc-core", runtime), **more).save(folder)
        unsure(make("detector", 0.02, "trigger", 0.9, 0.3, 0.001, "epyc-core", runtime)).save(folder)
        unsure(make("matched-filter", 0.3, "trigger", 0.95, 0.5, 0.001, "epyc-core", runtime)).save(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"))


def scenario(**more):
    return twin.load("first-light").with_({**SHORT, "timeline": {"learn": LEARN}, **more})


@pytest.fixture(scope="module")
def record(folder):
    return twin.run(scenario(**{"sky.glitches.appears": NEW}), profiles=(folder,))


# --- what is counted ---


def answers(**more):
    given = {"every_s": 10.0, "window_s": 20.0, "sigma": 3.0, "expected": (4.0,) * 6, "usual": (4, 4, 4, 4, 4, 4)}
    given |= {"new": (0, 0, 8, 8, 8, 8), "learned": (0, 0, 1, 1, 1, 1)} | more
    return Answers(**given)


def test_too_many_are_counted_in_the_last_window_and_since_the_model_serves():
    # usual in two times: 8, and more than 8 + 3 sqrt(8) = 16.5 is too many; in one: 4 + 3 sqrt(4) = 10
    assert not answers().too_many(0.0, 20.0, knows=False)
    assert not answers().too_many(0.0, 30.0, knows=False)  # 4 + 12
    assert answers().too_many(0.0, 40.0, knows=False)  # 12 + 12
    assert not answers().too_many(0.0, 40.0, knows=True)
    assert answers().too_many(20.0, 30.0, knows=False)  # 12 in one
    assert not answers().too_many(30.0, 30.0, knows=False)  # nothing yet


def test_a_training_is_set_off_and_what_is_learned_sets_off_no_other():
    path = course({}, 60.0, 1, 0, appears_s=20.0)
    assert (path.kinds, path.times_s, path.amounts) == ((KIND,), (0.0, 20.0), ((0.0,), (1.0,)))
    control = Ageing(
        name="ageing/s", stage=0, course=path, models=(), policies=(Policy("p", 0.0, 3.0, answers=answers()),),
        until_s=60.0,
    )  # fmt: skip
    Ground(1).run(control)
    assert [row[1] for row in control.trained] == [40.0]
    assert control.epoch == (1.0,)


def test_what_did_not_pass_is_not_learned_and_the_alarm_goes_on():
    policy = Policy("p", 0.0, 3.0, answers=answers(), passes=0.0)
    control = Ageing(
        name="ageing/s", stage=0, course=course({}, 60.0, 1, 0, 20.0), models=(), policies=(policy,), until_s=60.0
    )
    Ground(1).run(control)
    assert [row[1] for row in control.trained] == [40.0, 50.0]


def test_without_a_new_class_it_knows_all_there_is():
    control = Ageing(
        name="ageing/s", stage=0, course=STILL, models=(), policies=(Policy("p", 0.0, 3.0, answers=answers()),),
        until_s=60.0,
    )  # fmt: skip
    Ground(1).run(control)
    assert control.trained == ()


@pytest.mark.parametrize("by_snr", [None, {c: [1000, 100, 0] if c == "unknown" else [90, 0, 0] for c in UNSURE}])
def test_counts_are_those_that_the_rates_say(tmp_path, by_snr):
    folder = write_all(tmp_path, by_snr=by_snr)
    rare = {**NEW, "rate": {**NEW["rate"], "value": "0.2 /min"}}
    given = scenario(**{"sky.glitches.appears": rare, "horizon": "10 d"})
    known = programs(given, (folder,))
    planned = plan(given, known, 1, 0)
    (control,) = [c for c in planned.controls if isinstance(c, Ageing)]
    (policy,) = control.policies
    counted = policy.answers
    usual, expected = np.array(counted.usual), np.array(counted.expected)
    assert usual.size == expected.size == 10 * 24 * 6
    assert abs(usual.sum() - expected.sum()) < 4 * sqrt(expected.sum())
    assert usual.std() == pytest.approx(np.sqrt(expected.mean()), rel=0.1)
    new = planned.events[planned.events["cls"] == unlearned.NEW]
    assert new["time_s"].min() > 6 * 3600.0
    assert new.size == pytest.approx(3 * 0.2 * 60 * (240 - 6), rel=0.05)
    edges = [6.0, 8.0, 12.0, 100.0]
    chance = 0.6 if by_snr is None else np.array([1.0, 0.1, 0.0])[np.digitize(new["snr"], edges[1:-1])]
    assert sum(counted.new) == pytest.approx(np.sum(chance * np.ones(new.size)), rel=0.05)
    chance = 0.05 if by_snr is None else np.array([0.09, 0.0, 0.0])[np.digitize(new["snr"], edges[1:-1])]
    assert sum(counted.learned) == pytest.approx(np.sum(chance * np.ones(new.size)), rel=0.1)
    assert sum(counted.new[: 6 * 6]) == 0


def test_segments_without_data_are_not_counted():
    absent = np.array([[5, 15], [18, 60]])
    assert unlearned._segments(6, 10.0, absent).tolist() == [5, 3, 0, 0, 0, 0]
    assert unlearned._segments(3, 2.5, np.zeros((0, 2), np.int64)).tolist() == [3, 2, 3]


# --- in a run ---


def test_it_is_noticed_after_the_time_that_its_rate_and_the_answers_take(record):
    """360 a hour, 60 % of them unknown, beside 2 % of 3600 segments: five sigma within the first counts."""
    usual = 3600 * 0.02 + 90 * 0.05
    late = record.trainings["start_s"] - 6 * 3600.0
    assert record.trainings["name"].tolist() == ["learn", "learn"]
    assert (late > 0.0).all()
    assert (late <= 3600.0).all()
    excess_per_s = 0.6 * 360 / 3600.0
    assert late.mean() == pytest.approx(5 * sqrt(2 * usual) / excess_per_s, rel=0.5)
    quantity = {q.name: q for q in quantities(record)}["noticed.learn"]
    assert quantity.values.tolist() == late.tolist()
    assert "The new class of glitches sets off learn in 2 of 2 replicas" in record.summary["ageing"]["text"]
    mark = record.marks[record.marks["kind"] == "glitch-class"]
    assert mark.values.tolist() == [[-1, "glitch-class", "sky unknown", 21600.0, 21600.0]]


def test_a_rarer_class_is_noticed_later_or_never(record, folder):
    rare = {**NEW, "rate": {**NEW["rate"], "value": "0.3 /min"}}
    later = twin.run(scenario(**{"sky.glitches.appears": rare}), profiles=(folder,))
    quick, slow = ({q.name: q.values for q in quantities(r)}["noticed.learn"] for r in (record, later))
    assert (slow > quick).all()
    never = {**NEW, "rate": {**NEW["rate"], "value": "0.001 /min"}}
    unseen = twin.run(scenario(**{"sky.glitches.appears": never}), profiles=(folder,))
    assert {q.name: q.values.tolist() for q in quantities(unseen)}["noticed.learn"] == [inf, inf]
    assert "sets off learn in 0 of 2 replicas." in unseen.summary["ageing"]["text"]


def test_nothing_is_set_off_where_nothing_appears(folder):
    quiet = twin.run(scenario(), profiles=(folder,))
    assert len(quiet.trainings) == 0
    assert "noticed.learn" not in {q.name for q in quantities(quiet)}


def test_decisions_are_those_measured_until_the_class_is_learned(folder):
    given = scenario(**{"sky.glitches.appears": NEW})
    known = programs(given, (folder,))
    (model,) = models(given, known, "dq")
    responses = np.array(next(use.program.decision.responses for use in known.uses if use.stage == "dq"))
    assert responses.shape[0] == len(ARRIVING)
    assert responses[unlearned.NEW].tolist() == [0.2] * 3
    before, _ = model.after((KIND,), (1.0,))
    after, noise = model.after((KIND,), (0.0,))
    assert before == pytest.approx(responses)
    assert after[unlearned.NEW] == pytest.approx(responses[[ARRIVING.index(c) for c in GLITCHES]].mean(axis=0))
    assert np.array_equal(np.delete(after, unlearned.NEW, 0), np.delete(responses, unlearned.NEW, 0))
    assert noise == 0.001
    told = {row[0]: row for row in unlearned.told(given, known)}
    assert told["ageing of sky.glitches.appears, once learned"][2] == "assumed"
    assert told["ageing of timeline.learn.glitch_class"][1].startswith("'unknown' to 0.02 of noise, 0.6 of")
    assert told["ageing of timeline.learn.glitch_class"][2] == "scaled"


def test_glitches_of_the_new_class_are_vetoed_more_often_once_it_is_learned(record):
    """Of what the detector reports of them, the classifier flags a fifth before, and nine tenths after."""
    alerts = record.alerts[(record.alerts["cls"] == "unknown") & (record.alerts["replica"] == 0)]
    start_s = float(record.trainings["decided_s"].iloc[0])
    vetoed = (alerts["outcome"] == "vetoed").to_numpy()
    before = (alerts["event_time_s"] < start_s - 60.0).to_numpy()
    assert 0.05 < vetoed[before].mean() < 0.45
    assert vetoed[~before].mean() > 0.8
    assert not alerts["is_signal"].any()


def test_drift_leaves_what_was_not_measured_of_unknown_glitches_as_it_is(tmp_path):
    folder = write_all(tmp_path)
    profile = unsure(make("glitch-classifier", 0.01, "flag", 0.0, 0.9, 0.001, "epyc-core"))
    replace(profile, ageing=(aged({}, 0.0, 0.9, 0.001), aged({"level": 0.1}, 0.0, 0.45, 0.5))).save(folder)
    drift = {"of": "level", "amount": 0.1, "per": "12 h", "standing": "assumed", "source": "a test"}
    given = scenario(**{"sky.glitches.appears": NEW, "drifts": {"louder": drift}})
    (model,) = models(given, programs(given, (folder,)), "dq")
    found, _ = model.after(("level", KIND), (0.1, 1.0))
    assert found[ARRIVING.index("blip")] == pytest.approx([0.45] * 3)
    assert found[unlearned.NEW] == pytest.approx([0.2] * 3)


def test_live_stages_see_strain_with_them(folder):
    given = scenario(**{"sky.glitches.appears": {**NEW, "snr": {"min": 50, "max": 100}}, "horizon": "7 h"})
    planned = plan(given, programs(given, (folder,)), 1, 0)
    first = int(np.flatnonzero(planned.events["cls"] == unlearned.NEW)[0])
    alone, none = (
        replace(planned, events=planned.events[own], event_segment=planned.event_segment[own])
        for own in (slice(first, first + 1), slice(0, 0))
    )
    k = int(planned.event_segment[first])
    loud, quiet = (Strained(given, p, 1, 0).windows((k,), 2.0) for p in (alone, none))
    stream = int(planned.events["detector"][first])
    differs = np.abs(loud - quiet).max(axis=(0, 2)) > 0.0
    assert differs.tolist() == [k == stream for k in range(3)]


def test_it_survives_the_resolved_file_and_is_absent_without():
    given = scenario(**{"sky.glitches.appears": NEW})
    assert loads(given.resolved()) == given
    assert "appears" not in scenario().resolved()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sky.glitches.appears": {**NEW, "at": "12 h"}}, "appears.at: the run is over before: make it shorter"),
        (
            {"sky.glitches.appears": {**NEW, "snr": {"min": 9, "max": 8}}},
            r"appears.snr: min \(9\) must be less than max \(8\)",
        ),
        ({"timeline.learn.glitch_class.stage": "detect"}, "stage 'detect' names no glitches"),
    ],
)
def test_what_cannot_be_is_refused(changes, said):
    with pytest.raises(twin.ScenarioError, match=said):
        scenario(**changes)


def test_a_classifier_that_was_not_asked_is_refused(tmp_path):
    folder = write_plain(tmp_path, hardware="epyc-core")
    with pytest.raises(twin.ScenarioError, match="stage 'dq' never says that it does not know: the profile of"):
        plan(scenario(), programs(scenario(), (folder,)), 1, 0)


def test_what_is_called_unknown_is_counted_by_loudness():
    labels = {"none": ["unknown"], "blip": ["blip", "unknown", "blip", "blip"], "unknown": ["unknown"] * 4}
    assert unknown_by_snr(labels, 2) == {"unknown_by_snr": {"blip": [1, 0], "unknown": [2, 2]}}
    assert unknown_by_snr({"none": None, "bbh": None}, 2) == {}
    assert unknown_by_snr({"none": ["x"], "blip": ["blip", "x"]}, 1) == {}


def test_the_shipped_classifier_knows_what_it_does_not_know():
    found = load(SHIPPED / "epyc-core" / "glitch-classifier-onnxruntime.json").decisions
    names, by_snr = found.confusion["classes"], found.confusion["unknown_by_snr"]
    counts = np.array(found.confusion["counts"])[:, names.index("unknown")]
    assert [sum(by_snr[name]) for name in names[1:]] == counts[1:].tolist()
    assert all(len(row) == len(found.snr_edges) - 1 for row in by_snr.values())
    assert by_snr["unknown"] == sorted(by_snr["unknown"])  # the louder, the surer that it is none of the others
