"""An alert of a live run is asked about again: it agrees, differs by so much, cannot be checked, or is refused."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

import twin
from dashboards.cli import main
from tests.twin import archived
from tests.twin.profiles import write_all
from twin.archive import again, audit
from twin.archive.again import AGREES, DIFFERS, UNCHECKED, ask, verdict
from twin.archive.capsule import alert_id, capsules, keep, packed, read, unpacked
from twin.archive.sealed import ArchiveError, make_key
from twin.archive.store import CAPSULE, Archive, described
from twin.archive.tolerance import difference

torch = pytest.importorskip("torch")
pytest.importorskip("cryptography")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """A live minute of loud signals, in which data quality takes four segments at once."""
    scenario = twin.load("first-light").with_(
        {
            "horizon": "60 s",
            "drain": "5 min",
            "replicas": 1,
            "timeline": {},
            "sky.signals.bbh.rate": "20 /min",
            "sky.signals.bbh.snr": {"min": 14, "max": 40, "index": -2},
            "stages.dq.max_wait": "4 s",
            "live": ["dq", "detect"],
        }
    )
    place = tmp_path_factory.mktemp("runs") / "live"
    twin.run(scenario, profiles=(folder,)).save(place)
    return place


@pytest.fixture(scope="module")
def found(run, folder):
    return list(capsules(twin.open(run), (folder,)))


@pytest.fixture(scope="module")
def kept(found, tmp_path_factory):
    place = tmp_path_factory.mktemp("archive")
    signer = make_key(place / "a.key")
    archive = Archive.begin(place / "a", signer)
    keep(found, archive, signer)
    return archive


@pytest.fixture
def own(kept, tmp_path):
    """A copy of the archive to damage."""
    shutil.copytree(kept.folder, tmp_path / "a")
    shutil.copy(kept.folder.with_name("a.key"), tmp_path / "a.key")
    return Archive(tmp_path / "a", kept.key)


@pytest.fixture
def ettwin(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return call


def object_of(archive, digest):
    return archive.folder / "objects" / digest[:2] / digest


def test_every_published_alert_has_a_capsule_and_agrees_to_the_bit(run, found, kept):
    alerts = twin.open(run).alerts
    published = alerts[alerts["outcome"] == "published"]
    assert len(found) >= 3
    assert {c.about["alert"]["id"] for c in found} == {alert_id(0, e) for e in published["event_id"]}
    for name in kept.listed(CAPSULE):
        capsule = read(kept, name)
        answers = ask(capsule, kept)
        assert [a.stage for a in answers] == ["dq", "detect"]
        assert [(a.verdict, a.difference, a.allowed) for a in answers] == [(AGREES, 0.0, 0.0)] * 2
        assert capsule.about["simulated"]
        own = [about["segments"][about["own"]] for about in capsule.about["asked"]]
        assert own == [int(capsule.about["alert"]["event_time_s"])] * 2
    assert audit.problems(kept) == []


def test_the_recorded_scores_are_those_of_the_live_table(run, found):
    live = twin.open(run).live
    for about in (about for capsule in found for about in capsule.about["asked"]):
        (row,) = live[(live["stage"] == about["stage"]) & (live["order"] == about["order"])].to_dict("records")
        assert about["scores"] == row["scores"].tolist()
        assert len(about["scores"]) == len(row["segments"])
        if about["stage"] == "dq":
            assert bool(row["extra"][about["own"]]) == about["outcome"]


def test_an_alert_is_asked_in_the_whole_batch_it_was_answered_in(found, kept, monkeypatch):
    whole = [c for c in found if len(c.about["asked"][0]["segments"]) == 4]
    assert len({c.about["asked"][0]["own"] for c in whole}) > 1
    asked = []
    monkeypatch.setattr(again, "_judged", lambda about, *rest: asked.append((about, rest[-2])) or _same(about))
    for capsule in whole:
        dq = capsule.about["asked"][0]
        assert capsule.windows[dq["windows"]].shape[0] == 4
        assert dq["segments"][dq["own"]] == capsule.about["alert"]["segment"]
        ask(capsule, kept)
    assert all(score == about["scores"][about["own"]] for about, score in asked)
    assert len({score for _, score in asked}) > len(whole)


def _same(about):
    return again.Answer(about["stage"], "", "", AGREES, "", 0.0)


def test_the_strain_is_what_the_programs_saw(run, found, folder):
    from twin.planner import plan
    from twin.programs import programs
    from twin.strained import Strained
    from workloads.spec import get

    record = twin.open(run)
    planned = plan(record.scenario, programs(record.scenario, (folder,)), record.seed, 0)
    strained = Strained(record.scenario, planned, record.seed, 0)
    for about in found[-1].about["asked"]:
        seen = strained.windows(about["segments"], get(about["workload"]).unit.duration_s)
        assert np.array_equal(found[-1].windows[about["windows"]], seen)


def test_another_runtime_agrees_within_what_was_measured(found, kept):
    for runtime in ("torch", "openvino", "openvino-bf16"):
        if runtime != "torch":
            pytest.importorskip("openvino")
        for answer in ask(found[0], kept, runtime):
            assert answer.verdict == AGREES
            assert answer.difference <= answer.allowed
            assert 0.0 < answer.allowed < 0.1


def test_another_machine_need_not_give_the_same_bits(found, kept):
    executed = {**found[0].about["executed"], "hardware": {"processor": "another", "kind": "0" * 16}}
    elsewhere = replace(found[0], about={**found[0].about, "executed": executed})
    for answer in ask(elsewhere, kept):
        assert (answer.verdict, answer.difference) == (AGREES, 0.0)
        assert 0.0 < answer.allowed < 1e-4
        assert "other hardware, versions or threads" in answer.why


def test_the_next_version_of_a_model_differs_by_so_much(found, own, tmp_path):
    from twin.archive.sealed import read_key

    weights = archived.perturbed("detector", tmp_path / "w", 0.05)
    model, is_new = own.add("detector", weights, read_key(tmp_path / "a.key"))
    assert is_new
    dq, detect = ask(found[0], own, "torch", [model.version[:8]])
    assert (dq.verdict, detect.verdict) == (AGREES, DIFFERS)
    assert detect.difference == difference(detect.recorded, detect.now) > 10 * detect.allowed
    assert f"{detect.difference:.3g} apart, allowed {detect.allowed:.3g}" in detect.why
    assert detect.model == model.name
    assert verdict([dq, detect]) == DIFFERS
    (lacking,) = (a for a in ask(found[0], own, None, [model.version]) if a.stage == "detect")
    assert lacking.verdict == UNCHECKED  # this version has no ONNX
    assert "detector.onnx: missing" in lacking.why


def test_a_decision_that_turns_differs_however_near_the_score(found, kept, monkeypatch):
    detect = found[0].about["asked"][1]
    between = (detect["scores"][detect["own"]], not detect["outcome"])
    monkeypatch.setattr(again, "_run", lambda *_: between)
    answer = ask(found[0], kept)[1]
    assert (answer.verdict, answer.difference) == (DIFFERS, 0.0)
    assert "the threshold lies between: above then, below now" in answer.why


def test_missing_weights_cannot_be_checked(found, own):
    digest = described("detector").files["detector.onnx"]
    object_of(own, digest).unlink()
    dq, detect = ask(found[0], own)
    assert (dq.verdict, detect.verdict) == (AGREES, UNCHECKED)
    assert "detector.onnx of detector@" in detect.why
    assert "missing from the archive" in detect.why
    assert verdict([dq, detect]) == UNCHECKED


def test_a_model_that_was_never_archived_cannot_be_checked(found, tmp_path):
    empty = Archive.begin(tmp_path / "b", archived.signer(3))
    for answer in ask(found[0], empty):
        assert (answer.verdict, answer.now) == (UNCHECKED, None)
        assert "holds no model of version" in answer.why


def test_a_runtime_that_was_not_measured_cannot_be_checked(found, kept, monkeypatch):
    assert all(a.verdict == UNCHECKED for a in ask(found[0], kept, "numpy"))
    monkeypatch.setattr("workloads.runtime.installed", lambda runtime: True)
    for answer in ask(found[0], kept, "cuda"):
        assert answer.verdict == UNCHECKED
        assert "how far onnxruntime and cuda may differ was not measured" in answer.why
    monkeypatch.setattr("workloads.runtime.installed", lambda runtime: False)
    assert "is not installed here" in ask(found[0], kept, "torch")[0].why


def test_one_flipped_byte_is_refused_and_named(own, ettwin):
    name = own.listed(CAPSULE)[0]
    path = own.place(CAPSULE, name)
    capsule = read(own, name)
    files = {
        f"detector.onnx of {described('detector').name}": object_of(
            own, described("detector").files["detector.onnx"]
        ),
        f"strain of capsule {name}": object_of(own, capsule.about["strain"]["sha256"]),
        str(path): path,
        "journal.json": own.folder / "journal.json",
    }
    assert ettwin("replay", path)[0] == 0
    for what, file in files.items():
        archived.flip(file)
        code, out, err = ettwin("replay", path)
        assert (code, out) == (4, ""), what
        assert what in err
        code, out, err = ettwin("archive", "check", own.folder)
        assert (code, out) == (4, "")
        assert what in err
        archived.flip(file)
    assert ettwin("archive", "check", own.folder)[0] == 0


def test_strain_swapped_within_its_file_is_refused(found):
    names = list(found[0].windows)
    swapped = packed({names[0]: found[0].windows[names[0]] + 1e-30, names[1]: found[0].windows[names[1]]})
    with pytest.raises(ArchiveError, match=f"array {names[0][:12]}… is another one"):
        unpacked(swapped, "x")
    with pytest.raises(ArchiveError, match="not readable as safetensors"):
        unpacked(b"\x80\x04K\x01.", "x")


def test_commands_from_the_run_to_the_verdict(run, folder, tmp_path, ettwin):
    place = tmp_path / "arch"
    code, out, err = ettwin("archive", "capsule", run, "--to", place, "--profiles", folder)
    assert (code, "arch.key (private" in err) == (0, True)
    paths = [line for line in out.splitlines() if line.endswith(".json")]
    code, again_out, _ = ettwin("archive", "capsule", run, "--to", place, "--profiles", folder)
    assert (code, again_out) == (0, out)
    code, out, _ = ettwin("replay", paths[0], "--trust", tmp_path / "arch.key.pub", "--json")
    content = json.loads(out)
    assert (code, content["verdict"], len(content["answers"])) == (0, AGREES, 2)
    name = content["alert"]
    code, out, _ = ettwin("replay", run, name, "--archive", place, "--profiles", folder)
    assert (code, out.splitlines()[0].split()) == (0, [name, "agrees"])
    code, out, _ = ettwin("archive", "list", place)
    assert code == 0
    assert described("detector").name in out
    weights = archived.perturbed("detector", tmp_path / "w", 0.05)
    code, out, _ = ettwin("archive", "add", "detector", "--from", weights, "--to", place)
    version = out.split("@")[1].split()[0]
    code, out, _ = ettwin("replay", paths[0], "--model", version, "--runtime", "torch")
    assert (code, out.splitlines()[0].split()) == (5, [name, "differs"])
    code, out, _ = ettwin("replay", paths[0], "--runtime", "numpy")
    assert (code, "cannot be checked" in out) == (4, True)
    head = json.loads(ettwin("archive", "list", place, "--json")[1])["head"]
    assert ettwin("archive", "check", place, "--head", head)[0] == 0
    code, _, err = ettwin("archive", "check", place, "--head", "0" * 64)
    assert (code, "never had the head" in err) == (4, True)


def test_wrong_usage_says_what_to_do(run, folder, tmp_path, ettwin):
    code, _, err = ettwin("replay", run, "r0-e0")
    assert (code, "--archive" in err) == (2, True)
    code, _, err = ettwin("archive", "add", "detectr", "--to", tmp_path / "b")
    assert (code, "no workload 'detectr'" in err) == (2, True)
    assert ettwin("archive", "add", "matched-filter", "--to", tmp_path / "b")[0] == 0
    code, _, err = ettwin("archive", "capsule", run, "r0-e999", "--to", tmp_path / "b", "--profiles", folder)
    assert (code, "no live stage had a say in a published alert r0-e999" in err) == (2, True)
    code, _, err = ettwin("replay", run, "--archive", tmp_path / "b")
    assert (code, "name an alert" in err) == (2, True)
    (tmp_path / "b.key").rename(tmp_path / "elsewhere")
    code, _, err = ettwin("archive", "add", "detector", "--to", tmp_path / "b")
    assert (code, "name the one that signs with --key" in err) == (2, True)
    assert ettwin("archive", "add", "witness", "--to", tmp_path / "b", "--key", tmp_path / "elsewhere")[0] == 0


def test_without_the_extra_the_remedy_is_named(kept, ettwin, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    code, out, err = ettwin("archive", "check", kept.folder)
    assert (code, out) == (2, "")
    assert "needs the extra 'archive': pip install 'et-twin[archive]'" in err


def test_runs_that_cannot_be_asked_say_why(run, folder, found):
    record = twin.open(run)
    cases = (
        (replace(record, live=None), "holds no live stages"),
        (replace(record, live=record.live.drop(columns="scores")), "of an earlier version"),
        (replace(record, manifest={**record.manifest, "live": None}), "of an earlier version"),
        (
            replace(record, manifest={**record.manifest, "live": {**record.manifest["live"], "programs": None}}),
            "workers on other hosts",
        ),
        (replace(record, plan_digest="0" * 64), "planned with other profiles"),
        (
            replace(record, live=record.live.assign(scores=record.live["scores"].map(lambda s: s - 100))),
            "its recorded score says otherwise",
        ),
    )
    for changed, said in cases:
        with pytest.raises(twin.RecordError, match=said):
            list(capsules(changed, (folder,)))


def test_a_recorded_run_tells_who_executed_it_first(run, folder):
    record = twin.open(run)
    told = {**record.manifest["live"], "hardware": {"processor": "another", "kind": "0" * 16}}
    record = replace(record, manifest={**record.manifest, "live": told})
    again_ = twin.run(record.scenario, profiles=(folder,), recorded=record)
    assert again_.manifest["live"] == told
    assert [list(s) for s in again_.live["scores"]] == [list(s) for s in record.live["scores"]]
