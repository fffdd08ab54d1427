"""Pools over time: any window of the arrays is what a table of its rows, turned on its side, would give."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dashboards.levels import QUANTITIES, levels, over_time

POINTS = 40


@pytest.fixture(scope="module")
def table():
    """Two pools of different bins, rows in no order, of one replica only a part; at times there are no servers."""
    rng = np.random.default_rng(1)
    rows = [
        (replica, k * bin_s, quantity, pool, float(rng.integers(0, 4)))
        for pool, bin_s in (("b", 10.0), ("a", 7.0))
        for quantity in QUANTITIES
        for replica in range(3)
        for k in range(100 if replica < 2 else 60)
    ]
    frame = pd.DataFrame(rows, columns=["replica", "time_s", "quantity", "name", "value"])
    return frame.sample(frac=1.0, random_state=2).reset_index(drop=True)


@pytest.mark.parametrize("window", [(0.0, 1000.0), (123.0, 456.0), (650.0, 900.0), (5000.0, 6000.0)])
def test_a_window_is_that_of_the_table(table, window):
    found = over_time(levels(SimpleNamespace(timeline=table)), *window, POINTS)
    inside = table[(table["time_s"] >= window[0]) & (table["time_s"] < window[1])]
    plain = [
        part for pool in sorted(inside["name"].unique()) for part in _plain(inside[inside["name"] == pool], pool)
    ]
    if not plain:
        assert found.empty
    else:
        pd.testing.assert_frame_equal(found, pd.concat(plain, ignore_index=True))


def _plain(rows, pool):
    wide = {}
    for quantity in QUANTITIES:
        whole = rows[rows["quantity"] == quantity].pivot_table(index="time_s", columns="replica", values="value")
        group = np.arange(len(whole)) // math.ceil(len(whole) / POINTS)
        starts = whole.index[:: math.ceil(len(whole) / POINTS)]
        wide[quantity] = whole.groupby(group).mean().set_index(starts)
    use = wide["busy"] / wide["servers"].where(wide["servers"] > 0.0)
    for quantity, values in (("queue", wide["queue"]), ("use", use)):
        stats = {"value": values.mean(axis=1), "low": values.min(axis=1), "high": values.max(axis=1)}
        yield pd.DataFrame({"quantity": quantity, "name": pool, **stats}).reset_index()[
            ["time_s", "quantity", "name", "value", "low", "high"]
        ]
