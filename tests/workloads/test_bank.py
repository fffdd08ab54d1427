"""The shipped template bank, and how banks are placed."""

import numpy as np
import pytest

from workloads import bank, card, runtime, spec, waveform
from workloads.models import matched_filter
from workloads.waveform import MASS_MSUN, SPIN


@pytest.fixture(scope="module")
def shipped():
    return runtime.stored(spec.get("matched-filter"))["bank"]


def units(points):
    return bank.unit(matched_filter.templates_of(points)[:, 0])


def test_the_shipped_bank_has_its_minimal_match_for_random_binaries(shipped):
    rng = np.random.default_rng(99)
    fits = bank.fitting_factors(shipped, [waveform.draw_binary(rng) for _ in range(60)])
    assert fits.max() <= 1.001
    assert (fits >= bank.MINIMAL_MATCH).mean() > 0.9
    assert fits.min() > bank.MINIMAL_MATCH - 0.04
    told = card.read("matched-filter")["held_out"]
    assert told["fitting_factor_mean"] == pytest.approx(fits.mean(), abs=0.01)
    assert (told["templates"], told["minimal_match"]) == (len(shipped), bank.MINIMAL_MATCH)


def test_no_two_shipped_templates_match_beyond_the_minimal_match(shipped):
    templates = units(shipped[:60])
    for index in range(1, len(templates)):
        assert bank.match(templates[index], templates[:index]) < bank.MINIMAL_MATCH + 1e-3


def test_the_shipped_bank_lies_in_the_range_of_the_binaries(shipped):
    heavy, light, spin = shipped.T
    assert (heavy >= light).all()
    assert (light.min(), heavy.max()) >= (MASS_MSUN[0], 0.9 * MASS_MSUN[1])
    assert heavy.max() <= MASS_MSUN[1]
    assert np.abs(spin).max() <= SPIN


def test_a_template_matches_itself_turned_and_delayed_and_nothing_matches_no_bank():
    one = units(np.array([[30.0, 20.0, 0.1]]))
    moved = one * np.exp(2j * np.pi * (0.3 + 0.011 * np.arange(one.shape[1]) / 4.0)).astype(np.complex64)
    assert bank.match(one[0], moved) == pytest.approx(1, abs=5e-3)
    assert bank.match(one[0], one[:0]) == 0


def test_noise_has_two_degrees_of_freedom_per_channel():
    rng = np.random.default_rng(4)
    template = matched_filter.template(waveform.Binary(40.0, 30.0))
    white = rng.standard_normal((200, matched_filter.INPUT)).astype(np.float32)
    flat = matched_filter.normalised(
        np.conj(template), np.ones(matched_filter.INPUT // 2 + 1), matched_filter.INPUT
    )
    assert matched_filter.correlate(white, flat).mean() == pytest.approx(2, rel=0.03)


def test_a_placed_bank_covers_what_it_says_with_templates_that_are_needed():
    placed = bank.place(0.95, covered=0.5, latest=100)
    templates = units(placed.points)
    assert placed.covered >= 0.5
    assert placed.minimal_match == 0.95
    for index in range(1, len(templates)):
        assert bank.match(templates[index], templates[:index]) < 0.95 + 1e-3
    rng = np.random.default_rng(3)
    fits = bank.fitting_factors(placed.points, [waveform.draw_binary(rng) for _ in range(60)])
    assert (fits >= 0.95).mean() > 0.3


def test_a_bank_that_cannot_be_filled_says_so(monkeypatch):
    monkeypatch.setattr(bank, "_PROPOSALS", 20)
    with pytest.raises(
        ValueError, match=r"20 proposals were not enough: \d+ templates cover .* minimal match of 0.97"
    ):
        bank.place(latest=10, covered=1.0)
