"""`ettwin` in the hands of who does not know it yet: every mistake is answered in words, none by a traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboards.cli import main
from tests.dashboards.typed import ettwin
from tests.twin.profiles import write_all
from twin.loader import bundled, checked

ROOT = Path(__file__).parents[2]
FIRST = bundled()["first-light"].read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("run")
    short = ["--set", "horizon=10 min", "--set", "timeline={}", "--replicas", "2", "--quiet"]
    assert ettwin("run", "first-light", *short, "--profiles", folder, "--out", "r", cwd=place).returncode == 0
    return place / "r"


def outcome(*given, cwd=ROOT):
    """The exit code, and what was said on standard error; nothing was a result."""
    done = ettwin(*given, cwd=cwd)
    assert done.stdout == ""
    assert "internal error" not in done.stderr
    return done.returncode, done.stderr


# --- scenarios


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "work: glitch-classifier",
            "work: glitch-clasifier",
            "error: stages.dq.work: there is no workload 'glitch-clasifier'; did you mean 'glitch-classifier'?",
        ),
        (
            "fallback: matched-filter",
            "fallback: templates",
            "error: stages.detect.fallback: there is no workload 'templates'; known: anomaly-detector, ",
        ),
        (
            "runtime: torch\n    after",
            "runtime: torhc\n    after",
            "error: stages.candidate.runtime: workload 'matched-filter' has no runtime 'torhc'; it has: ",
        ),
        (
            "fallback_runtime: torch",
            "fallback_runtime: abacus",
            "error: stages.detect.fallback_runtime: workload 'matched-filter' has no runtime 'abacus'; it has: ",
        ),
        (
            "  calm: {timeline.storm: null}",
            "  calm: {timeline.storm: null, stages.dq.work: detectr}",
            "error: stages.dq.work: there is no workload 'detectr'; did you mean 'detector'? Known: ",
        ),
    ],
)
def test_a_program_that_does_not_exist_is_no_matter_of_measuring(old, new, said, tmp_path):
    assert FIRST.count(old) == 1
    (tmp_path / "mine.yaml").write_text(FIRST.replace(old, new))
    code, told = outcome("check", "mine.yaml", cwd=tmp_path)
    assert code == 3
    assert said in told
    assert "mine.yaml:" in told.partition("error")[0]
    if "calm" not in old:
        code, told = outcome("run", "mine.yaml", "--quiet", "--out", "r", cwd=tmp_path)
        assert (code, told.count("there is no workload") + told.count("has no runtime")) == (3, 1)
        assert said in told
        assert "ettwin measure" not in told


def test_a_program_of_ones_own_is_known_by_its_profile(folder, tmp_path):
    (tmp_path / "profiles" / "epyc-core").mkdir(parents=True)
    kept = (folder / "epyc-core" / "glitch-classifier-onnxruntime.json").read_text()
    (tmp_path / "profiles" / "epyc-core" / "mine-onnxruntime.json").write_text(kept)
    done = ettwin("check", "first-light", "--set", "stages.dq.work=mine", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_check_counts_what_there_is_to_choose():
    done = ettwin("check", "first-light", cwd=ROOT)
    assert done.stdout.endswith("on the timeline, 4 overrides, 4 cases)\n")


def test_files_of_an_override_are_looked_for(tmp_path):
    (tmp_path / "mine.yaml").write_text(f"{FIRST}  again: {{sky.replay: {{file: gone.csv}}}}\n")
    code, told = outcome("check", "mine.yaml", cwd=tmp_path)
    assert code == 3
    assert f"'gone.csv' does not exist in {tmp_path}" in told


@pytest.mark.parametrize("command", ["check", "show"])
def test_a_set_that_undoes_an_override_is_told(command):
    done = ettwin(command, "first-light", "--with", "outage", "--set", "timeline={}", cwd=ROOT)
    told = "--set timeline={} comes after override 'outage' and undoes its timeline.tier-1\n"
    assert (done.returncode, done.stderr) == (0, told)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (".", "cannot be read: is a directory"),
        ("x" * 5000, "error: unknown scenario 'x"),
        ("binary.yaml", "error: the character U+007F is not allowed"),
        ("latin.yaml", "error: is not UTF-8 text"),
        ("empty.yaml", "error: is empty"),
        ("gone.yaml", "cannot be read: no such file or directory"),
        ("binary.yaml/more.yaml", "cannot be read: not a directory"),
        ("", "error: unknown scenario ''; known: "),
    ],
)
@pytest.mark.parametrize("command", ["check", "show", "run"])
def test_what_is_no_scenario_is_said(command, source, said, tmp_path):
    (tmp_path / "binary.yaml").write_bytes(b"\x7fELF\0\1")
    (tmp_path / "latin.yaml").write_bytes(b"name: m\xfcller")
    (tmp_path / "empty.yaml").write_bytes(b"")
    code, told = outcome(command, source, cwd=tmp_path)
    assert code == (2 if "cannot be read" in said or "unknown scenario" in said else 3)
    assert said in told


# --- a scenario of one's own


def test_what_a_shipped_scenario_reads_comes_along(tmp_path):
    done = ettwin("new", "mine.yaml", "--from", "restless-sky", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "mine.yaml\n")
    assert done.stderr.startswith("restless-sky.csv belongs to it\nNext: ettwin check mine.yaml ")
    assert ettwin("check", "mine.yaml", cwd=tmp_path).returncode == 0
    (tmp_path / "restless-sky.csv").write_text("mine")
    assert ettwin("new", "other.yaml", "--from", "restless-sky", cwd=tmp_path).returncode == 0
    assert (tmp_path / "restless-sky.csv").read_text() == "mine"


@pytest.mark.parametrize("name", [f"{'a-' * 60}.yaml", "Erste Nacht.yaml", "2027.yml"])
def test_whatever_it_is_called_it_is_right(name, tmp_path):
    assert ettwin("new", name, "--from", "first-light", cwd=tmp_path).returncode == 0
    scenario, _ = checked(tmp_path / name)
    assert len(scenario.name) <= 64


def test_what_is_based_on_a_file_is_not_copied_away_from_it(tmp_path):
    (tmp_path / "base.yaml").write_text(FIRST)
    (tmp_path / "top.yaml").write_text("based_on: base.yaml\nname: top\n")
    (tmp_path / "far").mkdir()
    code, told = outcome("new", "far/mine.yaml", "--from", "top.yaml", cwd=tmp_path)
    assert code == 3
    assert "far/mine.yaml:2:11: error: based_on: there is no file 'base.yaml' beside this one" in told
    assert list((tmp_path / "far").iterdir()) == []


# --- where results go


@pytest.mark.parametrize(
    ("out", "code", "said"),
    [
        ("r", 2, "--out r: is a folder; give the name of a file, such as r/report.html\n"),
        (
            "gone/page.html",
            4,
            "gone/page.html: cannot be written (no such file or directory); choose another --out\n",
        ),
        ("r/summary.json/page.html", 4, "cannot be written (not a directory); choose another --out\n"),
        (f"{'x' * 300}.html", 4, "cannot be written (file name too long); choose another --out\n"),
        ("/dev/full", 4, "/dev/full: cannot be written (no space left on device); choose another --out\n"),
    ],
)
def test_a_report_that_cannot_be_written_is_told(run, out, code, said):
    left, told = outcome("report", "r", "--out", out, cwd=run.parent)
    assert left == code
    assert told.endswith(said)
    assert not [p.name for p in run.parent.iterdir() if p != run]


def test_a_report_that_fails_leaves_the_one_before(run, monkeypatch):
    before = (run / "report.html").read_bytes()

    def full(_record, path):
        path.write_text("<ht")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dashboards.report.write", full)
    assert outcome("report", "r", cwd=run.parent)[0] == 4
    assert (run / "report.html").read_bytes() == before
    assert not list(run.glob(".*"))


SHORT = ("run", "first-light", "--set", "horizon=10 min", "--set", "timeline={}", "--replicas", "1", "--quiet")


def test_a_run_directory_is_utf8_in_any_locale(folder, tmp_path):
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = [*SHORT, "--profiles", str(folder), "--out", str(tmp_path / "r")]
    with typed(words, subprocess.PIPE, **plain) as process:
        told = process.communicate(timeout=120)[1]
    assert process.returncode == 0, told
    assert (tmp_path / "r" / "scenario.yaml").read_text(encoding="utf-8") == FIRST
    assert ettwin("report", "r", cwd=tmp_path).returncode == 0


def test_a_folder_that_is_not_utf8_is_refused_before_the_run(tmp_path):
    code, told = outcome(*SHORT, "--out", os.fsdecode(b"l\xe4ufe"), cwd=tmp_path)
    assert (code, "is not UTF-8 text; choose another folder" in told) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_run_is_writing_is_not_taken(folder, tmp_path):
    (tmp_path / "runs" / ".first-light.partial").mkdir(parents=True)
    done = ettwin(*SHORT, "--profiles", folder, cwd=tmp_path)
    assert (done.returncode, "writing to runs/first-light-2\n" in done.stderr) == (0, True)


def test_more_replicas_than_there_may_be_are_refused_before_a_folder_is_chosen():
    code, told = outcome("run", "first-light", "--replicas", "10001")
    assert (code, "--replicas" in told, "writing to" in told) == (2, True, False)


@pytest.mark.parametrize("checkpoint", ["r/summary.json/c", "x" * 300])
def test_a_checkpoint_that_cannot_be_kept_is_told(run, folder, checkpoint, tmp_path):
    given = ["run", "first-light", "--profiles", folder, "--quiet", "--out", tmp_path / "o"]
    code, told = outcome(*given, "--checkpoint", checkpoint, cwd=run.parent)
    assert code in (2, 4)
    assert checkpoint in told
    assert "cannot be" in told


@pytest.mark.parametrize("word", ["nan", "inf", "1e999", "-1", "soon"])
@pytest.mark.parametrize("command", [("measure", "detector"), ("validate", "detector")])
def test_a_budget_is_a_finite_number(command, word, tmp_path):
    code, told = outcome(*command, "--budget", word, "--out", tmp_path / "o")
    assert code == 2
    assert "Invalid value for '--budget': " in told


def test_what_an_encoding_lacks_is_escaped(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    for form in ((), ("--json",)):
        with pytest.raises(SystemExit) as left:
            main(["check", "first-light", "--set", "name=müller", *form])
        assert left.value.code == 3
    sys.stdout.flush()
    (problem,) = json.loads(raw.getvalue())["problems"]
    assert "'müller'" in problem["message"]


def typed(words, stdout, **more):
    """The command in a process of its own, whose standard output is `stdout`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    command = [sys.executable, "-m", "dashboards.cli", *words]
    return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, env=environment, text=True)


def test_a_full_disk_and_a_reader_that_leaves_are_no_errors_of_the_program():
    with open("/dev/full", "w") as full, typed(["list"], full) as process:
        told = process.communicate(timeout=60)[1]
    assert (process.returncode, told) == (4, "the result: cannot be read or written: no space left on device\n")
    reading, writing = os.pipe()
    os.close(reading)
    with typed(["show", "et"], writing) as process:
        os.close(writing)
        told = process.communicate(timeout=60)[1]
    assert (process.returncode, told) == (1, "")
