"""Inspirals before they merge: when they pass a frequency, what a window holds of them, how they are found."""

import numpy as np
import pytest
import scipy.fft
from scipy import stats

from workloads import waveform
from workloads.drift import Drift
from workloads.models import early_warning
from workloads.premerger import (
    bands,
    evidence,
    examples,
    inspiral,
    lessons,
    level,
    quality,
    slides,
    sources,
    stack,
    window,
)
from workloads.training import Course

MASSES = {"bns": (1.4, 1.4), "nsbh": (7.0, 1.4), "light-bbh": (10.0, 8.0)}


def rng(seed=1):
    return np.random.default_rng(seed)


def spectra(strain):
    """Of the whitened channels of one unit."""
    return scipy.fft.rfft(window.whitened(strain[None])[0])


@pytest.fixture(scope="module")
def search():
    """The filter's bank in its bands."""
    split = bands.split(32, 8)
    return stack.Stack(stack.place(split), split)


@pytest.mark.parametrize("cls", MASSES)
def test_the_time_before_the_merger_is_the_slope_of_lalsimulations_phase(cls):
    lal, simulation = pytest.importorskip("lal"), pytest.importorskip("lalsimulation")
    heavy, light = MASSES[cls]
    plus, _ = simulation.SimInspiralChooseFDWaveform(
        heavy * lal.MSUN_SI, light * lal.MSUN_SI, 0, 0, 0, 0, 0, 0, 1e24, 0, 0, 0, 0, 0,
        1 / 4096, 8.0, 40.0, 8.0, None, simulation.IMRPhenomD,
    )  # fmt: skip
    f = np.arange(plus.data.length) / 4096
    inside = (f >= 10) & (f <= 30)
    slope_s = np.gradient(np.unwrap(np.angle(plus.data.data[inside])), 2 * np.pi / 4096)
    ratio = heavy * light / (heavy + light) ** 2
    mine_s = inspiral.before_merger_s(f[inside], waveform.chirp_mass(heavy, light), ratio)
    apart_s = (slope_s - slope_s[-1]) - (mine_s - mine_s[-1])
    assert np.abs(apart_s).max() < 2e-3 * (mine_s[0] - mine_s[-1])


def test_a_neutron_star_binary_takes_a_quarter_of_an_hour_from_10_hz():
    mass = waveform.chirp_mass(1.4, 1.4)
    assert inspiral.before_merger_s(np.array([5.0, 10.0, 40.0]), mass) == pytest.approx([6400, 1000, 25], rel=0.05)
    assert inspiral.frequency_hz(inspiral.before_merger_s(np.array(17.0), mass), mass) == pytest.approx(
        17.0, rel=1e-4
    )


def test_whitened_noise_is_white_in_the_band_and_a_unit_is_as_long_as_it_says():
    noise = window.noise(2, rng())
    assert noise.shape == (2, *window.UNIT.shape)
    window.UNIT.check("test", noise)
    white = window.whitened(noise)
    assert white.shape == (2, window.CHANNELS, window.SAMPLES)
    f = np.fft.rfftfreq(window.SAMPLES, 1 / window.RATE_HZ)
    power = np.mean(np.abs(np.fft.rfft(white)) ** 2, axis=(0, 1)) / window.SAMPLES
    for low, high in ((5, 6), (6, 10), (10, 30), (30, 56)):
        assert power[(f >= low) & (f < high)].mean() == pytest.approx(1.0, abs=0.05)


def test_noise_power_is_chi_squared_and_an_inspirals_expected_power_is_its_snr(search):
    white = spectra(window.noise(1, rng(2))[0])
    power = bands.power(white, search.filters, search.bands)
    assert power.mean() == pytest.approx(4.0, abs=0.1)
    assert power.var() == pytest.approx(8.0, abs=0.4)
    one = bands.power(white[:1], search.filters, search.bands)
    assert one.mean() == pytest.approx(2.0, abs=0.1)


def in_bands(of):
    """Power of spectra (channel, bin) in each of the bands that have a level, relative to white noise."""
    edges = np.round(np.geomspace(*window.BAND_HZ, level.BANDS + 1) * window.SEARCHED_S).astype(int)
    power = np.add.reduceat(np.abs(of) ** 2, edges, axis=-1)[:, :-1]
    return power / np.diff(edges) / window.SAMPLES


def test_noise_has_the_unit_level_in_every_band_and_channel_whatever_it_was():
    for drift in (Drift(), Drift(level=1.0), Drift(colour=0.5), Drift(amplitude=0.5)):
        power = in_bands(level.levelled(spectra(window.noise(1, rng(7), drift)[0])))
        assert np.abs(power - 1).max() < 0.25, drift
        assert power.mean() == pytest.approx(1.0, abs=0.03), drift


def test_a_factor_cancels_and_so_does_one_of_each_band():
    white = spectra(window.noise(1, rng(8))[0])
    usual = level.levelled(white)
    np.testing.assert_allclose(level.levelled(np.complex64(7.3) * white), usual, rtol=1e-4)
    silent = white.copy()
    silent[1] = 0
    assert not level.levelled(silent)[1].any()
    np.testing.assert_array_equal(level.levelled(silent)[0], usual[0])


