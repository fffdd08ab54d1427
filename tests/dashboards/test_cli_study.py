"""`ettwin study`: what it prints and writes, how it is interrupted and goes on, and that its page hides
nothing."""

from __future__ import annotations

import json
import signal
import time

import numpy as np
import pandas as pd
import pytest

from dashboards import study_page, study_sweep, study_text, style
from dashboards.cli import main
from tests.dashboards.test_cli_run import program
from tests.dashboards.test_report import Page
from tests.twin.profiles import write_all
from twin.studies import request
from twin.studies.evaluation import Outcome
from twin.studies.quantities import Quantity
from twin.studies.registry import KINDS
from twin.studies.study import Study

HOSTILE = "</script><script>alert(1)</script>"
SERVERS, RATE = "sites.cnaf.pools.alerts.servers", "sky.signals.bbh.rate"
SHORT = ["--set", "horizon=2 h", "--set", "timeline={}", "--replicas", "4"]
SAME = ("study.yaml", "resolved.yaml", "scenario.yaml", "table.parquet", "values.parquet", "targets.parquet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")


def made(*vary, question="", sample=None, failing=None, report=("lost",)):
    """A study with made-up outcomes; the point numbered `failing` has none."""
    asked = request.of_options("first-light", vary, sample, report)
    points = KINDS["vary"].check(asked.asked)
    outcomes = []
    for k, point in enumerate(points):
        values = np.array([0.01 * k, 0.01 * k + 0.02, 0.01 * k + 0.01])
        if k == failing:
            outcomes.append(Outcome(point.name, [], [], [], "", HOSTILE))
            continue
        lost = Quantity("lost", "lost, of detectable signals", "", values, 90)
        outcomes.append(Outcome(point.name, [lost], [], [], "d"))
    found = KINDS["vary"].drive(asked.asked, lambda points, replicas: outcomes)
    about = {"scenario": "first-light", "scenario_digest": "d", "seed": 1, "points": len(points), "versions": {}}
    study = Study(asked, found, about | {"code": "c"})
    object.__setattr__(study.request, "question", question)
    return study


@pytest.mark.parametrize(
    ("vary", "sample", "kind", "traces"),
    [
        ((f"{SERVERS}=1,2,4",), None, "scatter", 1),
        ((f"{SERVERS}=1,2", f"{RATE}=1e5 /yr,2e5 /yr,3e5 /yr"), None, "scatter", 2),
        ((f"{SERVERS}=1:9:9", f"{RATE}=1e5 /yr:1e6 /yr:log10"), None, "heatmap", 1),
        ((f"{SERVERS}=1:9:2", f"{RATE}=1e5 /yr:1e6 /yr:log3"), "sobol:8", "scatter", 2),
    ],
)
def test_the_figure_of_a_sweep_suits_what_was_varied(vary, sample, kind, traces):
    study = made(*vary, sample=sample)
    figure = study_sweep.over(study, "lost")
    assert [trace.type for trace in figure.data] == [kind] * traces
    drawn = np.concatenate(
        [np.ravel(trace.z if kind == "heatmap" else trace.y).astype(float) for trace in figure.data]
    )
    wanted = 100.0 * study_sweep.over_table(study, "lost")["value"]
    assert sorted(set(drawn.round(6))) == sorted(set(wanted.round(6)))
    assert "servers=1" in figure.layout.meta["description"] or "p1: " in figure.layout.meta["description"]
    if kind == "heatmap":
        light, dark = ({colour for _, colour in one.data[0].colorscale} for one in (figure, style.dark(figure)))
        assert light.isdisjoint(dark)


def test_lines_have_intervals_and_a_key_in_its_own_unit():
    figure = study_sweep.over(made(f"{RATE}=1e5 /yr:3e6 /yr:log3"), "lost")
    assert figure.layout.xaxis.title.text == "rate (/yr)"
    assert figure.layout.xaxis.type == "log"
    assert list(figure.data[0].x) == [1e5, 547723.0, 3e6]
    assert min(figure.data[0].error_y.array) > 0.0


def test_the_page_stands_alone_names_failures_and_runs_nothing_of_the_scenario():
    study = made(f"{SERVERS}=1,2", question=HOSTILE, failing=1)
    source = study_page.page(study, f"ettwin study {HOSTILE}")
    plain = study_page.page(made(f"{SERVERS}=1,2"), "ettwin study x")
    assert HOSTILE not in source
    assert len(Page(source).scripts) == len(Page(plain).scripts)
    assert "What failed" in source
    assert "What failed" not in plain
    assert "servers=2 failed: </script>" in study_text.text(study)


