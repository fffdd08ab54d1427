"""Parameter estimation: the network's symmetries, its lessons, importance sampling, the classical sampler."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

pytest.importorskip("torch")
pytest.importorskip("zuko")

import torch

from workloads.inference import (
    amplitudes,
    basis,
    calibration,
    candidates,
    importance,
    likelihood,
    network,
    phenomd,
    posteriors,
    prior,
    sampler,
    teach,
)
from workloads.inference import frame as frames
from workloads.training import Course


@pytest.fixture(scope="module")
def event():
    """A heavy binary of SNR 12, projected in the frame of its truth."""
    rng = np.random.default_rng(21)
    truth = np.array([3.3, -0.4, 0.1, -0.1, 0.01])
    frame = frames.at(truth, 12.0)
    reduced = basis.load()
    wave = reduced.coefficients(truth[None], frame)[0]
    noise = rng.standard_normal((2, 2, basis.SIZE))
    data = np.array([[11.0], [4.0j]]) * wave / np.linalg.norm(wave) + noise[0] + 1j * noise[1]
    return likelihood.Event(frame, data)


@pytest.fixture(scope="module")
def pool():
    return teach.pool(400, np.random.default_rng(22))


@pytest.fixture(scope="module")
def untrained(pool):
    torch.manual_seed(1)
    return network.build(teach.gain(pool, np.random.default_rng(1))).eval()


def test_rows_keep_an_event(event):
    (found,) = network.events_of(network.rows([event]))
    assert np.allclose(found.data, event.data, atol=1e-5)
    for a, b in (("chirp_mass_log", 1e-6), ("merger_s", 1e-8), ("snr", 1e-5)):
        assert float(getattr(found.frame, a)) == pytest.approx(float(getattr(event.frame, a)), abs=b)


def test_the_network_does_not_see_phase_and_handedness(event, untrained):
    turn = np.linalg.qr(np.random.default_rng(2).standard_normal((2, 2, 2)) @ [1, 1j])[0]
    turned = likelihood.Event(event.frame, turn @ event.data)
    with torch.inference_mode():
        one, other = (untrained(torch.from_numpy(network.rows([e]))) for e in (event, turned))
    assert torch.allclose(one, other, atol=2e-3)
    louder = likelihood.Event(event.frame, 1.2 * event.data)
    with torch.inference_mode():
        assert not torch.allclose(one, untrained(torch.from_numpy(network.rows([louder]))), atol=2e-3)


def test_the_density_that_comes_with_draws_is_their_density(event, untrained):
    rows = torch.from_numpy(network.rows([event]))
    with torch.inference_mode():
        draws = untrained(rows)[0]
        density = untrained.log_density(rows[:, : network.ROW].expand(len(draws), -1), draws[:, :5])
    assert torch.allclose(draws[:, 5], density, atol=1e-3)


def test_a_lesson_is_a_signal_of_its_truth_in_unit_noise(pool):
    rows, normal = teach.batch(pool, 2000, np.random.default_rng(3))
    assert rows.shape == (2000, network.ROW)
    assert np.abs(normal.mean(0)).max() < 0.15
    assert np.abs(normal.std(0) - 1).max() < 0.15
    with_time = np.column_stack([rows, np.zeros(len(rows), np.float32)])
    left = []
    for event, z in zip(network.events_of(with_time[:100]), normal.astype(float), strict=False):
        wave = basis.load().coefficients(event.frame.from_normal(z)[None], event.frame)[0]
        wave /= np.linalg.norm(wave)
        residual = event.data - (event.data @ wave.conj())[:, None] * wave
        left.append(np.sum(np.abs(residual) ** 2) / (2 * 2 * (basis.SIZE - 1)))
    assert np.mean(left) == pytest.approx(1.0, abs=0.02)


def test_teaching_lowers_the_loss_and_follows_from_the_seed(monkeypatch):
    for name, value in {"_BINARIES": 300, "_UNSEEN": 100, "_HELD_OUT": 128, "_BATCH": 128, "_RATE": 2e-3}.items():
        monkeypatch.setattr(teach, name, value)
    course = Course(3, lambda done, text: None, steps=50, every=50)
    one, other = teach.fit(course), teach.fit(course)
    assert one[1] == other[1] < teach.PRIOR_LOSS
    for a, b in zip(one[0].module.parameters(), other[0].module.parameters(), strict=True):
        assert torch.equal(a, b)
        assert torch.equal(a, a.half().float())


def by_chance(event, n, width, seed):
    """The posterior from `n` draws of normals `width` wide: no flow, only patience."""
    normal = width * np.random.default_rng(seed).standard_normal((n, 5))
    log = -0.5 * np.sum((normal / width) ** 2, axis=1) - 5 * np.log(width) - 2.5 * np.log(2 * np.pi)
    return importance.weighted(event, normal, log, basis.load())


@pytest.fixture(scope="module")
def exact(event):
    return by_chance(event, 15_000, 1.0, 7)


def test_weighting_finds_the_same_posterior_from_any_proposal(event, exact):
    other = by_chance(event, 8_000, 0.75, 4)
    error = np.sqrt(sum(1 / (p.efficiency * p.weight.size) for p in (exact, other)))
    assert 0 < error < 0.5
    assert exact.log_evidence == pytest.approx(other.log_evidence, abs=4 * error)
    mean = exact.weight @ exact.theta
    spread = np.sqrt(exact.weight @ (exact.theta - mean) ** 2)
    assert np.all(np.abs(mean - other.weight @ other.theta) < 4 * error * spread)


def test_proposals_outside_the_prior_have_no_weight():
    theta = np.array([prior.CHIRP_MASS_LOG[0], -0.001, 0.0, 0.0, 0.0])
    frame = frames.at(theta, 8.0)
    event = likelihood.Event(frame, np.ones((2, basis.SIZE), complex))
    normal = np.random.default_rng(5).standard_normal((200, 5))
    found = importance.weighted(event, normal, np.zeros(200), basis.load())
    outside = found.theta[:, 0] < prior.CHIRP_MASS_LOG[0]
    assert 0 < outside.mean() < 1
    assert found.weight[outside].sum() == 0
    assert found.weight.sum() == pytest.approx(1.0)


@pytest.mark.filterwarnings("ignore::UserWarning:dynesty")
def test_the_classical_sampler_finds_the_posterior_that_weighting_finds(event, exact):
    pytest.importorskip("dynesty")
    run = sampler.run(event, basis.load(), np.random.default_rng(6), live_points=60)
    assert run.calls > 500
    assert run.posterior.log_evidence == pytest.approx(exact.log_evidence, abs=4 * run.log_evidence_error + 0.2)
    rng = np.random.default_rng(8)
    pairs = zip(run.posterior.resampled(400, rng).T, exact.resampled(400, rng).T, strict=True)
    assert max(ks_2samp(a, b).statistic for a, b in pairs) < 0.25


def test_resampling_keeps_the_weights():
    theta = np.arange(4.0)[:, None] * np.ones(5)
    posterior = importance.Weighted(theta, np.array([0.1, 0.2, 0.3, 0.4]), 0.0)
    drawn = posterior.resampled(1000, np.random.default_rng(9))
    assert np.bincount(drawn[:, 0].astype(int)) / 1000 == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=2e-3)


def perfect(n, width, rng):
    """Trials of an imagined estimator: a normal posterior of the right centre, `width` times too wide."""
    from scipy.stats import norm

    found = []
    for _ in range(n):
        rank = norm.cdf(rng.standard_normal(5) / width)
        found.append(calibration.Trial(20.0, np.zeros(5), rank, rank, np.ones(5), np.ones(5), 5.0, 0.0, 0.5))
    return found


def test_calibration_tells_a_right_posterior_from_a_wrong_one():
    rng = np.random.default_rng(10)
    right, wide = (calibration.summary(perfect(1000, width, rng)) for width in (1.0, 1.3))
    assert right["flow"]["largest_ks"] < 0.07
    assert right["flow"]["combined_p"] > 1e-3
    assert wide["flow"]["combined_p"] < 1e-6
    assert right["efficiency"]["quantiles"]["0.5"] == 0.5


def test_a_posterior_unit_holds_the_draws_matched_filters(event):
    theta = np.tile(event.frame.from_normal(np.zeros(5)), (10, 1))
    posterior = importance.Weighted(theta, np.full(10, 0.1), 0.0)
    made = posteriors.unit(event, posterior, np.random.default_rng(11))
    posteriors.UNIT.check("test", made[None])
    z, norm, back = posteriors.parts(made)
    expected, face_on = likelihood.filters(event, theta[:1], basis.load())
    assert np.allclose(z, expected)
    assert np.allclose(norm, face_on)
    assert np.allclose(back[:, :2], theta[0, :2])


def test_example_windows_hold_signals_that_are_loud_enough():
    units = candidates.examples(3, 5)
    candidates.UNIT.check("test", units)
    rows = candidates.rows(units)
    assert np.isfinite(rows).all()
    snr = candidates.trigger_snr(rows)
    assert ((snr > 7) & (snr < 70)).all()


def test_signals_are_drawn_with_the_snr_that_is_asked_for():
    snr = np.array([9.0, 30.0])
    assert np.linalg.norm(amplitudes.draw(2, np.random.default_rng(12), snr), axis=1) == pytest.approx(snr)


def test_waveforms_do_not_depend_on_the_merger_time():
    theta = prior.draw(2, np.random.default_rng(13))
    later = theta + np.array([0, 0, 0, 0, 0.01])
    f = basis.load().node_hz
    assert np.array_equal(phenomd.waveforms(theta, f), phenomd.waveforms(later, f))
