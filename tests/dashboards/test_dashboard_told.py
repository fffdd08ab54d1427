"""What docs/dashboard.md tells of the dashboard's speed is what was measured."""

from __future__ import annotations

import json

from benchmarks.dashboard import PAGE, PATH, told


def test_the_page_tells_what_was_measured():
    found = json.loads(PATH.read_text())
    assert f"<!-- measured: dashboard -->\n{told(found)}<!-- end -->" in PAGE.read_text()


def test_runs_of_both_sizes_were_measured():
    alerts = [run["alerts"] for run in json.loads(PATH.read_text())["runs"]]
    assert alerts[0] >= 1e6
    assert alerts[1] >= 2e6
