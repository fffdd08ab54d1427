"""What follows from a posterior: distance and orientation, sky maps, source classes."""

import numpy as np
import pytest
from scipy.stats import kstest

from workloads.inference import amplitudes, classes, classquality, extrinsics, skymap, sources


def test_extrinsic_draws_are_calibrated():
    rng = np.random.default_rng(31)
    made = sources.draw(120, rng)
    z = made.amplitude + rng.standard_normal((120, 2)) + 1j * rng.standard_normal((120, 2))
    ranks = []
    for one, face_on, true in zip(z, made.face_on_snr, made.distance_gpc, strict=True):
        drawn = extrinsics.draw(np.tile(one, (100, 1)), np.full(100, face_on), rng)
        ranks.append((drawn.distance_gpc < true).mean())
    assert kstest(ranks, "uniform").pvalue > 1e-3


def test_extrinsic_draws_explain_the_data():
    rng = np.random.default_rng(32)
    amplitude = amplitudes.draw(1, rng, np.array([30.0]))[0]
    drawn = extrinsics.draw(np.tile(amplitude, (2000, 1)), np.full(2000, 90.0), rng)
    heard = amplitudes.response(drawn.cos_theta, drawn.cos_inclination, drawn.psi)
    heard = heard * np.exp(2j * drawn.azimuth * np.array([[1], [-1]]))
    found = 90.0 / drawn.distance_gpc * heard
    assert np.linalg.norm(found, axis=0) == pytest.approx(drawn.snr)
    overlap = np.abs(amplitude.conj() @ found)
    # What the overall phase cannot take away is noise: three numbers of variance one.
    missed = 30.0**2 + drawn.snr**2 - 2 * overlap
    assert 1.5 < missed.mean() < 5.5


@pytest.fixture(scope="module")
def mapped():
    """A source, and the map of its noisy amplitudes."""
    rng = np.random.default_rng(33)
    source = sources.draw(1, rng)
    z = source.amplitude[0] + rng.standard_normal(2) + 1j * rng.standard_normal(2)
    return z, skymap.density(z[None])


def test_a_sky_map_is_a_probability_with_eight_mirror_images(mapped):
    import healpix

    density = mapped[1]
    assert density.mean() * 4 * np.pi == pytest.approx(1.0)
    assert density.min() >= 0
    nside = 2**skymap.ORDER
    theta, phi = healpix.pix2ang(nside, np.arange(density.size), nest=True)
    for image in ((np.pi - theta, phi), (theta, (phi + np.pi / 2) % (2 * np.pi))):
        mirrored = density[healpix.ang2pix(nside, *image, nest=True)]
        assert np.allclose(mirrored, density)


def test_a_sky_map_is_where_the_extrinsic_draws_lie(mapped):
    z, density = mapped
    drawn = extrinsics.draw(np.tile(z, (4000, 1)), np.full(4000, 90.0), np.random.default_rng(34))
    found = [skymap.searched(density, x, phi)[0] for x, phi in zip(drawn.cos_theta, drawn.azimuth, strict=True)]
    assert kstest(found, "uniform").statistic < 0.06


def test_every_draw_of_a_posterior_has_the_same_say_in_the_map(mapped):
    z = mapped[0]
    draws = np.array([z, 0.9 * z[::-1]])
    alone = [skymap.density(one[None]) for one in draws]
    assert np.allclose(skymap.density(draws), np.mean(alone, axis=0))


def test_multi_order_maps_tile_the_sky_and_keep_the_probability(mapped):
    density = mapped[1]
    found = skymap.multi_order(density)
    area = 4 * np.pi / (12 * 4.0**found.order)
    assert area.sum() == pytest.approx(4 * np.pi)
    assert (found.density_per_sr * area).sum() == pytest.approx(1.0)
    assert found.uniq.size < density.size
    pixel = found.uniq - 4 ** (found.order + 1)
    assert ((pixel >= 0) & (pixel < 12 * 4**found.order)).all()
    flat = skymap.multi_order(np.full(skymap.PIXELS, 1 / (4 * np.pi)))
    assert sorted(flat.uniq) == list(range(4, 16))


