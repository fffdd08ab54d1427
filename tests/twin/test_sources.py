"""From the sky's words to events: each key does what it says, and a replayed file is checked before the run."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

import twin
from tests.twin.profiles import write_all
from tests.twin.wrong import SMALL
from twin import sources
from twin.loader import load, loads
from twin.planner import check_size
from twin.tree import ScenarioError
from workloads.arrivals import Bursts, Storms
from workloads.modulation import STEADY, Cycle, Modulation
from workloads.sky import CLASSES

ROWS = "time_s,cls,snr,detector\n7200.5,blip,8,E2\n60.25,bbh,20,\n1e6,tomte,7,E1\n"


@pytest.fixture
def small():
    return loads(SMALL)


@pytest.fixture
def beside(tmp_path):
    """The small scenario in a file that replays another beside it, and a way to change that one."""

    def make(rows=ROWS, name="events.csv", origin=""):
        (tmp_path / "events").mkdir(exist_ok=True)
        (tmp_path / "events" / name).write_text(rows)
        text = SMALL.replace("sky:\n", f"sky:\n  replay: {{file: events/{name}{origin}}}\n")
        (tmp_path / "mine.yaml").write_text(text)
        return load(tmp_path / "mine.yaml")

    return make


def test_a_scenario_without_new_words_has_the_events_it_always_had():
    """Digests of the version that knew neither profiles nor bursts nor storms at random."""
    scenario = load("first-light")
    known = {
        (1, 0): "bc518a0766fafa515f30ae21009946ccdf6f3a64a1929b1ec1747dd37b1e376d",
        (1, 3): "f7fce5865242e8bd94a5a0b8af3ae12d4cc1883da8533b66e82ed0d25210ec5e",
        (7, 1): "4589463fb795196e8722a62b1952d1d9edb83d8c113966f73a929b95a4db69bb",
    }
    for (seed, replica), digest in known.items():
        assert sha256(sources.events(scenario, seed, replica).tobytes()).hexdigest() == digest


def test_words_become_sources(small):
    profile = {
        "steps": [{"at": "2 h", "factor": 0.3}],
        "cycles": [{"period": "1 d", "amplitude": 0.4, "phase": "6 h"}],
    }
    changed = small.with_(
        {
            "sky.signals.bbh.profile": profile,
            "sky.glitches.profile": {**profile, "classes": ["tomte"]},
            "sky.glitches.bursts": {"children": 3, "within": "10 min", "number": "geometric", "classes": ["blip"]},
            "sky.glitches.storms": {"rate": "2 /d", "mean": "1 h", "factor": 9, "joins": "50 %"},
        }
    )
    steady = {(p.cls, p.detector): p for p in sources.populations(small)}
    found = {(p.cls, p.detector): p for p in sources.populations(changed)}
    modulation = Modulation(((7200.0, 0.3),), (Cycle(86_400.0, 0.4, 21_600.0),))
    bursts, storms = Bursts(3.0, 600.0, "geometric"), Storms(2 / 86_400, 3600.0, 9.0, 0.5)
    assert found["bbh", -1] == replace(steady["bbh", -1], modulation=modulation)
    for detector in (0, 1):
        assert found["blip", detector] == replace(steady["blip", detector], bursts=bursts, storms=storms)
        assert found["tomte", detector] == replace(steady["tomte", detector], modulation=modulation, storms=storms)
        assert steady["blip", detector].modulation is STEADY
    only = changed.with_({"sky.glitches.storms.classes": ["blip"]})
    assert [p.storms for p in sources.populations(only) if p.cls == "tomte"] == [None, None]


def test_defaults_and_new_words_survive_being_written(small):
    mean = {"value": "1 h", "standing": "scaled", "source": "LIGO"}
    changed = small.with_(
        {
            "sky.glitches.bursts": {"children": 3, "within": "10 min"},
            "sky.glitches.storms": {"rate": "2 /d", "mean": mean, "factor": 0.5},
            "sky.glitches.profile": {"cycles": [{"period": "1 wk", "amplitude": 1}]},
            "sky.replay": {"file": "events.csv", "origin": "1238166018 s"},
        }
    )
    text = changed.resolved()
    assert loads(text) == changed
    for said in ("number: poisson", "joins: 100 %", "phase: 0 s", "origin:", "standing: assumed"):
        assert said in text
    rows = {row.key: (row.value, row.standing, row.source) for row in changed.inputs()}
    assert rows["sky.glitches.storms.mean"] == ("1 h", "scaled", "LIGO")
    assert rows["sky.glitches.storms.factor"] == ("0.5", "assumed", "given without a source")
    assert rows["sky.glitches.profile.cycles.0.period"][0] == "7 d"


def test_the_expected_number_is_the_mean_of_all_keys_together(small):
    changed = small.with_(
        {
            "timeline.storm.factor": 0.1,
            "sky.signals.bbh.bursts": {"children": 1, "within": "1 min"},
            "sky.glitches.profile": {"steps": [{"at": "6 h", "factor": 2}, {"at": "12 h", "factor": 0.5}]},
            "sky.glitches.bursts": {"children": 0.5, "within": "1 min", "classes": ["blip"]},
            "sky.glitches.storms": {"rate": "2 /d", "mean": "1 h", "factor": 9, "joins": "50 %"},
        }
    )
    per_minute = 0.5 * 60 * (4 + 2 * 0.1 + 4 * 0.2 + 2 * 2 + 12 * 0.5) * (1 + 8 / 24)
    glitches = 2 * per_minute * (0.6 * 1.5 + 0.4)
    signals = 2 * 1e5 / 365.25
    assert sources.expected(changed) == pytest.approx(glitches + signals)
    numbers = [sources.events(changed, 1, k).size for k in range(60)]
    error = np.std(numbers, ddof=1) / np.sqrt(len(numbers))
    assert np.mean(numbers) == pytest.approx(sources.expected(changed), abs=4 * error)


def test_a_run_that_does_not_fit_counts_bursts_and_storms(small):
    fits = small.with_({"instrument.detectors": ["E1", "E2", "E3"]})
    check_size(fits, 1000)
    for key, words in (
        ("bursts", {"children": 30, "within": "1 min"}),
        ("storms", {"rate": "10 /d", "mean": "1 d", "factor": 5}),
        ("profile", {"steps": [{"at": "0 s", "factor": 40}]}),
    ):
        with pytest.raises(ScenarioError, match=r"error: horizon: .* events in each of 1000 replicas need about"):
            check_size(fits.with_({f"sky.glitches.{key}": words}), 1000)


def test_the_storms_of_a_run_are_told(small):
    words = {"rate": "6 /d", "mean": "1 h", "factor": 200, "joins": "50 %"}
    stormy = small.with_({"sky.glitches.storms": words, "timeline": {}})
    told = sources.storms(stormy, 3, 0)
    assert told
    assert told == sources.storms(stormy, 3, 0) != sources.storms(stormy, 3, 1)
    assert all(0 <= start < end <= 86_400 and detectors for start, end, detectors in told)
    assert {name for _, _, detectors in told for name in detectors} == {"E1", "E2"}
    assert sources.storms(small, 3, 0) == []
    events = sources.events(stormy, 3, 0)
    for number, name in enumerate(("E1", "E2")):
        time = events["time_s"][events["detector"] == number]
        inside = np.zeros(time.size, bool)
        for start, end, detectors in told:
            if name in detectors:
                inside |= (time >= start) & (time < end)
        assert np.sum(~inside) == pytest.approx(700, abs=150)
        assert inside.sum() > 3000


def test_replayed_events_are_those_of_the_file(beside):
    scenario = beside()
    rows = sources.replayed(scenario)
    assert rows["time_s"].tolist() == [60.25, 7200.5], "the third comes after the horizon"
    assert [CLASSES[k] for k in rows["cls"]] == ["bbh", "blip"]
    assert rows["detector"].tolist() == [-1, 1]
    plain = loads(SMALL)
    assert sources.replayed(plain) is None
    events = sources.events(scenario, 1, 0)
    assert events.size == sources.events(plain, 1, 0).size + 2
    alone = scenario.with_({"sky.signals": {}, "sky.glitches": None, "timeline.storm": None})
    assert sources.events(alone, 1, 0)["time_s"].tolist() == [60.25, 7200.5]


def test_gps_times_and_a_changed_file_are_seen(beside, tmp_path):
    rows = "gps_s,cls,snr\n1238166020,bbh,9\n"
    scenario = beside(rows, origin=", origin: 1238166018 s")
    assert sources.replayed(scenario)["time_s"].tolist() == [2.0]
    (tmp_path / "events" / "events.csv").write_text(rows + "1238166021.5,bbh,9\n")
    assert sources.replayed(scenario)["time_s"].tolist() == [2.0, 3.5]


def test_the_file_is_beside_the_one_that_names_it(beside, tmp_path):
    beside()
    (tmp_path / "top.yaml").write_text("based_on: mine.yaml\nname: top\n")
    assert load(tmp_path / "top.yaml").replay_file == tmp_path / "events" / "events.csv"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("time_s,cls,snr\n1,bhb,9\n", "row 1, cls: 'bhb' is no known class; did you mean 'bbh'?"),
        ("time_s,cls,snr\n-1,bbh,9\n", "row 1, time_s: '-1' is negative"),
        ("time_s,cls\n1,bbh\n", "has no column 'snr'"),
        (
            "time_s,cls,snr\n9e4,bbh,9\n",
            "none of the 1 events in",
        ),
    ],
)
def test_a_wrong_file_is_told_with_the_scenarios_line(beside, tmp_path, rows, said):
    scenario = beside(rows)
    with pytest.raises(ScenarioError) as caught:
        check_size(scenario, 1)
    text = str(caught.value)
    assert f"{tmp_path / 'mine.yaml'}:9:18: error: sky.replay.file: " in text
    assert said in text


def test_a_missing_file_is_told_with_the_scenarios_line(beside, tmp_path):
    scenario = beside()
    (tmp_path / "events" / "events.csv").unlink()
    with pytest.raises(
        ScenarioError, match=r"mine\.yaml:9:18: error: sky\.replay\.file: '.*events\.csv' does not exist in"
    ):
        twin.run(scenario)


def test_an_snr_that_nobody_measured_is_refused(tmp_path):
    """The profiles in use know SNRs up to 100: a file may go no further than a law may."""
    folder = write_all(tmp_path / "profiles", hardware="epyc-core")
    (tmp_path / "mine.yaml").write_text(
        "based_on: first-light\nname: mine\nhorizon: 10 min\ntimeline: {new-weights: null, storm: null}\n"
        "overrides: {calm: null}\nsky: {replay: {file: events.csv}}\n"
    )
    for snr, right in ((50, True), (5000, False)):
        (tmp_path / "events.csv").write_text(f"time_s,cls,snr\n30,bbh,{snr}\n")
        scenario = load(tmp_path / "mine.yaml").with_({"replicas": 1})
        if right:
            record = twin.run(scenario, profiles=(folder,))
            assert (record.alerts["event_time_s"] == 30.0).sum() == 1
        else:
            with pytest.raises(ScenarioError, match=r"class 'bbh' has SNR from 5e\+03 to 5e\+03; measured"):
                twin.run(scenario, profiles=(folder,))
