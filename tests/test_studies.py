"""The bundled studies: every case can be run, no number is without a standing, the pages tell what was found."""

import json
from functools import cache

import pytest

from benchmarks.studies import FIGURES, HERE, PAGE, SHOWN
from benchmarks.studies.tables import filled, table
from twin.loader import bundled
from twin.runner import run
from twin.sections import UNSOURCED
from twin.studies import cases

SHORT = {"horizon": "2 h", "drain": "10 min", "replicas": 1}


@cache
def offered(name):
    return cases.chosen(name)


@pytest.mark.parametrize("name", bundled())
def test_every_number_of_every_case_has_a_standing_and_a_source(name):
    for case in offered(name):
        bare = [entry.key for entry in case.scenario.inputs() if entry.source == UNSOURCED]
        assert not bare, f"{case.name}: {bare}"


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