def test_credible_areas_grow_with_the_level_up_to_the_whole_sky(mapped):
    areas = [skymap.credible_area(mapped[1], level) for level in (0.1, 0.5, 0.9, 1.0)]
    assert areas == sorted(areas)
    assert areas[-1] <= skymap.SQUARE_DEGREES * (1 + 1e-9)
    even = np.full(skymap.PIXELS, 1 / (4 * np.pi))
    assert skymap.credible_area(even, 0.5) == pytest.approx(skymap.SQUARE_DEGREES / 2, rel=1e-3)


def test_redshift_is_that_of_the_literature():
    # Luminosity distances of a flat universe with H0 = 67.7 and 31 % matter, by astropy 8.
    astropy = pytest.importorskip("astropy.cosmology")
    cosmology = astropy.FlatLambdaCDM(H0=67.7, Om0=0.31)
    z = np.array([0.1, 0.5, 1.0, 3.0, 10.0])
    assert classes.redshift(cosmology.luminosity_distance(z).value / 1e3) == pytest.approx(z, rel=2e-3)


@pytest.mark.parametrize(
    ("masses", "name"),
    [
        ((1.6, 1.3), "BNS"),
        ((8.0, 1.4), "NSBH"),
        ((8.0, 4.0), "MassGap"),
        ((4.0, 1.4), "MassGap"),
        ((30.0, 20.0), "BBH"),
    ],
)
def test_classes_are_ranges_of_source_masses(masses, name):
    index = classes.class_index(*(np.array([m]) for m in masses), classes.Population())
    assert classes.CLASSES[index[0]] == name


def test_rates_take_the_place_of_the_priors_shares():
    population = classes.Population(rate_per_year=(1.0, 1.0, 1.0, 1.0))
    posterior, proposal = np.array([0.0, 0.1, 0.3, 0.6]), np.array([0.0, 0.1, 0.3, 0.6])
    assert classes.probabilities(posterior, proposal, population) == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    same = classes.Population(rate_per_year=tuple(proposal))
    assert classes.probabilities(posterior, proposal, same) == pytest.approx(posterior)


def test_p_astro_rises_with_snr_and_falls_with_noise():
    population = classes.Population(noise_per_year=1e6)
    found = classes.p_astro(np.array([8.0, 8.5, 9.0, 12.0]), population)
    assert (np.diff(found) > 0).all()
    assert found[0] < 0.5 < found[-1] < 1.0 + 1e-12
    louder = classes.p_astro(np.array([8.5]), classes.Population(noise_per_year=1e7))
    assert louder < found[1]


def test_a_neutron_star_is_torn_apart_by_light_and_spinning_black_holes_only():
    one = np.array([1.4])
    light, heavy = (classes.remnant_msun(np.array([m]), one, np.array([0.0])) for m in (3.0, 10.0))
    assert light > 0.001
    assert heavy == 0.0
    assert classes.remnant_msun(np.array([6.0]), one, np.array([0.7])) > 0.05


def test_the_last_orbit_is_that_of_kerr():
    # Schwarzschild: 6 M; extreme Kerr: 1 M and 9 M.
    assert classes._last_orbit(np.array([0.0, 1.0, -1.0])) == pytest.approx([6.0, 1.0, 9.0], abs=1e-6)


@pytest.mark.parametrize(("gain", "calibrated"), [(1.0, True), (1.35, False)])
def test_classes_are_held_against_their_truths_together(gain, calibrated):
    """Truths drawn from stated probabilities; then from ones in which the third class is likelier than stated."""
    rng = np.random.default_rng(35)
    p = []
    for _ in range(60):
        stated = rng.dirichlet((0.02, 0.1, 0.6, 2.0), 400)
        true = stated * [1, 1, gain, 1]
        true /= true.sum(axis=1, keepdims=True)
        index = (rng.random(400)[:, None] > np.cumsum(true, axis=1)[:, :-1]).sum(axis=1)
        p.append(classquality.joint_p(stated, np.eye(4)[index]))
    assert (kstest(p, "uniform").pvalue > 1e-3) == calibrated
    assert np.mean(np.array(p) < 0.05) < 0.15 if calibrated else np.mean(np.array(p) < 0.05) > 0.5
    assert classquality.joint_p(np.tile([0.0, 0.1, 0.1, 0.8], (9, 1)), np.eye(4)[[3] * 9]) == 1.0
