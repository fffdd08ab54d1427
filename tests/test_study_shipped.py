"""What is said of the engine of studies is what benchmarks/study.json holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.study import told

ROOT = Path(__file__).parents[1]
TOLD = json.loads((ROOT / "benchmarks" / "study.json").read_text())


def test_a_study_that_was_disturbed_writes_the_bytes_of_one_that_was_not():
    found = TOLD["disturbed"]
    assert found["trials"] >= 3
    for kind in ("worker_killed", "study_killed"):
        assert found[kind]["disturbed"] >= 1
        assert found[kind]["same_bytes"] == found["trials"]


@pytest.mark.parametrize("way", ["processes", "dask"])
def test_the_engine_spends_hardly_more_than_a_plain_loop(way):
    found = TOLD["throughput"]
    assert found["points"] * found["replicas"] >= 100
    assert found["loop_over_if_alone"][way] >= 1.8


def test_the_page_tells_what_was_measured():
    assert f"<!-- measured: study -->\n{told(TOLD)}<!-- end -->" in (ROOT / "docs" / "studying.md").read_text()
