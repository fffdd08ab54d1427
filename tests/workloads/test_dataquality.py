"""The science of data quality: coherence, calibration lines, witnesses, couplings. No trained weights."""

import pickle
from dataclasses import replace
from zipfile import ZipFile

import numpy as np
import pytest
from scipy import stats

from benchmarks.dataquality import real_glitches, windows
from workloads import waveform
from workloads.dataquality import (
    anomaly,
    calibration,
    cleaner,
    coupling,
    examples,
    noisy_or,
    plant,
    strange,
    triangle,
    wiener,
)
from workloads.spec import RATE_HZ, STREAMS
from workloads.strain import Injection, Strain
from workloads.whitening import whiten


def rng(seed=1):
    return np.random.default_rng(seed)


# --- the triangle


def test_the_rotation_is_orthonormal_and_no_signal_reaches_the_null_stream():
    turn = triangle.rotation()
    assert np.allclose(turn @ turn.T, np.eye(STREAMS))
    draws = rng()
    for _ in range(50):
        assert abs(turn[triangle.NULL] @ waveform.draw_antenna(draws)) < 1e-12


def test_in_strain_a_signal_leaves_the_null_stream_as_it_is_and_a_glitch_does_not():
    cut = (52.0, 4.0)
    quiet = Strain(5).window(*cut)
    turn = triangle.rotation()
    for cls, stream, share in (("bbh", -1, 0.0), ("blip", 1, 1 / 3)):
        event = Strain(5, [Injection(50.3, cls, 30.0, stream, 1)]).window(*cut)
        channels = turn @ (whiten(event) - whiten(quiet)).astype(np.float64)
        power = np.sum(channels**2, axis=1)
        assert power[triangle.NULL] / power.sum() == pytest.approx(share, abs=1e-5)
        assert power.sum() == pytest.approx(30.0**2, rel=0.15)


def test_a_miscalibrated_sine_has_the_gain_it_is_given():
    t = np.arange(4096) / RATE_HZ
    strain = np.tile(np.cos(2 * np.pi * 64 * t), (STREAMS, 1))
    gains = np.array([1.0, 1.1, np.exp(0.1j)])
    expected = [np.cos(2 * np.pi * 64 * t), 1.1 * np.cos(2 * np.pi * 64 * t), np.cos(2 * np.pi * 64 * t + 0.1)]
    assert np.allclose(triangle.miscalibrated(strain, gains), expected, atol=1e-9)


def test_a_miscalibrated_signal_leaks_into_the_null_stream_as_much_as_the_errors_say(monkeypatch):
    monkeypatch.setattr(windows, "noise", lambda n, _: np.zeros((n, STREAMS, windows.SAMPLES), np.float32))
    error, n = 0.05, 300
    x = windows.signals("bbh", np.full(n, 80.0), rng(), error, error).astype(np.float64)
    null = np.einsum("s,nst->nt", triangle.rotation()[triangle.NULL], x)
    # each stream errs by (modulus² + phase²) of its power, a third of which the null stream sees
    assert np.sum(null**2) / np.sum(x**2) == pytest.approx(2 * error**2 / 3, rel=0.15)


# --- the anomaly detector's network


@pytest.fixture(scope="module")
def network():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    return anomaly.network().eval()


def tiles(network, x):
    import torch

    with torch.inference_mode():
        return network.tiles(torch.from_numpy(x.astype(np.float32))).numpy()


def test_tiles_of_white_noise_have_unit_energy(network):
    energy = tiles(network, rng().standard_normal((60, STREAMS, anomaly.SAMPLES)))
    inner = energy[..., 8:-8].mean(axis=(0, 3))
    assert inner == pytest.approx(np.ones((2, anomaly.BINS)), abs=0.08)


