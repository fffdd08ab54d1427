"""What a planner is told about a wrong scenario: every message, word for word, with file, line and column."""

from __future__ import annotations

import json
import pickle

import pytest

from tests.twin.wrong import SMALL
from tests.twin.wrong_graph import GRAPH
from tests.twin.wrong_ladder import LADDER
from tests.twin.wrong_sense import SENSE
from tests.twin.wrong_sky import SKY
from tests.twin.wrong_timeline import TIMELINE
from tests.twin.wrong_words import WORDS
from twin.loader import ScenarioError, load, loads


@pytest.mark.parametrize("bad", [*WORDS, *GRAPH, *SENSE, *SKY, *TIMELINE, *LADDER], ids=lambda bad: bad.name)
def test_a_wrong_scenario_is_explained(bad):
    with pytest.raises(ScenarioError) as caught:
        loads(bad.text, "bad.yaml")
    assert [str(p).partition("\n")[0] for p in caught.value.problems] == bad.said


def test_the_unchanged_scenario_is_right():
    assert loads(SMALL).name == "small"


def test_the_line_is_shown_with_a_caret():
    with pytest.raises(ScenarioError) as caught:
        loads(SMALL.replace("horizon: 1 d", "horizon: 12"), "bad.yaml")
    assert str(caught.value) == (
        "bad.yaml:3:10: error: horizon: a duration needs a unit: write '12 s' or '12 ms'\n"
        "    horizon: 12\n"
        "             ^"
    )


def test_a_long_line_is_shown_around_the_caret():
    with pytest.raises(ScenarioError) as caught:
        loads(f"name: {'x' * 5000}\nhorizon: {{{' ' * 300}a: {'y' * 300}: 1}}", "bad.yaml")
    assert max(map(len, str(caught.value).splitlines())) < 200


def test_problems_survive_another_process():
    with pytest.raises(ScenarioError) as caught:
        loads("horizon: 12", "bad.yaml")
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.problems == caught.value.problems
    assert str(again) == str(caught.value)


HOSTILE = {
    "empty": (b"", "bad.yaml:1:1: error: is empty"),
    "only a comment": (b"# nothing\n", "bad.yaml:1:1: error: is empty"),
    "a list": (b"[1]", "bad.yaml:1:1: error: a scenario is a mapping: write lines such as 'name: my-scenario'"),
    "not text": (b"a: 1\nb: \xff", "bad.yaml:2:4: error: is not UTF-8 text"),
    "control character": (b"a: \x00", "bad.yaml:1:4: error: the character U+0000 is not allowed in a scenario"),
    "escaped character": (
        b'a: "\\e[2J"',
        "bad.yaml:1:4: error: a: the character U+001B is not allowed in a scenario",
    ),
    "escaped character in a key": (
        b'"a\\0": 1',
        "bad.yaml:1:1: error: the character U+0000 is not allowed in a scenario",
    ),
    "too large": (b"a: " + b"x" * 1_000_000, "bad.yaml: error: is larger than 1 MB: too large for a scenario"),
    "too deep": (b"a: " + b"[" * 100, "bad.yaml:1:35: error: is nested more than 32 levels deep"),
    "far too deep": (b"[" * 900_000, "bad.yaml:1:1001: error: exceeded maximum nesting depth"),
    "deep mappings": (b"{a: " * 200, "bad.yaml:1:129: error: is nested more than 32 levels deep"),
    "huge integer": (b"a: " + b"9" * 500_000, "bad.yaml:1:4: error: a: an integer has at most 18 digits"),
    "alias bomb": (
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "bad.yaml:1:4: error: a: the anchor '&a' is not allowed: write the value out",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name):
    raw, said = HOSTILE[name]
    with pytest.raises(ScenarioError) as caught:
        loads(raw, "bad.yaml")
    assert str(caught.value).partition("\n")[0] == said


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ScenarioError, match=r"gone\.yaml: error: cannot be read: no such file or directory"):
        load(tmp_path / "gone.yaml")
    with pytest.raises(ScenarioError, match=r"cannot be read: is a directory"):
        load(tmp_path)


def test_what_is_missing_in_a_list_is_told_with_its_line():
    more = "drifts:\n  lines:\n    of: lines\n    steps:\n      - {by: 1}\n"
    with pytest.raises(ScenarioError, match=r"^bad\.yaml:5\d:9: error: drifts\.lines\.steps\.0\.at: is missing"):
        loads(SMALL + more, "bad.yaml")


def test_a_name_that_is_too_long_for_a_file():
    with pytest.raises(ScenarioError, match=r"error: unknown scenario 'x{57}\.\.\.'"):
        load("x" * 5000)
    with pytest.raises(ScenarioError, match="cannot be read: file name too long"):
        load("x" * 5000 + ".yaml")
    with pytest.raises(ScenarioError, match="based_on: there is no file 'x"):
        loads(f"based_on: {'x' * 5000}.yaml")


def test_an_unknown_name_is_met_with_the_known_ones():
    with pytest.raises(ScenarioError, match=r"^frist-light: error: unknown scenario 'frist-light'; did you mean"):
        load("frist-light")


def test_a_file_named_without_its_ending_is_pointed_out(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError, match=r"^mine: error: .* did you mean the file 'mine\.yaml'\?$"):
        load("mine")


def test_problems_are_data(tmp_path):
    with pytest.raises(ScenarioError) as caught:
        loads("horizon: 12", "bad.yaml")
    problem = next(p for p in caught.value.problems if p.path == "horizon")
    assert json.dumps([problem.file, problem.line, problem.column]) == '["bad.yaml", 1, 10]'