def test_the_terminal_lists_what_was_asked_for():
    told = study_text.text(made(f"{SERVERS}=1:40:40"))
    assert "40 points" in told.splitlines()[0]
    assert "  servers=1   1 % (0 % to 3.48 %)" in told
    assert "and 16 points more" in told


def test_an_interrupted_study_goes_on_to_the_same_bytes(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = ["study", "first-light", "--vary", f"{SERVERS}=1,2", *SHORT, "--profiles", str(folder)]
    given += ["--report", "lost"]
    kept = tmp_path / "cut.unfinished" / "answers.jsonl"
    with program(*given, "--out", "cut", "--workers", "2", cwd=tmp_path) as running:
        try:
            while running.poll() is None and (not kept.exists() or kept.read_bytes().count(b"\n") < 2):
                time.sleep(0.02)
            running.send_signal(signal.SIGINT)
            told = running.communicate(timeout=60)[1]
        finally:
            running.kill()
    assert running.returncode == 130
    assert "interrupted; what is done is kept in cut.unfinished: the same command goes on from there" in told
    assert "Traceback" not in told
    known = kept.read_bytes().count(b"\n")
    assert 2 <= known < 8
    with kept.open("ab") as file:
        file.write(b"0123456789abcdef half a li")
    with pytest.raises(SystemExit) as left:
        main([*given, "--out", "cut", "--workers", "1", "--json"])
    assert not left.value.code
    said = capsys.readouterr()
    damaged = f"answers.jsonl, line {known + 1}: damaged or not finished; it held a replica that cannot be told"
    again = "1 kept answer could not be used; what was needed of that has been computed again"
    assert f"{again}: {damaged}\n" in said.err
    told = json.loads(said.out)
    assert [row["quantity"] for row in told["table"]] == ["lost", "lost"]
    assert not kept.parent.exists()
    manifest = json.loads((tmp_path / "cut" / "manifest.json").read_text())
    assert (manifest["replicas_found"], manifest["replicas_run"]) == (known, 8 - known)
    assert manifest["failures"] == {}
    with pytest.raises(SystemExit):
        main([*given, "--out", "whole", "--workers", "1", "--quiet", "--progress", "whole.jsonl"])
    assert capsys.readouterr().err == ""
    for name in (*SAME, "report.html"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    told = [json.loads(line)["fraction"] for line in (tmp_path / "whole.jsonl").read_text().splitlines()]
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert "--workers" not in manifest["command"]
    assert manifest["set"] == {"horizon": "2 h", "timeline": {}}
    assert manifest["report"] == ["lost"]
    table = pd.read_parquet(tmp_path / "whole" / "table.parquet")
    assert table[SERVERS].drop_duplicates().tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (["servers-for-rate"], 2, "did you mean 'servers-for-rates'"),
        (["first-light", "--vary", "drian=1 h"], 3, "did you mean 'drain'"),
        (["first-light", "--vary", "drain=1 h,2"], 3, "--vary drain=1 h,2: error: drain: a duration needs a unit"),
        (["servers-for-rates", "--sample", "sobol:8"], 2, "go with --vary"),
        (["servers-for-rates", "--tag", "fast"], 2, "go with --cluster"),
        (["servers-for-rates", "--cluster", "slrm:3"], 2, "give local, local:2, tls://HOST:PORT"),
        (["servers-for-rates", "--cluster", "tcp://elsewhere:8786"], 2, "must be encrypted"),
    ],
)
def test_what_cannot_be_studied_is_refused_in_words(given, code, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["study", *given])
    assert left.value.code == code
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_quantity_is_told_after_one_replica(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = ["study", "first-light", "--vary", f"{SERVERS}=1,2", *SHORT, "--profiles", str(folder)]
    with pytest.raises(SystemExit) as left:
        main([*given, "--report", "latency.p42", "--workers", "1"])
    assert left.value.code == 3
    assert "unknown quantity 'latency.p42'; did you mean 'latency.p" in capsys.readouterr().err


def test_the_schema_of_studies_is_written(capsys):
    with pytest.raises(SystemExit):
        main(["schema", "--study"])
    assert json.loads(capsys.readouterr().out)["title"] == "ettwin study"
