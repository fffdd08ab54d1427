"""Early warnings that come too late are withdrawn and counted; what should lie beside alerts is missed."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

import twin
from dashboards import text
from tests.twin.alerted import made, record, scenario
from twin.alerts import accounts, kept
from twin.alerts.document import documents
from twin.alerts.models import models
from twin.alerts.moments import END_S, day
from twin.alerts.notices import counts, notices, published, sent, withdrawn
from twin.alerts.writing import check
from twin.loader import ScenarioError

SLOW = {
    "stages.early-warning.time": {"value": "60 s", "standing": "assumed", "source": "slow enough to miss some"}
}


@pytest.fixture(scope="module")
def slow():
    return twin.run(scenario("q13-premerger", SLOW, retract_after="30 min"))


def documents_of(run, **changes):
    policy = run.scenario.alerts.model_copy(update=changes)
    return list(documents(run, policy, models(run), 0))


def is_early(one):
    return one.public["alert_type"] == "EARLYWARNING"


def seconds_ahead(one):
    created, merger = (
        datetime.fromisoformat(t) for t in (one.public["time_created"], one.public["event"]["time"])
    )
    return (merger - created).total_seconds()


def test_no_early_warning_is_sent_after_its_merger(slow):
    early = [one for one in documents_of(slow) if is_early(one)]
    assert early
    assert all(seconds_ahead(one) > 0.0 for one in early)
    rows = published(slow)
    late = rows[(rows["product"] == "early-warning") & rows["is_signal"] & (rows["latency_s"] >= 0.0)]
    assert len(late) > 3
    gone = len(rows) - len(sent(slow, slow.scenario.alerts, rows))
    assert withdrawn(slow, slow.scenario.alerts) == [gone]
    assert gone >= len(late)
    assert counts(slow, slow.scenario.alerts)[0] == len(documents_of(slow))
    assert [one.public["superevent_id"] for one in documents_of(slow)] == [
        notice.superevent for notice in notices(slow, slow.scenario.alerts, 0)
    ]


def test_they_are_sent_where_the_scenario_says_so(slow):
    as_published = slow.scenario.alerts.model_copy(update={"late_warnings": "sent", "retract_after": None})
    assert counts(slow, as_published)[0] == len(published(slow))
    early = [one for one in documents_of(slow, late_warnings="sent") if is_early(one)]
    assert any(seconds_ahead(one) <= 0.0 for one in early)
    assert withdrawn(slow, as_published) == [0]


def test_what_was_withdrawn_is_counted_and_told(slow):
    (row,) = slow.policies.to_dict("records")
    gone = withdrawn(slow, slow.scenario.alerts)[0]
    assert row["withdrawn"] == gone > 0
    told = slow.summary["alerts"]
    assert told["withdrawn"] == gone
    assert f"and withdrawn: {gone} early warnings a replica." in told["text"]
    assert f"withdrawn: {gone} early" in " ".join(text.text(slow.summary).split())
    older = slow.policies.drop(columns="withdrawn")
    from dataclasses import replace

    assert "withdrawn:" not in accounts.summary(replace(slow, policies=older))["alerts"]["text"]


def test_a_false_early_warning_claims_a_merger_to_come_and_says_that_it_was_drawn(slow):
    false = [
        (notice, one)
        for notice, one in zip(notices(slow, slow.scenario.alerts, 0), documents_of(slow), strict=True)
        if is_early(one) and not notice.row["is_signal"]
    ]
    assert false
    for notice, one in false:
        check(one)
        assert notice.claimed
        assert seconds_ahead(one) > 0.0
        told = one.extension["event"]["merger"]
        assert (told["value"], told["standing"]) == (one.public["event"]["time"], "assumed")
    true = [one for one in documents_of(slow) if is_early(one)]
    assert sum("merger" in one.extension["event"] for one in true) == len(false) < len(true)


@pytest.mark.parametrize(
    ("epoch", "is_wrong"), [("1e300 s", True), (f"{END_S:.15g} s", True), ("3e9 s", False), ("0 s", False)]
)
def test_an_epoch_whose_days_have_no_six_digits_is_refused(epoch, is_wrong):
    if not is_wrong:
        assert scenario("et", epoch=epoch).alerts.epoch.value == float(epoch.split()[0])
        return
    with pytest.raises(
        ScenarioError, match=r"alerts\.epoch: the run would go on after 2079.*at most 3155.* s, in GPS"
    ):
        scenario("et", epoch=epoch)


def test_the_last_epoch_that_is_allowed_names_its_days():
    two_hours_and_drain_s = 3 * 3600.0
    last = scenario("et", epoch=f"{END_S - two_hours_and_drain_s - 1.0:.15g} s")
    run = twin.run(last.with_({"horizon": "10 min"}))
    assert day(END_S - 1.0) == "791231"
    assert all("7912" in one.public["superevent_id"] for one in documents_of(run))


@pytest.fixture
def folder(tmp_path):
    """A run directory with three alerts and what goes along."""
    record("et").save(tmp_path / "run")
    place = tmp_path / "run" / "alerts"
    place.mkdir()
    for one in made("et")[:3]:
        (place / f"{one.name}.json").write_bytes(one.text)
        (place / f"{one.name}.ext.json").write_bytes(one.extension_text)
    return tmp_path / "run"


def test_a_missing_extension_is_noticed(folder, ettwin):
    assert ettwin("alerts", folder)[0] == 0
    first = kept.files(folder)[0]
    kept.extension_of(first).unlink()
    code, out, _ = ettwin("alerts", folder)
    assert code == 4
    assert out.splitlines()[0] == "3 alerts, 1 of them wrong, 0 not marked as simulated"
    assert f"{first.name}: extension: {first.stem}.ext.json is missing; every alert of this run has one" in out
    assert ettwin("alerts", first)[0] == 4
    first.unlink()
    assert ettwin("alerts", folder)[0] == 0


def test_an_extension_without_its_alert_is_noticed(folder, ettwin):
    first = kept.files(folder)[0]
    first.unlink()
    code, out, _ = ettwin("alerts", folder)
    assert code == 4
    assert f"{first.stem}.ext.json: the alert that it belongs to is missing" in out
    assert out.splitlines()[0].startswith("2 alerts, 1 of them wrong")


def test_where_the_policy_carries_nothing_no_extension_is_missed(folder, ettwin):
    for path in (folder / "alerts").glob("*.ext.json"):
        path.unlink()
    assert ettwin("alerts", folder)[0] == 4
    (folder / "resolved.yaml").write_text(
        (folder / "resolved.yaml").read_text().replace("carries: [", "carries: [standard] #")
    )
    assert ettwin("alerts", folder)[0] == 0
    (folder / "resolved.yaml").write_text("of another version: 1")
    assert ettwin("alerts", folder)[0] == 0


def test_the_alerts_of_a_run_become_avro(folder, tmp_path, ettwin):
    code, _, err = ettwin("alerts", folder, "--avro", tmp_path / "avro")
    assert (code, err) == (0, f"3 alerts are in {tmp_path / 'avro'}\n")
    names = sorted(path.name for path in (tmp_path / "avro").iterdir())
    assert names == [f"{path.stem}.avro" for path in kept.files(folder)]
    for name, path in zip(names, kept.files(folder), strict=True):
        code, out, _ = ettwin("alerts", tmp_path / "avro" / name, "--json")
        there = json.loads(out)["document"]
        here = json.loads(path.read_text())
        assert (code, there["superevent_id"], there["alert_type"]) == (
            0,
            here["superevent_id"],
            here["alert_type"],
        )
    code, _, err = ettwin("alerts", folder, "--avro", tmp_path / "avro")
    assert (code, "exists already" in err) == (2, True)
    kept.extension_of(kept.files(folder)[0]).unlink()
    code, _, err = ettwin("alerts", folder, "--avro", tmp_path / "other")
    assert (code, "other was not written" in err) == (4, True)
    assert not (tmp_path / "other").exists()
    code, _, err = ettwin("alerts", folder, "--avro", tmp_path / "x", "--policies")
    assert (code, "--policies and --avro are different things" in err) == (2, True)


def test_an_archive_cannot_be_a_file(tmp_path, ettwin, monkeypatch):
    pytest.importorskip("cryptography")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    for place in ("file", "/"):
        code, _, err = ettwin("archive", "add", "detector", "--to", place)
        assert (code, f"--to {place}: is no place for an archive, which is a folder" in err) == (2, True)
    code, _, err = ettwin("archive", "capsule", "nowhere", "--to", "file")
    assert (code, "is no place for an archive" in err) == (2, True)
    code, _, err = ettwin("archive", "add", "detector", "--to", "file/below")
    assert (code, "--to file/below: cannot be written" in err) == (2, True)
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
