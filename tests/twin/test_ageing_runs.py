"""Runs in which data drift: signals are missed as computed by hand, and training makes it good again."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from tests.twin.aged import write_all
from twin import resume, runner
from twin.ageing.measured import told
from twin.planner import plan
from twin.programs import programs
from twin.record import AGED, TABLES
from twin.studies.quantities import quantities
from twin.tree import ScenarioError

HOUR_S = 3600.0
LEVEL = {"of": "level", "amount": 0.2, "per": "10 h", "standing": "assumed", "source": "a test"}
ONCE = {"kind": "retraining", "of": "detect", "at": "4 h 30 min", "lasts": "20 min"}
SHORT = {"horizon": "8 h", "drain": "10 min", "replicas": 2, "timeline": {}, "sky.signals.bbh.rate": "60 /h"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"))


def scenario(**more):
    return twin.load("first-light").with_({**SHORT, **more})


def aged(**more):
    return scenario(**{"drifts": {"louder": LEVEL}, **more})


@pytest.fixture(scope="module")
def drifting(folder):
    return twin.run(aged(), profiles=(folder,))


@pytest.fixture(scope="module")
def trained(folder):
    return twin.run(aged(**{"timeline.new": ONCE}), profiles=(folder,))


def signals(record, folder, replica=0):
    """Time and luck of every signal of a replica, and whether the search missed it."""
    known = programs(record.scenario, (folder,))
    events = plan(record.scenario, known, record.seed, replica).events
    alerts = record.alerts[(record.alerts["replica"] == replica) & record.alerts["is_signal"]]
    ids = alerts["event_id"].to_numpy()
    return events["time_s"][ids], events["u_trigger"][ids], (alerts["outcome"] == "missed").to_numpy()


def clear(time_s, *swaps_s):
    """Events that are not about to be searched while the hour, or the model, changes."""
    near = np.abs(time_s[:, None] - np.array([*HOUR_S * np.arange(1, 9), *swaps_s]))
    return near.min(axis=1) > 30.0


def test_signals_are_missed_as_computed_by_hand(drifting, folder):
    for replica in (0, 1):
        time_s, luck, missed = signals(drifting, folder, replica)
        louder = 0.2 * np.floor(time_s / HOUR_S) / 10.0
        chance = 0.9 * np.interp(louder, [0.0, 0.1, 0.2], [1.0, 0.5, 0.0])
        here = clear(time_s)
        assert here.sum() > 300
        assert (missed == (luck >= chance))[here].all()
        assert 0.3 < missed.mean() < 0.6


def test_training_restores_what_the_data_at_its_beginning_allow(trained, folder):
    time_s, luck, missed = signals(trained, folder)
    hour = np.floor(time_s / HOUR_S)
    # made for hour 4 from 4 h 50 min on, served by the matched filter, which finds all, meanwhile
    stale = 0.02 * np.where(time_s < 4.5 * HOUR_S, hour, hour - 4.0)
    chance = 0.9 * (1.0 - stale / 0.2)
    chance[(time_s > 16_200.0) & (time_s < 17_400.0)] = 1.0
    here = clear(time_s, 16_200.0, 17_400.0)
    assert (missed == (luck >= chance))[here].all()


def test_tables_say_what_served_and_how_well(trained):
    rows = trained.ageing[(trained.ageing["replica"] == 1) & (trained.ageing["stage"] == "detect")]
    assert rows["time_s"].tolist() == [*(HOUR_S * np.arange(5)), 16_200.0, 17_400.0, *(HOUR_S * np.arange(5, 8))]
    assert rows["end_s"].tolist()[-1] == 8 * HOUR_S
    assert rows["variant"].tolist() == ["primary"] * 5 + ["fallback"] + ["primary"] * 4
    assert rows["version"].tolist() == [1] * 6 + [2] * 4
    expected = [0.9, 0.81, 0.72, 0.63, 0.54, 1.0, 0.9, 0.81, 0.72, 0.63]
    assert rows["efficiency"].tolist() == pytest.approx(expected)
    assert set(rows["fresh"]) == {0.9}
    assert rows["false_per_day"].tolist()[:2] == pytest.approx([864.0, 86_400 * (1.0 - 0.99 * 0.972 / 0.99)])
    (first, second) = trained.trainings.to_dict("records")
    assert first | {"replica": 1} == second
    assert first == {
        "replica": 0,
        "stage": "detect",
        "name": "new",
        "start_s": 16_200.0,
        "trained_s": 17_400.0,
        "decided_s": 17_400.0,
        "outcome": "passed",
        "servers": 0,
        "server_s": 0.0,
    }
    marks = trained.marks[trained.marks["kind"] == "retraining"]
    assert marks[["replica", "start_s", "end_s"]].values.tolist() == [[0, 16_200, 17_400], [1, 16_200, 17_400]]


def test_the_summary_tells_what_is_kept_and_what_does_not_age(trained, drifting):
    told = trained.summary["ageing"]
    (detect,) = told["stages"]
    spans_s = [*([3600.0] * 4), 1800.0, 1200.0, 600.0, *([3600.0] * 3)]
    efficiency = np.average([0.9, 0.81, 0.72, 0.63, 0.54, 1.0, 0.9, 0.81, 0.72, 0.63], weights=spans_s)
    assert detect["kept"]["value"] == pytest.approx(efficiency / 0.9)
    assert detect["trainings"]["value"] == 1.0
    assert detect["passed"] == []
    assert told["unaged"][0].startswith("stages.dq on sos-enattos.cpu (primary: glitch-classifier) does not age: ")
    assert "trainings in each replica: 1, rolled back: 0, server hours: 0." in told["text"]
    assert drifting.summary["ageing"]["stages"][0]["kept"]["value"] < detect["kept"]["value"]
    compared = {q.name: q.values.tolist() for q in quantities(trained)}
    assert compared["kept.detect"] == pytest.approx([efficiency / 0.9] * 2)
    assert compared["trainings.detect"] == [1.0, 1.0]
    assert compared["server_h.detect"] == [0.0, 0.0]
    assert compared["alarms.detect"][0] > 1.0


def test_what_goes_past_the_measurement_is_told(folder):
    fast = twin.run(aged(**{"drifts.louder.per": "3 h", "replicas": 1, "horizon": "5 h"}), profiles=(folder,))
    (detect,) = fast.summary["ageing"]["stages"]
    assert detect["passed"] == ["level"]
    assert "EXTRAPOLATED: level went past what was measured" in fast.summary["ageing"]["text"]
    assert fast.ageing["passed"].tolist() == ["", "", "", "", "level"]


def test_without_drifts_a_scenario_has_the_name_and_the_bytes_it_had(folder):
    plain, empty = scenario(), scenario(drifts={})
    assert plain.digest == empty.digest
    assert "drifts" not in plain.resolved()
    first = twin.run(plain, profiles=(folder,))
    assert first.ageing is None
    assert "ageing" not in first.summary
    # nothing was measured of this kind: the same alerts, and it is said
    other = twin.run(scenario(drifts={"tilt": LEVEL | {"of": "colour"}}), profiles=(folder,))
    assert other.alerts.equals(first.alerts)
    assert other.ageing is None
    assert other.summary["ageing"]["text"].startswith("No model ages, though data drift. Nothing was measured")
    told = other.inputs[other.inputs["key"].str.startswith("ageing of stages.detect")]
    assert told["value"].str.contains("does not age: no decisions were measured under colour").all()


def test_drifts_and_policies_survive_the_resolved_file(tmp_path):
    gate = {"hold": "1 h", "passes": {"value": "95 %", "standing": "assumed", "source": "a test"}, "again": "1 h"}
    policy = {"kind": "retraining", "of": "detect", "drift": {"level": 0.1}, "lasts": "1 h", "gate": gate}
    loss = {"below": "90 %", "cls": "bbh", "snr": 9}
    timeline = {
        "a": policy,
        "b": {"kind": "retraining", "of": "detect", "every": "7 d", "swap": "blue-green"},
        "d": {"kind": "retraining", "of": "detect", "at": "1 h", "lasts": "1 min", "regains": "80 %"},
        "c": {"kind": "retraining", "of": "detect", "efficiency": loss},
    }
    given = aged(timeline=timeline, **{"drifts.louder.steps": [{"at": "1 h", "by": -0.1}]})
    path = tmp_path / "resolved.yaml"
    path.write_text(given.resolved())
    assert twin.load(path) == given


POLICIES = {
    "timeline.often": {
        "kind": "retraining",
        "of": "detect",
        "drift": {"level": 0.03},
        "lasts": "10 min",
        "takes": {"pool": "cnaf.cpu", "servers": 1},
        "gate": {"hold": "5 min", "passes": "60 %", "again": "40 min"},
    }
}


def test_an_interrupted_run_goes_on_byte_for_byte(folder, tmp_path, monkeypatch):
    given = aged(**POLICIES, **{"drifts.louder.law": "random-walk"})
    undisturbed = twin.run(given, profiles=(folder,))
    assert len(undisturbed.trainings) > 4
    assert set(undisturbed.trainings["outcome"]) >= {"passed", "rolled-back"}
    monkeypatch.setattr(runner, "SAVE_S", 0.0)
    steps = []

    def stop(fraction, text):
        steps.append(fraction)
        if len(steps) == 33:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        twin.run(given, profiles=(folder,), checkpoint=tmp_path / "kept", progress=stop)
    record = twin.run(given, profiles=(folder,), checkpoint=tmp_path / "kept")
    for name in (*TABLES, *AGED):
        assert getattr(record, name).equals(getattr(undisturbed, name)), name
    resume.remove(tmp_path / "kept")
    first, second = (undisturbed.trainings.query(f"replica == {r}").drop(columns="replica") for r in (0, 1))
    assert not first.reset_index(drop=True).equals(second.reset_index(drop=True))


def test_a_record_keeps_what_aged(trained, tmp_path):
    again = twin.open(trained.save(tmp_path / "run"))
    for name in AGED:
        assert getattr(again, name).equals(getattr(trained, name))
    assert again.summary == trained.summary


def test_the_old_model_serves_on_while_a_new_one_is_made_beside_it(folder, trained):
    beside = {"swap": "blue-green", "takes": {"pool": "cnaf.cpu", "servers": 1}, "gate": {"passes": "100 %"}}
    record = twin.run(aged(**{"timeline.new": ONCE | beside, "replicas": 1}), profiles=(folder,))
    searched = record.alerts[record.alerts["search"] == "detect"]
    assert set(searched["variant"]) == {"primary"}
    assert "fallback" in set(trained.alerts["variant"])
    assert record.stages.loc[record.stages["stage"] == "detect", "variant"].tolist() == ["primary"]
    assert record.trainings["server_s"].tolist() == [1200.0]
    busy = record.timeline.query("quantity == 'servers' and name == 'cnaf.cpu'")
    assert busy.loc[busy["time_s"].between(16_300, 17_200), "value"].max() == pytest.approx(1.0)


def test_a_training_takes_as_long_as_the_card_says(folder):
    policy = {"kind": "retraining", "of": "detect", "every": "3 h"}
    record = twin.run(aged(**{"timeline.new": policy, "replicas": 1}), profiles=(folder,))
    told = record.inputs.set_index("key").loc["timeline.new.lasts"]
    assert told["standing"] == "measured"
    assert told["source"].startswith("model card of detector, 20")
    seconds = float(told["value"].removesuffix(" s"))
    assert record.trainings["start_s"].tolist() == [3 * HOUR_S, 6 * HOUR_S]
    assert (record.trainings["trained_s"] - record.trainings["start_s"]).tolist() == pytest.approx([seconds] * 2)


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"of": "dq", "false_alarms": 3.0, "swap": "blue-green"}, "false_alarms"),
        ({"of": "detect", "guard": {"stage": "dq", "above": "10 %"}}, "guard"),
    ],
)
def test_a_trigger_on_what_does_not_age_is_refused(entry, key, folder):
    policy = {"kind": "retraining", "lasts": "1 h"} | entry
    with pytest.raises(ScenarioError, match=rf"timeline\.new\.{key}: stage 'dq' does not age: no decisions"):
        twin.run(aged(**{"timeline.new": policy}), profiles=(folder,))


def test_inputs_say_what_was_measured_and_what_is_only_taken_to_be_so(folder):
    one, two = aged(), aged(**{"drifts.more": LEVEL | {"of": "lines"}})
    (alone, both) = ({key: rest for key, *rest in told(given, programs(given, (folder,)))} for given in (one, two))
    key = "ageing of stages.detect on cnaf.cpu (primary: detector)"
    assert alone[key][:2] == ["decisions measured under level from 0 to 0.2", "measured"]
    assert both[key][:2] == ["decisions measured under level from 0 to 0.2, lines from 0 to 2", "scaled"]
    assert both[key][2].endswith("; each kind taken to act by itself")
    assert both["ageing of stages.candidate on cnaf.cpu (primary: matched-filter)"][0].startswith("does not age: ")
