"""The commands about scenarios: results on standard output, everything else on standard error, exit codes."""

from __future__ import annotations

import json

import pytest

from dashboards.cli import main
from dashboards.commands import COMMANDS
from twin.loader import bundled, load, loads
from twin.studies.shipped import studies
from workloads.card import WeightsError


@pytest.fixture
def ettwin(capsys):
    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run


def test_list_names_every_shipped_scenario_with_its_question(ettwin):
    code, out, err = ettwin("list")
    assert (code, err) == (0, "")
    scenarios, _, asked = out.partition("\n\nStudies, for 'ettwin study':\n")
    assert [line.split()[0] for line in scenarios.splitlines()] == list(bundled())
    assert [line.split()[0] for line in asked.splitlines()] == list(studies())
    assert "retrained" in out


def test_list_as_json(ettwin):
    code, out, _ = ettwin("list", "--json")
    content = json.loads(out)
    assert (code, content["schema_version"]) == (0, 1)
    assert [s["name"] for s in content["scenarios"]] == list(bundled())
    assert [s["name"] for s in content["studies"]] == list(studies())


def test_check_says_that_a_scenario_is_right(ettwin):
    code, out, err = ettwin("check", "first-light")
    assert (code, err) == (0, "")
    assert out.startswith("first-light: 'first-light' is valid (5 stages, 2 sites, ")


def test_check_says_what_is_wrong_on_standard_error(ettwin, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(bundled()["first-light"].read_text().replace("drain: 1 h", "drain: 60"))
    code, out, err = ettwin("check", str(bad))
    assert (code, out) == (3, "")
    assert f"{bad}:" in err
    assert "error: drain: a duration needs a unit: write '60 s' or '60 ms'\n" in err
    assert err.rstrip().endswith("^")


def test_check_as_json(ettwin):
    code, out, err = ettwin("check", "first-light", "--json", "--set", "seed=-1", "--set", "drain=1")
    content = json.loads(out)
    assert (code, err, content["schema_version"], content["valid"]) == (3, "", 1, False)
    assert [(p["path"], p["file"], p["line"]) for p in content["problems"]] == [
        ("drain", "--set drain=1", 0),
        ("seed", "--set seed=-1", 0),
    ]
    code, out, _ = ettwin("check", "first-light", "--json")
    content = json.loads(out)
    assert (code, content["valid"], content["problems"]) == (0, True, [])
    assert content["digest"] == load("first-light").digest


def test_show_writes_the_scenario_in_full(ettwin):
    code, out, err = ettwin("show", "first-light", "--set", "seed=7", "--with", "outage")
    assert (code, err) == (0, "")
    assert loads(out) == load("first-light", with_=["outage"], set_=["seed=7"])
    assert "seed: 7\n" in out


def test_new_copies_with_comments_and_a_name_of_its_own(ettwin, tmp_path):
    mine = tmp_path / "My Week.yaml"
    code, out, err = ettwin("new", str(mine), "--from", "first-light")
    assert (code, out) == (0, f"{mine}\n")
    assert "ettwin check" in err
    text = mine.read_text()
    assert text.startswith("# yaml-language-server: $schema=scenario.schema.json\n")
    assert text.count("#") == bundled()["first-light"].read_text().count("#")
    assert load(mine).name == "my-week"


def test_new_overwrites_nothing(ettwin, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("precious")
    code, out, err = ettwin("new", str(mine), "--from", "first-light")
    assert (code, out, err) == (2, "", f"{mine}: exists already and is left as it is: give another name\n")
    assert mine.read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "said"),
    [("mine.txt", "give a file name that ends in .yaml"), ("gone/mine.yaml", "cannot be written: no such file")],
)
def test_new_says_why_it_cannot_write(ettwin, tmp_path, name, said):
    code, out, err = ettwin("new", str(tmp_path / name), "--from", "first-light")
    assert (code, out) == (2, "")
    assert said in err


def test_new_from_nothing(ettwin, tmp_path):
    code, _, err = ettwin("new", str(tmp_path / "mine.yaml"), "--from", "frist-light")
    assert code == 2
    assert "did you mean 'first-light'?" in err
    assert not (tmp_path / "mine.yaml").exists()


def test_schema_is_json(ettwin):
    code, out, _ = ettwin("schema")
    assert code == 0
    assert json.loads(out)["else"]["properties"]["horizon"]["examples"] == ["30 s", "2 d 4 h"]


@pytest.mark.parametrize("arguments", [("check",), ("chekc", "x"), ("show", "first-light", "--sett", "a=1")])
def test_wrong_usage_is_code_2(ettwin, arguments):
    code, out, err = ettwin(*arguments)
    assert (code, out) == (2, "")
    assert "Usage: ettwin" in err


def test_help_names_every_command(ettwin):
    code, out, _ = ettwin("--help")
    assert code == 0
    for name in COMMANDS:
        assert f" {name} " in out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(ettwin, name):
    code, out, err = ettwin(name, "--help")
    assert (code, err) == (0, "")
    assert f"Usage: ettwin {name} " in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--seed", "-1"), "greater than or equal to 0"),
        (("--profiles", "gone"), "'gone' does not exist"),
    ],
)
def test_a_wrong_option_of_run_is_named(ettwin, arguments, said):
    code, out, err = ettwin("run", "first-light", *arguments)
    assert (code, out) == (2, "")
    assert arguments[0] in err
    assert said in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (WeightsError("x.onnx: missing"), 4, "x.onnx: missing\n"),
        (
            RuntimeError("Could not determine home directory."),
            2,
            "no home directory is known to keep machine code in: set XDG_CACHE_HOME to a folder of yours\n",
        ),
        (
            OSError(28, "No space left on device", "here"),
            4,
            "here: cannot be read or written: no space left on device\n",
        ),
        (
            ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"),
            2,
            "no module 'torch.nn': needs the extra 'live': pip install 'et-twin[live]'\n",
        ),
    ],
)
def test_a_known_error_has_its_own_text_and_code(ettwin, monkeypatch, error, code, said):
    def broken(*_):
        raise error

    monkeypatch.setattr("twin.loader.load", broken)
    assert ettwin("show", "first-light") == (code, "", said)


def test_an_internal_error_is_one_line_unless_debugged(ettwin, monkeypatch):
    monkeypatch.setattr("twin.loader.load", lambda *_: 1 / 0)
    code, out, err = ettwin("show", "first-light")
    assert (code, out) == (1, "")
    assert err == "internal error: ZeroDivisionError: division by zero (ettwin --debug … shows where)\n"
    with pytest.raises(ZeroDivisionError):
        main(["--debug", "show", "first-light"])
