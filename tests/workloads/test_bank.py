"""The shipped template bank, and how banks are placed."""

import numpy as np
import pytest

from workloads import bank, card, runtime, spec, waveform
from workloads.models import matched_filter


@pytest.fixture(scope="module")
def shipped():
    return runtime.load_module(spec.get("matched-filter")).bank.numpy()


def test_the_shipped_bank_fits_random_binaries(shipped):
    rng = np.random.default_rng(99)
    fits = bank.fitting_factors(shipped, [waveform.draw_binary(rng) for _ in range(40)])
    assert fits.mean() > 0.96
    assert fits.max() <= 1.001
    assert card.read("matched-filter")["held_out"]["fitting_factor_mean"] == pytest.approx(fits.mean(), abs=0.02)


def test_no_two_shipped_templates_match_beyond_the_minimal_match(shipped):
    templates = matched_filter.templates_of(shipped[:60])[:, 0]
    for index in range(1, len(templates)):
        assert bank.match(templates[index], templates[:index]) < bank.MINIMAL_MATCH + 1e-3


def test_a_template_matches_itself_and_nothing_matches_no_bank():
    template = matched_filter.template(waveform.Binary(30.0, 20.0))
    assert bank.match(template, template[None]) == pytest.approx(1, abs=1e-3)
    assert bank.match(template, np.zeros((0, template.size), np.complex64)) == 0


def test_noise_has_two_degrees_of_freedom_per_stream():
    rng = np.random.default_rng(4)
    template = matched_filter.template(waveform.Binary(40.0, 30.0))
    white = rng.standard_normal((200, matched_filter.INPUT)).astype(np.float32)
    flat = matched_filter.normalised(
        np.conj(template), np.ones(matched_filter.INPUT // 2 + 1), matched_filter.INPUT
    )
    assert matched_filter.correlate(white, flat).mean() == pytest.approx(2, rel=0.03)


def test_a_bank_that_cannot_be_filled_says_so(monkeypatch):
    monkeypatch.setattr(bank, "MINIMAL_MATCH", 0.3)
    with pytest.raises(ValueError, match=r"covered by \d+ templates; ask for no more, not 60"):
        bank.place(60)
