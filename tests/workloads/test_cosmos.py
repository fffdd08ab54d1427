"""Mergers: distances, masses, SNRs and times in band against formulas, lalsimulation and published figures."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from workloads import cosmos, psd, waveform
from workloads.cosmos import amplitude, durations, loudness, masses, network, tabulate, universe
from workloads.cosmos.mergers import CLASSES, Mergers
from workloads.cosmos.universe import RedshiftLaw

TRIANGLE = network.LAYOUTS["triangle"]


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("z", [0.001, 0.1, 1.0, 3.0, 10.0])
def test_distances_are_the_integral(z):
    exact = quad(lambda x: 1 / np.sqrt(universe.MATTER * (1 + x) ** 3 + 1 - universe.MATTER), 0, z)[0]
    exact *= universe.LIGHT_KM_S / universe.HUBBLE_KM_S_MPC
    assert universe.comoving_mpc(z) == pytest.approx(exact, rel=1e-5)
    assert universe.redshift_at(universe.luminosity_mpc(z)) == pytest.approx(z, rel=1e-5)


def test_distances_are_those_of_astropy_but_for_radiation():
    cosmology = pytest.importorskip("astropy.cosmology").Planck18
    for z in (0.1, 1.0, 5.0):
        assert universe.luminosity_mpc(z) == pytest.approx(cosmology.luminosity_distance(z).value, rel=3e-3)


def test_redshifts_follow_the_rate_per_volume_and_observers_time():
    law = RedshiftLaw()
    z = universe.draw_redshift(rng().random(200_000), law)

    def density(x):
        return float(law.density(x) / (1 + x) * universe.comoving_mpc(x) ** 2 / universe._expansion(x))

    whole = quad(density, 0, 10, limit=200)[0]
    for edge in (0.5, 1.0, 2.0, 4.0):
        share = quad(density, 0, edge, limit=200)[0] / whole
        assert np.mean(z < edge) == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / z.size))
    sphere = 4 * np.pi * universe.LIGHT_KM_S / universe.HUBBLE_KM_S_MPC / 1e9
    assert universe.volume_gpc3(law) == pytest.approx(sphere * whole / float(law.density(0.0)), rel=1e-3)
    assert universe.share_within(law, 2.0) == pytest.approx(quad(density, 0, 2, limit=200)[0] / whole, rel=1e-3)
    assert (universe.draw_redshift(rng().random(1000), law, 0.3) <= 0.3).all()


def test_black_holes_have_their_density():
    m1, m2 = masses.MASSES["bbh"].draw(*rng().random((2, 200_000)))
    assert (m2 <= m1).all()
    assert m2.min() >= masses.LEAST_MSUN
    assert m1.max() <= masses.LARGEST_MSUN
    edges = np.array([5.1, 8, 10, 15, 25, 30, 34, 38, 50, 86.9])
    parts = [quad(lambda m: float(masses.density(m)), a, b, limit=200)[0] for a, b in pairwise(edges)]
    wanted = np.array(parts) / sum(parts)
    seen = np.histogram(m1, edges)[0] / m1.size
    assert seen == pytest.approx(wanted, abs=4 * np.sqrt(0.25 / m1.size) + 2e-3)
    heavy = m2[(m1 > 39.5) & (m1 < 40.5)] / 40.0
    power = quad(lambda q: q**2.1, 10 / 40, 1)[0] / quad(lambda q: q**1.1, 10 / 40, 1)[0]
    assert heavy[heavy > 10 / 40].mean() == pytest.approx(power, abs=0.03)


@pytest.mark.parametrize("cls", CLASSES)
def test_masses_stay_within_what_is_said_of_them(cls):
    model = masses.MASSES[cls]
    m1, m2 = model.draw(*rng(2).random((2, 50_000)))
    total, ratio = m1 + m2, m2 / m1
    assert (total >= model.total_msun[0]).all()
    assert (total <= model.total_msun[1] * (1 + 1e-12)).all()
    assert (ratio >= model.ratio[0] * (1 - 1e-12)).all()
    assert (ratio <= model.ratio[1]).all()


def test_a_triangle_hears_what_the_streams_of_the_simulated_strain_hear():
    """The antenna of workloads.waveform, whose plane is the horizon, seen from the Earth's centre."""
    cos_theta, u, v = rng().random((3, 500))
    phi, psi = 2 * np.pi * u, np.pi * v
    plus, cross = network.antenna(TRIANGLE, 2 * cos_theta - 1, phi, psi)
    assert np.abs(plus.sum(axis=1)).max() < 1e-12, "the null stream hears nothing"
    assert np.abs(cross.sum(axis=1)).max() < 1e-12
    power = (plus**2 + cross**2).sum(axis=1)
    local = [waveform.antenna(2 * c - 1, p, s) for c, p, s in rng(5).random((4000, 3)) * [1, 2 * np.pi, np.pi]]
    other = np.array([np.sum(a**2 + b**2) for a, b in local])
    assert power.mean() == pytest.approx(other.mean(), rel=0.06)
    assert max(power.max(), other.max()) <= TRIANGLE.best**2 + 1e-12
    many = rng(6).random((3, 200_000))
    plus, cross = network.antenna(TRIANGLE, 2 * many[0] - 1, 2 * np.pi * many[1], np.pi * many[2])
    assert (plus**2).mean() == pytest.approx(0.75 / 5, rel=0.01), "sin² 60° of the fifth of an L"
    assert (cross**2).mean() == pytest.approx(0.75 / 5, rel=0.01)


