"""`ettwin validate` asks for what was typed, refuses what cannot be, and runs a real farm to the end."""

from __future__ import annotations

import hashlib
import json

import pytest

from dashboards import running
from dashboards.cli import main
from tests.dashboards.validated import TRIALS, result
from twin.farm import occupied
from twin.validation import trial
from twin.validation.cases import CASES
from twin.validation.goals import MET, MISSED, UNFIT
from twin.validation.request import Request
from workloads.occupancy import TERMS


@pytest.fixture
def ettwin(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments)])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def asked(monkeypatch):
    """What reaches the validation, which then finds what it would find of farms that are made up."""
    requests = []

    def validate(request, out, progress, watched=None):
        requests.append(request)
        progress(0.5, "load 0.5: the farm, repeat 1 of 3")
        found = result(TRIALS[1:2] if request.seed == 1 else TRIALS[3:4])
        out.mkdir(parents=True)
        (out / "validation.json").write_text(json.dumps(found))
        return found

    monkeypatch.setattr(trial, "validate", validate)
    return requests


def test_what_was_asked_reaches_the_validation(ettwin, asked, tmp_path):
    options = ("--runtime", "torch", "--fallback", "onnxruntime", "--n", "500", "--repeats", "2", "--seed", "7")
    cases = ("--case", "two servers, load 0.6", "--case", "surge x5")
    code, out, err = ettwin("validate", "npe", *options, *cases, "--budget", "20", "--out", tmp_path / "v")
    assert code == 0
    names = ("two servers, load 0.6", "surge x5")
    assert asked == [Request("npe", "torch", 500, 2, names, 7, "onnxruntime", 20.0)]
    assert "The case meets its goals: the twin foretold the farm." in out
    assert out.endswith(f"Report  {tmp_path / 'v' / 'report.html'}\n")
    assert "load 0.5: the farm, repeat 1 of 3" in err
    assert (tmp_path / "v" / "report.html").read_text().startswith("<!doctype html>")


def test_a_scenario_is_asked_for_its_stage_with_a_fallback_or_the_one_that_is_named(ettwin, asked, tmp_path):
    assert ettwin("validate", "first-light", "--out", tmp_path / "a")[0] == 0
    assert ettwin("validate", "first-light", "--stage", "dq", "--out", tmp_path / "b")[0] == 0
    searched, classified = asked
    assert (searched.workload, searched.fallback_workload) == ("detector", "matched-filter")
    assert searched.programs[1][0] == "matched-filter"
    assert (classified.workload, classified.fallback, classified.fallback_workload) == (
        "glitch-classifier",
        "torch",
        "",
    )


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            ("first-light", "--stage", "alert"),
            2,
            "no stage of that name has a workload; those that have: dq, detect",
        ),
        (
            ("detector", "--stage", "dq"),
            2,
            "'detector' is a workload and has none; leave it out, or name a scenario",
        ),
        (("fist-light",), 2, "'fist-light' is no workload and no scenario"),
    ],
)
def test_a_stage_that_is_not_there_is_refused(ettwin, asked, options, code, message):
    found, out, err = ettwin("validate", *options)
    assert (found, out, asked) == (code, "", [])
    assert message in " ".join(err.split())


def test_what_is_not_asked_is_the_issues(ettwin, asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "validation").mkdir(parents=True)
    code, _, err = ettwin("validate", "--quiet")
    assert (code, err) == (0, "writing to runs/validation-2\n")
    assert asked == [Request()]
    assert (tmp_path / "runs" / "validation-2" / "report.html").exists()


@pytest.mark.parametrize(("seed", "code"), [(1, 5), (2, 0)])
def test_a_missed_goal_is_an_exit_code_where_that_is_wanted(ettwin, asked, tmp_path, seed, code):
    assert ettwin("validate", "--seed", seed, "--fail-on-target", "--out", tmp_path / "a")[0] == code
    assert ettwin("validate", "--seed", seed, "--out", tmp_path / "b")[0] == 0


def test_json_is_the_result_without_its_curves(ettwin, asked, tmp_path):
    code, out, _ = ettwin("validate", "--json", "--out", tmp_path / "v")
    told, found = json.loads(out), result(TRIALS[1:2])
    assert code == 0
    assert told.pop("validation") == str(tmp_path / "v")
    del found["cases"][0]["curves"]
    assert told == found


