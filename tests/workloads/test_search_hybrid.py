"""The hybrid: what it filters, with which templates, and that it scores as the matched filter does."""

import numpy as np
import pytest

from workloads import runtime, spec, waveform
from workloads.models import detector, hybrid, matched_filter
from workloads.searching import basis, narrowing
from workloads.strain import Injection, Strain


@pytest.fixture(scope="module")
def units():
    """Windows of noise and of signals of SNR 15 and 25, in turn."""
    starts = 24.0 * np.arange(8)
    events = [Injection(t + 0.4, "bbh", (15.0, 25.0)[i % 2], -1, i) for i, t in enumerate(starts[1::2])]
    strain, window_s = Strain(31, events), hybrid.WORKLOAD.unit.duration_s
    return np.array([strain.window(t + spec.SEGMENT_S + spec.LOOKAHEAD_S, window_s) for t in starts])


@pytest.fixture(scope="module")
def module():
    return runtime.load_module(hybrid.WORKLOAD)


def test_it_scores_signals_as_the_matched_filter_does(units):
    found, whole = (spec.load(name, "torch")(units) for name in ("hybrid", "matched-filter"))
    assert (found.score <= whole.score + 1e-3).all()
    assert found.score[1::2] == pytest.approx(whole.score[1::2], rel=0.02)
    assert found.time_offset_s[1::2] == pytest.approx(whole.time_offset_s[1::2], abs=0.02)


def test_only_what_the_detector_hears_is_filtered_and_with_few_templates(units, module, monkeypatch):
    filtered, really = [], matched_filter.loudest

    def counted(white, templates):
        filtered.append(len(templates))
        return really(white, templates)

    monkeypatch.setattr(matched_filter, "loudest", counted)
    rows = hybrid.WORKLOAD.prepare(units)
    raw = runtime.torch_network(module, 1)(rows)
    heard = spec.load("detector", "torch")(units[..., -basis.SAMPLES :]).score > float(module.least)
    assert heard[1::2].all()
    assert len(filtered) == heard.sum()
    assert 0 < max(filtered) < 0.3 * len(module.bank)
    assert ((raw[:, 0] > 0) == heard).all()


def test_its_parts_are_the_shipped_ones(module):
    state = module.state_dict()
    for key, value in runtime.stored(detector.WORKLOAD).items():
        assert np.array_equal(value.ravel(), state[f"network.{key}"].numpy().ravel()), key
    assert np.array_equal(module.bank.numpy(), runtime.stored(matched_filter.WORKLOAD)["bank"])


def test_every_template_is_near_one_that_the_detector_has(module):
    near = module.near.numpy()
    assert near.shape == (detector.TEMPLATES, len(module.bank))
    assert near.any(axis=0).all()
    assert near.any(axis=1).all()


def test_a_coarse_template_is_nearest_to_itself():
    bank = np.array([[30.0, 25.0, 0.0], [60.0, 50.0, 0.1], [15.0, 12.0, -0.1]])
    unit = np.array(
        [basis.unit_spectrum(waveform.Binary(point[0], point[1], point[2], point[2])) for point in bank]
    )
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    coarse = (unit.conj() @ basis.load().T)[:2]
    found = narrowing.matches(coarse, bank)
    assert found[[0, 1], [0, 1]] == pytest.approx(1, abs=0.02)
    assert found.max() <= 1.001
    near = narrowing.near(coarse, bank, match=0.9)
    assert near[[0, 1], [0, 1]].all()
    assert near.any(axis=0).all()