def test_a_loud_inspiral_hardly_moves_the_level_and_a_line_takes_its_band_away():
    quiet = window.noise(1, rng(9))[0]
    loud = quiet + examples.inspiral("bns", 60.0, 30.0, rng(9))
    kept = in_bands(level.levelled(spectra(loud))) / in_bands(spectra(loud))
    usual = in_bands(level.levelled(spectra(quiet))) / in_bands(spectra(quiet))
    assert (kept / usual).min() > 0.8
    assert np.median(kept / usual) > 0.95
    lined = in_bands(level.levelled(spectra(window.noise(1, rng(9), Drift(lines=30.0))[0])))
    assert lined.max() < 1.5


def test_shifted_bands_are_as_noise_ever_was_and_an_inspiral_in_them_is_gone(search):
    noise = window.noise(1, rng(10))[0]
    power = bands.power(spectra(noise), search.filters, search.bands)
    loud = bands.power(
        spectra(noise + examples.inspiral("bns", 40.0, 30.0, rng(10))), search.filters, search.bands
    )
    moved = slides.shifted(power, search.filters, search.bands, rng(11))
    assert not np.array_equal(moved, power)
    np.testing.assert_array_equal(np.sort(moved, axis=1), np.sort(power, axis=1))
    usual, shifted = (search.loudest_of(p, window.CHANNELS).deviate for p in (power, moved))
    assert shifted == pytest.approx(usual, abs=1.5)
    found, lost = (
        search.loudest_of(p, window.CHANNELS).deviate
        for p in (loud, slides.shifted(loud, search.filters, search.bands, rng(11)))
    )
    assert found > 12 > 9 > lost


def test_bands_too_wide_for_the_series_are_refused():
    with pytest.raises(ValueError, match=r"2 Hz for bands up to 9.* Hz wide; wanted at least that"):
        bands.split(13, 2)


@pytest.mark.parametrize("degrees", [4, 20, 80])
def test_the_deviate_is_that_of_chi_squared_and_finite_however_loud(degrees):
    for sigma in (-2.0, 0.0, 3.0, 6.0):
        power = stats.chi2.isf(stats.norm.sf(sigma), degrees)
        assert stack.deviate(np.array([power]), np.array([degrees])) == pytest.approx(sigma, abs=0.3)
        value = float(stack.deviate(np.array([power]), np.array([degrees]))[0])
        assert stack.power_of(value, degrees) == pytest.approx(power - degrees)
    assert np.isfinite(stack.deviate(np.array([1e30], np.float32), np.array([degrees])))
    assert stack.deviate(np.array([1.0]), np.array([0])) == -np.inf


@pytest.mark.parametrize(("cls", "ahead_s"), [("bns", 10.0), ("bns", 120.0), ("nsbh", 30.0), ("heavy-bbh", 12.0)])
def test_a_loud_inspiral_is_found_with_most_of_its_power_its_time_and_its_chirp_mass(cls, ahead_s, search):
    chance = rng(3)
    binary = sources.draw_binary(cls, chance)
    wave = sources.strain(sources.spectrum(binary), waveform.draw_antenna(chance), 1000.0, ahead_s)
    white = window.whitened(wave[None])[0]
    found = search.loudest(scipy.fft.rfft(white))
    whole = np.sum(white.astype(np.float64) ** 2)
    assert stack.power_of(found.deviate, 4 * found.bands) > 0.6 * whole
    assert found.merger_in_s == pytest.approx(ahead_s, abs=1.5)
    assert found.chirp_mass_msun == pytest.approx(
        waveform.chirp_mass(binary.mass_1_msun, binary.mass_2_msun), rel=0.02
    )
    seen = sources.gathered(binary, ahead_s + window.EDGE_S, window.SEARCHED_S)
    assert np.sqrt(whole) == pytest.approx(1000.0 * seen, rel=0.05)


def test_halfway_between_two_templates_the_power_is_what_the_minimal_match_promises(search):
    mass = search.chirp_mass_msun
    k = int(np.searchsorted(mass, 1.3))
    share = []
    for chirp in (mass[k], np.sqrt(mass[k] * mass[k + 1])):
        equal = chirp * 2**0.2
        spectrum = sources.spectrum(waveform.Binary(equal, equal))
        white = window.whitened(sources.strain(spectrum, np.array([1.0, -0.5, -0.5]), 1000.0, 10.0)[None])[0]
        found = search.loudest(scipy.fft.rfft(white))
        share.append(stack.power_of(found.deviate, 4 * found.bands) / np.sum(white**2))
    assert share[1] > stack.MINIMAL_MATCH * share[0] - 0.05
    assert share[1] < share[0]


def test_a_finer_match_and_wider_bands_take_more_templates():
    few = len(stack.place(bands.split(64, 4), 0.7))
    assert len(stack.place(bands.split(64, 4), 0.9)) > 1.5 * few
    assert len(stack.place(bands.split(32, 8), 0.7)) > 1.5 * few


