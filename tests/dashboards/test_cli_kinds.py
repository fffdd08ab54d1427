"""Commands that take scenarios take studies, and what cannot be read is told alike by all of them."""

from __future__ import annotations

import json

import pytest

import twin
from dashboards.app import job
from dashboards.cli import main
from twin.studies import request, shipped

NOTHING = [
    ("run", "no.yaml"),
    ("run", "nosuch"),
    ("check", "no.yaml"),
    ("check", "no.yaml", "--json"),
    ("show", "no.yaml"),
    ("new", "mine.yaml", "--from", "no.yaml"),
    ("study", "no.yaml"),
    ("study", "nosuch"),
    ("compare", "no.yaml"),
    ("need", "no.yaml"),
    ("report", "no"),
    ("alerts", "no"),
    ("alerts", "no.json"),
    ("alerts", "."),
    ("alerts", "no", "--policies"),
    ("alerts", "no", "--write", "x"),
    ("latencies", "no.csv"),
    ("latencies", "."),
    ("archive", "list", "no"),
    ("archive", "check", "no"),
    ("archive", "capsule", "no", "--to", "x"),
    ("replay", "no", "r0-e0", "--archive", "no"),
]


@pytest.fixture
def ettwin(capsys):
    """Runs a command; its exit code, output and messages."""

    def run(*given):
        code = 0
        try:
            main([str(word) for word in given])
        except SystemExit as left:
            code = left.code or 0
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.mark.parametrize("given", NOTHING, ids=" ".join)
def test_what_is_not_there_has_one_exit_code(given, tmp_path, monkeypatch, ettwin):
    monkeypatch.chdir(tmp_path)
    code, out, err = ettwin(*given)
    assert (code, out) == (2, "")
    assert err.startswith(("no", "."))
    assert "internal error" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", shipped.studies())
def test_a_shipped_study_is_checked_and_shown(name, ettwin):
    kind = request.load(name).kind
    code, out, _ = ettwin("check", name)
    assert (code, out.startswith(f"{name}: '{name}' is valid (a study, '{kind}', of the scenario '")) == (0, True)
    code, out, _ = ettwin("check", name, "--json")
    assert (code, json.loads(out)["kind"]) == (0, kind)
    code, out, _ = ettwin("show", name, "--set", "horizon=3 d")
    assert (code, "horizon: 3 d" in out, f"\n{kind}:" in out) == (0, True, True)


def test_a_study_is_begun_checked_and_not_taken_for_a_scenario(tmp_path, monkeypatch, ettwin):
    monkeypatch.chdir(tmp_path)
    code, _, err = ettwin("new", "mine.yaml", "--from", "one-less")
    assert (code, "ettwin schema --study > study.schema.json" in err) == (0, True)
    text = (tmp_path / "mine.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=study.schema.json\n")
    assert "# What does each single failure cost" in text
    assert request.load("mine.yaml").name == "mine"
    assert ettwin("check", "mine.yaml")[0] == 0
    for command in ("run", "compare"):
        code, _, err = ettwin(command, "mine.yaml")
        assert (code, "is a study: 'ettwin study mine.yaml' carries it out" in err) == (3, True)
    (tmp_path / "mine.yaml").write_text(text.replace("replicas: 10", "replicas: 10\nreplica: 3"))
    code, _, err = ettwin("check", "mine.yaml")
    assert (code, "unknown key 'replica'; did you mean 'replicas'?" in err) == (3, True)
    code, out, _ = ettwin("check", "mine.yaml", "--json")
    assert (code, json.loads(out)["problems"][0]["line"]) == (3, 13)


def test_a_scenario_is_no_study():
    assert not request.is_study("first-light")
    assert not request.is_study("no.yaml")
    assert twin.load("first-light").name == "first-light"


def test_a_file_where_answers_are_to_be_kept_is_explained(tmp_path, monkeypatch, ettwin):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out.unfinished").write_text("mine")
    code, _, err = ettwin(
        "study", "first-light", "--vary", "sites.cnaf.pools.cpu.servers=1,2", "--out", "out", "--quiet"
    )
    assert code == 4
    assert "out.unfinished is a file, and no folder that answers" in err
    assert "move it away, or choose another --out" in err
    assert (tmp_path / "out.unfinished").read_text() == "mine"


@pytest.mark.parametrize(("found", "left_s"), [(0.0, 80.0), (0.5, 30.0)])
def test_the_time_left_is_that_of_what_is_done_now(tmp_path, found, left_s):
    """100 replicas, 10 s for 10 of them; half of them may have been done before an interrupt."""
    lines = [(0.0, 0.0, "beginning")]
    lines += [(1.0, found, "100 on 1 worker")] if found else []
    lines += [(1.0 + 10.0 * k, found + 0.1 * k, "more") for k in (1, 2)]
    text = "".join(json.dumps({"at_s": at_s, "fraction": f, "text": t}) + "\n" for at_s, f, t in lines)
    (tmp_path / job.PROGRESS).write_text(text)
    told = job._progress(tmp_path, 21.0)
    assert told["fraction"] == pytest.approx(found + 0.2)
    assert told["left_s"] == pytest.approx(left_s)