@pytest.mark.parametrize("frequency_hz", [30.0, 100.0, 160.0, 600.0])
def test_a_burst_in_one_stream_lights_up_its_own_tile_two_thirds_in_the_signal_channels(network, frequency_hz):
    t = np.arange(anomaly.SAMPLES) / RATE_HZ - 1.25
    burst = np.exp(-0.5 * (2 * np.pi * frequency_hz * t / anomaly.QUALITY) ** 2) * np.cos(
        2 * np.pi * frequency_hz * t
    )
    x = np.zeros((1, STREAMS, anomaly.SAMPLES))
    x[0, 1] = burst
    signal, null = tiles(network, x)[0]
    row, column = np.unravel_index(null.argmax(), null.shape)
    assert anomaly.frequencies_hz()[row] == pytest.approx(frequency_hz, rel=0.13)
    assert column * anomaly.STEP / RATE_HZ == pytest.approx(1.25, abs=0.02)
    assert signal[row, column] / null[row, column] == pytest.approx(
        1.0, rel=1e-3
    )  # mean of two channels, 2/3 : 1/3


def test_scores_are_minus_log10_of_how_often_ordinary_windows_get_there():
    torch = pytest.importorskip("torch")
    module = anomaly.network()
    pools = len(anomaly.POOLS)
    excess = rng().exponential(size=(20_000, 2, pools)).astype(np.float32) * np.arange(
        1, pools + 1, dtype=np.float32
    )
    anomaly.settle(module, excess)
    where, scale = (module.get_buffer(name).numpy() for name in ("where", "scale"))
    score = (rng(2).exponential(size=(200_000, 2, pools)) * np.arange(1, pools + 1) - where) / scale
    for level in (1.5, 2.5):
        assert np.log10(np.mean(score > level)) == pytest.approx(-level, abs=0.08)
    assert torch.isfinite(module(torch.zeros(1, STREAMS, anomaly.SAMPLES))).all()


