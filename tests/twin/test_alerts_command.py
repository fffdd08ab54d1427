"""The alerts that `ettwin run` writes, and `ettwin alerts`, and the document that docs/alerts.md shows."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import twin
from dashboards.cli import main
from tests.twin.alerted import VERDICTS, made, record, scenario
from twin.alerts import accounts, document, notices, official, writing
from twin.alerts.models import AlertError
from twin.alerts.reader import read

DOCS = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
HOUR = ["et", "--set", "horizon=1 h", "--replicas", "1", "--quiet"]


def ettwin(*given):
    """The exit code of a command."""
    try:
        main([str(word) for word in given])
    except SystemExit as left:
        return left.code or 0
    return 0


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alerts") / "run"
    assert ettwin("run", *HOUR, "--out", folder) == 0
    return folder


def public(run):
    return [f for f in sorted((run / "alerts").iterdir()) if not f.name.endswith(".ext.json")]


def test_the_documented_documents_are_those_of_the_documented_command(run):
    assert "ettwin run et --set horizon='1 h' --replicas 1 --out runs/alerts" in DOCS
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)]
    names = re.findall(r"^`(MS\S+\.json)`", DOCS, re.MULTILINE)
    assert len(shown) == 2
    assert shown == [json.loads((run / "alerts" / name).read_text()) for name in names]


def test_a_run_writes_its_alerts(run, capsys):
    record = twin.open(run)
    published = notices.sent(record, notices.policy_of(record), notices.published(record))
    assert len(public(run)) == len(published) > 5
    for file in public(run):
        assert re.fullmatch(r"MS\d{6}[a-z]+-\d+-(earlywarning|preliminary)\.json", file.name)
        assert read(file).problems == ()
        assert read(file).simulated
        assert file.with_suffix(".ext.json").is_file()
    assert ettwin("alerts", run) == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        f"{len(published)} alerts, 0 of them wrong, 0 not marked as simulated"
    )
    assert record.scenario.alerts is None
    n = len(published)
    assert record.manifest["documents"] == {"most": writing.USUAL, "written": n, "of": n}


def test_so_many_are_written_as_asked_for_the_first_in_time(run, tmp_path, capsys):
    assert ettwin("run", *HOUR, "--alerts", "3", "--out", tmp_path / "run") == 0
    told, n = capsys.readouterr(), len(public(run))
    first = sorted(public(run), key=lambda file: json.loads(file.read_text())["time_created"])[:3]
    assert {f.name: f.read_bytes() for f in public(tmp_path / "run")} == {f.name: f.read_bytes() for f in first}
    assert (
        f"3 of {n} alerts are in {tmp_path / 'run' / 'alerts'}, the first in time; all: ettwin alerts" in told.err
    )
    written = json.loads((tmp_path / "run" / "summary.json").read_text())["documents"]
    assert (written["written"], written["of"]) == (3, n)
    assert f"Written     3 of {n} alerts of the first replica as documents" in told.out
    assert ettwin("alerts", tmp_path / "run", "--write", tmp_path / "all", "--quiet") == 0
    assert {f.name: f.read_bytes() for f in public(tmp_path / "all")} == {
        f.name: f.read_bytes() for f in public(run)
    }
    assert ettwin("alerts", tmp_path / "all") == 0
    assert ettwin("alerts", tmp_path / "run", "--write", tmp_path / "all") == 2
    assert "exists already; choose another folder" in capsys.readouterr().err


def test_none_is_written_if_so_wished(tmp_path, capsys):
    given = ["run", *HOUR, "--alerts", "none", "--set", "alerts.copies=3", "--out", tmp_path / "run"]
    assert ettwin(*given) == 0
    assert not (tmp_path / "run" / "alerts").exists()
    assert (tmp_path / "run" / "policies.parquet").is_file()
    assert "documents" not in json.loads((tmp_path / "run" / "summary.json").read_text())
    assert "Written" not in capsys.readouterr().out


@pytest.mark.parametrize("given", ["some", "-1", "1.5", "١", "--out"])
def test_how_many_is_a_number_or_a_word(given, capsys):
    assert ettwin("run", *HOUR, f"--alerts={given}") == 2
    assert f"--alerts {given}: give how many, or 'all' or 'none'" in capsys.readouterr().err


def test_a_standard_alert_comes_alone(tmp_path):
    assert ettwin("run", *HOUR, "--set", "alerts.carries=standard", "--out", tmp_path / "run") == 0
    assert public(tmp_path / "run")
    assert not list((tmp_path / "run" / "alerts").glob("*.ext.json"))


@pytest.mark.parametrize("verdicts", [{}, VERDICTS, {**VERDICTS, "retracts": "flagged"}])
@pytest.mark.parametrize("name", ["work-graph", "first-light", "q13-premerger"])
def test_the_first_notices_are_the_beginning_of_all(name, verdicts):
    run = replace(record(name), scenario=scenario(name, **verdicts))
    policy = run.scenario.alerts
    whole = [(one.name, one.created_s) for one in notices.notices(run, policy, 0)]
    assert notices.counts(run, policy) == [len(whole)]
    for most in (0, 1, 2, 3, 5, 8, 13, 40, 100, len(whole), len(whole) + 1):
        assert [(one.name, one.created_s) for one in notices.notices(run, policy, 0, most)] == whole[:most]


def test_documents_of_a_kind(tmp_path, capsys):
    run, names = record("work-graph"), {}
    run.save(tmp_path / "run")
    every = notices.notices(run, run.scenario.alerts, 0)
    for only in notices.KINDS:
        names[only] = {one.name for one in notices.of_kind(every, only)}
        code = ettwin("alerts", tmp_path / "run", "--write", tmp_path / only, "--only", only, "--quiet")
        assert code == (0 if names[only] else 2)
        assert (tmp_path / only).exists() == bool(names[only])
        if names[only]:
            assert {f.name.removesuffix(".json") for f in public(tmp_path / only)} == names[only]
    assert names["late"] == {one.name for one in every if one.row["late"]}
    back = {one.superevent for one in every if one.type == "RETRACTION"}
    assert back
    assert names["retracted"] == {one.name for one in every if one.superevent in back}
    assert names["false"] == {one.name for one in every if not one.row["is_signal"]} < {one.name for one in every}
    assert ettwin("alerts", tmp_path / "run", "--only", "late") == 2
    assert ettwin("alerts", tmp_path / "run", "--write", tmp_path / "no", "--only", "loud") == 2
    assert "--only loud: allowed: late, false, retracted" in capsys.readouterr().err


def test_sky_maps_go_into_alerts(tmp_path, capsys):
    assert ettwin("run", *HOUR, "--skymaps", "--out", tmp_path / "run") == 0
    assert all(json.loads(f.read_text())["event"]["skymap"] for f in public(tmp_path / "run"))
    assert ettwin("alerts", tmp_path / "run") == 0
    assert ettwin("run", *HOUR, "--skymaps", "--alerts", "none") == 2
    assert "--skymaps: go into alerts, and --alerts none writes none" in capsys.readouterr().err


def test_every_replica_is_written_if_so_wished(tmp_path):
    made_of = scenario("et", replicas="every").with_({"replicas": 2, "horizon": "30 min"})
    record = twin.run(made_of)
    record.save(tmp_path / "run", alerts=None)
    sent = notices.sent(record, record.scenario.alerts, notices.published(record))
    for replica in range(2):
        own = sent[sent["replica"] == replica]
        files = list((tmp_path / "run" / "alerts" / f"{replica:04d}").glob("*.json"))
        assert len(files) == 2 * len(own) > 0


def test_nothing_is_written_half(tmp_path, monkeypatch):
    run = twin.run(scenario("et"))
    seen = []

    def fails(one):
        seen.append(one)
        if len(seen) == 5:
            raise AlertError("the fifth is wrong")

    monkeypatch.setattr(writing, "check", fails)
    with pytest.raises(AlertError, match="the fifth is wrong"):
        run.save(tmp_path / "run", alerts=None)
    assert len(seen) == 5
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_told_before_anything_is_simulated(tmp_path, monkeypatch, capsys):
    def gone():
        raise ModuleNotFoundError("No module named 'jsonschema'", name="jsonschema")

    monkeypatch.setattr(official, "ready", gone)
    assert ettwin("run", *HOUR, "--alerts", "all", "--out", tmp_path / "run") == 2
    assert "needs the extra 'alerts': pip install 'et-twin[alerts]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert ettwin("run", *HOUR, "--out", tmp_path / "run") == 0
    assert (
        "no alerts are written: no module 'jsonschema': pip install 'et-twin[alerts]'" in capsys.readouterr().err
    )
    assert not (tmp_path / "run" / "alerts").exists()
    assert ettwin("alerts", tmp_path / "run") == 2
    assert "--write DIR' writes those of the run" in capsys.readouterr().err


def test_a_run_that_can_have_none_says_so(tmp_path, capsys):
    news = ["first-light", "--set", "horizon=10 min", "--set", "timeline={}", "--replicas", "1", "--quiet"]
    news += ["--set", "stages.alert.publishes=news", "--set", "targets.product=null"]
    assert ettwin("run", *news, "--out", tmp_path / "run") == 0
    told = "the run publishes 'news', which is no kind of notice: run it with --set alerts.types.news=UPDATE"
    assert f"no alerts are written: {told}" in capsys.readouterr().err
    assert ettwin("run", *news, "--alerts", "5", "--out", tmp_path / "other") == 4
    assert f"--alerts 5: {told}" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_one_alert_is_read_and_turned_into_avro(run, tmp_path, capsys):
    first, avro = public(run)[0], tmp_path / "alert.avro"
    assert ettwin("alerts", first, "--avro", avro) == 0
    assert capsys.readouterr().out.startswith(f"SIMULATED  {first}: PRELIMINARY of MS350101a, json, valid")
    assert ettwin("alerts", avro, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["simulated"] is True
    assert told["document"]["superevent_id"] == "MS350101a"


def test_a_wrong_alert_is_explained(run, tmp_path, capsys):
    wrong = tmp_path / "wrong.json"
    wrong.write_bytes(public(run)[0].read_bytes().replace(b'"PRELIMINARY"', b'"NEWS"'))
    assert ettwin("alerts", wrong, "--avro", tmp_path / "no.avro") == 4
    told = capsys.readouterr()
    assert 'alert_type: "NEWS" is none of EARLYWARNING, PRELIMINARY, INITIAL, UPDATE, RETRACTION' in told.out
    assert not (tmp_path / "no.avro").exists()
    assert ettwin("alerts", tmp_path / "nothing.json") == 2


def test_an_alert_that_was_changed_is_found_in_its_run(tmp_path, capsys):
    record("et").save(tmp_path / "run")
    assert ettwin("alerts", tmp_path / "run") == 2
    assert "holds no alerts; 'ettwin alerts" in capsys.readouterr().err
    folder = tmp_path / "run" / "alerts"
    folder.mkdir()
    one, other = made("et")[:2]
    for each in (one, other):
        (folder / f"{each.name}.json").write_bytes(each.text)
        (folder / f"{each.name}.ext.json").write_bytes(each.extension_text)
    assert ettwin("alerts", tmp_path / "run") == 0
    changed = {**other.public, "time_created": "2036-01-01T00:00:00.000Z"}
    (folder / f"{other.name}.json").write_bytes(document.as_bytes(changed))
    assert ettwin("alerts", tmp_path / "run") == 4
    assert "extension: document.sha256: is not that of the public document" in capsys.readouterr().out


def test_policies_are_set_side_by_side(run, capsys):
    assert ettwin("alerts", run, "--policies") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["carried", "kept", "an", "alert"]
    assert len(lines) == 1 + 20 + 2
    assert ettwin("alerts", run, "--policies", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["policies"]
    own = accounts.table(twin.open(run), every_policy=False).iloc[0]
    (same,) = [r for r in rows if (r["carries"], r["archives"]) == (own["carries"], own["archives"])]
    assert same["bytes_mean"] == own["bytes_mean"]
    assert same["kept_gb"] == own["kept_gb"]
