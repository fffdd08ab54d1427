"""`ettwin run` and `ettwin report`, as a planner types them."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

from tests.dashboards.typed import ettwin
from tests.twin.hosts import interruptible
from tests.twin.profiles import write_all

ROOT = Path(__file__).parents[2]
SHORT = ["--set", "horizon=2 h", "--set", "timeline={}", "--replicas", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")


def program(*given, cwd):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "dashboards.cli", *map(str, given)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=cwd, env=environment, preexec_fn=interruptible, **pipes)


def test_a_run_ends_with_a_summary_and_a_report(folder, tmp_path):
    done = ettwin("run", "first-light", *SHORT, "--profiles", folder, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "first-light"
    assert done.stdout.splitlines()[-1] == "Report  runs/first-light/report.html"
    assert "%" in done.stderr
    wanted = {"scenario.yaml", "resolved.yaml", "manifest.json", "summary.json", "report.html", "alerts.parquet"}
    assert wanted <= {p.name for p in run.iterdir()}
    assert (run / "scenario.yaml").read_text() == (ROOT / "examples" / "first-light.yaml").read_text()
    with program("run", "first-light", *SHORT, "--profiles", folder, "--quiet", cwd=tmp_path) as other:
        said, told = other.communicate(timeout=120)
    assert other.returncode == 0
    assert re.fullmatch(r"writing to runs/first-light-2\n\d+ alerts are in runs/first-light-2/alerts\n", told)
    assert said.splitlines()[-1] == "Report  runs/first-light-2/report.html"
    assert (tmp_path / "runs" / "first-light-2" / "summary.json").read_bytes() == (
        run / "summary.json"
    ).read_bytes()
    report = ettwin("report", run, cwd=tmp_path)
    assert report.returncode == 0
    assert report.stdout.splitlines()[:5] == done.stdout.splitlines()[:5]


def test_json_is_one_object_on_stdout(folder, tmp_path):
    done = ettwin("run", "first-light", *SHORT, "--profiles", folder, "--json", "--out", "here", cwd=tmp_path)
    content = json.loads(done.stdout)
    assert content["schema_version"] == 1
    assert content["run"] == "here"
    assert content == {**json.loads((tmp_path / "here" / "summary.json").read_text()), "run": "here"}


def test_a_missed_target_can_fail_the_command(folder, tmp_path):
    strict = ["--set", "targets.alert_latency={p50: 1 s}", "--fail-on-target", "--quiet"]
    done = ettwin("run", "first-light", *SHORT, "--profiles", folder, *strict, cwd=tmp_path)
    assert done.returncode == 5, done.stderr


def test_a_missing_profile_is_exit_code_3_and_leaves_nothing(tmp_path):
    kind = ["--set", "sites.cnaf.pools.cpu.hardware=host", "--profiles", tmp_path]
    done = ettwin("run", "first-light", *SHORT, *kind, cwd=tmp_path)
    assert done.returncode == 3
    assert "no profile of workload" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_an_existing_out_is_refused_before_anything_is_run(folder, tmp_path):
    (tmp_path / "here").mkdir()
    done = ettwin("run", "first-light", "--profiles", folder, "--out", "here", cwd=tmp_path)
    assert done.returncode == 2
    assert "--out here: exists already; choose another folder or remove it" in done.stderr


def test_a_run_may_be_of_one_case(folder, tmp_path):
    given = ["run", "first-light", *SHORT, "--set", "replicas=1", "--profiles", folder, "--quiet"]
    joint = ettwin(*given, "--case", "mark+calm", "--out", "joint", cwd=tmp_path)
    undone = "--set timeline={} comes after override 'calm' and undoes its timeline.storm\n"
    assert joint.returncode == 0
    assert re.fullmatch(re.escape(undone) + r"\d+ alerts are in joint/alerts\n", joint.stderr)
    apart = ettwin(*given, "--with", "mark", "--with", "calm", "--out", "apart", cwd=tmp_path)
    assert apart.returncode == 0
    one, other = (tmp_path / name for name in ("joint", "apart"))
    assert (one / "resolved.yaml").read_text() == (other / "resolved.yaml").read_text()
    assert "gate:" not in (one / "resolved.yaml").read_text()
    assert (one / "alerts.parquet").read_bytes() == (other / "alerts.parquet").read_bytes()
    assert "--case mark+calm" in json.loads((one / "manifest.json").read_text())["command"]


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["--case", "clam"], 3, "--case clam: error: unknown case or override 'clam'; did you mean 'calm'?"),
        (["--case", "mark", "--case", "calm"], 2, "'ettwin compare' runs several, 'mark+calm' is both at once\n"),
    ],
)
def test_a_case_that_cannot_be_run_is_refused(given, code, said, tmp_path):
    done = ettwin("run", "first-light", *given, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_taken_meanwhile_costs_no_run(folder, tmp_path, monkeypatch):
    command = import_module("dashboards.commands.run")
    run = command._simulated

    def simulated(*given):
        (tmp_path / "runs" / "first-light").mkdir(parents=True)  # another run ends first
        return run(*given)

    monkeypatch.setattr(command, "_simulated", simulated)
    done = ettwin("run", "first-light", *SHORT, "--profiles", folder, "--quiet", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "Report  runs/first-light-2/report.html"
    assert (tmp_path / "runs" / "first-light-2" / "summary.json").is_file()


def test_an_interrupt_while_results_are_written_leaves_nothing(folder, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("dashboards.report.write", interrupted)
    done = ettwin("run", "first-light", *SHORT, "--profiles", folder, "--out", "here", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted; nothing was written\n")
    assert list(tmp_path.iterdir()) == []


def test_live_needs_names_of_stages(folder, tmp_path):
    done = ettwin("run", "first-light", "--profiles", folder, "--live", " ,", cwd=tmp_path)
    assert done.returncode == 2
    assert "--live ' ,': give names of stages, such as detect,dq" in done.stderr


def test_an_out_that_cannot_be_written_is_refused_before_anything_is_run(folder, tmp_path):
    (tmp_path / "file").write_text("")
    done = ettwin("run", "first-light", "--profiles", folder, "--out", "file/run", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot be written to" in done.stderr


def test_recorded_needs_a_live_run(folder, tmp_path):
    ettwin("run", "first-light", *SHORT, "--profiles", folder, "--out", "here", "--quiet", cwd=tmp_path)
    done = ettwin("run", "first-light", *SHORT, "--profiles", folder, "--recorded", "here", cwd=tmp_path)
    assert done.returncode == 2
    assert "--recorded here: holds no live stages" in done.stderr


def test_the_command_in_the_manifest_gives_the_same_numbers(folder, tmp_path):
    given = ["run", "first-light", *SHORT, "--profiles", folder]
    done = ettwin(*given, "--out", "one", "--quiet", "--json", "--seed", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    command = json.loads((tmp_path / "one" / "manifest.json").read_text())["command"]
    assert shlex.split(command) == ["ettwin", *map(str, given), "--seed", "3"]
    again = ettwin(*shlex.split(command)[1:], "--out=two", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    first, second = (tmp_path / name / "summary.json" for name in ("one", "two"))
    assert first.read_text() == second.read_text()
    assert json.loads((tmp_path / "two" / "manifest.json").read_text())["command"] == command


def test_a_live_run_replays_and_another_one_does_not(folder, tmp_path):
    pytest.importorskip("onnxruntime")
    given = [
        "run",
        "first-light",
        "--live",
        "dq",
        "--set",
        "horizon=20 s",
        "--replicas",
        "1",
        "--profiles",
        folder,
    ]
    first = ettwin(*given, "--out", "live", "--quiet", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "timeline.storm starts after the horizon: it does not happen in this run" in first.stderr
    assert "seed 1; executed: dq\n" in first.stdout
    assert "executed for real: dq" in (tmp_path / "live" / "report.html").read_text()
    command = json.loads((tmp_path / "live" / "manifest.json").read_text())["command"]
    again = ettwin(*shlex.split(command)[1:], "--out", "again", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    for name in ("alerts.parquet", "stages.parquet", "live.parquet", "inputs.parquet", "summary.json"):
        assert (tmp_path / "live" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    other = ettwin(*given, "--set", "stages.dq.max_batch=1", "--set", "instrument.calibration=9 s",
                   "--replicas", "2", "--recorded", "live", "--out", "no", cwd=tmp_path)  # fmt: skip
    assert other.returncode == 2
    assert "the recorded run is of another scenario, seed (1) or number of replicas (1)" in other.stderr
    assert not (tmp_path / "no").exists()


def test_a_farm_needs_something_to_execute(folder, tmp_path):
    done = ettwin("run", "first-light", "--farm", "--profiles", folder, cwd=tmp_path)
    assert done.returncode == 2
    assert "--farm executes live stages: name some with --live, such as --live detect,dq" in done.stderr
    done = ettwin(
        "run", "first-light", "--live", "dq", "--farm", "--recorded", "x", "--profiles", folder, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "--farm executes, --recorded replays: leave one of them out" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_leaves_no_run_directory(folder, tmp_path, number):
    command = ("run", "first-light", "--profiles", folder, "--out", "here", "--replicas", "200")
    with program(*command, cwd=tmp_path) as running:
        try:
            assert "%" in running.stderr.readline()
            time.sleep(0.5)
            running.send_signal(number)
            running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == (-9 if number == signal.SIGKILL else 130)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_run_is_named(tmp_path):
    done = ettwin("report", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "nowhere: there is no such run directory\n"
