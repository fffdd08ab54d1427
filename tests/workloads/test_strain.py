"""Strain on demand: noise that does not depend on who asks, and injections of the wanted loudness."""

import numpy as np
import pytest
from scipy.signal import welch

from workloads import psd, waveform
from workloads.sky import SIGNALS
from workloads.spec import RATE_HZ, STREAMS
from workloads.strain import EVENTS, Injection, Strain


def test_a_window_is_the_same_whichever_others_were_cut():
    long = Strain(5).window(40.0, 20.0)
    fresh = Strain(5)
    for end_s, duration_s in ((33.25, 4.375), (24.5, 1.0), (40.0, 0.5)):
        start = round((end_s - duration_s - 20.0) * RATE_HZ)
        expected = long[:, start : start + round(duration_s * RATE_HZ)]
        assert np.allclose(fresh.window(end_s, duration_s), expected, rtol=0, atol=1e-12 * long.std())


def test_windows_may_start_before_time_zero():
    assert Strain(5).window(0.5, 4.0).shape == (STREAMS, 4 * RATE_HZ)


def test_noise_has_the_published_spectrum():
    noise = Strain(6).window(300.0, 256.0)
    f, found = welch(noise, RATE_HZ, nperseg=RATE_HZ)
    wanted = psd.load().at(f)
    for low, high in ((8, 12), (12, 20), (20, 50), (50, 200), (200, 1000)):
        band = (f >= low) & (f < high)
        assert (found[:, band] / wanted[band]).mean() == pytest.approx(1, abs=0.05)


def test_streams_and_seeds_are_independent():
    a, b = Strain(7).window(50.0, 40.0), Strain(8).window(50.0, 40.0)
    correlation = np.corrcoef(np.concatenate([a, b]))
    assert np.abs(correlation - np.eye(6)).max() < 0.05


@pytest.mark.parametrize("cls", EVENTS)
def test_an_injection_has_the_snr_it_was_asked_for(cls):
    detector = -1 if cls in SIGNALS else 1
    loud = Strain(9, [Injection(60.3, cls, 20.0, detector, seed) for seed in range(1)])
    added = loud.window(64.0, 24.0) - Strain(9).window(64.0, 24.0)
    snr = waveform.optimal_snr(np.fft.rfft(added) / RATE_HZ, psd.load(), 24.0)
    assert np.linalg.norm(snr) == pytest.approx(20.0, rel=0.02)
    if cls not in SIGNALS:
        assert snr[[0, 2]] == pytest.approx(0)


def test_the_seed_of_an_injection_decides_its_shape_and_nothing_else_does():
    def added(time_s, seed):
        return Strain(9, [Injection(time_s, "bbh", 20.0, -1, seed)]).window(time_s + 1, 8) - Strain(9).window(
            time_s + 1, 8
        )

    assert np.allclose(added(60.0, 1), added(70.0, 1), atol=1e-9 * np.abs(added(60.0, 1)).max())
    assert not np.allclose(added(60.0, 1), added(60.0, 2), atol=1e-3 * np.abs(added(60.0, 1)).max())


@pytest.mark.parametrize(
    ("injection", "message"),
    [
        (Injection(1.0, "bns", 10.0, -1, 0), r"class 'bns'; known: bbh, blip"),
        (Injection(1.0, "bbh", 10.0, 0, 0), r"'bbh' in detector 0; allowed: \[-1\]"),
        (Injection(1.0, "blip", 10.0, 3, 0), r"'blip' in detector 3; allowed: \[0, 1, 2\]"),
        (Injection(1.0, "blip", 0.0, 1, 0), r"'blip' with SNR 0.0"),
    ],
)
def test_an_impossible_injection_is_refused(injection, message):
    with pytest.raises(ValueError, match=message):
        Strain(1, [injection])
