"""The formulas and chains of the theory table agree with each other where they should."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.theory import chains, exact, services
from benchmarks.theory.statistics import beside_exact, beside_peer, critical_z

ONE = services.exponential()
CLASSES = ((0.2, ONE), (0.3, services.lognormal()))


def test_the_exponential_table_has_the_moments_it_says():
    assert services.mean(services.exponential(3.0)) == pytest.approx(3.0, rel=1e-12)
    assert services.square(services.exponential(3.0)) == pytest.approx(18.0, rel=1e-4)


def test_slices_keep_the_mean_of_a_table():
    for table in (ONE, services.lognormal(), services.constant(), services.even(0.5, 1.5)):
        assert services.fine(table)[1].mean() == pytest.approx(services.mean(table), rel=1e-9)


def test_the_largest_of_exponentials_is_a_harmonic_number():
    assert services.largest(ONE, 8) == pytest.approx(sum(1 / k for k in range(1, 9)), rel=2e-4)


def test_erlangs_formulas_are_those_of_the_books():
    assert exact.erlang_b(2.0, 3) == pytest.approx(4 / 19)
    assert exact.erlang_c(2.0, 3) == pytest.approx(4 / 9)


def test_many_servers_are_one_when_there_is_one():
    alone_s = exact.mmc_sojourn_s(0.7, 1.0, 1)
    assert exact.pollaczek_khinchine_s(0.7, ONE) == pytest.approx(alone_s, rel=1e-4)
    deterministic = chains.mdc(0.8, 1.0, 1)
    assert deterministic == pytest.approx((0.8, exact.pollaczek_khinchine_s(0.8, services.constant())))


def test_quantile_and_tail_of_the_wait_are_inverse():
    quantile_s = exact.mmc_wait_quantile_s(6.4, 1.0, 8, 0.9)
    assert exact.mmc_wait_tail(6.4, 1.0, 8, quantile_s) == pytest.approx(0.1)


def test_a_large_bound_is_none_and_no_place_is_erlangs():
    assert exact.bounded(6.4, 1.0, 8, 400)[1] == pytest.approx(exact.mmc_sojourn_s(6.4, 1.0, 8))
    assert exact.bounded(6.4, 1.0, 8, 8)[0] == pytest.approx(exact.erlang_b(6.4, 8))


def test_no_patience_is_loss_and_much_is_none():
    assert exact.impatient(1.2, 1.0, 1e-12)[0] == pytest.approx(1.2 / 2.2)
    gone, wait_s = exact.impatient(0.7, 1.0, 200.0)
    assert gone < 1e-20
    assert wait_s + 1.0 == pytest.approx(exact.mmc_sojourn_s(0.7, 1.0, 1))


def test_the_first_class_of_those_who_interrupt_is_alone_and_all_together_keep_the_work():
    resumed, head_of_line = exact.resumed_s(CLASSES), exact.cobham_s(CLASSES)
    assert resumed[0] == pytest.approx(exact.pollaczek_khinchine_s(*CLASSES[0]))
    alike = ((0.2, ONE), (0.3, ONE))
    for times in (exact.cobham_s(alike), exact.resumed_s(alike)):
        assert 0.4 * times[0] + 0.6 * times[1] == pytest.approx(exact.pollaczek_khinchine_s(0.5, ONE), rel=1e-4)
    assert head_of_line[0] > resumed[0]


def test_interruptions_that_are_resumed_are_jaiswals_second_class():
    (urgent_hz, urgent), (rate_hz, table) = CLASSES
    busy = exact.busy_period(urgent_hz, urgent)
    stretch = 1 + urgent_hz * busy[0]
    completion = (
        services.mean(table) * stretch,
        services.square(table) * stretch**2 + services.mean(table) * urgent_hz * busy[1],
    )
    wait_s = exact.interrupted_s(rate_hz, completion, urgent_hz, busy)
    assert wait_s + completion[0] == pytest.approx(exact.resumed_s(CLASSES)[1])


def test_rare_interruptions_change_nothing():
    table, never = services.lognormal(), (1e-9, (4.0, 32.0))
    for completion in (exact.repeated(table, *never), exact.cut(table, *never)[:2]):
        assert completion == pytest.approx((services.mean(table), services.square(table)), rel=1e-4)


def test_repeated_work_takes_what_a_simulation_by_hand_takes():
    rng = np.random.default_rng(1)
    taken = []
    for _ in range(20_000):
        total = 0.0
        while (until := rng.exponential(2.0)) < 1.5:
            total += until + rng.exponential(0.5)
        taken.append(total + 1.5)
    first, second = exact.repeated(services.constant(1.5), 0.5, (0.5, 0.5))
    assert np.mean(taken) == pytest.approx(first, rel=0.03)
    assert np.mean(np.square(taken)) == pytest.approx(second, rel=0.08)


def test_a_gathered_pair_waits_as_the_closed_form_says():
    left = np.exp(-1.5)
    assert exact.gathered(1.0, 2, 1.5) == pytest.approx(((1 - left) / (2 - left), 2 - left))
    assert exact.gathered(1.0, 1, 1.5) == pytest.approx((0.0, 1.0))


def test_chains_without_their_speciality_are_known_systems():
    assert chains.bulk(0.7, 1.0, 1) == pytest.approx((exact.mmc_sojourn_s(0.7, 1.0, 1), 0.7))
    assert chains.breaking_s(1.4, 1.0, 2, 0.0, 1.0) == pytest.approx(exact.mmc_sojourn_s(1.4, 1.0, 2))
    assert exact.mmc_sojourn_s(1.6, 1.0, 2) < chains.shortest_queue_s(1.6, 1.0) < exact.mmc_sojourn_s(0.8, 1.0, 1)


def test_a_chain_that_is_cut_off_too_early_says_so():
    with pytest.raises(ValueError, match="lies at 400, where the chain is cut off: allow more"):
        chains.breaking_s(0.83, 1.0, 1, 1 / 20, 1 / 4)


def test_rows_are_means_with_students_intervals():
    runs = np.array([1.0, 2.0, 3.0])
    row = beside_exact("system", "quantity", 1.0, "book", runs)
    assert (row.mean, row.n, row.n_peer) == (2.0, 3, 0)
    assert row.z == pytest.approx(np.sqrt(3))
    assert row.half_width_95 == pytest.approx(4.303 / np.sqrt(3), rel=1e-3)
    same = beside_exact("system", "quantity", 1.0, "book", np.full(3, 2.0))
    assert same.z == np.inf
    assert not same.keeps(100)
    beside = beside_peer("system", "quantity", "peer", runs, runs + 1.0)
    assert (beside.expected, beside.z) == pytest.approx((3.0, -np.sqrt(1.5)))
    assert (row.freedom, beside.freedom) == pytest.approx((2, 4))
    assert critical_z(1, 2) == pytest.approx(9.925, rel=1e-3)
