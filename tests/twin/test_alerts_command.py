"""`ettwin run --alerts` and `ettwin alerts`, and the document that docs/alerts.md shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import twin
from dashboards.cli import main
from tests.twin.alerted import made, record, scenario
from twin.alerts import document, notices, official, writing
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
    assert ettwin("run", *HOUR, "--alerts", "--out", folder) == 0
    return folder


def public(run):
    return [f for f in sorted((run / "alerts").iterdir()) if not f.name.endswith(".ext.json")]


def test_the_documented_documents_are_those_of_the_documented_command(run):
    assert "ettwin run et --set horizon='1 h' --replicas 1 --alerts --out runs/alerts" in DOCS
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)]
    names = re.findall(r"^`(MS\S+\.json)`", DOCS, re.MULTILINE)
    assert len(shown) == 2
    assert shown == [json.loads((run / "alerts" / name).read_text()) for name in names]


def test_a_run_writes_its_alerts(run, capsys):
    record = twin.open(run)
    published = notices.sent(record, record.scenario.alerts, notices.published(record))
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
    assert "alerts:\n  write: true" in (run / "resolved.yaml").read_text()


def test_a_run_without_the_option_writes_none(tmp_path):
    assert ettwin("run", *HOUR, "--set", "alerts.copies=3", "--out", tmp_path / "run") == 0
    assert not (tmp_path / "run" / "alerts").exists()
    assert (tmp_path / "run" / "policies.parquet").is_file()


def test_a_standard_alert_comes_alone(tmp_path):
    assert ettwin("run", *HOUR, "--alerts", "--set", "alerts.carries=standard", "--out", tmp_path / "run") == 0
    assert public(tmp_path / "run")
    assert not list((tmp_path / "run" / "alerts").glob("*.ext.json"))


def test_too_many_documents_are_not_written_and_that_is_said(tmp_path, capsys):
    assert ettwin("run", *HOUR, "--alerts", "--set", "alerts.limit=3", "--out", tmp_path / "run") == 0
    told = capsys.readouterr().err
    assert re.search(r"no alert is written: there are \d+, and alerts.limit is 3. Raise it", told)
    assert not (tmp_path / "run" / "alerts").exists()


def test_sky_maps_go_into_alerts(tmp_path, capsys):
    assert ettwin("run", *HOUR, "--alerts", "--skymaps", "--out", tmp_path / "run") == 0
    assert all(json.loads(f.read_text())["event"]["skymap"] for f in public(tmp_path / "run"))
    assert ettwin("alerts", tmp_path / "run") == 0
    assert ettwin("run", *HOUR, "--skymaps") == 2
    assert "--skymaps: go into the alerts that --alerts writes: give both" in capsys.readouterr().err


def test_every_replica_is_written_if_so_wished(tmp_path):
    made_of = scenario("et", write=True, replicas="every").with_({"replicas": 2, "horizon": "30 min"})
    record = twin.run(made_of)
    record.save(tmp_path / "run")
    sent = notices.sent(record, record.scenario.alerts, notices.published(record))
    for replica in range(2):
        own = sent[sent["replica"] == replica]
        files = list((tmp_path / "run" / "alerts" / f"{replica:04d}").glob("*.json"))
        assert len(files) == 2 * len(own) > 0


def test_nothing_is_written_half(tmp_path, monkeypatch):
    run = twin.run(scenario("et", write=True))
    seen = []

    def fails(one):
        seen.append(one)
        if len(seen) == 5:
            raise AlertError("the fifth is wrong")

    monkeypatch.setattr(writing, "check", fails)
    with pytest.raises(AlertError, match="the fifth is wrong"):
        run.save(tmp_path / "run")
    assert len(seen) == 5
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_told_before_anything_is_simulated(tmp_path, monkeypatch, capsys):
    def gone():
        raise ModuleNotFoundError("No module named 'jsonschema'", name="jsonschema")

    monkeypatch.setattr(official, "ready", gone)
    assert ettwin("run", *HOUR, "--alerts", "--out", tmp_path / "run") == 2
    assert "needs the extra 'alerts': pip install 'et-twin[alerts]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


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
    assert ettwin("alerts", tmp_path / "nothing.json") == 4


def test_an_alert_that_was_changed_is_found_in_its_run(tmp_path, capsys):
    record("et").save(tmp_path / "run")
    assert ettwin("alerts", tmp_path / "run") == 2
    assert "holds no alerts; 'ettwin run … --alerts' writes them" in capsys.readouterr().err
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
    own = twin.open(run).policies.iloc[0]
    (same,) = [r for r in rows if (r["carries"], r["archives"]) == (own["carries"], own["archives"])]
    assert same["bytes_mean"] == own["bytes_mean"]
    assert same["kept_gb"] == own["kept_gb"]
