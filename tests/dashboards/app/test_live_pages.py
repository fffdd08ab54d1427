"""Runs that go on: of a job, and of a command elsewhere; whatever is in the file, a page comes out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from dashboards.app import elsewhere
from dashboards.app.jobs import Jobs
from dashboards.app.library import Library, UnknownError
from dashboards.app.pages import live, watched
from dashboards.app.url import Url
from tests.dashboards.app.browser import ROOT
from tests.dashboards.app.finished import library
from tests.dashboards.app.test_run_pages import every, figures, words_of

PRESENT = {
    "schema_version": 1,
    "scenario": "first-light",
    "now_s": 7200.0,
    "horizon_s": 86400.0,
    "late_s": 60.0,
    "time_s": [0.0, 3600.0],
    "bin_s": 3600.0,
    "pools": {"cnaf.cpu": {"queue": [0.0, 2.0], "busy": [1.0, 2.0], "servers": [2.0, 2.0]}},
    "published": 3,
    "late": 1,
    "alerts": {"event_time_s": [100.0, 4000.0, 7000.0], "latency_s": [12.0, 90.0, 13.0]},
    "signals": {"time_s": [100.0, 2000.0, 4000.0, 7000.0], "each": 1},
    "marks": [["outage", "tier-1", 3000.0, 4000.0], ["outage", "later", 80000.0, 81000.0]],
    "replica": 1,
    "simulated": True,
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.now.json").write_text(json.dumps(PRESENT))
    return tmp_path


def page(folder, name):
    return watched.layout(Library(folder), Url(watched.PATH, {"id": name}, {}))


def test_a_run_elsewhere_is_on_the_timeline(folder):
    shown = page(folder, "mine")
    assert figures(shown) == {"live"}
    assert "replica 2 · 2 h of 1 d · 3 signals alerted · 1 late alert" in words_of(shown)
    graph = next(one.figure for one in every(shown) if getattr(one, "id", None) == {"figure": "live"})
    text = graph.to_json()
    assert "tier-1" in text
    assert "later" not in text
    assert graph.layout.xaxis.range == (0.0, 24.0)


def test_a_farm_says_that_it_is_one(folder):
    (folder / "mine.now.json").write_text(json.dumps({**PRESENT, "simulated": False}))
    graph = next(
        one.figure for one in every(page(folder, "mine")) if getattr(one, "id", None) == {"figure": "live"}
    )
    assert "FARM RUN" in graph.to_json()


@pytest.mark.parametrize("name", ["other", "../mine", "mine.now.json", "", "*"])
def test_a_run_that_does_not_tell_is_unknown(folder, name):
    with pytest.raises(UnknownError, match="tells here how it goes"):
        page(folder, name)


def test_a_link_out_of_the_folder_is_not_followed(folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.now.json"
    secret.write_text(json.dumps(PRESENT))
    (folder / "link.now.json").symlink_to(secret)
    with pytest.raises(UnknownError):
        page(folder, "link")


@pytest.mark.parametrize("content", ["", "[]", "{}", "x" * 100, json.dumps({**PRESENT, "pools": 3})])
def test_a_damaged_present_is_said(folder, content):
    (folder / "mine.now.json").write_text(content)
    shown = page(folder, "mine")
    assert "This cannot be shown" in words_of(shown)


def test_what_runs_elsewhere_is_listed_and_nothing_where_nothing_does(folder, tmp_path_factory):
    assert "mine" in words_of(watched.listed(Library(folder)))
    assert watched.listed(Library(tmp_path_factory.mktemp("empty"))) == []


def test_a_run_that_was_killed_is_over_and_what_it_left_goes_after_a_while(folder):
    code = (
        "import sys, time; from pathlib import Path; from dashboards.watch import watch\n"
        "with watch(True, Path(sys.argv[1])) as progress:\n"
        "    progress(0.5, 'half'); print('on', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(folder / "mine.jsonl")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as run:
        assert run.stdout.readline() == "on\n"
        assert "running · replica 2" in words_of(page(folder, "mine"))
        elsewhere.sweep(folder, time.time() + 2 * elsewhere.KEPT_S)
        assert "over" not in words_of(watched.listed(Library(folder)))
        run.kill()
    assert "over · replica 2" in words_of(page(folder, "mine"))
    assert "mine (over)" in words_of(watched.listed(Library(folder)))
    (folder / ".mine.now.json.partial").write_text("{")
    elsewhere.sweep(folder, time.time() + 0.5 * elsewhere.KEPT_S)
    assert "mine (over)" in words_of(watched.listed(Library(folder)))
    elsewhere.sweep(folder, time.time() + 2.0 * elsewhere.KEPT_S)
    assert [path.name for path in folder.iterdir()] == ["mine.jsonl"]


def test_a_job_that_has_not_told_anything_yet_and_then_does(tmp_path):
    there = Library(tmp_path)
    there.jobs = Jobs(tmp_path, most=1)
    there.jobs._closing.set()  # nothing is started
    one = there.jobs.submit("run", "first-light", "out", lambda folder, result: ["run", "first-light"])
    url = Url(live.PATH, {"id": one.id}, {})
    assert "Not yet" in words_of(live.layout(there, url))
    (one.folder / live.PRESENT).write_text(json.dumps(PRESENT))
    assert figures(live.layout(there, url)) == {"live"}
    with pytest.raises(UnknownError):
        live.layout(there, Url(live.PATH, {"id": "999"}, {}))


def test_large_tables_that_one_thing_is_made_of_are_not_kept():
    there = library()
    record = there.record("small")
    kept = there.cache.bytes
    once = record.once(alerts=("replica", "latency_s"))
    assert list(once.alerts) == ["replica", "latency_s"]
    assert once.alerts is once.alerts
    assert there.cache.bytes == kept
    assert list(record.only(alerts=("replica", "latency_s")).alerts) == ["replica", "latency_s"]
    assert there.cache.bytes > kept