def test_an_interrupted_validation_says_how_to_go_on(ettwin, monkeypatch, tmp_path):
    def validate(request, out, progress, watched=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(trial, "validate", validate)
    code, out, err = ettwin("validate", "--out", tmp_path / "v")
    assert (code, out) == (130, "")
    assert f"interrupted; the same command goes on from {tmp_path / 'v'}.partial" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nonsense"], "'nonsense' is no workload and no scenario; workloads: anomaly-detector, "),
        (["--runtime", "abacus"], "workload 'detector' has no runtime 'abacus'; it has: onnxruntime, torch"),
        (["--fallback", "abacus"], "workload 'detector' has no runtime 'abacus'"),
        (["--runtime", "torch"], "the fallback runs on 'torch' as well; choose another runtime for it"),
        (["--case", "load 7"], "no case 'load 7'; known: "),
        (["--n", "99"], "Invalid value for '--n'"),
        (["--repeats", "0"], "Invalid value for '--repeats'"),
        (["--budget", "0"], "Invalid value for '--budget'"),
        (["--out", "."], "--out .: exists already; choose another folder or remove it"),
        (["--out", "/proc/v"], "--out /proc/v: /proc cannot be written to"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(ettwin, asked, options, message, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = ettwin("validate", *options)
    assert (code, out, asked) == (2, "", [])
    assert message in err


def test_a_report_is_written_anew_from_what_was_kept(ettwin, tmp_path):
    found = result(TRIALS[:1])
    kept = tmp_path / "validation.json"
    kept.write_text(json.dumps(found))
    code, told, _ = ettwin("report", tmp_path)
    assert code == 0
    assert told.endswith(f"Report  {tmp_path / 'report.html'}\n")
    code, out, _ = ettwin("report", kept, "--json", "--out", tmp_path / "page.html")
    assert (code, json.loads(out)["report"]) == (0, str(tmp_path / "page.html"))
    assert "curves" not in json.loads(out)["cases"][0]
    assert (tmp_path / "page.html").read_bytes() == (tmp_path / "report.html").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "validation.json: is no JSON (Expecting property name"),
        (
            "[]",
            "validation.json: is no validation; give a run directory or a validation.json of 'ettwin validate'",
        ),
        ('{"cases": []}', "validation.json: is no validation; give"),
        (
            '{"cases": [], "goals": {}, "ablation": [], "schema_version": 9}',
            "validation.json: has schema_version 9, this ettwin reads 1; validate again",
        ),
    ],
)
def test_what_is_no_validation_is_refused(ettwin, tmp_path, content, message):
    (tmp_path / "validation.json").write_text(content)
    code, out, err = ettwin("report", tmp_path)
    assert (code, out) == (2, "")
    assert message in err


def test_a_real_farm_is_foretold_run_and_told(ettwin, tmp_path, monkeypatch):
    """One case in small: too few jobs for a verdict on the twin, enough for every step and file."""
    for name, number in (("ROUNDS", 2), ("RESTARTS", 1), ("LOOKS", 1)):
        monkeypatch.setattr(occupied, name, number)
    folder = tmp_path / "v"
    small = ("--n", "300", "--repeats", "1", "--budget", "1", "--case", "two priorities")
    watched = ("--progress", tmp_path / "mine.jsonl")
    code, out, err = ettwin("validate", *small, *watched, "--json", "--out", folder)
    assert code == 0, err
    found = json.loads(out)
    made_up = result(TRIALS[:1])
    assert found.keys() - {"validation"} == made_up.keys()
    assert [case["name"] for case in found["cases"]] == ["two priorities: urgent", "two priorities: routine"]
    for case in found["cases"]:
        assert case.keys() == made_up["cases"][0].keys() - {"curves"}
        assert (case["replayed"], case["lost"], case["repeats"]) == (True, 0, 1)
        assert case["verdict"] in (MET, MISSED, UNFIT)
        assert (case["verdict"] == UNFIT) == bool(case["reason"])
        assert case["figures"]["p50"]["measured"][0] > 0.0
        assert case["figures"]["p50"]["predicted"] > 0.0
        kept = (folder / "prediction-two-priorities.json").read_bytes()
        assert case["prediction"]["sha256"] == hashlib.sha256(kept).hexdigest()
        assert case["contention"]["own_cores"] > 0.0
    assert [one["without"] for one in found["ablation"]] == ["nothing", *TERMS]
    seen = running.read(tmp_path / "mine.now.json")
    assert (seen.replica, seen.published, seen.validation.jobs) == (0, 300, 300)
    assert [one["verdict"] for one in seen.validation.done] == [case["verdict"] for case in found["cases"]]
    assert 0.0 < seen.validation.so_far["p50"] < seen.validation.so_far["p99"]
    fractions = [json.loads(line)["fraction"] for line in (tmp_path / "mine.jsonl").read_text().splitlines()]
    assert fractions == sorted(fractions)
    assert not folder.with_name("v.partial").exists()
    again = tmp_path / "again.html"
    assert ettwin("report", folder, "--out", again)[0] == 0
    assert again.read_bytes() == (folder / "report.html").read_bytes()
    assert ettwin("validate", *small, "--out", folder)[0] == 2


def test_cases_go_from_quiet_to_overload_and_to_what_may_happen():
    assert [case.rho for case in CASES[:6]] == [0.3, 0.6, 0.8, 0.9, 1.0, 1.2]
    assert [case.happens for case in CASES if case.happens] == ["surge", "death", "retraining"]