def test_two_ls_are_bounded_and_average_to_a_fifth():
    two = network.LAYOUTS["2l"]
    u = rng().random((4, 200_000))
    heard = network.responses(two, 2 * u[0] - 1, 2 * np.pi * u[1], np.pi * u[2], np.ones(u.shape[1]))
    assert heard.shape == (200_000, 2)
    assert heard.max() <= 1.0
    assert heard.mean(axis=0) == pytest.approx([0.4, 0.4], rel=0.01), "face-on: F+² + F×²"
    assert heard.sum(axis=1).max() <= two.best**2
    edge_on = network.responses(two, 2 * u[0] - 1, 2 * np.pi * u[1], np.pi * u[2], np.zeros(u.shape[1]))
    assert edge_on.mean() == pytest.approx(0.2 / 4, rel=0.01)


def test_the_snr_of_the_network_is_that_of_the_streams_that_are_up():
    snr = np.array([[3.0, 4.0, 12.0], [1.0, 0.0, 0.0]])
    assert network.network_snr(snr).tolist() == [13.0, 1.0]
    assert network.network_snr(snr, np.array([True, True, False])).tolist() == [5.0, 1.0]
    assert network.network_snr(snr, np.array([[False, True, False], [False, True, True]])).tolist() == [4.0, 0.0]


TABLE_S = {
    (1.4, 1.4, 0): {2: 73273, 3: 24852, 5: 6365, 7: 2595, 10: 1002, 20: 158},
    (1.4, 1.4, 1): {2: 23080, 3: 7828, 5: 2005, 7: 817, 10: 316, 20: 50},
    (10, 1.4, 0): {2: 16380, 3: 5556, 5: 1423, 7: 580, 10: 224, 20: 35},
    (10, 10, 0): {2: 2766, 3: 938, 5: 240, 7: 98, 10: 38, 20: 6},
    (30, 30, 0): {2: 443, 3: 150, 5: 38.5, 7: 15.7, 10: 6.1, 20: 1},
    (30, 30, 1): {2: 140, 3: 47, 5: 12, 7: 4.9, 10: 1.9, 20: 0.3},
}
"""Newtonian times to the merger in s, by masses in Msun, redshift, and frequency in Hz."""


@pytest.mark.parametrize("system", TABLE_S)
def test_times_in_band_are_the_known_ones(system):
    m1, m2, z = system
    chirp = waveform.chirp_mass(m1, m2) * (1 + z)
    eta = m1 * m2 / (m1 + m2) ** 2
    for f, known_s in TABLE_S[system].items():
        assert durations.newtonian_s(f, chirp) == pytest.approx(
            known_s, abs=0.5 if isinstance(known_s, int) else 0.05, rel=1e-4
        )
        if f <= 10:
            assert durations.in_band_s(f, chirp, eta) == pytest.approx(known_s, rel=0.06 if m1 < 20 else 0.2)


def test_a_merger_below_the_edge_is_never_in_band():
    assert durations.in_band_s(20.0, 800.0, 0.25) == pytest.approx(0.0, abs=0.2)
    assert (durations.in_band_s(5.0, np.geomspace(1, 3000, 200), 0.25) >= 0).all()


