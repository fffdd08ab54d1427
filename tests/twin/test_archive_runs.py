"""A run that keeps capsules writes those of its alerts; each is asked again by its file, or says why not."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

import twin
from dashboards import documented
from tests.twin import archived
from tests.twin.profiles import write_all
from twin import words
from twin.alerts import accounts, kept
from twin.archive import audit, of_run
from twin.archive.capsule import alert_id, read
from twin.archive.sealed import ArchiveError, MissingError
from twin.archive.store import CAPSULE, Archive, described
from twin.units import YEAR_S

pytest.importorskip("torch")
pytest.importorskip("cryptography")
LOUD = {
    "horizon": "30 s",
    "drain": "5 min",
    "replicas": 1,
    "timeline": {},
    "sky.signals.bbh.rate": "20 /min",
    "sky.signals.bbh.snr": {"min": 14, "max": 40, "index": -2},
}
KEEPS = {"alerts": {"archives": "capsule"}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")


@pytest.fixture(scope="module")
def record(folder):
    scenario = twin.load("first-light").with_(LOUD | KEEPS | {"live": ["dq", "detect"]})
    return twin.run(scenario, profiles=(folder,))


@pytest.fixture(scope="module")
def run(record, tmp_path_factory):
    return record.save(tmp_path_factory.mktemp("runs") / "live", alerts=None)


@pytest.fixture
def own(run, tmp_path):
    """A copy to damage."""
    return shutil.copytree(run, tmp_path / "own")


def test_every_alert_of_a_live_run_is_asked_again_by_its_file(run, ettwin):
    files = kept.files(run)
    assert len(files) >= 3
    for path in files:
        code, out, err = ettwin("replay", path)
        assert (code, err, out.splitlines()[0].split()[1]) == (0, "", "agrees")
        assert len(out.splitlines()) == 3


def test_the_archive_is_whole_and_holds_a_capsule_for_every_alert(run, record):
    archive = Archive(run / of_run.FOLDER, (run / "archive.key.pub").read_text().strip())
    assert audit.problems(archive) == []
    rows = record.alerts[record.alerts["outcome"] == "published"]
    found = [read(archive, name).about["alert"] for name in archive.listed(CAPSULE)]
    assert {about["id"] for about in found} == {alert_id(0, event) for event in rows["event_id"]}
    named = [name for about in found for name in about["documents"]]
    files = [path.name for path in kept.files(run)]
    assert sorted(named) == sorted([*files, *(f"{name.removesuffix('.json')}.ext.json" for name in files)])


def test_a_capsule_holds_no_more_strain_than_the_policy_is_accounted_with(run, record):
    archive = Archive(run / of_run.FOLDER)
    stated = accounts.strain_bytes(record, record.scenario.alerts)
    held = [read(archive, name).about["strain"]["bytes"] for name in archive.listed(CAPSULE)]
    assert stated == 64 * len(record.scenario.instrument.detectors) * 2048 * 8
    assert 0 < max(held) < stated
    (row,) = record.policies.to_dict("records")
    of_year = row["events"] * stated * YEAR_S / record.scenario.told_s / 1e9
    assert row["kept_gb_per_yr"] > of_year > 0.9 * row["kept_gb_per_yr"]


def test_a_run_says_what_its_capsules_take_and_what_the_policy_states(run, record, capsys):
    documented.tell(record.noting(None), run)
    told = capsys.readouterr().err
    n = len(Archive(run / of_run.FOLDER).listed(CAPSULE))
    assert f"{n} capsules are in {run / 'archive'}, signed by a key that is not kept" in told
    held = sum(path.stat().st_size for path in (run / "archive").rglob("*") if path.is_file())
    assert f"they take {words.size(held)} with the models" in told
    assert f"{words.size(n * accounts.strain_bytes(record, record.scenario.alerts))} for as many" in told


def test_the_key_is_kept_nowhere(run):
    assert sorted(path.name for path in run.glob("archive*")) == ["archive", "archive.key.pub"]
    assert not [path for path in run.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]


def test_one_changed_byte_is_refused_and_named(own, ettwin):
    path = kept.files(own)[0]
    archive = Archive(own / of_run.FOLDER)
    (name,) = (n for n in archive.listed(CAPSULE) if path.name in read(archive, n).about["alert"]["documents"])
    strain = read(archive, name).about["strain"]["sha256"]
    weights = described("detector").files["detector.onnx"]
    files = [path, kept.extension_of(path), archive.place(CAPSULE, name), own / "archive" / "journal.json"]
    files += [own / "archive" / "objects" / digest[:2] / digest for digest in (strain, weights)]
    for file in files:
        archived.flip(file)
        code, out, err = ettwin("replay", path)
        assert (code, out) == (4, ""), file
        assert file.name in err
        archived.flip(file)
    assert ettwin("replay", path)[0] == 0
    assert ettwin("replay", path, "--trust", own / "archive.key.pub")[0] == 0
    assert ettwin("replay", path, "--trust", archived.signer(4).name)[0] == 4


def test_another_runtime_and_another_archive(own, folder, tmp_path, ettwin):
    path, other = kept.files(own)[0], tmp_path / "other"
    code, out, _ = ettwin("replay", path, "--runtime", "torch", "--json")
    assert (code, json.loads(out)["verdict"]) == (0, "agrees")
    assert ettwin("archive", "capsule", own, "--to", other, "--profiles", folder)[0] == 0
    code, out, _ = ettwin("replay", path, "--archive", other)
    assert (code, "has no capsule" in out) == (4, True)  # those were made without the alerts' files


def test_a_replayed_run_says_why_there_are_none(folder, tmp_path, ettwin):
    given = ["first-light", "--profiles", folder, "--quiet", "--set", "alerts.archives=capsule"]
    given += [
        word for key, value in {"horizon": "1 h", "timeline": "{}"}.items() for word in ("--set", f"{key}={value}")
    ]
    code, _, err = ettwin("run", *given, "--replicas", "1", "--out", tmp_path / "run")
    assert code == 0
    assert "no capsules: its alerts are replayed from profiles: no program was executed on any strain" in err
    assert not (tmp_path / "run" / "archive").exists()
    code, out, _ = ettwin("replay", kept.files(tmp_path / "run")[0])
    assert (code, out.splitlines()[0].endswith("cannot be checked")) == (4, True)
    assert "nothing to ask again. Execute some with --live" in out
    code, out, _ = ettwin("replay", kept.files(tmp_path / "run")[0], "--json")
    assert (code, json.loads(out)["verdict"]) == (4, "cannot be checked")


def test_a_live_run_under_another_policy_says_how_to_have_them(record, tmp_path, ettwin):
    policy = record.scenario.with_({"alerts.archives": "weights"})
    other = replace(record, scenario=policy).save(tmp_path / "run", alerts=None)
    assert not (other / "archive").exists()
    code, out, _ = ettwin("replay", kept.files(other)[0])
    assert code == 4
    assert "its policy keeps 'weights': run it with --set alerts.archives=capsule" in out


def test_what_cannot_be_found_is_said(own, ettwin):
    path = kept.files(own)[0]
    with pytest.raises(ArchiveError, match="there is no such file"):
        of_run.found(path.with_name("nothing.json"))
    stranger = path.with_name("MS350101zz-1-preliminary.json")
    shutil.copy(path, stranger)
    with pytest.raises(MissingError, match="no stage that was executed saw the segment"):
        of_run.found(stranger)
    kept.extension_of(path).unlink()
    with pytest.raises(MissingError, match="missing, but sealed with the alert's capsule"):
        of_run.found(path)
    shutil.rmtree(own / "archive")
    code, out, _ = ettwin("replay", path)
    assert (code, "its folder archive is missing" in out) == (4, True)
    code, _, err = ettwin("replay", path, "r0-e0")
    assert (code, "is one alert already; leave r0-e0 out" in err) == (2, True)


def test_workers_of_other_hosts_leave_none(record, tmp_path):
    told = {**record.manifest, "live": {**record.manifest["live"], "programs": None}}
    away = replace(record, manifest=told).noting(None)
    assert "on other hosts, which did not say what they loaded" in of_run.why_none(away)
    assert of_run.write(away, tmp_path) == 0
    assert list(tmp_path.iterdir()) == []
