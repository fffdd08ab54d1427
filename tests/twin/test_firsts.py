"""First rows of events: what tables of them, made by pandas, hold."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from twin import firsts
from twin.limits import timelines

EVENT = ["replica", "event_id"]


@pytest.fixture(scope="module", params=range(4))
def record(request):
    rng = np.random.default_rng(request.param)
    n = (0, 1, 40, 400)[request.param]
    alerts = pd.DataFrame(
        {
            "replica": np.sort(rng.integers(0, 3, n)),
            "event_id": rng.integers(-8, 8, n),
            "outcome": rng.choice(["published", "vetoed", "missed"], n).astype(object),
            "product": rng.choice(["first", "second"], n).astype(object),
            "published_s": rng.choice([1.0, 2.0, 3.0, np.nan], n),
            "latency_s": rng.exponential(size=n),
        }
    ).astype({"outcome": "str", "product": "str"})
    alerts["is_signal"] = alerts["event_id"] >= 0
    alerts["detectable"] = alerts["is_signal"] & (rng.random(n) < 0.7)
    return SimpleNamespace(alerts=alerts, counts=pd.DataFrame({"replica": [0, 0, 1, 2, 3]}))


def test_they_are_those_that_pandas_finds(record):
    alerts = record.alerts
    published = alerts[alerts["outcome"] == "published"]
    able = alerts[alerts["is_signal"] & alerts["detectable"]]
    known = set(map(tuple, able[able["outcome"] == "published"][EVENT].to_numpy()))
    every = able.drop_duplicates(EVENT)
    expected = {
        "detectable": every.index,
        "lost": [k for k, row in every.iterrows() if (row["replica"], row["event_id"]) not in known],
        "false": published[~published["is_signal"]].drop_duplicates(EVENT).index,
        "vetoed": alerts[alerts["is_signal"] & (alerts["outcome"] == "vetoed")].drop_duplicates(EVENT).index,
    }
    for name, rows in expected.items():
        assert getattr(firsts, name)(record).tolist() == list(rows), name
    for product in (None, "second"):
        own = published[published["is_signal"]]
        own = own if product is None else own[own["product"] == product]
        own = own.sort_values("published_s", kind="stable").drop_duplicates(EVENT)
        assert firsts.published(record, product).tolist() == own.index.tolist()


def test_each_replica_has_its_own_also_where_nothing_was_found(record):
    at = firsts.detectable(record)
    assert firsts.counted(record, at) == [int((record.alerts["replica"][at] == k).sum()) for k in range(4)]
    each = firsts.values(record, "latency_s", at)
    assert [len(own) for own in each] == firsts.counted(record, at)
    assert sorted(np.concatenate(each)) == sorted(record.alerts["latency_s"][at])


def test_timelines_are_sorted_and_end_at_the_horizon():
    rows = [
        (1, 3.0, "queue", "a", 30.0),
        (1, 1.0, "queue", "a", 10.0),
        (0, 1.0, "busy", "b", 2.0),
        (1, 9.0, "queue", "a", 1.0),
    ]
    timeline = pd.DataFrame(rows, columns=["replica", "time_s", "quantity", "name", "value"])
    found = timelines(SimpleNamespace(timeline=timeline, scenario=SimpleNamespace(horizon=5.0)))
    assert set(found) == {(1, "queue", "a"), (0, "busy", "b")}
    time_s, value = found[1, "queue", "a"]
    assert (time_s.tolist(), value.tolist()) == ([1.0, 3.0], [10.0, 30.0])
    assert timelines(SimpleNamespace(timeline=timeline[:0], scenario=SimpleNamespace(horizon=5.0))) == {}
