"""Pages of the frame, the form, jobs and comparisons: what they say, and that looking at them starts nothing."""

from __future__ import annotations

import json
import shutil

import pytest

from dashboards.app import compared, frame, sidebyside
from dashboards.app.drafts import Drafts
from dashboards.app.jobs import Jobs
from dashboards.app.library import Library
from dashboards.app.pages import PAGES, config
from dashboards.app.url import address
from tests.dashboards.app import finished


@pytest.fixture
def library(tmp_path):
    """Two runs of the same sky, and one of another."""
    for name in ("small", "same"):
        shutil.copytree(finished.folder() / "small", tmp_path / name)
    shutil.copytree(tmp_path / "small", tmp_path / "other")
    for name in ("manifest.json", "summary.json"):
        path = tmp_path / "other" / name
        content = json.loads(path.read_text())
        (content if name == "manifest.json" else content["scenario"])["seed"] = 2
        path.write_text(json.dumps(content))
    found = Library(tmp_path)
    found.jobs = Jobs(tmp_path, most=1)
    found.drafts = Drafts(tmp_path / ".jobs" / "drafts")
    return found


def shown(component):
    return json.dumps(component.to_plotly_json(), default=lambda one: one.to_plotly_json())


def at(library, path, **query):
    found = frame.page(library, path, address("", query))
    return found, shown(found.content)


def test_every_page_has_a_place_of_its_own():
    paths = [page.PATH for page in PAGES]
    assert len(set(paths)) == len(paths)
    for page in PAGES:
        assert page.__doc__
        assert getattr(page, "NAME", getattr(page, "TITLE", ""))


@pytest.mark.parametrize(
    "path", ["/nothing", "/run", "/run/a/b/c", "/../../etc/passwd", "/new/x", "//evil.example/"]
)
def test_a_page_that_is_not_there_says_so(library, path):
    found, text = at(library, path)
    assert found.title == "No such page"
    assert "There is no page" in text


@pytest.mark.parametrize(
    "path", ["/run/nothing", "/run/nothing/config", "/comparison/small", "/job/7", "/job/..%2f.."]
)
def test_a_result_that_is_not_there_says_so(library, path):
    _, text = at(library, path)
    assert "There is no" in text
    assert "To the overview" in text


def test_a_run_that_is_removed_while_its_page_is_open(library, tmp_path):
    at(library, "/run/small/config")
    shutil.rmtree(tmp_path / "small")
    found, text = at(library, "/run/small/config")
    assert found.title == "This result has been removed"
    assert "removed or renamed" in text


def test_the_overview_lists_results_and_what_is_ticked(library):
    _, text = at(library, "/", run=["small", "same", "nothing"])
    assert '"Compare 2"' in text
    assert "/compare?run=small&run=same" in text
    assert "Begin here" not in text
    _, text = at(library, "/", find="no such words")
    assert "Nothing here" in text


def test_the_first_visit_has_a_finished_run_to_look_at(tmp_path):
    _, text = at(Library(tmp_path, shipped=finished.folder()), "/")
    assert "Begin here" in text
    assert "/run/example-small" in text


def test_the_gallery_shows_every_scenario_with_its_question(library):
    from twin.loader import bundled

    _, text = at(library, "/new")
    for name in bundled():
        assert f"/new?from={name}" in text


def test_looking_at_a_what_if_starts_nothing(library, tmp_path):
    query = {
        "from": "first-light",
        "with": ["mark"],
        "set": ["sites.cnaf.pools.alerts.servers=2", "sky.glitches.rate=1 /min"],
    }
    _, text = at(library, "/new", **query)
    assert "sites.cnaf.pools.alerts.servers" in text
    assert "ettwin run first-light --with mark" in text
    assert "It takes about" in text
    assert library.jobs.all() == []
    assert not (tmp_path / ".jobs").exists()


def test_a_what_if_with_mistakes_cannot_be_run(library):
    name = library.drafts.keep("based_on: first-light\nname: Mine\nhorizon: 7\n")
    _, text = at(library, "/new", **{"from": "first-light", "text": name})
    assert "things are wrong" in text
    assert '"data-line": "3"' in text
    assert '"disabled": true' in text


def test_a_draft_that_is_gone_is_told(library):
    _, text = at(library, "/new", **{"from": "first-light", "text": "0" * 16})
    assert "The edited text is gone" in text


def test_runs_of_one_sky_are_paired(library):
    _, text = at(library, "/compare", run=["small", "same"], show="every")
    assert "not paired" not in text
    assert "no difference" in text
    result = sidebyside.result(library, ["small", "same"])
    assert {row["difference"] for row in result["table"] if row["case"] == "same"} <= {0.0, None}
    assert compared.narrowed(result, compared.DIFFERING)["table"] == []
    assert compared.narrowed(result, compared.CERTAIN)["table"] == []
    _, text = at(library, "/compare", run=["small", "same"])
    assert "No quantity differs in this way" in text
    assert "Every run for itself" not in text


def test_runs_of_different_skies_are_not(library):
    _, text = at(library, "/compare", run=["small", "other"])
    assert "not paired" in text
    assert "seeds (1, 2)" in text
    result = sidebyside.result(library, ["small", "other"])
    assert {row["difference"] for row in result["table"]} == {None}
    assert [row["case"] for row in result["table"][:2]] == ["small", "other"]


def test_a_comparison_page_needs_two_runs(library):
    assert "Choose two runs" in at(library, "/compare")[1]
    assert "Choose two runs" in at(library, "/compare", run="small")[1]
    assert "removed, renamed or damaged" in at(library, "/compare", run=["small", "nothing"])[1]


def test_a_comparison_is_told_as_it_was_found(library, tmp_path):
    result = {**sidebyside.result(library, ["small", "same"]), "command": "ettwin compare first-light"}
    (tmp_path / "compared").mkdir()
    (tmp_path / "compared" / "comparison.json").write_text(json.dumps(result))
    _, text = at(library, "/comparison/compared", quantities="every")
    assert "ettwin compare first-light" in text
    assert "difference to small" in text


def test_config_says_how_to_get_the_same_again(library):
    found, text = at(library, "/run/small/config", standing="assumed", find="calibration")
    assert found.url.id == "small"
    assert "ettwin run " in text
    assert "instrument.calibration" in text
    assert '"sky.signals.bbh.rate"' not in text
    record = library.record("small")
    told = "ettwin run /x/runs/.jobs/12/scenario.yaml --seed 3"
    record.entry.about["command"] = told
    assert config.command(record) == f"ettwin run {record.entry.folder}/scenario.yaml --seed 3"


def test_jobs_without_jobs(library):
    assert "Nothing has been started" in at(library, "/jobs")[1]
    library.jobs = None
    assert "only shows results" in at(library, "/jobs")[1]
