"""Histograms keep quantiles within a percent and add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.histogram import bin_of, edges_s, latencies, merged, quantile_s
from twin.kernel.memory import histogram_bin
from twin.kernel.state import BINS


@settings(deadline=None)  # the kernel's function is compiled at its first call
@given(st.lists(st.floats(-1.0, 1e9), min_size=1, max_size=50))
def test_the_kernel_fills_the_same_bins(values):
    assert bin_of(np.array(values)).tolist() == [histogram_bin(v) for v in values]


@given(st.floats(1e-5, 1e7))
def test_a_value_lies_within_its_bin_and_the_bin_is_narrow(value):
    b, edges = int(bin_of(np.array([value]))[0]), edges_s()
    assert edges.size == BINS + 1
    assert edges[b] <= value < edges[b + 1] <= edges[b] * 1.016


@pytest.mark.parametrize("q", [0.01, 0.5, 0.9, 0.99, 0.999])
def test_quantiles_are_within_one_percent(q):
    values = np.random.default_rng(1).lognormal(0.0, 1.5, 200_000)
    counts = np.bincount(bin_of(values), minlength=BINS)
    assert quantile_s(counts, q) == pytest.approx(np.quantile(values, q), rel=0.01)


def test_windows_and_classes_add_up_to_the_whole():
    rng = np.random.default_rng(2)
    n = 5000
    alerts = pd.DataFrame(
        {
            "product": "preliminary",
            "cls": rng.choice(["bbh", "noise"], n),
            "event_time_s": rng.uniform(0.0, 1000.0, n),
            "latency_s": rng.lognormal(2.0, 0.5, n),
        }
    )
    table = latencies(alerts, 1000.0, 7)
    assert table["n"].sum() == n
    assert table["start_s"].nunique() == 7
    whole = np.bincount(bin_of(alerts["latency_s"].to_numpy()), minlength=BINS)
    assert merged(rows for _, rows in table.groupby(["cls", "start_s"])).tolist() == whole.tolist()


def test_no_alerts_make_no_rows_and_no_quantile():
    empty = pd.DataFrame({"product": [], "cls": [], "event_time_s": [], "latency_s": []})
    assert latencies(empty, 10.0, 2).empty
    assert np.isnan(quantile_s(np.zeros(BINS, np.int64), 0.5))
