"""What the comparison is made of: jobs, backlogs, resampling, distances, curves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal, stats

from tests.twin.trials import as_late_as, served
from twin.validation import backlog, curves
from twin.validation.distances import Distance, distance
from twin.validation.observed import Observed
from twin.validation.resampling import Sample, block_jobs, correlation_jobs, intervals


def autoregressive(phi, n, rng):
    """A stationary Gaussian series whose neighbours correlate with `phi`."""
    noise = rng.standard_normal(n) * np.sqrt(1.0 - phi**2)
    noise[0] = rng.standard_normal()
    return signal.lfilter([1.0], [1.0, -phi], noise)


def test_waiting_and_in_system_count_what_has_begun_by_then():
    run = Observed(
        np.zeros(4, int),
        np.array([0.0, 1.0, 1.0, 2.0]),
        np.array([0.0, 2.0, np.inf, 3.0]),
        np.array([2.0, 3.0, np.inf, np.inf]),
    )
    at_s = [0.0, 1.0, 2.0, 3.0, 1e9]
    assert run.waiting(at_s).tolist() == [0, 2, 2, 1, 1]
    assert run.in_system(at_s).tolist() == [1, 3, 3, 2, 2]
    assert run.latency_s.tolist() == [2.0, 2.0, np.inf, np.inf]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"end_s": np.array([1.0])}, "every array has one value per job; given .*'end_s': 1"),
        ({"arrival_s": np.array([1.0, 0.0])}, "in order of arrival; sort all arrays by it"),
        ({"arrival_s": np.array([0.0, np.inf])}, "arrival_s is to be finite"),
        (
            {"start_s": np.array([0.5, 0.5])},
            "job 1: arrived 1 s, started 0.5 s, ended 3 s; allowed: in this order",
        ),
        ({"end_s": np.array([2.0, np.nan])}, "job 1: arrived 1 s, started 2 s, ended nan s"),
    ],
)
def test_what_cannot_be_jobs_is_refused(changed, message):
    jobs = {
        "kind": np.zeros(2, int),
        "arrival_s": np.array([0.0, 1.0]),
        "start_s": np.array([0.5, 2.0]),
        "end_s": np.array([2.0, 3.0]),
    }
    with pytest.raises(ValueError, match=message):
        Observed(**{**jobs, **changed})


@pytest.mark.parametrize(("servers", "batch"), [(1, 1), (3, 1), (1, 8), (2, 4)])
def test_capacity_is_what_the_servers_can_do(servers, batch):
    arrival_s = np.arange(4000) / (2.0 * servers * batch)
    run = served(arrival_s, np.full(4000, 0.5), servers, batch)
    assert backlog.largest_batch(run) == batch
    windows = backlog.saturated(run, servers, batch, 0.0)
    late = np.arange(4000) / (4.0 * servers * batch)  # twice what they can do
    overloaded = backlog.saturated(served(late, np.full(4000, 0.5), servers, batch), servers, batch, 0.0)
    assert overloaded.rate_per_s() == pytest.approx(2.0 * servers * batch, rel=1e-6)
    assert overloaded.seconds == pytest.approx(0.5)
    assert len(windows.job) == 0  # enough servers: nobody waits for them


def test_capacity_is_not_biased_by_services_that_vary():
    rng = np.random.default_rng(4)
    arrival_s = np.cumsum(rng.exponential(1.0, 30_000)) / (1.1 * 2)
    run = served(arrival_s, rng.exponential(1.0, 30_000), servers=2)
    rate = backlog.saturated(run, 2, 1, 0.0).rate_per_s()
    assert rate == pytest.approx(2.0, rel=3.0 / np.sqrt(30_000))


def test_windows_of_a_disturbance_and_of_the_beginning_are_left_out():
    run = served(np.arange(2000) / 2.0, np.ones(2000))
    every = backlog.saturated(run, 1, 1, 0.0)
    some = backlog.saturated(run, 1, 1, 100.0, (300.0, 400.0))
    opens_s = run.start_s[some.job]
    assert len(some.job) < len(every.job)
    assert opens_s.min() >= 100.0
    assert not ((opens_s <= 400.0) & (opens_s + some.seconds >= 300.0)).any()


def test_weights_count_windows_as_often_as_the_jobs_that_open_them():
    windows = backlog.Windows(np.array([0, 2]), np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    assert windows.rate_per_s() == 2.0
    assert windows.rate_per_s(np.array([3, 0, 1], np.int32)) == 1.5


def test_too_few_starts_are_no_window():
    run = served(np.zeros(3), np.ones(3), servers=3)
    assert len(backlog.saturated(run, 3, 1, 0.0).job) == 0


def test_growth_is_what_arrives_less_what_is_served():
    run = served(np.arange(9000) / 3.0, np.full(9000, 0.5))
    assert backlog.growth_per_s(run, 100.0, 2900.0) == pytest.approx(1.0, rel=1e-3)


def test_recovery_is_when_the_backlog_is_back_to_the_level():
    run = Observed(np.zeros(4, int), np.zeros(4), np.array([1.0, 2.0, 5.0, np.inf]), np.full(4, np.inf))
    assert backlog.recovery_s(run, 3.0, 1.5) == 0.0
    assert backlog.recovery_s(run, 1.0, 1.5) == 3.5
    assert backlog.recovery_s(run, 0.0, 1.5) == np.inf


def test_recovery_from_a_death_begins_before_anybody_waits():
    arrival_s = np.arange(0.0, 400.0, 2.0)
    run = served(arrival_s, np.ones(200), down_s=(101.0, 121.0))
    assert run.waiting(101.0) == 0
    # at 121 s ten jobs wait; from then on one leaves each second and another comes every other one
    assert backlog.recovery_s(run, 1.0, 101.0) == pytest.approx(20.0 + 17.0, abs=2.0)
    assert backlog.recovery_s(run, 1.0, 300.0) == 0.0


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_correlation_is_that_of_an_autoregressive_series(phi):
    values = autoregressive(phi, 100_000, np.random.default_rng(1))
    lags = np.arange(1, 500)
    ranks = 6.0 / np.pi * np.arcsin(phi**lags / 2.0)  # correlation of the ranks of Gaussians
    assert correlation_jobs(values) == pytest.approx(1.0 + 2.0 * ranks.sum(), rel=0.1)
    assert correlation_jobs(np.exp(5.0 * values)) == correlation_jobs(values)


def test_correlation_of_what_never_changes_is_none():
    assert correlation_jobs(np.ones(100)) == 1.0
    assert correlation_jobs(np.ones(1)) == 1.0


def test_blocks_grow_with_correlation_and_are_none_where_too_few_would_fit():
    rng = np.random.default_rng(2)
    lengths = [block_jobs(autoregressive(phi, 20_000, rng)) for phi in (0.0, 0.5, 0.9)]
    assert lengths == sorted(lengths)
    assert lengths[0] <= 5
    assert lengths[2] == pytest.approx((6.0 * (0.9 / 0.19) ** 2 * 20_000) ** (1 / 3), rel=0.2)
    assert block_jobs(np.arange(5000.0)) is None


@pytest.mark.parametrize(("block", "least", "most"), [(None, 0.88, 1.0), (1, 0.0, 0.65)])
def test_intervals_hold_the_mean_of_alike_jobs_only_with_blocks(block, least, most):
    held, tries = 0, 60
    for k in range(tries):
        rng = np.random.default_rng([7, k])
        values = autoregressive(0.8, 2000, rng)
        low, high = intervals(
            lambda weight, x=values: np.array([np.average(x, weights=weight)]),
            len(values),
            block or block_jobs(values),
            rng,
        )
        held += bool(low[0] <= 0.0 <= high[0])
    assert least <= held / tries <= most


def test_every_job_counts_as_often_as_any_other():
    counted = np.zeros(50)

    def tell(weight):
        assert weight.sum() == 7 * 8  # as many blocks as hold fifty jobs
        counted[:] += weight
        return np.zeros(1)

    for seed in range(5):
        intervals(tell, 50, 7, np.random.default_rng(seed))
    mean = counted.sum() / 50
    assert counted == pytest.approx(mean, rel=5.0 / np.sqrt(mean / 7))


def test_quantiles_are_numpys_and_weights_are_repetitions():
    rng = np.random.default_rng(3)
    values = rng.exponential(1.0, (2, 501))
    q = [0.0, 0.5, 0.95, 1.0]
    assert Sample(values).quantiles(q[1:]) == pytest.approx(
        np.quantile(values, q[1:], axis=1, method="inverted_cdf").T
    )
    weight = rng.integers(0, 4, 501).astype(np.int32)
    repeated = np.repeat(values, weight, axis=1)
    assert Sample(values).quantiles(q[1:], weight) == pytest.approx(
        np.quantile(repeated, q[1:], axis=1, method="inverted_cdf").T
    )


def test_distances_are_scipys_and_of_a_shift_its_size():
    rng = np.random.default_rng(5)
    one, other = rng.exponential(1.0, 700), rng.exponential(1.2, 900)
    found = distance(one, other)
    assert found.ks == pytest.approx(stats.ks_2samp(one, other).statistic)
    assert found.w1 == pytest.approx(stats.wasserstein_distance(one, other) / one.mean())
    assert distance(one, one + 0.3).w1 == pytest.approx(0.3 / one.mean())
    assert distance(one, np.append(one, np.inf)) == Distance(None, None)


def test_almost_constant_times_make_ks_large_and_w1_small():
    one = np.linspace(0.999, 1.001, 1000)
    found = distance(one, 1.01 * one)
    assert found.ks == 1.0
    assert found.w1 == pytest.approx(0.01, rel=1e-3)


def test_curves_of_latency_are_their_quantiles():
    values = np.arange(1.0, 1001.0)[None]
    drawn = curves.latencies(values, np.vstack([values, 2.0 * values]), values + 0.5)
    assert drawn["slower"][0] == 1.0
    assert drawn["slower"][-1] == 0.001
    assert len(drawn["slower"]) == len(drawn["predicted_s"]) == curves.POINTS
    assert drawn["measured_s"][0][0] == 1.0
    assert drawn["measured_s"][0][-1] == 999.0
    half = int(np.argmin(np.abs(np.array(drawn["slower"]) - 0.5)))
    assert drawn["measured_s"][0][half] == pytest.approx(1000.0 * (1.0 - drawn["slower"][half]), abs=1.01)
    assert drawn["model_s"][0][half] == pytest.approx(drawn["measured_s"][0][half] + 0.5)


def test_what_never_ended_has_no_point():
    values = np.append(np.ones(99), np.inf)[None]
    drawn = curves.latencies(values, values, values)["measured_s"][0]
    assert drawn[0] == 1.0
    assert curves.latencies(np.full((1, 9), np.inf), values, values)["measured_s"][0][0] is None


def test_curves_over_time_hold_all_draws_between_their_ends():
    quick, slow = as_late_as(np.full(100, 2.0)), as_late_as(np.full(100, 6.0))
    drawn = curves.in_system([quick], [quick, slow, slow], [quick])
    assert len(drawn["time_s"]) == curves.INSTANTS
    assert drawn["time_s"][-1] == 101.0
    middle = curves.INSTANTS // 2
    assert drawn["measured"][0][middle] == drawn["predicted_low"][middle] == 2.0
    assert drawn["predicted"][middle] == drawn["predicted_high"][middle] == 6.0