def test_without_a_stream_an_inspiral_is_still_found_but_less_loud(search):
    wave = examples.inspiral("bns", 300.0, 30.0, rng(4))
    deaf = wave.copy()
    deaf[2] = 0.0
    whole, part = (search.loudest(spectra(x)) for x in (wave, deaf))
    assert part.deviate < whole.deviate
    assert part.merger_in_s == pytest.approx(30.0, abs=1.0)
    deaf[1] = 0.0
    assert search.loudest(spectra(deaf)).merger_in_s == pytest.approx(30.0, abs=1.0)


def test_snr_gathers_as_the_merger_comes_nearer_and_a_window_holds_part_of_it():
    binary = waveform.Binary(1.4, 1.4)
    ahead = [sources.gathered(binary, s) for s in (300.0, 60.0, 10.0)]
    assert ahead == sorted(ahead)
    assert 0.5 < ahead[0] < ahead[2] < 0.9
    assert 0.8 < sources.gathered(binary, 10.0, window.SEARCHED_S) / ahead[2] < 0.95
    assert sources.gathered(waveform.Binary(30.0, 30.0), 60.0) < examples.HOPELESS
    assert 120.0 not in examples.asked("heavy-bbh")


def test_every_class_is_drawn_within_its_ranges_and_inside_the_bank():
    low, high = stack.CHIRP_MASS_MSUN
    for cls, (first, second, *_) in sources.CLASSES.items():
        for k in range(50):
            binary = sources.draw_binary(cls, rng(k))
            assert binary.mass_1_msun >= binary.mass_2_msun
            assert min(first[0], second[0]) <= binary.mass_2_msun <= binary.mass_1_msun <= max(first[1], second[1])
            assert low < waveform.chirp_mass(binary.mass_1_msun, binary.mass_2_msun) < high


def test_the_map_peaks_where_the_inspiral_is_and_is_small_in_noise():
    known, located = lessons.pool(6, rng(5)), []
    for spectrum, (mass, time) in zip(known.spectra, known.at, strict=True):
        evident = evidence.evidence(30 * np.stack([spectrum, 0.5 * spectrum]))
        assert evident.shape == evidence.shape()
        power = evident[: evidence.GROUPS].sum(0)
        peak = np.unravel_index(power.argmax(), power.shape)
        if evident[evidence.GROUPS, mass, time] > 0.1:  # with few bands, there is little to tell where it is
            located.append(abs(peak[0] - mass) <= 4 and abs(peak[1] - time) <= 8)
    assert len(located) >= 3
    assert all(located)
    x, y = lessons.batch(known, 6, rng(6))
    assert x.shape == (6, evidence.INPUTS, lessons.TEMPLATES, lessons.TIMES)
    assert y[:, 0].tolist() == [0, 1, 0, 1, 0, 1]
    assert np.abs(x[::2, : evidence.GROUPS].mean()) < 0.2
    assert ((y[:, 1:] >= 0) & (y[:, 1:] < [lessons.TEMPLATES, lessons.TIMES])).all()


def test_the_loss_rewards_odds_in_the_right_place_only():
    torch = pytest.importorskip("torch")
    truth = torch.tensor([[0.0, 5, 5], [1.0, 20, 40]])
    logits = torch.full((2, lessons.TEMPLATES, lessons.TIMES), -30.0)
    nothing = float(lessons.surprise(logits, truth))
    logits[1, 21, 41] = 10.0
    right = float(lessons.surprise(logits, truth))
    logits[0, 21, 41] = 10.0
    alarm = float(lessons.surprise(logits, truth))
    assert right < 0.01
    assert alarm > 5
    assert nothing > 5


def test_the_same_seed_teaches_the_same_weights_and_a_refinement_goes_on_from_them(monkeypatch):
    pytest.importorskip("torch")
    for name, value in {"_PIECES": 32, "_HELD_OUT": 8, "_KNOWN": 4, "_UNSEEN": 3}.items():
        monkeypatch.setattr(early_warning, name, value)
    first, again = (early_warning.WORKLOAD.teach(Course(1, lambda done, text: None, steps=3)) for _ in range(2))
    assert all(np.array_equal(first.weights[k], again.weights[k]) for k in first.weights)
    refined = early_warning.WORKLOAD.teach(Course(2, lambda done, text: None, 3, first.weights))
    assert set(refined.weights) == set(first.weights)
    largest = max(np.abs(refined.weights[k] - first.weights[k]).max() for k in first.weights)
    assert 0 <= largest < 0.1


def test_half_warned_interpolates_and_says_nothing_outside_what_was_tried():
    rows = {
        "10": {"10": [0, 10, 0, 1], "40": [10, 10, 0, 1]},
        "60": {"10": [6, 10, 0, 1], "40": [9, 10, 0, 1]},
        "300": {"10": [0, 10, 0, 1], "40": [4, 10, 0, 1]},
    }
    assert quality.half_warned(rows) == {"10": 20.0, "60": None, "300": None}
