"""Point processes against theory: rescaled gaps, counts, dispersion, clusters, storms. Fixed seeds.

A mean or variance may be four standard errors off, and a distribution as unlikely as LEAST: with some twenty such
tests in here, a right program is refused by about one choice of seeds in fifty.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from workloads.arrivals import CELL_EVENTS, STORM, Bursts, Storms, modulated, poisson
from workloads.modulation import STEADY, Cycle, Modulation

DAY = 86_400.0
LEAST = 1e-3
PROFILES = {
    "steps": Modulation(((1 * DAY, 0.3), (2 * DAY, 0.0), (2.5 * DAY, 7.3), (4 * DAY, 1.7))),
    "cycles": Modulation((), (Cycle(DAY, 0.4, 21_600.0), Cycle(7 * DAY, 0.9))),
    "both": Modulation(((1.2 * DAY, 0.2), (3.3 * DAY, 11.0), (3.4 * DAY, 1.0)), (Cycle(DAY / 2, 1.0),)),
}


def streams(*entropy):
    return lambda name: np.random.default_rng([*entropy, *name.encode()])


def times(rate_hz, start_s, end_s, modulation, *entropy):
    pieces = modulated(rate_hz, start_s, end_s, modulation, streams(*entropy))
    return np.sort(np.concatenate([piece.time_s[piece.kept] for piece in pieces]))


def rescaled_gaps(rate_hz, t, profile):
    """Integral of the rate between successive times, by Gauss and Legendre: not by the code that is tested."""
    breaks = np.array([at for at, _ in profile.steps if at < t[-1]])
    edges = np.unique(np.concatenate(([0.0], t, breaks)))
    nodes, weights = np.polynomial.legendre.leggauss(6)
    half = np.diff(edges) / 2
    values = profile.at(edges[:-1, None] + half[:, None] * (1 + nodes))
    grown = np.concatenate(([0.0], np.cumsum(half * (values @ weights))))
    return rate_hz * np.diff(np.concatenate(([0.0], grown[np.searchsorted(edges, t)])))


@pytest.mark.parametrize("name", PROFILES)
def test_gaps_of_rescaled_times_are_exponential(name):
    """The time-rescaling theorem: through the integral of its rate any Poisson process becomes a standard one."""
    rate_hz, profile = 0.02, PROFILES[name]
    runs = [rescaled_gaps(rate_hz, times(rate_hz, 0.0, 7 * DAY, profile, 11, k), profile) for k in range(60)]
    each = [stats.kstest(gaps, "expon").pvalue for gaps in runs]
    together = np.concatenate(runs)
    assert together.size > 500_000
    assert stats.kstest(each, "uniform").pvalue > LEAST
    assert stats.kstest(together, "expon").pvalue > LEAST
    assert together.mean() == pytest.approx(1.0, abs=4 / np.sqrt(together.size))
    assert abs(stats.spearmanr(together[:-1], together[1:]).statistic) < 4 / np.sqrt(together.size)


@pytest.mark.parametrize("name", PROFILES)
def test_counts_in_windows_are_poisson(name):
    rate_hz, profile, width, runs = 2e-3, PROFILES[name], 7000.0, 400
    edges = np.arange(0.0, 7 * DAY, width)
    counts = np.array([np.histogram(times(rate_hz, 0.0, 7 * DAY, profile, 5, k), edges)[0] for k in range(runs)])
    means = np.array([rate_hz * profile.integral(a, b) for a, b in pairwise(edges)])
    empty = means == 0.0
    assert counts[:, empty].sum() == 0
    counts, means = counts[:, ~empty], means[~empty]
    chi2 = float(np.sum((counts - means) ** 2 / means))
    assert abs(chi2 / counts.size - 1.0) < 4 * np.sqrt((2 + np.mean(1 / means)) / counts.size)
    pulls = (counts.mean(axis=0) - means) / np.sqrt(means / runs)
    assert np.abs(pulls).max() < 4.5
    pull = (counts - means) / np.sqrt(means)
    assert abs(np.corrcoef(pull[:, :-1].ravel(), pull[:, 1:].ravel())[0, 1]) < 4 / np.sqrt(counts.size)


def test_the_distribution_of_counts_is_poisson():
    profile = PROFILES["both"]
    counts = [times(2e-4, 0.0, 2 * DAY, profile, 6, k).size for k in range(3000)]
    mean = 2e-4 * profile.integral(0.0, 2 * DAY)
    values = np.arange(int(mean - 2.5 * mean**0.5), int(mean + 2.5 * mean**0.5))
    below, above = sum(c < values[0] for c in counts), sum(c > values[-1] for c in counts)
    seen = np.array([below, *(counts.count(v) for v in values), above])
    law = stats.poisson(mean)
    wanted = np.array([law.cdf(values[0] - 1), *law.pmf(values), law.sf(values[-1])]) * len(counts)
    assert stats.chisquare(seen, wanted * seen.sum() / wanted.sum()).pvalue > LEAST


def test_a_rate_that_rises_keeps_every_event_and_one_that_falls_adds_none():
    before = times(0.01, 0.0, 7 * DAY, PROFILES["cycles"], 3)
    higher = Modulation(((2 * DAY, 5.0), (3 * DAY, 1.0)), PROFILES["cycles"].cycles)
    lower = Modulation(((2 * DAY, 0.4), (3 * DAY, 1.0)), PROFILES["cycles"].cycles)
    more, fewer = (times(0.01, 0.0, 7 * DAY, profile, 3) for profile in (higher, lower))
    assert np.isin(before, more).all()
    assert np.isin(fewer, before).all()
    assert fewer.size < before.size < more.size
    outside = (before < 2 * DAY) | (before >= 3 * DAY)
    for changed in (more, fewer):
        kept = changed[(changed < 2 * DAY) | (changed >= 3 * DAY)]
        assert (kept == before[outside]).all()


def test_an_unchanged_rate_is_the_plain_process():
    plain = poisson(0.01, 0.0, 1e5, streams(4)(""))
    assert (times(0.01, 0.0, 1e5, STEADY, 4) == plain).all()
    assert (times(0.01, 0.0, 1e5, Modulation(((5e4, 1.0),)), 4) == plain).all()
    assert times(0.01, 5.0, 3.0, PROFILES["both"], 4).size == 0


def test_a_short_loud_step_is_drawn_near_it_only():
    short = Modulation(((50_000.0, 5000.0), (50_010.0, 1.0)))
    pieces = list(modulated(2.0, 0.0, DAY, short, streams(8)))
    assert sum(piece.kept.sum() for piece in pieces[1:]) == pytest.approx(2.0 * 4999 * 10, abs=4 * 316)
    assert max(piece.time_s.size for piece in pieces[1:]) < 1.05 * CELL_EVENTS
    assert sum(piece.time_s.size for piece in pieces) < 1.5e6


@pytest.mark.parametrize("number", ["poisson", "geometric"])
def test_numbers_of_children(number):
    m, n = 2.5, 200_000
    parent, after_s = Bursts(m, 60.0, number).draw(n, np.random.default_rng(1))
    numbers = np.bincount(parent, minlength=n)
    variance = m if number == "poisson" else m * (1 + m)
    assert numbers.mean() == pytest.approx(m, abs=4 * np.sqrt(variance / n))
    assert numbers.var() == pytest.approx(variance, rel=0.03)
    assert stats.kstest(after_s[:20_000] / 60.0, "uniform").pvalue > LEAST


STORMY = Storms(rate_hz=1 / 20_000, mean_s=5000.0, factor=10.0)


def test_storms_start_at_random_and_last_exponentially():
    drawn = STORMY.draw(2e7, streams(2))
    assert drawn.dtype == STORM
    assert (np.diff(drawn["start_s"]) >= 0).all()
    new = drawn[drawn["start_s"] >= 0]
    assert new.size == pytest.approx(1000, abs=4 * np.sqrt(1000))
    assert stats.kstest(np.diff(new["start_s"]) / 20_000, "expon").pvalue > LEAST
    assert stats.kstest((new["end_s"] - new["start_s"]) / 5000, "expon").pvalue > LEAST


@pytest.mark.parametrize("at_s", [0.0, 100.0, 4e4])
def test_as_many_storms_are_in_progress_at_the_beginning_as_later(at_s):
    runs = 8000
    inside = []
    for k in range(runs):
        drawn = STORMY.draw(5e4, streams(7, k))
        inside.append(int(((drawn["start_s"] <= at_s) & (drawn["end_s"] > at_s)).sum()))
    assert np.mean(inside) == pytest.approx(0.25, abs=4 * np.sqrt(0.25 / runs))
    assert np.var(inside) == pytest.approx(0.25, abs=4 * np.sqrt((0.25 + 2 * 0.25**2) / runs))


def test_a_storm_reaches_each_detector_on_its_own():
    reached = Storms(1.0, 1.0, 2.0, joins=0.3).reaches(100_000, np.random.default_rng(1))
    assert reached.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 1e5))
    assert STORMY.reaches(1000, np.random.default_rng(1)).all()
