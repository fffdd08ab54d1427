"""Signals in a triangle."""

import numpy as np
import pytest

from workloads import psd, waveform
from workloads.spec import RATE_HZ


def test_the_three_streams_of_a_signal_cancel():
    rng = np.random.default_rng(1)
    for _ in range(20):
        assert abs(waveform.draw_antenna(rng).sum()) < 1e-12


def test_antenna_power_over_the_sky_is_that_of_lal():
    lal = pytest.importorskip("lal")
    rng = np.random.default_rng(2)
    detectors = [d for d in lal.CachedDetectors if d.frDetector.prefix in ("E1", "E2", "E3")]
    ours, theirs = [], []
    for _ in range(4000):
        cos_theta, phi, psi = rng.uniform(-1, 1), *rng.uniform(0, 2 * np.pi, 2)
        ours.append(np.sum(np.square(waveform.antenna(cos_theta, phi, psi))))
        right = [lal.ComputeDetAMResponse(d.response, phi, np.arcsin(cos_theta), psi, 0.0) for d in detectors]
        theirs.append(np.sum(np.square(right)))
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.02)
    assert np.quantile(ours, [0.1, 0.5, 0.9]) == pytest.approx(np.quantile(theirs, [0.1, 0.5, 0.9]), rel=0.05)


def test_two_polarisations_are_those_of_lal():
    lal = pytest.importorskip("lal")
    simulation = pytest.importorskip("lalsimulation")
    plus, cross = simulation.SimInspiralChooseFDWaveform(
        30 * lal.MSUN_SI, 20 * lal.MSUN_SI, 0, 0, 0, 0, 0, 0, 1e9 * lal.PC_SI, 1.0, 0, 0, 0, 0,
        1 / 16, 15, 1024, 18, None, simulation.IMRPhenomD,
    )  # fmt: skip
    face_on = waveform.spectrum(waveform.Binary(30.0, 20.0))
    band = slice(16 * 20, 16 * 500)
    assert np.allclose(plus.data.data[band], face_on[band] * (1 + np.cos(1.0) ** 2) / 2, rtol=1e-6, atol=0)
    assert np.allclose(cross.data.data[band], -1j * face_on[band] * np.cos(1.0), rtol=1e-6, atol=0)


def test_the_merger_lies_where_it_is_said_to():
    face_on = waveform.spectrum(waveform.Binary(35.0, 30.0))
    factors = np.array([1.0, -0.5, -0.5], complex)
    strain = waveform.project(face_on, factors, 10.0, psd.load(), delay_s=0.1)
    peak_s = np.abs(strain[0]).argmax() / RATE_HZ
    assert peak_s == pytest.approx(waveform.DURATION_S - waveform.AFTER_S + 0.1, abs=0.01)


def test_optimal_snr_of_a_sine_is_the_textbook_value():
    curve, f_hz, amplitude = psd.load(), 100.0, 1e-24
    t = np.arange(4 * RATE_HZ) / RATE_HZ
    spectrum = np.fft.rfft(amplitude * np.sin(2 * np.pi * f_hz * t)) / RATE_HZ
    expected = amplitude * np.sqrt(4.0 / curve.at(np.array([f_hz]))[0])
    assert waveform.optimal_snr(spectrum, curve, 4.0) == pytest.approx(expected, rel=1e-6)


def test_masses_stay_in_the_stated_range():
    rng = np.random.default_rng(3)
    binaries = [waveform.draw_binary(rng) for _ in range(500)]
    assert all(80 >= b.mass_1_msun >= b.mass_2_msun >= 10 for b in binaries)
