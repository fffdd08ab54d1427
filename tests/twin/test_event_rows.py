"""Which alerts are the first of their event: as grouping says, on tables in any order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from twin import event_rows

EVENT = ["replica", "event_id"]


@pytest.fixture(params=range(5))
def alerts(request):
    """Rows of few events, in no order, some of equal times; negative numbers are noise."""
    rng, n = np.random.default_rng(request.param), 400
    outcome = rng.choice(["published", "vetoed", "missed"], n)
    time_s = np.where(outcome == "published", rng.integers(0, 50, n) / 2.0, np.nan)
    ids = {"replica": rng.integers(0, 3, n), "event_id": rng.integers(-30, 60, n)}
    return pd.DataFrame({**ids, "outcome": outcome, "published_s": time_s, "wanted": rng.random(n) < 0.7})


def test_rows_of_an_event_have_its_key_and_no_other_row_has(alerts):
    assert (alerts.groupby(event_rows.keys(alerts)).ngroup() == alerts.groupby(EVENT).ngroup()).all()
    assert (event_rows.repeated(event_rows.keys(alerts)) == alerts.duplicated(EVENT)).all()


def test_the_first_published_row_of_each_event(alerts):
    wanted = alerts["wanted"] & (alerts["outcome"] == "published")
    plain = alerts[wanted].sort_values("published_s", kind="stable").drop_duplicates(EVENT)
    assert list(event_rows.published(alerts, wanted.to_numpy())) == list(plain.index)


def test_events_of_which_nothing_was_published(alerts):
    rows = alerts[alerts["wanted"]]
    told = set(map(tuple, rows.loc[rows["outcome"] == "published", EVENT].to_numpy()))
    plain = [
        k for k, row in rows.drop_duplicates(EVENT).iterrows() if (row["replica"], row["event_id"]) not in told
    ]
    assert list(event_rows.lost(alerts, alerts["wanted"].to_numpy())) == plain
    assert len(plain) > 5


def test_each_event_has_one_first_row_which_is_published_if_any_is(alerts):
    found = alerts[event_rows.first(alerts)]
    assert len(found) == alerts[EVENT].drop_duplicates().shape[0]
    order = alerts.assign(silent=alerts["outcome"] != "published").sort_values(
        ["silent", "published_s"], kind="stable"
    )
    assert sorted(found.index) == sorted(order.drop_duplicates(EVENT).index)


def test_where_no_event_has_two_rows_each_is_the_first(alerts):
    once = alerts.drop_duplicates(EVENT)
    assert event_rows.first(once).all()
    twice = pd.concat([once, once.iloc[[3]]], ignore_index=True)
    assert event_rows.first(twice).sum() == len(once)


def test_a_table_without_rows():
    empty = pd.DataFrame({"replica": [], "event_id": [], "outcome": [], "published_s": []})
    none = np.zeros(0, bool)
    assert (
        event_rows.first(empty).size
        == event_rows.published(empty, none).size
        == event_rows.lost(empty, none).size
        == 0
    )
