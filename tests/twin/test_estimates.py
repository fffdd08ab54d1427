"""Intervals hold the truth as often as they say; what cannot be told is withheld."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from twin import estimates


def share_within(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


def test_mean_interval_is_students():
    estimate = estimates.mean([1.0, 2.0, 3.0], 3)
    half = 4.302652729911275 / np.sqrt(3.0)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((2.0, 2.0 - half, 2.0 + half))


def test_one_replica_has_no_interval_of_the_mean():
    estimate = estimates.mean([7.0], 1)
    assert (estimate.value, estimate.low, estimate.high) == (7.0, None, None)
    assert estimate.reason == "one replica: no interval"


def test_quantile_interval_over_replicas_covers():
    rng, q = np.random.default_rng(5), 0.9
    draws = rng.exponential(1.0, (600, 6, 200))
    found = [estimates.quantile(list(replicas), q) for replicas in draws]
    covered = share_within([(e.low, e.high) for e in found], -np.log(1.0 - q))
    assert 0.925 < covered < 0.975


def test_quantile_interval_from_ranks_covers():
    rng, q = np.random.default_rng(6), 0.9
    found = [estimates.quantile([values], q) for values in rng.exponential(1.0, (600, 200))]
    covered = share_within([(e.low, e.high) for e in found], -np.log(1.0 - q))
    assert 0.94 < covered < 0.99


def test_quantile_from_too_few_events_is_withheld():
    replicas = [np.arange(999.0), np.arange(999.0)]
    estimate = estimates.quantile(replicas, 0.99)
    assert (estimate.value, estimate.low, estimate.n) == (None, None, 1998)
    assert estimate.reason == "999 alerts per replica; 99 % needs 1000"
    assert estimates.quantile([np.arange(1000.0)] * 2, 0.99).value is not None


def test_low_quantiles_need_events_too():
    assert estimates.events_needed(0.01) == estimates.events_needed(0.99) == 1000
    assert estimates.events_needed(0.5) == 20


def test_a_replica_without_alerts_withholds_the_quantile():
    assert estimates.quantile([np.arange(5000.0), np.empty(0)], 0.5).value is None


def test_quantiles_of_replicas_are_averaged_not_pooled():
    estimate = estimates.quantile([np.full(20, 1.0), np.full(20, 3.0)], 0.5)
    assert estimate.value == 2.0


def test_fraction_interval_covers_clustered_events():
    """Every tenth replica fares badly: an interval from pooled counts alone would be far too narrow."""
    rng = np.random.default_rng(7)
    p = rng.beta(2.0, 8.0, (800, 12))
    counts = rng.binomial(100, p)
    found = [estimates.fraction(own, np.full(12, 100)) for own in counts]
    assert 0.92 < share_within([(e.low, e.high) for e in found], 0.2) < 0.98
    pooled = [estimates.wilson(int(own.sum()), 1200) for own in counts]
    assert share_within(pooled, 0.2) < 0.7


def test_fraction_of_nothing_seen_is_not_certainly_zero():
    estimate = estimates.fraction([0, 0, 0], [100, 100, 100])
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high == pytest.approx(0.01264, abs=1e-5)


@pytest.mark.parametrize(("count", "total"), [(15, 50), (0, 7), (7, 7), (3, 100_000)])
def test_wilson_agrees_with_scipy(count, total):
    expected = stats.binomtest(count, total).proportion_ci(0.95, method="wilson")
    assert estimates.wilson(count, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_fraction_of_no_events_is_withheld():
    assert estimates.fraction([0], [0]) == estimates.withheld("nothing to count")


def test_rate_of_one_replica_is_poisson():
    estimate = estimates.rate([4], 2.0)
    low, high = (stats.gamma.ppf(0.025, 4) / 2.0, stats.gamma.ppf(0.975, 5) / 2.0)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((2.0, low, high))


def test_no_event_has_a_finite_upper_rate():
    estimate = estimates.rate([0, 0], 1.0)
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high == pytest.approx(3.688879 / 2.0)


def test_rate_over_replicas_covers():
    rng = np.random.default_rng(8)
    found = [estimates.rate(rng.poisson(30.0, 8), 7.0) for _ in range(800)]
    assert 0.925 < share_within([(e.low, e.high) for e in found], 30.0 / 7.0) < 0.975