def test_clusters_are_means_of_boxes_that_count_only_what_lies_inside():
    torch = pytest.importorskip("torch")
    moments = anomaly.SEARCHED.stop - anomaly.SEARCHED.start
    tiles = rng().exponential(size=(anomaly.BINS, moments)).astype(np.float32)
    up, along = anomaly.clusters()
    for index, (high, wide) in enumerate(anomaly.POOLS):
        boxes = torch.nn.functional.avg_pool2d(
            torch.from_numpy(tiles)[None, None], (high, wide), 1, (high // 2, wide // 2), count_include_pad=False
        )
        assert up[index] @ tiles @ along[index] == pytest.approx(boxes[0, 0].numpy(), rel=1e-5)


@pytest.mark.parametrize("taps", [64, 256])
def test_energies_are_those_of_the_wavelets_at_every_moment(network, taps):
    torch = pytest.importorskip("torch")
    step, frequency = 16, np.array([200.0, 500.0])
    pair, x = anomaly.wavelets(frequency, taps), rng().normal(size=anomaly.SAMPLES).astype(np.float32)
    found = network.tiles._energy(torch.from_numpy(x)[None], torch.from_numpy(pair), step)[0].numpy()
    padded = np.pad(x.astype(float), (taps - step) // 2)
    amplitude = np.array([np.correlate(padded, w[0], "valid")[::step] for w in pair])
    wanted = (amplitude[:2] ** 2 + amplitude[2:] ** 2) / 2
    assert found == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_examples_hold_signals_as_loud_as_asked_in_every_second_window():
    draws = rng()
    known = examples.waveforms(20, draws)
    x = examples.windows(known, 200, anomaly.SAMPLES, (1.8, 1.9), (50.0, 50.0), draws)
    power = np.sum(x.astype(float) ** 2, axis=(1, 2))
    quiet = power[100:].mean()
    assert np.mean(power[:100] - quiet) == pytest.approx(50.0**2, rel=0.12)
    assert power[:100].min() > power[100:].max()


# --- calibration lines


def fitted(gains, seed=3):
    n = len(gains)
    strain = Strain(seed)
    noise = np.array([strain.window(9.0 * k + calibration.WINDOW_S, calibration.WINDOW_S) for k in range(n)])
    white = whiten(noise + calibration.lines(noise.shape[-1], gains)).astype(np.float64)
    return np.einsum("nst,lkt->nslk", white, calibration.projection(calibration.table()))


def test_gains_are_found_without_bias_and_their_errors_hold():
    truth = calibration.draw_gains(60, 0.03, rng())
    gains, errors = calibration.gains(fitted(truth))
    away = (gains - truth) / errors
    pulls = np.concatenate([away.real.ravel(), away.imag.ravel()])  # 1440 of them
    assert abs(pulls.mean()) < 0.1
    assert np.mean(np.abs(pulls) < stats.t.ppf(0.975, calibration.DEGREES)) == pytest.approx(0.95, abs=0.02)
    assert np.median(errors) == pytest.approx(calibration.PRECISION, rel=0.1)


def test_lines_alone_give_their_gains_exactly_and_no_noise():
    truth = calibration.draw_gains(1, 0.1, rng())
    white = whiten(calibration.lines(round(calibration.WINDOW_S * RATE_HZ), truth)).astype(np.float64)
    gains, errors = calibration.gains(
        np.einsum("nst,lkt->nslk", white, calibration.projection(calibration.table()))
    )
    assert np.abs(gains - truth).max() < 1e-3
    assert errors.max() < 1e-4


# --- the plant and its witness model


def test_a_plant_follows_from_its_seed_and_glitches_as_often_as_its_causes_say():
    built = plant.build(100, rng())
    seen, again = (plant.observe(built, 40_000, rng(2)) for _ in range(2))
    assert (seen.loudness == again.loudness).all()
    assert seen.loudness.shape == (40_000, 100)
    expected, error = seen.chance.sum(), np.sqrt(np.sum(seen.chance * (1 - seen.chance)))
    assert abs(seen.glitch.sum() - expected) < 4 * error


def test_seconds_that_are_kept_stand_for_all():
    built = plant.build(100, rng())
    whole = plant.observe(built, 60_000, rng(2))
    kept = plant.observe(built, 60_000, rng(2), 0.1)
    assert len(kept.glitch) < 0.2 * len(whole.glitch)
    assert kept.glitch.sum() == whole.glitch.sum()
    assert kept.weight.sum() == pytest.approx(60_000, rel=0.05)


def test_a_plant_wants_whole_groups():
    with pytest.raises(ValueError, match="120 channels; wanted a multiple of 50"):
        plant.build(120, rng())
    assert plant.build(10, rng()).channels == 10


def test_any_group_alone_may_be_the_cause():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = noisy_or.network(200)
    loudness = torch.from_numpy(plant.observe(plant.build(200, rng()), 500, rng(2)).loudness)
    with torch.inference_mode():
        out = module(loudness).double()
    p, groups = torch.sigmoid(out[:, 0]), torch.exp(out[:, 1:])
    unseen = torch.sigmoid(module.unseen.detach().double())
    assert torch.allclose(1 - p, (1 - unseen) * (1 - groups).prod(1), atol=1e-5)


def test_a_channel_that_is_off_says_nothing():
    torch = pytest.importorskip("torch")
    module = noisy_or.network(100)
    quiet = torch.full((1, 100), 2.0)
    off = quiet.clone()
    off[0, 7] = 0.0
    assert torch.allclose(module(off), module(quiet), atol=1e-4)


# --- couplings and their subtraction


def test_a_perfect_linear_witness_leaves_the_floor_and_the_product_needs_more(monkeypatch):
    monkeypatch.setattr(coupling, "SENSOR", (0.0, 0.0, 0.0, 0.0))
    monkeypatch.setattr(coupling, "_PRODUCT", 0.0)
    seen = coupling.draw(300, 2048, rng())
    f = np.fft.rfftfreq(2048, 1 / coupling.SAMPLE_HZ)
    band = (f >= coupling.BAND_HZ[0]) & (f <= coupling.BAND_HZ[1])
    left = wiener.residual(seen.strain, seen.witnesses[:, :2].astype(float))[band]
    assert wiener.power(seen.strain)[band].mean() > 10
    assert left.mean() == pytest.approx(1.0, abs=0.03)


def test_no_linear_filter_removes_modulated_mains_but_their_product_does():
    seen = coupling.draw(400, 2048, rng())
    f = np.fft.rfftfreq(2048, 1 / coupling.SAMPLE_HZ)
    side = (np.abs(f - coupling.MAINS_HZ) > 0.4) & (np.abs(f - coupling.MAINS_HZ) < 2.0)
    linear, product = (wiener.residual(seen.strain, wiener.inputs(seen, p))[side].mean() for p in (False, True))
    assert linear > 20
    assert product < 1.3


def test_what_the_witnesses_do_not_see_passes_unchanged():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = cleaner.network().eval()
    seen = coupling.draw(2, 2048, rng())
    x = torch.from_numpy(np.concatenate([seen.strain[:, None], seen.witnesses], axis=1)).double()
    signal = torch.from_numpy(rng(2).standard_normal((2, 2048)))
    with torch.inference_mode():
        module = module.double()
        before = module(x)
        x[:, 0] += signal
        after = module(x)
    assert before.shape == (2, 2048 - 2 * cleaner.EDGE)
    assert torch.allclose(after - before, signal[:, cleaner.EDGE : -cleaner.EDGE], atol=1e-12)


# --- glitches, drawn freely, and real ones


@pytest.mark.parametrize("family", [*strange.VARIED, "unknown"])
def test_banks_of_strange_glitches_have_unit_loudness(family):
    shape = strange.unknown if family == "unknown" else strange.VARIED[family]
    rows = strange.bank(shape, 40, rng())
    power = np.sum(rows.astype(float) ** 2, axis=1)
    assert np.isfinite(rows).all()
    assert (power < 1.6).all()  # whitening starts below the band in which loudness counts
    assert np.median(power) > 0.85
    assert len(np.unique(power)) == 40


def wheel(tmp_path, content):
    path = tmp_path / "small.whl"
    with ZipFile(path, "w") as archive:
        archive.writestr(real_glitches.ASSET, content)
    return path


def test_the_wheel_is_read_as_arrays_and_nothing_else(tmp_path):
    noise = rng().standard_normal(14 * real_glitches.RATE_OF_ASSET_HZ)
    rows = {"h_input": [noise], "g_reconstructed": [noise[:10]], "snr": [np.float64(12.0)]}
    (glitch,) = real_glitches.read(wheel(tmp_path, pickle.dumps({"O3a": {"H1": {"Blip": rows}}}, protocol=3)))
    assert (glitch.family, glitch.origin, glitch.snr) == ("Blip", "O3a H1", 12.0)
    assert real_glitches.whitened(glitch).std() == pytest.approx(np.sqrt(880 / 1024), abs=0.06)
    with pytest.raises(pickle.UnpicklingError, match="is not an array of numbers"):
        list(real_glitches.read(wheel(tmp_path, pickle.dumps(print))))


def test_a_real_glitch_is_whitened_with_its_own_noise_and_lies_in_the_middle_of_the_searched_second():
    n, rate = 14 * real_glitches.RATE_OF_ASSET_HZ, real_glitches.RATE_OF_ASSET_HZ
    t = (np.arange(n) - n // 2) / rate
    coloured = 700 * np.cumsum(rng().standard_normal(n)) / 30
    burst = 3000 * np.exp(-0.5 * (t / 0.005) ** 2) * np.cos(2 * np.pi * 150 * t)
    made = real_glitches.Glitch(coloured + burst, "Blip", "test", 20.0)
    row = real_glitches.whitened(made)[0]
    assert row[:1500].std() == pytest.approx(np.sqrt(880 / 1024), rel=0.1)
    peak_s = np.abs(row).argmax() / RATE_HZ
    assert peak_s == pytest.approx(np.mean(real_glitches.CENTRE_S), abs=0.01)
    louder = real_glitches.whitened(replace(made, strain=coloured + 3 * burst))[0]
    assert np.abs(louder).max() > 2.5 * np.abs(row).max()  # the glitch is not whitened away