def test_the_shipped_table_is_the_one_that_the_command_makes():
    pytest.importorskip("lalsimulation")
    x, ratios, values = amplitude.table()
    made = tabulate.rows()
    assert made[1:, 0] == pytest.approx(x, rel=1e-5)
    assert made[0, 1:] == pytest.approx(ratios, rel=1e-5)
    assert made[1:, 1:] == pytest.approx(values, rel=1e-5)


def test_the_table_of_amplitudes_is_the_waveform():
    pytest.importorskip("lalsimulation")
    for m1, m2 in ((36.0, 29.0), (1.4, 1.4), (12.0, 1.3), (80.0, 20.0)):
        f = np.geomspace(3.0, min(1000.0, 0.15 / ((m1 + m2) * waveform.MSUN_S)), 300)
        exact = tabulate.simulated(m1, m2, f)
        _, ratios, _ = amplitude.table()
        total = (m1 + m2) * waveform.MSUN_S
        near = [amplitude.relative(total * f, k) for k in range(ratios.size)]
        made = np.array([np.interp(np.log(m2 / m1), np.log(ratios), column) for column in np.transpose(near)])
        made *= amplitude.leading_order(f, waveform.chirp_mass(m1, m2))
        assert made == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize(
    ("m1", "m2", "f_low"),
    [(39.2, 31.6, 5.0), (1.4, 1.4, 5.0), (1.4, 1.4, 10.0), (11.0, 1.5, 5.0), (300.0, 90.0, 5.0)],
)
def test_the_snr_is_the_integral_over_lalsimulations_amplitude(m1, m2, f_low):
    pytest.importorskip("lalsimulation")
    curve = psd.load(TRIANGLE.curve)
    f = np.geomspace(f_low, curve.frequency_hz[-1], 40_000)
    end = amplitude.END / ((m1 + m2) * waveform.MSUN_S)
    strain = np.where(f < end, tabulate.simulated(m1, m2, np.minimum(f, 0.999 * end)), 0.0)
    density = np.exp(np.interp(np.log(f), np.log(curve.frequency_hz), np.log(curve.value)))
    integrand = 4 * strain**2 / density * f
    exact = np.sqrt(np.sum((integrand[1:] + integrand[:-1]) / 2 * np.diff(np.log(f))))
    found = loudness.load(TRIANGLE.curve, f_low).snr(np.array([m1 + m2]), np.array([m2 / m1]))
    assert found[0] == pytest.approx(exact, rel=0.002)


def test_gw150914_would_have_an_snr_of_hundreds():
    """36 + 29 Msun in its own frame at 440 Mpc: best placed, and on average over sky and orientation."""
    z = universe.redshift_at(440.0)
    face_on = loudness.load(TRIANGLE.curve, 5.0).snr(np.array([65.0 * (1 + z)]), np.array([29 / 36])) / 440.0
    u = rng().random((4, 100_000))
    heard = network.responses(TRIANGLE, 2 * u[0] - 1, 2 * np.pi * u[1], np.pi * u[2], 2 * u[3] - 1)
    typical = float(face_on[0] * np.sqrt(heard.sum(axis=1)).mean())
    assert 300 < typical < 1500
    assert typical < TRIANGLE.best * face_on[0] < 2500


@pytest.mark.parametrize("cls", CLASSES)
def test_a_draw_is_consistent_with_itself(cls):
    found = cosmos.draw(cls, 3000, rng(), low_frequency_hz=5.0, min_snr=8.0)
    assert found.dtype == cosmos.MERGER
    assert found.size == 3000
    assert (found["snr"] >= 8.0).all()
    assert network.network_snr(found["snr_stream"]) == pytest.approx(found["snr"])
    assert found["distance_mpc"] == pytest.approx(universe.luminosity_mpc(found["redshift"]))
    source = waveform.chirp_mass(found["mass_1_msun"], found["mass_2_msun"])
    assert found["chirp_mass_msun"] == pytest.approx(source * (1 + found["redshift"]))
    assert (found["mass_1_msun"] >= found["mass_2_msun"]).all()
    assert found["duration_s"].max() <= Mergers(cls, low_frequency_hz=5.0).longest_s
    again, fewer = cosmos.draw(cls, 3000, rng(), min_snr=8.0), cosmos.draw(cls, 10, rng(), min_snr=8.0)
    assert again.tobytes() == found.tobytes()
    assert fewer.tobytes() == found[:10].tobytes()


