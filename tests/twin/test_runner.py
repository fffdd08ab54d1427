"""A run is complete, repeatable, and refuses what it cannot know."""

from __future__ import annotations

import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import twin
import twin.record
from tests.twin.profiles import make, write_all
from twin import harvest
from twin.limits import PARTS
from twin.record import TABLES
from workloads.sky import EVENT, Boost, Population, draw

ROOT = Path(__file__).parents[2]
SHORT = {"horizon": "6 h", "drain": "10 min", "replicas": 2, "timeline": {}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")


@pytest.fixture(scope="module")
def scenario():
    return twin.load("first-light").with_(SHORT)


@pytest.fixture(scope="module")
def record(scenario, folder):
    return twin.run(scenario, profiles=(folder,))


def test_every_signal_has_a_fate(record, scenario):
    signals = record.alerts[record.alerts["is_signal"]]
    assert set(signals["outcome"]) <= {"published", "vetoed", "stale", "missed", "unfinished"}
    assert not signals.duplicated(["replica", "event_id"]).any()
    expected = scenario.sky.signals["bbh"].rate.value * scenario.horizon * scenario.replicas
    assert abs(len(signals) - expected) < 5 * np.sqrt(expected)


def test_a_latency_is_the_sum_of_its_parts(record):
    published = record.alerts[record.alerts["outcome"] == "published"]
    assert len(published) > 50
    assert np.allclose(published[list(PARTS)].sum(axis=1), published["latency_s"], atol=1e-6)
    assert (published[list(PARTS)] >= 0).all(axis=None)
    assert np.allclose(published["published_s"] - published["event_time_s"], published["latency_s"])


def test_offered_work_is_accounted_for(record):
    counts = record.counts
    fates = [name for name in counts if name in harvest.KEPT or name.startswith("dropped_")]
    assert (counts["offered"] == counts[fates].sum(axis=1)).all()
    assert (counts.loc[counts["work"] == "dq", "offered"] == 6 * 3600).all()


def test_lost_work_stops_the_run(scenario, folder):
    def thief(environment):
        def steal():
            yield environment.timeout(60.0)
            environment.world.stages[0]["done"] -= 1

        environment.process(steal())

    with pytest.raises(RuntimeError, match="work was lost: offered"):
        twin.run(scenario, profiles=(folder,), start=thief)


def test_efficiency_is_the_measured_one(record):
    signals = record.alerts[record.alerts["is_signal"]]
    missed = (signals["outcome"] == "missed").mean()
    assert missed == pytest.approx(0.1, abs=5 * np.sqrt(0.09 / len(signals)))


def test_a_replica_does_not_depend_on_how_many_there_are(record, scenario, folder):
    alone = twin.run(scenario, profiles=(folder,), replicas=1)
    both = record.alerts[record.alerts["replica"] == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.alerts, both)


def test_another_seed_is_another_week(record, scenario, folder):
    other = twin.run(scenario, profiles=(folder,), seed=2)
    assert other.plan_digest != record.plan_digest
    assert len(other.alerts) != len(record.alerts) or not other.alerts.equals(record.alerts)


def test_another_process_writes_the_same_bytes(record, folder, tmp_path):
    code = (
        "import sys, twin\nfrom pathlib import Path\n"
        f"s = twin.load('first-light').with_({SHORT!r})\n"
        "twin.run(s, profiles=(Path(sys.argv[1]),)).save(Path(sys.argv[2]))"
    )
    record.save(tmp_path / "a")
    subprocess.run(
        [sys.executable, "-c", code, folder, tmp_path / "b"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "2", "PATH": ""},
        check=True,
    )
    names = [*(f"{t}.parquet" for t in TABLES), "summary.json", "resolved.yaml", "scenario.yaml"]
    for name in names:
        a, b = (sha256((tmp_path / run / name).read_bytes()).hexdigest() for run in ("a", "b"))
        assert a == b, name


def test_the_data_dictionary_names_every_column(record):
    words = set(re.findall(r"\w+", str(twin.record.__doc__)))
    for name in TABLES:
        assert set(getattr(record, name).columns) <= words, name


def test_figures_are_found_by_name(record):
    pytest.importorskip("plotly")
    assert "SIMULATED" in record.figure.latency().to_json()


def test_a_record_comes_back_from_its_folder(record, tmp_path):
    opened = twin.open(record.save(tmp_path / "run"))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(opened, name), getattr(record, name))
    assert opened.scenario == record.scenario
    assert opened.plan_digest == record.plan_digest
    assert opened.summary == record.summary


