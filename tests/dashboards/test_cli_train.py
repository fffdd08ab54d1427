"""`ettwin train` passes on what was asked, and explains what cannot be done."""

import pytest

from dashboards.cli import main
from workloads import train
from workloads.checkpoints import CheckpointMismatchError
from workloads.export import ExportError


@pytest.fixture
def ettwin(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["train", *arguments])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def test_what_was_asked_reaches_the_training(ettwin, monkeypatch, tmp_path):
    asked = []

    def trained(name, out, seed, progress, now, steps, refine, recorded):
        asked.append((name, out, seed, steps, refine, recorded.as_json()))
        return out / "detector.card.json"

    monkeypatch.setattr(train, "train", trained)
    options = ("--seed", "5", "--steps", "7", "--refine", "shipped", "--minutes", "10", "--drift", "lines=2")
    code, out, _ = ettwin("detector", "--out", str(tmp_path), *options)
    recorded = {"drift": "lines=2", "minutes": 10.0, "seed": 800_005}
    assert (code, asked) == (0, [("detector", tmp_path, 5, 7, "shipped", recorded)])
    assert "detector.card.json" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--drift", "lines=2"),
            "--drift lines=2 is of recorded data: say how much",
        ),
        (("--minutes", "10", "--drift", "line=2"), "'line=2' is not one of level, colour, lines"),
        (("--minutes", "0"), "0 minutes of data; allowed: 0.5 to 240"),
    ],
)
def test_recorded_data_that_cannot_be_are_refused(ettwin, tmp_path, options, message):
    code, _, err = ettwin("detector", "--out", str(tmp_path), *options)
    assert code == 2
    assert message in err


def test_a_bank_cannot_be_refined(ettwin, tmp_path):
    code, _, err = ettwin("matched-filter", "--out", str(tmp_path), "--refine", "shipped")
    assert code == 2
    assert "matched-filter cannot be refined" in err
    assert not list(tmp_path.iterdir())


def test_nothing_to_refine_from_is_said(ettwin, tmp_path):
    code, _, err = ettwin("detector", "--out", str(tmp_path), "--refine", str(tmp_path / "nowhere"))
    assert code == 4
    assert "no model card" in err


@pytest.mark.parametrize(
    ("error", "code"), [(CheckpointMismatchError("of another training"), 2), (ExportError("differs"), 4)]
)
def test_a_training_that_fails_says_why(ettwin, monkeypatch, tmp_path, error, code):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(train, "train", broken)
    ended, _, err = ettwin("detector", "--out", str(tmp_path))
    assert (ended, err.strip()) == (code, str(error))


def test_an_unknown_workload_is_answered_with_the_known_ones(ettwin):
    code, _, err = ettwin("nothing")
    assert code == 2
    assert "no workload 'nothing'; known: " in err
