"""Pages of validations: one that goes on, one that is finished, and a new one that is asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dashboards import validation
from dashboards.app import frame, jobview, liveview, orders
from dashboards.app.jobs import Jobs, RefusedError
from dashboards.app.library import Library
from dashboards.app.pages import live, watched
from dashboards.app.url import Url, address
from dashboards.app.validations import Validation, workloads
from tests.dashboards.app.test_pages import shown
from tests.dashboards.app.test_run_pages import every, figures, words_of
from tests.dashboards.validated import result
from tests.twin.trials import trial
from twin.validation.course import course

RUNS = trial(0.8, n=400, draws=4).predicted
PRESENT = {
    "schema_version": 1,
    "scenario": "load 0.8",
    "now_s": 200.0,
    "horizon_s": 520.0,
    "late_s": None,
    "late": 0,
    "simulated": False,
    "signals": {"time_s": RUNS[0].arrival_s.tolist(), "each": 1},
    "jobs": 400,
    "foretold": course(RUNS, 1),
    "validation": {
        "subject": "detector on onnxruntime",
        "cases": 13,
        "repeats": 3,
        "done": [
            {"name": "load 0.3", "verdict": "met", "reason": "", "p50_error": 0.01, "p95_error": -0.02,
             "p99_error": None},
            {"name": "load 0.6", "verdict": "not measurable", "reason": "others used 0.4 cores", "p50_error": 0.5,
             "p95_error": 0.5, "p99_error": 0.5},
        ],
    },
    "replica": 1,
    "marks": [],
    "time_s": [0.0, 100.0],
    "bin_s": 100.0,
    "pools": {"farm": {"queue": [1.0, 2.0], "busy": [0.8, 0.9], "servers": [1.0, 1.0]}},
    "published": 100,
    "alerts": {"event_time_s": np.linspace(1, 199, 100).tolist(), "latency_s": np.linspace(1, 5, 100).tolist()},
    "so_far": {"p50": 3.0, "p95": 4.8, "p99": 4.96},
}  # fmt: skip


@pytest.fixture
def library(tmp_path):
    """A folder with a finished validation, and jobs of which none is started."""
    found = result()
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "validation.json").write_text(json.dumps(found))
    validation.write(found, tmp_path / "held" / "report.html")
    there = Library(tmp_path)
    there.jobs = Jobs(tmp_path, most=1)
    there.jobs._closing.set()
    return there


def at(library, path):
    return frame.page(library, path, "").content


def test_one_that_goes_on_is_on_the_timeline_beside_what_was_foretold(tmp_path):
    (tmp_path / "mine.now.json").write_text(json.dumps(PRESENT))
    page = watched.layout(Library(tmp_path), Url(watched.PATH, {"id": "mine"}, {}))
    text = words_of(page)
    assert "load 0.8: repeat 2 of 3 · 3.33 min of about 8.67 min · 100 of 400 jobs ended" in text
    graph = next(one.figure for one in every(page) if getattr(one, "id", None) == {"figure": "live"})
    drawn = {(trace.name, trace.yaxis) for trace in graph.data if trace.name}
    assert {("farm", "y3"), ("foretold", "y3"), ("jobs", "y5")} <= drawn
    assert graph.layout.xaxis5.title.text == "seconds since the start of the run"
    assert graph.layout.yaxis5.title.text == "a second"
    assert "FARM RUN" in graph.to_json()
    assert "jobs that have ended 100" in text
    assert "2 cases of 13 done" in text
    assert "not measurable" in text
    assert "others used 0.4 cores" in text


@pytest.mark.parametrize(
    "broken", [{"foretold": {}}, {"validation": {"done": 3}}, {"so_far": []}, {"jobs": "many"}]
)
def test_a_damaged_present_is_said(tmp_path, broken):
    (tmp_path / "mine.now.json").write_text(json.dumps({**PRESENT, **broken}))
    page = watched.layout(Library(tmp_path), Url(watched.PATH, {"id": "mine"}, {}))
    assert "This cannot be shown" in words_of(page)


def test_a_job_is_watched_seldom_and_says_what_it_does_before_a_case_is_on(library):
    one = orders.validation(library, Validation("detector", ("load 0.8",), 1000, 2, 20))
    url = Url(live.PATH, {"id": one.id}, {})
    assert "The profile is measured first" in words_of(live.layout(library, url))
    (one.folder / live.PRESENT).write_text(json.dumps(PRESENT))
    page = live.layout(library, url)
    assert figures(page) == {"live"}
    tick = next(part for part in every(page) if getattr(part, "id", None) == "live-tick")
    assert tick.interval == liveview.SELDOM_MS


def test_what_is_asked_for_becomes_a_command(library):
    one = orders.validation(library, Validation("detector", ("load 0.8", "surge x5"), 1000, 2, 20))
    assert one.asked.arguments == (
        "validate", "detector", "--case", "load 0.8", "--case", "surge x5", "--n", "1000", "--repeats", "2",
        "--budget", "20", "--quiet", "--progress", str(one.folder / "progress.jsonl"),
        "--out", str(library.folder / "validation"),
    )  # fmt: skip
    assert (one.asked.kind, one.asked.title) == ("validate", "Validation of detector: load 0.8 and surge x5")
    assert jobview.result_address(one) == ""
    assert "/validate" in shown(at(library, "/new"))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Validation("oracle"), "'oracle' cannot be validated from here; known: "),
        (Validation("calibration-check"), "cannot be validated from here"),
        (Validation("detector", ("load 7",)), "There is no case 'load 7'"),
        (Validation("detector", n=99), "Jobs of each case: a whole number from 100 to 1,000,000 is needed"),
        (Validation("detector", n=None), "Jobs of each case"),
        (Validation("detector", repeats=1.5), "Repeats: a whole number from 1 to 20"),
        (Validation("detector", seconds=float("nan")), "Seconds for the profile"),
        (Validation("detector", seconds="5"), "Seconds for the profile"),
    ],
)
def test_what_cannot_be_is_refused(library, asked, message):
    with pytest.raises(RefusedError, match=message):
        orders.validation(library, asked)
    assert library.jobs.all() == []


def test_looking_at_the_form_starts_nothing(library):
    text = shown(at(library, "/validate"))
    assert all(f'"{name}"' in text for name in ("detector", "two priorities", *workloads()))
    assert library.jobs.all() == []
    library.jobs = None
    assert "This dashboard only shows results" in shown(at(library, "/validate"))


def test_a_finished_one_is_listed_and_told(library):
    entry = library.entry("held")
    assert (entry.kind, entry.verdict, entry.scenario) == ("validation", "missed", "detector on onnxruntime")
    for path in ("/", "/validate"):
        assert "/validation/held" in shown(at(library, path))
    page = at(library, "/validation/held")
    assert "missed a goal" in words_of(page)
    assert figures(page) == {"errors"}
    links = {getattr(one, "href", None) for one in every(page)}
    assert address("/file/{id}/{name}", id="held", name="report.html") in links
    assert library.file("held", "validation.json").is_file()
    assert frame.is_there(library, "/validation/held")
    assert not frame.is_there(library, "/validation/gone")


def test_a_damaged_one_is_listed_as_such(library):
    (library.folder / "held" / "validation.json").write_text('{"cases": 3}')
    assert "damaged" in words_of(at(library, "/validate"))
    assert "This result is damaged" in words_of(at(library, "/validation/held"))
