"""Live stages execute the real models on the real strain; a recorded run replays to the same bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest

import twin
from tests.twin.profiles import write_all
from twin.record import TABLES

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")


@pytest.fixture(scope="module")
def scenario():
    """Two minutes with a loud signal every ten seconds and a storm of loud glitches."""
    return twin.load("first-light").with_(
        {
            "horizon": "2 min",
            "drain": "5 min",
            "replicas": 1,
            "timeline": {},
            "sky.signals.bbh.rate": "6 /min",
            "sky.signals.bbh.snr": {"min": 14, "max": 40, "index": -2},
            "sky.glitches.rate": "1 /min",
            "live": ["dq", "detect"],
        }
    )


@pytest.fixture(scope="module")
def record(scenario, folder):
    return twin.run(scenario, profiles=(folder,))


def test_the_models_themselves_find_the_signals(record):
    assert record.live is not None
    assert set(record.live["stage"]) == {"dq", "detect"}
    assert (record.live["service_s"] > 0).all()
    asked = [e for row in record.live.loc[record.live["stage"] == "detect", "events"] for e in row]
    signals = record.alerts[record.alerts["is_signal"]]
    assert set(signals["event_id"]) <= set(asked)
    found = signals[signals["outcome"] != "missed"]
    assert len(signals) > 5
    segments = signals["event_time_s"].astype(int)
    alone = ~segments.duplicated(keep=False)
    assert alone.sum() > 5
    assert found["event_id"].isin(signals.loc[alone, "event_id"]).sum() / alone.sum() > 0.8


def test_every_segment_was_executed_once(record, scenario):
    for stage in scenario.live:
        segments = [k for row in record.live.loc[record.live["stage"] == stage, "segments"] for k in row]
        assert sorted(segments) == list(range(120))


def test_the_measured_seconds_are_the_service_times(record):
    for stage in ("dq", "detect"):
        rows = record.live[record.live["stage"] == stage]
        per_job = (rows["service_s"] * rows["segments"].map(len)).sum() / rows["segments"].map(len).sum()
        shown = record.stages.loc[record.stages["stage"] == stage, "service_mean_s"]
        assert shown.tolist() == [pytest.approx(per_job)]


def test_a_recorded_run_replays_to_the_same_bytes(record, scenario, folder, tmp_path):
    record.save(tmp_path / "live")
    again = twin.run(scenario, profiles=(folder,), recorded=twin.open(tmp_path / "live"))
    again.save(tmp_path / "again")
    for name in [*(f"{t}.parquet" for t in TABLES), "live.parquet", "summary.json", "resolved.yaml"]:
        assert (tmp_path / "live" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_a_recording_answers_only_for_its_own_run(record, scenario, folder):
    for change in ({"seed": 5}, {"replicas": 2}, {"sky.signals.bbh.rate": "7 /min"}, {"live": ["dq"]}):
        with pytest.raises(twin.RecordError, match="the recorded run is of another scenario, seed"):
            twin.run(scenario.with_(change), profiles=(folder,), recorded=record)
    table = record.live.assign(segments=record.live["segments"].map(lambda s: [k + 1 for k in s]))
    with pytest.raises(twin.RecordError, match="they differ in scenario, seed or profiles"):
        twin.run(scenario, profiles=(folder,), recorded=replace(record, live=table))


def test_a_workload_that_decides_nothing_cannot_run_live(scenario, folder, monkeypatch):
    from workloads import spec

    monkeypatch.setattr(spec.get("detector"), "outcome", None, raising=False)
    with pytest.raises(twin.ScenarioError, match=r"live.*'detector' decides nothing on segments of strain"):
        twin.run(scenario, profiles=(folder,))