def test_leaving_out_what_is_too_far_leaves_out_nothing_that_is_heard():
    """The horizon only spares draws: the loudest of all mergers are the ones drawn with a threshold."""
    every = Mergers("bns").draw(400_000, rng(3))
    loud = every[every["snr"] >= 30.0]
    direct = Mergers("bns", min_snr=30.0)
    share = loud.size / every.size
    assert direct.share_heard(rng(4), blocks=16) == pytest.approx(share, rel=5 / np.sqrt(loud.size))
    found = direct.draw(4000, rng(5))
    for name in ("redshift", "snr"):
        a, b = np.median(loud[name]), np.median(found[name])
        assert a == pytest.approx(b, rel=5 * 1.25 * np.std(loud[name]) / b / np.sqrt(loud.size) + 0.02)


def test_nearby_sources_have_the_law_of_flat_space():
    """p(rho) ~ rho^-4: the maximum-likelihood index of a power law from a high threshold on."""
    threshold, n = 400.0, 20_000
    found = cosmos.draw("bns", n, rng(7), min_snr=threshold)
    index = 1 + n / np.sum(np.log(found["snr"] / threshold))
    assert index == pytest.approx(4.0, abs=3 * 3 / np.sqrt(n) + 0.05)
    assert found["redshift"].max() < 0.06


def test_far_sources_do_not():
    found = cosmos.draw("bbh", 20_000, rng(8), min_snr=8.0)
    index = 1 + found.size / np.sum(np.log(found["snr"] / 8.0))
    assert index < 2.5, "most of the universe's black holes are heard: the distribution is flat"


def test_two_longer_detectors_hear_more_of_the_same():
    """From 5 Hz on, two L-shaped detectors of 15 km at two sites, and the triangle of 10 km."""
    triangle, two = (cosmos.draw("bns", 20_000, rng(10), network=n) for n in ("triangle", "2l"))
    assert (triangle["redshift"] == two["redshift"]).all()
    assert (two["snr_stream"][:, 2] == 0.0).all()
    assert 1.1 < np.median(two["snr"]) / np.median(triangle["snr"]) < 1.6


def test_a_lower_edge_makes_signals_louder_and_longer():
    low, high = (cosmos.draw("bns", 4000, rng(9), low_frequency_hz=f) for f in (5.0, 20.0))
    assert (low["redshift"] == high["redshift"]).all()
    assert (low["snr"] > high["snr"]).all()
    assert (low["duration_s"] > 20 * high["duration_s"]).all()


def test_wrong_asks_are_told():
    with pytest.raises(ValueError, match="unknown class of mergers 'bnss'; known: bbh, bns, nsbh"):
        cosmos.draw("bnss", 1, rng())
    with pytest.raises(ValueError, match="unknown network of mergers 'star'; known: triangle, 2l"):
        cosmos.draw("bns", 1, rng(), network="star")
    with pytest.raises(ValueError, match="must be more than 0"):
        cosmos.draw("bns", 1, rng(), low_frequency_hz=0.0)
    with pytest.raises(ValueError, match=r"0\.1 Hz: signals may begin between .* Hz, where noise curve .* does"):
        cosmos.draw("bns", 1, rng(), low_frequency_hz=0.1)


def test_others_in_band_by_hand():
    merger, duration = np.array([10.0, 12.0, 30.0, 11.0]), np.array([5.0, 100.0, 1.0, 0.5])
    assert durations.others_in_band(merger, duration).tolist() == [1, 0, 0, 1]
    times, lengths = np.sort(rng().uniform(0, 1e4, 600)), rng(1).exponential(100, 600)
    slow = [
        sum(t - d <= at < t for j, (t, d) in enumerate(zip(times, lengths, strict=True)) if j != i)
        for i, at in enumerate(times)
    ]
    assert durations.others_in_band(times, lengths).tolist() == slow


def test_mergers_meet_as_often_as_rate_times_duration_says():
    times = np.sort(rng().uniform(0, 1e6, 20_000))
    lengths = rng(2).exponential(500.0, times.size)
    inside = times < 9.9e5
    assert durations.others_in_band(times, lengths)[inside].mean() == pytest.approx(0.02 * 500, rel=0.02)


def test_close_pairs_by_hand_and_by_rate():
    assert durations.close_pairs(np.array([0.0, 0.4, 0.8, 5.0]), 0.5) == 2
    assert durations.close_pairs(np.array([0.8, 0.0, 5.0, 0.4]), 1.0) == 3
    times = rng().uniform(0, 1e6, 100_000)
    assert durations.close_pairs(times, 0.5) == pytest.approx(times.size * 0.1 * 0.5, rel=0.05)
