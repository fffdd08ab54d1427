"""Parameter estimation: prior, frames, waveforms, basis, amplitudes, likelihood, trigger."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import kstest

from workloads import psd, waveform
from workloads.inference import amplitudes, basis, likelihood, phenomd, prior, trigger
from workloads.inference import frame as frames
from workloads.spec import RATE_HZ
from workloads.strain import Injection, Strain
from workloads.unit import BadInputError

BINARY = waveform.Binary(36.0, 29.0, 0.1, -0.2)


def theta_of(binary, merger_s=0.0):
    chirp = (binary.mass_1_msun * binary.mass_2_msun) ** 0.6 / (binary.mass_1_msun + binary.mass_2_msun) ** 0.2
    ratio = binary.mass_2_msun / binary.mass_1_msun
    return np.array([np.log(chirp), np.log(ratio), binary.spin_1, binary.spin_2, merger_s])


def test_the_prior_is_that_of_the_simulated_binaries():
    rng = np.random.default_rng(1)
    larger, smaller = prior.masses(prior.draw(4000, rng))
    drawn = [waveform.draw_binary(rng) for _ in range(4000)]
    assert kstest(larger, [b.mass_1_msun for b in drawn]).pvalue > 1e-3
    assert kstest(smaller / larger, [b.mass_2_msun / b.mass_1_msun for b in drawn]).pvalue > 1e-3


def test_the_priors_density_integrates_to_one_and_ends_at_the_mass_limits():
    rng = np.random.default_rng(2)
    n = 200_000
    low = np.array([prior.CHIRP_MASS_LOG[0], -np.log(8), -0.3, -0.3, -0.1])
    high = np.array([prior.CHIRP_MASS_LOG[1], 0.0, 0.3, 0.3, 0.1])
    theta = low + (high - low) * rng.random((n, 5))
    density = np.exp(prior.log_density(theta))
    assert density.mean() * np.prod(high - low) == pytest.approx(1.0, abs=0.02)
    larger, smaller = prior.masses(theta)
    assert ((density > 0) == ((larger <= 80.0) & (smaller >= 10.0))).mean() > 0.9999


def test_a_frame_maps_its_window_to_unit_normals_and_back():
    rng = np.random.default_rng(3)
    theta, frame = frames.draw(5000, rng)
    normal = frame.to_normal(theta)
    assert np.allclose(frame.from_normal(normal), theta, atol=1e-9)
    # Far from the ends of the prior, where windows reach beyond it.
    inside = np.abs(theta[:, 0] - 3.0) < 0.3
    for column in normal[inside].T:
        assert kstest(column, "norm").pvalue > 1e-3


def test_a_frames_volume_is_the_determinant_of_its_map():
    rng = np.random.default_rng(4)
    frame = frames.Frame(np.array(2.8), np.array(0.02), np.array(17.0))
    for unit in rng.uniform(0.2, 0.8, (5, 5)):
        steps = 1e-5 * np.eye(5)
        jacobian = (frame.from_unit(unit + steps) - frame.from_unit(unit - steps)) / 2e-5
        expected = np.log(abs(np.linalg.det(jacobian)))
        assert frame.log_volume(frame.from_unit(unit)) == pytest.approx(expected, abs=0.02)


def test_waveforms_are_those_of_the_simulated_strain_but_for_a_constant_phase():
    f = np.arange(20 * 16, 512 * 16) / 16
    expected = waveform.spectrum(BINARY)[20 * 16 : 512 * 16]
    ratio = phenomd.waveforms(theta_of(BINARY)[None], f)[0] / expected
    assert np.allclose(ratio, ratio[0], rtol=1e-5, atol=0)
    assert abs(ratio[0]) == pytest.approx(1.0, rel=1e-6)


def test_binaries_pass_the_middle_of_the_band_when_it_is_said():
    theta = prior.draw(500, np.random.default_rng(5))
    values = phenomd.waveforms(theta, phenomd.ARRIVAL_HZ + np.array([-0.25, 0.25]))
    delay_s = -np.angle(values[:, 1] * values[:, 0].conj()) / np.pi
    assert np.std(phenomd.arrival_s(theta) - delay_s) < 3e-4
    reference = np.array([np.log(30.0), np.log(0.75), 0.0, 0.0, 0.0])
    assert phenomd.reference_arrival_s(30.0) == pytest.approx(phenomd.arrival_s(reference), abs=3e-4)


def test_the_basis_holds_waveforms_that_it_was_not_made_of():
    reduced = basis.load()
    theta, frame = frames.draw(200, np.random.default_rng(6))
    full = basis.heterodyned(theta, reduced.frequency_hz, frame) * reduced.weight
    found = reduced.shifted(phenomd.waveforms(theta, reduced.node_hz), theta[:, 4], frame)
    lost = np.linalg.norm(full - found @ reduced.rows, axis=1) ** 2 / np.linalg.norm(full, axis=1) ** 2
    assert lost.max() < 1e-4
    assert np.median(lost) < 1e-7
    assert np.allclose(reduced.rows @ reduced.rows.conj().T, np.eye(basis.SIZE), atol=1e-10)


def test_the_norm_of_the_coefficients_is_the_snr():
    theta = theta_of(BINARY)
    found = np.linalg.norm(basis.load().coefficients(theta[None], frames.at(theta, 20.0)))
    expected = waveform.optimal_snr(waveform.spectrum(BINARY), psd.load(), waveform.DURATION_S)
    assert found == pytest.approx(expected, rel=2e-3)


def test_amplitudes_are_those_of_the_three_streams():
    rng = np.random.default_rng(7)
    for x, c, psi, phi in rng.uniform(-1, 1, (10, 4)) * [1, 1, np.pi, np.pi]:
        plus, cross = waveform.antenna(x, phi, psi)
        streams = plus * (1 + c**2) / 2 - 1j * cross * c
        found = amplitudes.response(*map(np.asarray, (x, c, psi))) * np.exp(2j * phi * np.array([1, -1]))
        assert np.allclose(found, amplitudes.circular(streams))
        assert np.sum(np.abs(found) ** 2) == pytest.approx(np.sum(np.abs(streams) ** 2))


@pytest.mark.parametrize("z", [(10 + 2j, 3.0), (0.5, 12j), (9.0, 8.0), (1.0, 1.0)])
def test_the_marginal_likelihood_is_the_mean_over_the_prior(z):
    a = amplitudes.draw(400_000, np.random.default_rng(8))
    log = (a.conj() @ np.array(z, complex)).real - 0.5 * np.sum(np.abs(a) ** 2, axis=1)
    mean = logsumexp(log) - np.log(log.size)
    share = np.exp(log - log.max())
    error = share.std() / share.mean() / np.sqrt(log.size)
    assert amplitudes.log_marginal(np.array(z, complex)) == pytest.approx(mean, abs=5 * error + 0.01)


def test_a_matched_filter_beyond_the_table_is_refused():
    with pytest.raises(ValueError, match="matched filter of 200; tabulated up to 90"):
        amplitudes.log_marginal(np.array([200.0, 1.0], complex))


@pytest.mark.parametrize("snr", [8.0, 20.0, 60.0])
def test_the_reduced_likelihood_is_that_of_all_frequencies(snr):
    rng = np.random.default_rng([9, int(snr)])
    truth = prior.draw(1, rng)[0]
    data = trigger.simulated(truth, amplitudes.draw(1, rng, np.array([snr]))[0], rng)
    reduced = basis.load()
    frame = frames.at(truth, snr)
    event = likelihood.Event(frame, reduced.project(data, frame))
    for theta in [truth, *frame.from_normal(0.3 * rng.standard_normal((4, 5)))]:
        wave = phenomd.waveforms(theta[None], reduced.frequency_hz)[0] * reduced.weight
        wave = wave * np.exp(-2j * np.pi * reduced.frequency_hz * theta[4])
        found = likelihood.log_likelihood(event, theta[None], reduced)[0]
        assert found == pytest.approx(likelihood.marginal(wave, data), abs=0.1)


def test_the_whitened_noise_of_strain_is_white_and_of_unit_variance():
    strain = Strain(1).window(100.0, trigger.WINDOW_S)
    found = trigger.spectra(strain)
    power = np.abs(found) ** 2 / 2
    assert power.mean() == pytest.approx(1.0, abs=0.03)
    for part in np.array_split(power, 8, axis=1):
        assert part.mean() == pytest.approx(1.0, abs=0.08)
    assert abs(np.corrcoef(found.real)[0, 1]) < 0.05


@pytest.mark.parametrize("snr", [15.0, 45.0])
def test_a_signal_in_strain_is_found_where_and_as_loud_as_it_was_put(snr):
    from workloads.inference import candidates

    late_s = 0.037
    strain = Strain(5, [Injection(100.0 + late_s, "bbh", snr, -1, 3)])
    window = strain.window(100.0 + candidates.LOOKAHEAD_S, trigger.WINDOW_S)
    event = trigger.event(trigger.spectra(window))
    truth = theta_of(waveform.draw_binary(np.random.default_rng([5, 3])), late_s)
    assert float(event.frame.snr) == pytest.approx(snr, abs=4.0)
    normal = event.frame.to_normal(truth)
    assert np.abs(normal[[0, 4]]).max() < 2.0  # well inside the window
    best = likelihood.log_likelihood(event, truth[None], basis.load())[0]
    assert best > 0.5 * snr**2 - 5 * snr


def test_triggers_place_the_truth_well_inside_their_windows():
    offsets = []
    for i in range(12):
        rng = np.random.default_rng([10, i])
        truth = prior.draw(1, rng)[0] * [1, 1, 1, 1, 0.5]
        event = trigger.event(trigger.simulated(truth, amplitudes.draw(1, rng)[0], rng))
        offsets.append(event.frame.to_normal(truth)[[0, 4]])
    assert np.mean(np.abs(offsets) < 1.5) > 0.9


def test_what_is_louder_than_the_prior_is_refused():
    rng = np.random.default_rng(11)
    data = trigger.simulated(theta_of(BINARY), np.array([200.0, 10.0], complex), rng)
    with pytest.raises(BadInputError, match=r"SNR \d+; signals up to SNR 64 are known"):
        trigger.event(data)


def test_the_window_is_a_whole_number_of_samples():
    assert round(trigger.WINDOW_S * RATE_HZ) == trigger.WINDOW_S * RATE_HZ
