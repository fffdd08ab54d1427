"""What docs/requirements.md shows is what the commands in it print."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import twin
from dashboards.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "requirements.md").read_text()
SHOWN = re.findall(r"^    \$ ettwin (need .*)\n\n((?:    .*\n|\n)+)", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planner")
    twin.run(twin.load("first-light")).save(folder / "runs" / "first-light")
    return folder


def test_the_searches_timed_in_turns_are_as_cheap_as_told():
    found = json.loads((ROOT / "benchmarks" / "search.json").read_text())["cheaper_than_matched_filter"]
    detector, hybrid = (found[name]["one second at a time"] for name in ("detector", "hybrid"))
    words = " ".join(PAGE.split())
    assert f"the detector is {detector:.0f} times and the hybrid {hybrid:.0f} times cheaper" in words


def test_most_of_what_first_light_uses_are_times_it_assumes(here):
    used = twin.open(here / "runs" / "first-light").pools
    busy_s = used["use"] * used["server_s"]
    share = busy_s[used["pool"] == "cnaf.alerts"].sum() / busy_s.sum()
    scenario = twin.load("first-light")
    there = [stage for stage in scenario.stages.values() if "cnaf.alerts" in stage.on]
    assert {stage.time.standing for stage in there} == {"assumed"}
    assert share > 0.9
    assert "which are more than nine tenths of what is busy" in " ".join(PAGE.split())


def test_the_example_in_python_runs(here, monkeypatch):
    monkeypatch.chdir(here)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    known: dict[str, object] = {}
    exec(code, known)
    assert "core-hours" in set(known["answer"].table["quantity"])


def test_there_is_something_to_compare():
    assert len(SHOWN) == 6


@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=[command for command, _ in SHOWN])
def test_a_command_prints_what_is_shown(command, shown, here, capsys, monkeypatch):
    monkeypatch.chdir(here)
    with pytest.raises(SystemExit) as left:
        main(command.split())
    assert not left.value.code
    printed = capsys.readouterr().out.splitlines()
    wanted = [line.strip() for line in shown.strip().splitlines()]
    lines = [line.strip() for line in printed]
    assert len(wanted) > 5
    assert wanted == lines[len(lines) - len(wanted) :]