def test_a_run_directory_is_never_overwritten_nor_half_written(record, tmp_path, monkeypatch):
    record.save(tmp_path / "run")
    with pytest.raises(twin.RecordError, match="exists already; choose another --out"):
        record.save(tmp_path / "run")

    def full_disk(*_args, **_kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full_disk)
    with pytest.raises(OSError, match="no space left"):
        record.save(tmp_path / "other")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_an_incomplete_run_directory_is_named(record, tmp_path):
    (record.save(tmp_path / "run") / "pools.parquet").unlink()
    with pytest.raises(twin.RecordError, match=r"is not a run directory: it lacks pools\.parquet"):
        twin.open(tmp_path / "run")


@pytest.mark.parametrize("name", ["alerts.parquet", "manifest.json"])
def test_a_damaged_run_directory_is_named(record, tmp_path, name):
    (record.save(tmp_path / "run") / name).write_bytes(b"PAR1")
    with pytest.raises(twin.RecordError, match=r"run is damaged: .* Run it again"):
        twin.open(tmp_path / "run")


def test_missing_profiles_are_all_named_with_their_line(scenario, tmp_path):
    with pytest.raises(twin.ScenarioError) as caught:
        twin.run(scenario.with_({"sites.sos-enattos.pools.cpu.hardware": "host"}), profiles=(tmp_path,))
    text = str(caught.value)
    assert "first-light.yaml:" in text
    assert "no profile of workload 'glitch-classifier' with runtime 'onnxruntime' on hardware 'host'" in text
    assert "Run 'ettwin measure glitch-classifier --runtime onnxruntime' on this machine" in text


def test_a_batch_beyond_the_measured_ones_is_refused(scenario, folder):
    with pytest.raises(twin.ScenarioError, match=r"stages\.dq\.max_batch: .*batches 1, 4; a batch of 16"):
        twin.run(scenario.with_({"stages.dq.max_batch": 16}), profiles=(folder,))


def test_an_snr_beyond_the_measured_ones_is_refused(scenario, folder):
    with pytest.raises(twin.ScenarioError, match="has SNR from 8 to 500; measured: 6 to 100"):
        twin.run(scenario.with_({"sky.signals.bbh.snr.max": 500}), profiles=(folder,))


def test_a_profile_that_decides_something_else_is_refused(scenario, tmp_path):
    write_all(tmp_path, hardware="epyc-core")
    make("detector", 0.02, "flag", hardware="epyc-core").save(tmp_path)
    with pytest.raises(twin.ScenarioError, match=r"stage detect has role trigger; .* decisions that flag"):
        twin.run(scenario, profiles=(tmp_path,))


def test_a_horizon_that_cannot_fit_in_memory_is_refused_at_once(scenario, folder):
    with pytest.raises(twin.ScenarioError, match=r"horizon: .* events in each of 2 replicas need about \d+ GiB"):
        twin.run(scenario.with_({"horizon": "12 yr"}), profiles=(folder,))


