"""Noise curves and the filters made from them."""

import numpy as np
import pytest

from workloads import psd

RATE = 2048


def test_curve_gives_its_own_points_and_no_weight_outside():
    curve = psd.load()
    assert curve.at(curve.frequency_hz[5:9]) == pytest.approx(curve.value[5:9])
    assert np.isinf(curve.at(np.array([1.0, 4.99, 2000.0]))).all()
    assert np.sqrt(curve.at(np.array([100.0])))[0] == pytest.approx(3.77e-25, rel=0.02)


def test_unknown_curve_names_the_shipped_ones():
    with pytest.raises(ValueError, match=r"no noise curve 'virgo'; shipped: et-10km-cryo"):
        psd.load("virgo")


def test_whitening_undoes_colouring_inside_the_band():
    curve = psd.load()
    n = 1 << 14
    f = np.fft.rfftfreq(n, 1 / RATE)
    both = psd.response(curve.colouring(RATE, 0.5), n) * psd.response(curve.whitening(RATE, 0.1875, (20, 900)), n)
    lines = (np.abs(f - 165) < 5) | (np.abs(f - 334) < 5)  # suspension lines are narrower than the filters
    assert both[(f > 24) & (f < 890) & ~lines] == pytest.approx(1, abs=0.05)
    assert both[lines] == pytest.approx(1, abs=0.2)
    assert np.abs(both[f < 10]).max() < 0.05


def test_response_of_a_centred_impulse_is_one_everywhere():
    assert psd.response(np.array([0.0, 0.0, 1.0, 0.0, 0.0]), 64) == pytest.approx(1)
    with pytest.raises(ValueError, match="4 samples cannot hold a filter of 5"):
        psd.response(np.ones(5), 4)


def test_filtering_keeps_only_samples_that_the_whole_kernel_covers():
    series = np.arange(10.0)[None]
    assert psd.filter_valid(series, np.array([0.25, 0.5, 0.25])) == pytest.approx(series[:, 1:-1])
