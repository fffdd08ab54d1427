"""Ladders of fallbacks in scenarios: written in one way, told by the run, taken out rung by rung, executed."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import pandas as pd
import pytest

import twin
from tests.twin.profiles import make, write_all
from tests.twin.wrong import SMALL
from twin.loader import load, loads
from twin.planner import plan
from twin.programs import programs
from twin.record import open_record
from twin.schema_timeline import Withdrawal
from twin.studies import resilience
from twin.studies.quantities import quantities

ROOT = Path(__file__).parents[2]
LADDER = [{"work": "hybrid", "runtime": "torch"}, {"work": "matched-filter", "runtime": "torch"}]
RUNGS = {"stages.detect.fallback": LADDER, "stages.detect.fallback_runtime": None}


def gone(model, at, lasts, **more):
    return {"kind": "withdrawal", "of": "detect", "model": model, "at": at, "lasts": lasts, **more}


TIMELINE = {
    "weights": {"kind": "retraining", "of": "detect", "at": "10 min", "lasts": "40 min"},
    "wrong": gone("hybrid", "20 min", "20 min"),
    "licence": gone("matched-filter", "25 min", "5 min"),
}
"""The detector serves, then the hybrid, the filter, nothing, the filter, the hybrid, and the detector again."""
SHORT = {
    "horizon": "1 h",
    "drain": "10 min",
    "replicas": 2,
    "timeline": TIMELINE,
    "sky.signals.bbh.rate": "1 /min",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")
    make("hybrid", 0.05, "trigger", 0.9, 0.3, 0.001, "epyc-core", "torch").save(folder)
    return folder


@pytest.fixture(scope="module")
def scenario():
    return load("first-light").with_({**SHORT, **RUNGS})


@pytest.fixture(scope="module")
def record(scenario, folder):
    return twin.run(scenario, profiles=(folder,))


# --- how it is written -----------------------------------------------------------------------------------


def fallback(text):
    """What stands under `fallback` in the resolved scenario."""
    small = loads(SMALL.replace("fallback: matched-filter", f"fallback: {text}"))
    assert loads(small.resolved()) == small
    return small.model_dump(mode="json", exclude_none=True)["stages"]["detect"]["fallback"]


def test_one_fallback_is_a_name_however_it_was_written():
    for text in ("matched-filter", "[matched-filter]", "{work: matched-filter}"):
        assert fallback(text) == "matched-filter"
    assert (
        loads(SMALL).digest
        == loads(SMALL.replace("fallback: matched-filter", "fallback: [matched-filter]")).digest
    )


def test_several_fallbacks_are_written_out_with_what_they_take():
    assert fallback("[hybrid, {work: matched-filter, runtime: torch}]") == [
        {"work": "hybrid", "runtime": "onnxruntime"},
        {"work": "matched-filter", "runtime": "torch"},
    ]
    assert fallback("{work: detector, runtime: torch}") == {"work": "detector", "runtime": "torch"}


def test_a_rung_takes_what_the_program_takes_unless_told(folder):
    needs = {"stages.detect.memory": "1 GB", "stages.detect.load_time": "2 s"}
    own = [{**LADDER[0], "memory": "2 GB"}, {**LADDER[1], "load_time": "5 s"}]
    given = load("first-light").with_({**SHORT, **RUNGS, **needs, "stages.detect.fallback": own})
    on = programs(given, (folder,)).on["detect"]["cnaf.cpu"]
    assert [(p.memory_bytes, p.load_s) for p in on] == [(1e9, 2.0), (2e9, 2.0), (1e9, 5.0)]


def test_what_was_planned_before_is_planned_the_same():
    """The shipped run of first-light, which has one fallback, is named by its plans."""
    kept = json.loads((ROOT / "examples" / "finished" / "first-light" / "manifest.json").read_text())
    scenario = load("first-light")
    known = programs(scenario)
    plans = [plan(scenario, known, kept["seed"], replica) for replica in range(kept["replicas"])]
    assert sha256("".join(p.digest for p in plans).encode()).hexdigest() == kept["plan_digest"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"stages.detect.fallback": ["hybird", "matched-filter"]},
            r"detect\.fallback\.0: there is no workload 'hybird'",
        ),
        (
            {"stages.detect.fallback": ["hybrid", {"work": "matched-filter", "runtime": "abacus"}]},
            r"detect\.fallback\.1\.runtime: workload 'matched-filter' has no runtime 'abacus'",
        ),
    ],
)
def test_a_rung_that_nobody_has_heard_of_is_refused(changes, said, folder):
    with pytest.raises(twin.ScenarioError, match=said):
        programs(load("first-light").with_({**SHORT, **RUNGS, "timeline": {}, **changes}), (folder,))


def test_editors_know_one_fallback_and_several():
    from jsonschema import Draft202012Validator

    from twin.editors import json_schema

    known = Draft202012Validator(json_schema())
    for text in ("matched-filter", ["hybrid", "matched-filter"], LADDER, LADDER[0]):
        given = {"based_on": "first-light", "stages": {"detect": {"fallback": text}}}
        assert not [e for e in known.iter_errors(given) if "fallback" in e.absolute_path]


# --- what a run tells ------------------------------------------------------------------------------------

TURNS = {
    0.0: "primary", 600.0: "fallback", 1200.0: "fallback-2", 1500.0: "none", 1800.0: "fallback-2",
    2400.0: "fallback", 3000.0: "primary",
}  # fmt: skip


def test_the_run_says_which_rung_served_when(record, tmp_path):
    rows = record.ladders[record.ladders["replica"] == 1]
    assert dict(zip(rows["time_s"], rows["variant"], strict=True)) == TURNS
    assert rows["end_s"].tolist() == [*rows["time_s"].tolist()[1:], 3600.0]
    assert dict(zip(rows["variant"], rows["model"], strict=True)) == {
        "primary": "detector", "fallback": "hybrid", "fallback-2": "matched-filter", "none": "",
    }  # fmt: skip
    kept = open_record(record.save(tmp_path / "run"))
    pd.testing.assert_frame_equal(kept.ladders, record.ladders)


def test_summary_and_comparison_tell_how_long_nothing_served(record):
    told = record.summary["ladders"]
    assert told["text"] == (
        "detect was done by detector (onnxruntime) for 20 min, hybrid (torch) for 20 min and matched-filter "
        "(torch) for 15 min; it stood still, without a model, for 5 min."
    )
    values = {q.name: q for q in quantities(record)}
    assert values["still.detect"].values.tolist() == [300.0, 300.0]


def test_every_rung_did_what_came_in_its_time(record):
    done = record.stages[record.stages["stage"] == "detect"].groupby("variant")["done"].sum()
    assert done["fallback"] / 2 == pytest.approx(1200, abs=5)
    assert done["fallback-2"] / 2 == pytest.approx(900, abs=120)  # and some of what had waited for it
    assert set(record.alerts["variant"]) >= {"primary", "fallback", "fallback-2"}
    outage_s = record.alerts.loc[record.alerts["outcome"] == "published", "outage_s"]
    assert 0.0 < outage_s.max() <= 60.0  # older segments are dropped
    assert record.counts.query("work == 'detect'")["dropped_stale"].min() > 200


def test_withdrawals_are_marked(record):
    marks = record.marks[record.marks["kind"] == "withdrawal"].set_index("name")
    assert marks.loc["wrong", ["replica", "start_s", "end_s"]].tolist() == [-1, 1200.0, 2400.0]
    assert marks.loc["licence", ["replica", "start_s", "end_s"]].tolist() == [-1, 1500.0, 1800.0]


def test_a_rung_that_never_served_is_told(scenario, folder):
    calm = scenario.with_({"timeline": {"weights": TIMELINE["weights"]}, "replicas": 1})
    told = twin.run(calm, profiles=(folder,)).summary
    assert told["unused"]["keys"] == ["stages.detect.fallback.1"]
    assert "matched-filter" not in told["ladders"]["text"]


def test_a_run_without_a_ladder_says_nothing_of_it(folder):
    plain = load("first-light").with_({**SHORT, "timeline": {"weights": TIMELINE["weights"]}, "replicas": 1})
    record = twin.run(plain, profiles=(folder,))
    assert record.ladders is None
    assert "ladders" not in record.summary
    assert "still.detect" not in {q.name for q in quantities(record)}


def test_a_runtime_takes_out_only_what_it_executes(folder):
    """The detector has a second runtime to fall back on, which goes with it where the model is found wrong."""
    rungs = {**RUNGS, "stages.detect.fallback": [{"work": "detector", "runtime": "torch"}, LADDER[1]]}
    timeline = {
        "broken": gone("detector", "10 min", "10 min", runtime="onnxruntime"),
        "wrong": gone("detector", "30 min", "10 min"),
    }
    given = load("first-light").with_({**SHORT, **rungs, "timeline": timeline, "replicas": 1})
    rows = twin.run(given, profiles=(folder,)).ladders
    assert rows["variant"].tolist() == ["primary", "fallback", "primary", "fallback-2", "primary"]
    assert rows["time_s"].tolist() == [0.0, 600.0, 1200.0, 1800.0, 2400.0]


def test_the_only_model_of_a_stage_may_be_withdrawn(folder):
    timeline = {"wrong": {**gone("glitch-classifier", "10 min", "30 s"), "of": "dq"}}
    record = twin.run(
        load("first-light").with_({**SHORT, "timeline": timeline, "replicas": 1}), profiles=(folder,)
    )
    assert record.summary["ladders"]["text"].endswith("it stood still, without a model, for 30 s.")
    assert record.counts.query("work == 'dq'")["dropped_stale"].sum() == 0
    assert 5.0 < record.alerts["outage_s"].max() <= 30.0


# --- what else knows of rungs ----------------------------------------------------------------------------


def test_every_rung_is_taken_out_by_itself(scenario):
    section = resilience.Resilience(parts=("models",), at="10 min", lasts="10 min")
    points, _ = resilience.failures(scenario.with_({"timeline": {}}), section)
    assert list(points) == [
        "model detect",
        "model hybrid of detect on torch",
        "model matched-filter of detect on torch",
    ]
    entry = points["model hybrid of detect on torch"].scenario.timeline[resilience.ENTRY]
    assert isinstance(entry, Withdrawal)
    assert (entry.model, entry.runtime, entry.lasts) == ("hybrid", "torch", 600.0)


def test_a_third_rung_is_executed_for_real(folder):
    """Live: the hybrid is gone from the start, the detector after 20 s."""
    pytest.importorskip("torch")
    timeline = {"wrong": gone("hybrid", "0 s", "1 min"), "weights": gone("detector", "20 s", "20 s")}
    live = {"horizon": "40 s", "drain": "5 min", "replicas": 1, "live": ["detect"], "timeline": timeline}
    given = load("first-light").with_({**RUNGS, **live, "sky.signals.bbh.rate": "12 /min"})
    record = twin.run(given, profiles=(folder,))
    variants = record.live.sort_values("order")["variant"].tolist()
    assert [name for name, _ in groupby(variants)] == ["primary", "fallback-2", "primary"]
    again = twin.run(given, profiles=(folder,), recorded=record)
    pd.testing.assert_frame_equal(again.live, record.live)
    assert [p["workload"] for p in record.manifest["live"]["programs"]["detect"]] == [
        "detector", "hybrid", "matched-filter",
    ]  # fmt: skip
