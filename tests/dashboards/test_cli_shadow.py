"""`ettwin shadow` on the log of a scenario's farm, as a planner types it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dashboards.cli import main
from tests.twin.profiles import write_all
from tests.twin.test_farm import Ones, Scripted, Wall
from twin import load
from twin.farm.driver import Farm
from twin.farm.journal import Journal
from twin.planner import plan
from twin.programs import programs
from twin.shadow.begin import late_s

CHANGES = {"horizon": "3 min", "drain": "30 s", "replicas": 1, "timeline": {}}


@pytest.fixture(scope="module")
def farmed(tmp_path_factory):
    """Profiles, and the log of a farm that runs data quality on one server, each segment 20 ms or so."""
    folder = tmp_path_factory.mktemp("farm")
    profiles = write_all(folder / "profiles", hardware="epyc-core")
    scenario = load("first-light").with_({**CHANGES, "live": ["dq"]})
    planned = plan(scenario, programs(scenario, (profiles,)), 7, 0)
    wall = Wall()
    crew = Scripted(wall, np.random.default_rng(1).uniform(0.018, 0.026, 500))
    farm = Farm(planned, crew, Ones(), wall)
    with Journal(folder / "events.jsonl", {"scenario": "first-light", "seed": 7, "replica": 0}) as journal:
        journal.attach(farm)
        farm.run()
    return profiles, folder / "events.jsonl"


@pytest.fixture
def ettwin(farmed, capsys):
    def run(*arguments):
        set_ = [f"--set={name}={value}" for name, value in CHANGES.items()]
        with pytest.raises(SystemExit) as left:
            main(["shadow", "first-light", *map(str, arguments), *set_, "--profiles", str(farmed[0])])
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run


def test_a_finished_log_is_followed_to_its_end(ettwin, farmed):
    code, out, err = ettwin(farmed[1], "--every", "30 s", "--ahead", "1 min", "--draws", "20")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("30–90 s      as foretold: latency_p50_s 0.02")
    assert lines[-6] == "Inside their bands: all figures in 5 of 5 windows; by figure"
    assert lines[-5].split() == ["latency_p50_s", "5", "of", "5"]
    assert lines[-4].split(maxsplit=1) == ["latency_p95_s", "never enough to tell"]


def test_every_window_is_a_json_object(ettwin, farmed):
    code, out, _ = ettwin(farmed[1], "--every=1 min", "--ahead=1 min", "--draws=20", "--to-end", "--json")
    *windows, last = [json.loads(line) for line in out.splitlines()]
    assert (code, last) == (0, {"schema_version": 1, "windows": 2, "inside": 2})
    assert [(w["schema_version"], w["start_s"], w["end_s"], w["jobs"]) for w in windows] == [
        (1, 60.0, 120.0, 60),
        (1, 120.0, 180.0, 60),
    ]
    assert windows[0]["scales"].keys() == {"sos-enattos.cpu"}
    assert 1.5 < windows[0]["scales"]["sos-enattos.cpu"] < 2.5  # the profile says about 11 ms
    p50 = windows[0]["figures"]["latency_p50_s"]
    assert p50["low"] < p50["median"] < p50["high"]
    assert p50["inside"] is True
    assert windows[0]["figures"]["latency_p95_s"] == {"observed": None, "inside": None}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--ahead", "50 s", "--every", "20 s"], 2, "the next 50 s cannot be judged in steps of 20 s"),
        (["--ahead", "50"], 2, "--ahead 50: a duration needs a unit"),
        (["--seed", "8"], 2, "the log counts events of another sky than the scenario has"),
        (["--set", "stages.dq=null"], 3, "unknown"),
    ],
)
def test_what_cannot_be_followed_is_said(arguments, code, told, ettwin, farmed):
    left, out, err = ettwin(farmed[1], "--to-end", *arguments)
    assert (left, out) == (code, "")
    assert told in err


def test_late_is_counted_from_when_a_segment_comes():
    assert late_s(load("first-light")) == pytest.approx(60.0 - 0.5 - 0.25 - 4.0)
    assert late_s(load("first-light").with_({"targets.late": "1 min 10 s"})) == pytest.approx(65.25)


def test_a_log_is_only_written_on_a_farm(capsys, tmp_path):
    with pytest.raises(SystemExit) as left:
        main(
            ["run", "first-light", "--replicas", "1", "--log", str(tmp_path / "log"), "--out", str(tmp_path / "o")]
        )
    assert left.value.code == 2
    assert "is that of one run on a farm: needs --farm and --replicas 1" in capsys.readouterr().err
