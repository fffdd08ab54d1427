"""The bundled studies: every case can be run, the pages tell what was found."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from benchmarks.studies import FIGURES, HERE, PAGE, SHOWN
from benchmarks.studies.needed import NEEDED, training
from benchmarks.studies.tables import filled, table
from twin.loader import load
from twin.overrides import AS_IS
from twin.runner import run
from twin.studies import cases
from twin.studies.compare import Case

ROOT = Path(__file__).parents[1]
SHORT = {"horizon": "2 h", "drain": "10 min", "replicas": 1}


@cache
def offered(name):
    """The cases, or the scenario itself where it offers none to compare."""
    scenario = load(name)
    if not scenario.case_overrides:
        return (Case(AS_IS, scenario),)
    return cases.chosen(name)


@pytest.mark.parametrize("name", SHOWN)
def test_its_first_and_its_last_case_run(name):
    for case in (offered(name)[0], offered(name)[-1]):
        record = run(case.scenario.with_(SHORT | _without_timeline(case)))
        assert int(record.counts["segments"].max()) > 0


def _without_timeline(case):
    """What lies beyond a short horizon is left away."""
    return {f"timeline.{name}": None for name in case.scenario.timeline}


@pytest.mark.parametrize("name", SHOWN)
def test_the_page_and_the_figure_tell_what_was_found(name):
    result = json.loads((HERE / f"{name}.json").read_text())
    page = PAGE.read_text()
    assert filled(page, name, table(result, SHOWN[name])) == page
    assert f"(studies/{name}.svg)" in page
    assert (FIGURES / f"{name}.svg").is_file()
    assert f"ettwin compare {name}" in page


@pytest.mark.parametrize("name", SHOWN)
def test_what_was_found_is_of_the_scenario_as_it_stands(name):
    result = json.loads((HERE / f"{name}.json").read_text())
    kept = {case["name"]: case["scenario_digest"] for case in result["cases"]}
    assert kept == {case.name: case.scenario.digest for case in offered(name)}


def test_a_page_without_a_place_for_a_table_is_refused():
    with pytest.raises(ValueError, match="table: q99"):
        filled("nothing", "q99", "x")


@pytest.mark.parametrize("name", NEEDED)
def test_the_page_tells_what_is_answered_without_a_comparison(name):
    result = json.loads((HERE / f"{name}.json").read_text())
    page = PAGE.read_text()
    assert filled(page, name, NEEDED[name][1](result)) == page
    assert f"(studies/{name}.svg)" in page
    assert f"    {result['command']}\n" in page


def test_what_training_pays_is_of_the_profiles_as_they_stand():
    assert json.loads((HERE / "q03-training.json").read_text()) == json.loads(json.dumps(training()))


def test_what_is_projected_is_of_the_scenario_as_it_stands():
    result = json.loads((HERE / "q12-projection.json").read_text())
    assert result["scenario_digest"] == load("q12-projection").digest
    assert [row["of"] for row in result["rows"][::48]] == ["installed", "used by networks", "used by filters"]
    assert all(row["low"] <= row["median"] <= row["high"] for row in result["rows"])


DRAW = """
import json, pathlib
from benchmarks.studies.needed import draw_growth, draw_training
for name, draw in (("q03-training", draw_training), ("q12-projection", draw_growth)):
    draw(json.loads(pathlib.Path({here!r}, f"{{name}}.json").read_text()), pathlib.Path({out!r}, f"{{name}}.svg"))
"""


def test_figures_of_ranges_are_drawn_the_same_again(tmp_path):
    """In a process of their own: packages that others have loaded replace matplotlib's logarithmic axes."""
    subprocess.run([sys.executable, "-c", DRAW.format(here=str(HERE), out=str(tmp_path))], check=True, cwd=ROOT)
    for name in ("q03-training", "q12-projection"):
        assert (tmp_path / f"{name}.svg").read_bytes() == (FIGURES / f"{name}.svg").read_bytes()


def test_what_never_pays_is_told():
    row = json.loads((HERE / "q03-training.json").read_text())["rows"][0] | {"units": None}
    assert "| never | – |" in NEEDED["q03-training"][1]({"rows": [row]})


def test_the_page_says_which_policy_of_retraining_is_best():
    rows = json.loads((HERE / "q07-retraining.json").read_text())["table"]
    found = {(row["case"], row["quantity"]): row for row in rows}
    of = {case: row["value"] for (case, quantity), row in found.items() if quantity == "false_alerts"}
    ageing = {case: value for case, value in of.items() if case != "no-ageing"}
    assert set(sorted(ageing, key=ageing.get)[:3]) == {"daily", "triggered-sooner", "daily-blue-green"}
    saved, spent = found["daily", "false_alerts"], found["daily", "server_h.detect"]
    less, low, high = -saved["difference"], -saved["difference_high"], -saved["difference_low"]
    page = " ".join(PAGE.read_text().split())
    assert f"Daily training saves {less:.0f} false alerts a day ({low:.0f} to {high:.0f})" in page
    assert f"for {spent['difference']:.1f} server hours more in sixty days" in page
    assert f"{spent['difference'] * 3600 / (60 * less):.1f} server-seconds for each false alert" in page
    assert f"leaves {of['triggered'] - of['daily']:.0f} more a day" in page
    assert max(row["high"] for (_, quantity), row in found.items() if quantity == "late") < 1 / 5000
