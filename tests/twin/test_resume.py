"""A long run that is interrupted goes on to the same bytes."""

from __future__ import annotations

import pytest

import twin
from tests.twin.profiles import write_all
from twin import resume, runner
from twin.checkpoint import CheckpointError
from twin.record import TABLES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")


@pytest.fixture(scope="module")
def scenario():
    at = {"timeline.storm.at": "1 h", "timeline.storm.lasts": "1 h", "timeline.new-weights.at": "90 min"}
    return twin.load("first-light").with_({"horizon": "4 h", "drain": "10 min", "replicas": 2, **at})


@pytest.fixture(scope="module")
def undisturbed(scenario, folder):
    return twin.run(scenario, profiles=(folder,))


@pytest.mark.parametrize("steps", [1, 5, 22, 35])
def test_an_interrupted_run_goes_on_byte_for_byte(steps, scenario, folder, undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "SAVE_S", 0.0)
    told = []

    def stop(fraction, text):
        told.append(fraction)
        if len(told) == steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        twin.run(scenario, profiles=(folder,), checkpoint=tmp_path / "kept", progress=stop)
    again = []
    record = twin.run(
        scenario, profiles=(folder,), checkpoint=tmp_path / "kept", progress=lambda f, t: again.append(f)
    )
    assert len(again) < 43 - steps + 3
    for name in TABLES:
        assert getattr(record, name).equals(getattr(undisturbed, name)), name
        assert (getattr(record, name).dtypes == getattr(undisturbed, name).dtypes).all()
    assert record.plan_digest == undisturbed.plan_digest
    resume.remove(tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("name", ["run.json", "0/alerts.parquet"])
def test_a_damaged_folder_is_named(name, scenario, folder, tmp_path):
    kept = tmp_path / "kept"
    twin.run(scenario, profiles=(folder,), checkpoint=kept)
    (kept / name).write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"is damaged .*: remove .* and run again"):
        twin.run(scenario, profiles=(folder,), checkpoint=kept)


def test_a_file_is_no_folder(scenario, folder, tmp_path):
    (tmp_path / "kept").write_text("")
    with pytest.raises(CheckpointError, match="kept is a file"):
        twin.run(scenario, profiles=(folder,), checkpoint=tmp_path / "kept")


def test_only_what_the_run_kept_is_removed(tmp_path):
    for name in ("run.json", "3.npz", "thesis.tex"):
        (tmp_path / name).write_text("")
    (tmp_path / "2").mkdir()
    resume.remove(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_checkpoint_of_another_run_is_refused_and_kept(scenario, folder, tmp_path):
    def stop(fraction, text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        twin.run(scenario, profiles=(folder,), checkpoint=tmp_path / "kept", progress=stop)
    with pytest.raises(CheckpointError, match="holds the checkpoint of another run"):
        twin.run(scenario, seed=9, profiles=(folder,), checkpoint=tmp_path / "kept")
    assert (tmp_path / "kept" / "run.json").is_file()


def test_a_folder_with_something_else_in_it_is_left_alone(scenario, folder, tmp_path):
    (tmp_path / "thesis.tex").write_text("important")
    with pytest.raises(CheckpointError, match="is not empty and holds no checkpoint"):
        twin.run(scenario, profiles=(folder,), checkpoint=tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "important"
