"""Events: the old ones to the byte, exact means, clusters and storms against closed forms, common events kept."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from workloads import sky
from workloads.arrivals import Bursts, Storms
from workloads.modulation import Cycle, Modulation
from workloads.sky import EVENT, Boost, Population, draw, expected

BLIP = Population("blip", 0.01, 6.5, 100.0, -3.0, detector=0)


def counts(population, horizon_s, runs, seed, edges):
    """Counts (run, window) in windows between `edges`."""
    return np.array(
        [np.histogram(draw([population], horizon_s, [seed, k])["time_s"], edges)[0] for k in range(runs)]
    )


def common(fewer, more):
    """Whether every one of `fewer` events is, with all its marks, among `more`."""
    return {event.tobytes() for event in fewer} <= {event.tobytes() for event in more}


def test_the_events_of_plain_sources_have_never_changed():
    """Digest of the version that knew boosts only: figures and golden files rest on these bytes."""
    storm, late = Boost("storm", 2e4, 4e4, 20.0), Boost("late", 9e4, 2e5, 3.0)
    sources = [
        Population("bbh", 0.02, 8, 100, -4.0),
        Population("blip", 0.01, 6.5, 100, -1.0, detector=1, boosts=(storm, late)),
    ]
    events = draw(sources, 1e5, [1, 0])
    assert events.size == 7140
    assert (
        sha256(events.tobytes()).hexdigest() == "22ac4ebb4ff6c0e83a6424b638d3e670cc8607c1fab8e1bafe400f4637059b88"
    )


MANY = {
    "plain": BLIP,
    "profile": replace(BLIP, modulation=Modulation(((2e4, 0.3), (6e4, 2.5)), (Cycle(3e4, 0.5, 1e4),))),
    "loud": replace(BLIP, boosts=(Boost("a", 1e4, 3e4, 4.0), Boost("b", 2e4, 4e5, 2.0))),
    "quiet": replace(BLIP, boosts=(Boost("a", 1e4, 5e4, 0.5), Boost("b", 2e4, 4e5, 0.0), Boost("c", 0, 3e4, 3.0))),
    "bursts": replace(BLIP, bursts=Bursts(3.0, 5e3)),
    "storms": replace(BLIP, storms=Storms(1 / 3e4, 6e3, 8.0)),
    "calms": replace(BLIP, storms=Storms(1 / 3e4, 2e4, 0.2, joins=0.5)),
    "all": replace(
        BLIP,
        modulation=Modulation((), (Cycle(1e5, 0.8, 2e4),)),
        boosts=(Boost("a", 1e4, 3e4, 4.0), Boost("b", 5e4, 6e4, 0.1)),
        storms=Storms(1 / 3e4, 6e3, 8.0, joins=0.7),
        bursts=Bursts(1.5, 20.0, "geometric"),
    ),
}


@pytest.mark.parametrize("name", MANY)
def test_the_mean_number_is_the_expected_one(name):
    runs, horizon_s = 400, 1e5
    numbers = np.array([draw([MANY[name]], horizon_s, [21, k]).size for k in range(runs)])
    error = numbers.std(ddof=1) / np.sqrt(runs)
    assert numbers.mean() == pytest.approx(expected(MANY[name], horizon_s), abs=4 * error)


@pytest.mark.parametrize("name", MANY)
def test_events_lie_inside_in_order(name):
    events = draw([MANY[name]], 1e5, [1, 0])
    assert events.dtype == EVENT
    assert (np.diff(events["time_s"]) >= 0).all()
    assert 0 <= events["time_s"][0] < events["time_s"][-1] < 1e5
    assert ((events["snr"] >= 6.5) & (events["snr"] <= 100)).all()
    assert (events["detector"] == 0).all()
    for luck in ("u_trigger", "u_flag"):
        assert events[luck].mean() == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / events.size))


@pytest.mark.parametrize("number", ["poisson", "geometric"])
@pytest.mark.parametrize("window_s", [2000.0, 20_000.0])
def test_counts_of_bursts_have_the_closed_mean_and_fano_factor(number, window_s):
    """A cluster in a window W >= d of a process with children spread evenly over d, all integrals done by hand."""
    m, d, rate_hz, runs = 3.0, 1500.0, 2e-3, 300
    windows = int(60_000 / window_s)
    population = replace(BLIP, rate_hz=rate_hz, bursts=Bursts(m, d, number))
    seen = counts(population, 60_000.0, runs, 31, np.linspace(0, 60_000.0, windows + 1))
    pairs = m**2 if number == "poisson" else 2 * m**2
    mean = rate_hz * window_s * (1 + m)
    variance = rate_hz * (window_s * (1 + m) + 2 * m * (window_s - d / 2) + pairs * (window_s - d / 3))
    per_run = seen.mean(axis=1)
    assert seen.mean() == pytest.approx(mean, abs=4 * per_run.std(ddof=1) / np.sqrt(runs))
    squares = ((seen - mean) ** 2).mean(axis=1)
    fano = squares.mean() / mean
    assert fano == pytest.approx(variance / mean, abs=4 * squares.std(ddof=1) / np.sqrt(runs) / mean)
    assert fano > 3.0, "far from a Poisson process"
    first = seen[:, 0].mean()
    assert first == pytest.approx(mean, abs=4 * np.sqrt(variance / runs)), "no lull at the beginning"


def test_long_counts_of_bursts_have_the_known_fano_factors():
    """E[(1+C)^2] / E[1+C]: (1 + 3m + m^2)/(1+m) for Poisson, 1 + 2m for geometric numbers."""
    m = 3.0
    for number, fano in (("poisson", (1 + 3 * m + m * m) / (1 + m)), ("geometric", 1 + 2 * m)):
        population = replace(BLIP, rate_hz=1e-3, bursts=Bursts(m, 10.0, number))
        seen = counts(population, 1e6, 40, 41, np.linspace(0, 1e6, 51)).ravel()
        assert seen.var(ddof=1) / seen.mean() == pytest.approx(fano, rel=4 * np.sqrt(2 / seen.size) * 1.2)


STORMS = Storms(rate_hz=1 / 30_000, mean_s=4000.0, factor=15.0)


def storm_time_variance(process, width_s):
    """Variance of the time that storms last within a window, summed over storms: M/G/infinity, covariance exp."""
    present, mean = process.rate_hz * process.mean_s, process.mean_s
    return 2 * present * mean**2 * (width_s / mean - 1 + np.exp(-width_s / mean))


@pytest.mark.parametrize("joins", [1.0, 0.6])
def test_storms_correlate_detectors_as_theory_says(joins):
    process, width_s, rate_hz, runs = replace(STORMS, joins=joins), 10_000.0, 0.01, 500
    horizon_s = 10 * width_s
    sources = [replace(BLIP, rate_hz=rate_hz, storms=process, detector=k) for k in range(2)]
    edges = np.linspace(0, horizon_s, 11)
    seen = np.zeros((runs, 2, 10))
    for k in range(runs):
        events = draw(sources, horizon_s, [51, k])
        for d in range(2):
            seen[k, d] = np.histogram(events["time_s"][events["detector"] == d], edges)[0]
    mean = rate_hz * width_s * process.mean_factor()
    shared = (rate_hz * (process.factor - 1)) ** 2 * storm_time_variance(process, width_s)
    variance, covariance = mean + joins * shared, joins**2 * shared
    both = (seen - mean).prod(axis=1).mean(axis=1)
    alone = ((seen - mean) ** 2).mean(axis=(1, 2))
    per_run = seen.mean(axis=(1, 2))
    assert mean == pytest.approx(rate_hz * width_s * (1 + joins * 14 * 4 / 30))
    assert per_run.mean() == pytest.approx(mean, abs=4 * per_run.std(ddof=1) / np.sqrt(runs))
    assert both.mean() == pytest.approx(covariance, abs=4 * both.std(ddof=1) / np.sqrt(runs))
    assert alone.mean() == pytest.approx(variance, abs=4 * alone.std(ddof=1) / np.sqrt(runs))
    correlation = both.mean() / alone.mean()
    assert correlation == pytest.approx(covariance / variance, abs=0.05)
    assert seen[:, 0, 0].mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / runs)), "no calm beginning"


def test_without_storms_detectors_are_independent():
    sources = [replace(BLIP, bursts=Bursts(2.0, 100.0), detector=k) for k in range(2)]
    edges = np.linspace(0, 1e6, 1001)
    events = draw(sources, 1e6, [1, 0])
    a, b = (np.histogram(events["time_s"][events["detector"] == d], edges)[0] for d in range(2))
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(1000)


def test_glitches_come_more_often_just_where_the_recorded_storms_are():
    population = replace(BLIP, rate_hz=0.1, storms=replace(STORMS, joins=0.5), detector=2)
    drawn = sky.storms(population.storms, 1e6, [1, 0])
    drawn = drawn[sky.reaches(population.storms, drawn.size, 2, [1, 0])]
    time = np.sort(draw([population], 1e6, [1, 0])["time_s"])
    edges = np.clip(np.unique(np.concatenate((drawn["start_s"], drawn["end_s"], [0, 1e6]))), 0, 1e6)
    edges = np.unique(edges)
    middle = (edges[1:] + edges[:-1]) / 2
    present = ((drawn["start_s"] <= middle[:, None]) & (drawn["end_s"] > middle[:, None])).sum(axis=1)
    wanted = 0.1 * (1 + 14 * present) * np.diff(edges)
    seen = np.histogram(time, edges)[0]
    assert present.max() >= 1
    assert np.sum((seen - wanted) ** 2 / wanted) / wanted.size == pytest.approx(
        1, abs=4 * np.sqrt(3 / wanted.size)
    )


def test_a_what_if_keeps_its_common_events():
    plain = draw([BLIP], 1e5, [1, 0])
    for name in ("loud", "bursts", "storms"):
        assert common(plain, draw([MANY[name]], 1e5, [1, 0])), name
    assert common(draw([MANY["calms"]], 1e5, [1, 0]), plain)
    mild = replace(BLIP, modulation=Modulation(((3e4, 0.4), (6e4, 2.0))), bursts=Bursts(2.0, 500.0))
    wild = replace(mild, modulation=Modulation(((3e4, 0.6), (6e4, 9.0))))
    later = replace(mild, modulation=Modulation(((3e4, 0.4), (9e4, 2.0))))
    a, b, c = (draw([p], 1e5, [1, 0]) for p in (mild, wild, later))
    assert common(a, b)
    assert not common(b, a)
    assert [e.tobytes() for e in a[a["time_s"] < 6e4]] == [e.tobytes() for e in c[c["time_s"] < 6e4]]


def test_a_modulation_holds_for_boosts_as_well():
    silent = replace(
        BLIP, modulation=Modulation(((3e4, 0.0), (4e4, 1.0))), boosts=(Boost("storm", 2e4, 6e4, 20.0),)
    )
    time = draw([silent], 1e5, [1, 0])["time_s"]
    assert not ((time >= 3e4) & (time < 4e4)).any()
    assert ((time >= 2e4) & (time < 3e4)).sum() == pytest.approx(2000, abs=4 * np.sqrt(2000))


def test_another_replica_has_other_storms_and_the_same_has_the_same():
    a, again, other = (sky.storms(STORMS, 1e6, [1, k]) for k in (0, 0, 1))
    assert a.tobytes() == again.tobytes() != other.tobytes()


def test_replayed_events_come_as_they_are_with_luck_of_their_own():
    given = np.zeros(3, EVENT)
    given["time_s"], given["snr"], given["detector"] = [1.0, 500.0, 2e5], [7.0, 8.0, 9.0], [0, -1, 2]
    given["cls"] = [1, 0, 2]
    first, second = (draw([], 1e5, [1, k], given) for k in (0, 1))
    for name in ("time_s", "snr", "cls", "detector"):
        assert first[name].tolist() == second[name].tolist() == given[name][:2].tolist()
    assert (first["u_trigger"] != second["u_trigger"]).all()
    assert draw([], 2.5e5, [1, 0], given)["u_trigger"][:2].tolist() == first["u_trigger"].tolist()
    assert len(set(first["u_trigger"]) | set(first["u_flag"])) == 4
    both = draw([BLIP], 1e5, [1, 0], given)
    assert both.size == draw([BLIP], 1e5, [1, 0]).size + 2
    assert (np.diff(both["time_s"]) >= 0).all()
    assert given["u_trigger"].tolist() == [0.0, 0.0, 0.0]