def test_another_stride_than_the_measured_one_is_refused(scenario, folder):
    with pytest.raises(twin.ScenarioError, match="2 s; the workloads are measured on segments with 1 s"):
        twin.run(scenario.with_({"instrument.stride": "2 s"}), profiles=(folder,))


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("sample_rate", "16384 Hz", "16384 Hz; the workloads are measured on segments with 2048 Hz"),
    ],
)
def test_other_data_than_the_measured_ones_are_refused(scenario, folder, key, value, text):
    with pytest.raises(twin.ScenarioError, match=text):
        twin.run(scenario.with_({f"instrument.{key}": value}), profiles=(folder,))


@pytest.mark.parametrize(
    ("detectors", "text"),
    [
        (["E1"], "stages.dq.work: workload 'glitch-classifier' is made for the 3 streams of a triangle, not"),
        (["L1", "L2"], r"detector' is made for the 3 streams .*; the shipped one took .* min to make"),
        (["E1"], "no strain of 1 streams can be made"),
    ],
)
def test_programs_of_a_triangle_are_refused_on_other_detectors(scenario, folder, detectors, text):
    with pytest.raises(twin.ScenarioError, match=text):
        twin.run(scenario.with_({"instrument.detectors": detectors}), profiles=(folder,))


def test_live_stages_see_a_triangle(scenario, folder):
    two = scenario.with_({"instrument.detectors": ["L1", "L2"], "live": ["dq"]})
    with pytest.raises(twin.ScenarioError, match="2 streams; live stages see the strain of a triangle's 3"):
        twin.run(two, profiles=(folder,))


def test_seed_and_replicas_of_the_call_are_in_the_record(scenario, folder):
    record = twin.run(scenario, profiles=(folder,), seed=9, replicas=1)
    assert (record.scenario.seed, record.scenario.replicas) == (9, 1)
    again = twin.run(record.scenario, profiles=(folder,))
    pd.testing.assert_frame_equal(again.alerts, record.alerts)


def test_fates_do_not_depend_on_the_order_of_stages(scenario, folder, record):
    named = scenario.with_(
        {
            "stages.verify": {"time": "1 s", "after": "detect", "on": ["cnaf.cpu"]},
            "stages.candidate.after": "verify",
        }
    )
    longer = twin.run(named, profiles=(folder,))
    outcomes = [r.alerts.loc[r.alerts["is_signal"], "outcome"].tolist() for r in (record, longer)]
    assert outcomes[0] == outcomes[1]


def test_use_is_taken_over_the_horizon_however_long_the_drain(scenario, folder):
    record = twin.run(scenario.with_({"horizon": "30 s", "drain": "1 d"}), profiles=(folder,))
    dq = record.pools.loc[record.pools["pool"] == "sos-enattos.cpu", "use"]
    assert dq.tolist() == pytest.approx([0.03] * 2, rel=0.3)


def test_a_run_needs_replicas(scenario):
    with pytest.raises(ValueError, match="replicas is 0; a run needs at least 1"):
        twin.run(scenario, replicas=0)


def test_a_storm_keeps_every_event_of_the_quiet_week():
    quiet = Population("blip", 0.01, 6.5, 100.0, -3.0, detector=0)
    stormy = Population("blip", 0.01, 6.5, 100.0, -3.0, detector=0, boosts=(Boost("storm", 2e4, 4e4, 20.0),))
    calm, wild = draw([quiet], 1e5, [1, 0]), draw([stormy], 1e5, [1, 0])
    assert np.isin(calm["time_s"], wild["time_s"]).all()
    inside = ((wild["time_s"] >= 2e4) & (wild["time_s"] < 4e4)).sum()
    assert abs(inside - 4000) < 5 * np.sqrt(4000)


def test_snrs_follow_their_law():
    events = draw([Population("bbh", 0.1, 8.0, 100.0, -4.0)], 1e6, [3, 0])
    assert events.dtype == EVENT
    above = (events["snr"] > 16).mean()
    exact = (16.0**-3 - 100.0**-3) / (8.0**-3 - 100.0**-3)
    assert above == pytest.approx(exact, abs=5 * np.sqrt(exact / len(events)))
    assert np.all(np.diff(events["time_s"]) >= 0)
