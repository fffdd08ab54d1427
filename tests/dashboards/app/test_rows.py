"""Rows of the table of alerts: what is shown is what the record says, in its order, a page at a time."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from dashboards.app import rows
from dashboards.app.rows import Asked, asked_of
from tests.dashboards.app.finished import folder, library
from twin.limits import false_alerts, lost_signals, published_signals


@pytest.fixture(scope="module")
def there():
    return library()


@pytest.fixture(scope="module")
def record():
    return twin.open(folder() / "small")


def test_every_row_is_there_and_pages_join(there, record):
    whole = rows.page(there, "small", Asked(), 0, 500)
    assert whole.total == len(record.alerts)
    pieces = [
        row for k in range(0, 500, 70) for row in rows.page(there, "small", Asked(), k, min(k + 70, 500)).rows
    ]
    assert pieces == whole.rows
    times = [row["event_time_s"] for row in whole.rows]
    assert times == sorted(times)


def test_no_more_than_so_many_rows_at_once(there):
    assert len(rows.page(there, "small", Asked(), 0, 10**9).rows) == rows.MOST
    assert rows.page(there, "small", Asked(), 10**9, 10**9 + 5).rows == []
    assert rows.page(there, "small", Asked(), -5, -1).rows == []


@pytest.mark.parametrize(
    ("show", "of"),
    [
        ("late", lambda r: published_signals(r)[lambda t: t["late"]]),
        ("lost", lost_signals),
        ("false", false_alerts),
        ("vetoed", lambda r: r.alerts[r.alerts["is_signal"] & (r.alerts["outcome"] == "vetoed")]),
        ("published", lambda r: r.alerts[r.alerts["outcome"] == "published"]),
    ],
)
def test_views_are_those_of_the_summary(there, record, show, of):
    found = rows.page(there, "small", Asked(view=show), 0, 500)
    wanted = of(record)
    assert found.total == len(wanted)
    assert found.total > 0 or show == "vetoed"
    key = [(row["replica"], row["event_id"]) for row in found.rows]
    assert set(key) <= set(zip(wanted["replica"], wanted["event_id"], strict=True))


def test_ordered_by_latency_what_has_none_comes_last(there, record):
    found = rows.page(there, "small", Asked(sort="latency_s", down=True), 0, 500).rows
    known = [row["latency_s"] for row in found if row["latency_s"] is not None]
    assert known == sorted(known, reverse=True)
    assert known[0] == np.nanmax(record.alerts["latency_s"])
    asked = Asked(sort="latency_s", down=True)
    last = rows.page(there, "small", asked, len(record.alerts) - 1, len(record.alerts)).rows
    assert last[0]["latency_s"] is None


def test_an_event_is_found_by_its_name(there, record):
    row = record.alerts.iloc[5]
    name = rows.page(there, "small", Asked(), 5, 6).rows[0]["event"]
    found = rows.page(there, "small", Asked(event=name), 0, 10)
    assert found.total >= 1
    assert {one["event"] for one in found.rows} == {name}
    assert rows.page(there, "small", Asked(event="r9999-e1"), 0, 10).total == 0
    assert row["event_time_s"] >= 0


def test_a_window_of_time(there, record):
    found = rows.page(there, "small", Asked(since_s=3600.0, until_s=7200.0), 0, 1)
    inside = record.alerts["event_time_s"].between(3600.0, 7200.0, inclusive="left")
    assert found.total == int(inside.sum()) > 0


@pytest.mark.parametrize(
    "given",
    [
        {"view": "../../etc", "cls": "<script>", "outcome": "x", "sort": "__class__", "order": "sideways"},
        {"event": "r0-e1" * 1000, "since": "nan", "until": "inf"},
        {"event": "٣", "since": "1e999", "sort": None},
        {key: ["a", "b"] for key in ("view", "cls", "outcome", "event", "since")},
        {},
    ],
)
def test_whatever_is_asked_means_something_or_nothing(there, given):
    asked = asked_of(rows.choices(there, "small"), given)
    assert asked.sort in rows.SORTED
    assert asked.view == asked.cls == asked.outcome == ""
    assert rows.page(there, "small", asked, 0, 5).total >= 0
