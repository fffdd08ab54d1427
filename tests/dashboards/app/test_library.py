"""Results are looked up by id among those that are there; what is removed or damaged meanwhile is told."""

from __future__ import annotations

import json
import os
import shutil

import pandas as pd
import pytest
from pyarrow import dataset

import twin
from dashboards.app.library import DamagedError, GoneError, Library, UnknownError
from dashboards.tables import latency_table
from tests.dashboards.app import finished


@pytest.fixture
def folder(tmp_path):
    """A folder of results of its own with one run in it."""
    shutil.copytree(finished.folder() / "small", tmp_path / "small")
    return tmp_path


def test_a_run_is_listed_with_what_it_is(folder):
    (entry,) = Library(folder).runs()
    assert (entry.id, entry.kind, entry.scenario, entry.seed, entry.replicas) == (
        "small",
        "run",
        "first-light",
        1,
        2,
    )
    assert entry.horizon_s == 8 * 3600.0
    assert entry.question.startswith("Do one core on site")
    assert not entry.problem


def test_a_stored_run_tells_what_the_record_tells(folder):
    stored, record = Library(folder).record("small"), twin.open(folder / "small")
    pd.testing.assert_frame_equal(stored.alerts.astype(record.alerts.dtypes), record.alerts)
    pd.testing.assert_frame_equal(latency_table(stored), latency_table(record))
    assert stored.scenario == record.scenario
    assert stored.summary == record.summary
    assert (stored.seed, stored.plan_digest, stored.live) == (record.seed, record.plan_digest, None)
    assert stored.rows("alerts") == len(record.alerts)


def test_only_wanted_columns_are_read(folder):
    pruned = Library(folder).record("small").only(alerts=("cls", "latency_s", "no_such_column"))
    assert list(pruned.alerts.columns) == ["cls", "latency_s"]
    late = pruned.scan("alerts", ["latency_s"], dataset.field("latency_s") > 13.0)
    assert 0 < late.num_rows < len(pruned.alerts)


@pytest.mark.parametrize(
    "id", ["../small", "small/..", "/etc", "..", ".", "", "small/", "no\0pe", ".jobs", "a" * 10_000, "%2e%2e"]
)
def test_an_id_leads_nowhere_else(folder, id):
    library = Library(folder / "small")  # so that '..' and '../small' would be there
    with pytest.raises(UnknownError, match="There is no run"):
        library.record(id)
    with pytest.raises(UnknownError):
        Library(folder).record(id)


@pytest.mark.parametrize("name", ["../small/manifest.json", "/etc/passwd", "scenario", "x.py", "", "..", "alerts"])
def test_only_files_of_a_result_are_handed_out(folder, name):
    (folder / "small" / "x.py").write_text("secret")
    with pytest.raises(UnknownError, match="has no file"):
        Library(folder).file("small", name)


def test_links_are_not_followed(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "small").symlink_to(folder / "small")
    assert Library(elsewhere).entries() == []


def test_a_run_that_is_removed_is_told_as_removed(folder):
    library = Library(folder)
    record = library.record("small")
    shutil.rmtree(folder / "small")
    with pytest.raises(GoneError, match=r"was in .* and is there no more"):
        library.record("small")
    with pytest.raises(GoneError, match="removed while it was read"):
        _ = record.alerts


def test_one_written_in_its_place_is_another(folder):
    library = Library(folder)
    assert len(library.record("small").alerts) > 0
    shutil.rmtree(folder / "small")
    shutil.copytree(finished.folder() / "small", folder / "small")
    pd.read_parquet(folder / "small" / "alerts.parquet").head(3).to_parquet(folder / "small" / "alerts.parquet")
    os.utime(folder / "small" / "manifest.json", ns=(1, 1))
    assert len(library.record("small").alerts) == 3


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("manifest.json", "{", "cannot be read: JSONDecodeError"),
        ("manifest.json", "[]", "holds no mapping"),
        ("summary.json", "{}", "KeyError"),
        ("summary.json", '{"scenario": 3}', "TypeError"),
    ],
)
def test_a_damaged_run_is_listed_as_damaged(folder, name, content, told):
    (folder / "small" / name).write_text(content)
    library = Library(folder)
    (entry,) = library.runs()
    assert told in entry.problem
    with pytest.raises(DamagedError, match="Run it again"):
        library.record("small")


def test_a_damaged_or_missing_table_is_told(folder):
    library = Library(folder)
    (folder / "small" / "alerts.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DamagedError, match=r"'small': .*Run it again"):
        _ = library.record("small").alerts
    (folder / "small" / "pools.parquet").unlink()
    with pytest.raises(DamagedError, match=r"lacks pools\.parquet"):
        _ = library.record("small").pools


def test_what_is_computed_of_a_run_is_kept(folder):
    library, calls = Library(folder), []
    for _ in range(3):
        assert library.computed("small", "n", lambda record: calls.append(1) or len(record.alerts)) > 0
    assert len(calls) == 1


def test_memory_is_bounded(folder):
    library = Library(folder, most_bytes=50_000)
    record = library.record("small")
    for name in ("alerts", "stages", "timeline", "pools", "links"):
        record.table(name)
    largest = max(record.table(name).memory_usage(deep=True).sum() for name in ("alerts", "timeline"))
    assert library.cache.bytes <= max(50_000, largest + 10_000)


def test_comparisons_are_listed_beside_runs(folder):
    told = {"scenario": "first-light", "question": "which\none?", "seed": 3, "replicas": 2, "horizon_s": 60.0}
    told |= {"cases": [{"name": "as-is"}, {"name": "mark"}], "command": "ettwin compare first-light"}
    (folder / "compared").mkdir()
    (folder / "compared" / "comparison.json").write_text(json.dumps(told))
    library = Library(folder)
    assert [entry.kind for entry in library.entries()] in (["run", "comparison"], ["comparison", "run"])
    assert library.entry("compared").question == "which one?"
    with pytest.raises(UnknownError, match="no run 'compared'"):
        library.record("compared")


def test_a_shipped_run_comes_last(folder):
    library = Library(folder, shipped=finished.folder())
    assert [entry.id for entry in library.runs()] == ["small", "example-small"]
    assert library.entry("example-small").shipped
