"""The shipped data-quality workloads do what their cards promise, on small samples. Benchmarks have large ones."""

import json

import numpy as np
import pytest

from benchmarks.dataquality import __main__ as command
from benchmarks.dataquality import windows
from workloads import decisions, runtime, spec
from workloads.dataquality import calibration, plant
from workloads.models import witness
from workloads.models.calibration_check import AMPLITUDE_BOUND
from workloads.sky import GLITCHES
from workloads.spec import STREAMS
from workloads.strain import Strain


def quiet(done, text):
    """A progress nobody hears."""


def rng(seed=1):
    return np.random.default_rng(seed)


def test_the_anomaly_detector_spares_signals_however_loud():
    snr = np.geomspace(8.0, 100.0, 60)
    assert not decisions.event_outputs(spec.load("anomaly-detector"), "bbh", snr, 17).outcome.any()


@pytest.mark.parametrize("family", GLITCHES)
def test_the_anomaly_detector_flags_loud_glitches_of_families_it_never_saw(family):
    out = decisions.event_outputs(spec.load("anomaly-detector"), family, np.full(12, 60.0), 18)
    assert out.outcome.mean() > 0.8


def test_the_null_stream_finds_what_is_alike_in_all_streams_and_spares_bursts_that_cancel():
    program = spec.load("anomaly-detector")
    incoherence = {
        "site": program.network(windows.in_all_streams(np.full(20, 25.0), rng()))[:, 0],
        "burst": program.network(windows.signals("sine-Gaussian", np.full(20, 25.0), rng()))[:, 0],
    }
    assert (incoherence["site"] > program.threshold).all()
    assert not (incoherence["burst"] > program.threshold).any()


def drifted(error, loudness=1.0):
    """Strain of eight units in noise of that loudness, the gain of one stream at one line wrong by `error`."""
    gains = np.ones((8, STREAMS, len(calibration.LINES_HZ)), complex)
    gains[:, 1, 2] *= error
    strain = Strain(21)
    noise = [strain.window(20.0 * k + calibration.WINDOW_S, calibration.WINDOW_S) for k in range(8)]
    return loudness * np.array(noise) + calibration.lines(noise[0].shape[-1], gains)


def test_the_calibration_check_flags_drift_and_says_where_and_how_much():
    program = spec.load("calibration-check")
    assert not program(drifted(1.0)).flagged.any()
    assert not program(drifted(1.0 + 0.5 * AMPLITUDE_BOUND)).flagged.any()
    wrong = program(drifted(1.1))
    assert wrong.flagged.all()
    assert wrong.amplitude[:, 1, 2] == pytest.approx(np.full(8, 0.1), abs=0.015)
    assert program(drifted(np.exp(0.15j))).phase_rad[:, 1, 2] == pytest.approx(np.full(8, 0.15), abs=0.015)


def test_the_calibration_check_is_less_sure_in_louder_noise():
    program = spec.load("calibration-check")
    usual, loud = program(drifted(1.0)), program(drifted(1.0, loudness=4.0))
    assert np.median(loud.error) == pytest.approx(4 * np.median(usual.error), rel=0.01)


def test_a_witness_that_says_a_probability_means_it():
    quality = spec.get("witness").judge(spec.load("witness"), 0.1, 23, quiet)
    rows = [r for r in quality.figures["reliability"] if r["n"] >= 50]
    assert len(rows) >= 6
    for row in rows:
        assert row["low"] / 1.4 <= row["said"] <= row["high"] * 1.4
    expected = sum(r["said"] * r["n"] for r in quality.figures["reliability"])
    assert expected == pytest.approx(quality.figures["glitches"], rel=0.1)
    known, oracle = quality.figures["log_loss"], quality.figures["log_loss_knowing_causes"]
    assert oracle < known < 1.25 * oracle


def test_a_witness_blames_a_subsystem_that_couples():
    built = plant.build(witness.CHANNELS, np.random.default_rng(witness.PLANT_SEED))
    seen = plant.observe(built, 20_000, rng(29))
    result = spec.load("witness")(seen.loudness.astype(np.float64))
    sure = result.probability > 0.5
    assert sure.sum() > 50
    assert built.couples[result.group[sure]].mean() > 0.95


def test_the_subtraction_comes_near_the_best_filter_and_keeps_signals():
    figures = spec.get("noise-subtraction").judge(spec.load("noise-subtraction"), 0.1, 31, quiet).figures
    left = {name: row["mean"] for name, row in figures["asd_over_floor"].items()}
    assert left["raw"] > 4
    assert left["network"] < 1.03 * left["wiener_with_product"] < left["wiener"]
    assert figures["signal_snr"]["mean"] == pytest.approx(1.0, abs=2.5 * figures["signal_snr"]["ci95"])


def test_the_command_writes_each_part_beside_the_others(tmp_path, monkeypatch, capsys):
    out = tmp_path / "figures.json"
    out.write_text('{"other": 1}')
    arguments = ["x", "anomalies", "calibration", "--effort", "0.002", "--out", str(out)]
    monkeypatch.setattr("sys.argv", arguments)
    monkeypatch.setattr(command.anomalies, "_USUAL", 100)
    monkeypatch.setattr(command.anomalies, "GLITCH_SNR", (48.0,))
    monkeypatch.setattr(command.anomalies, "MISCALIBRATED", {"5 %, 5 deg": 0.05})
    monkeypatch.setattr(windows, "FAMILIES", ("tomte",))
    monkeypatch.setattr(windows, "KINDS", {k: windows.KINDS[k] for k in ("bbh", "sine-Gaussian")})
    command.main()
    written = json.loads(out.read_text())
    assert set(written) == {"other", "anomalies", "calibration"}
    found = written["anomalies"]["found"]
    assert set(found["glitches"]) == {"tomte", "blip in all streams"}
    count, n, low, high = found["glitches"]["tomte"]["48"]["detector"]
    assert n == 20
    assert count >= 18
    assert low <= count / n <= high
    assert "anomalies: " in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["x", "real-glitches"])
    with pytest.raises(SystemExit):
        command.main()


@pytest.mark.parametrize("name", [r for r in spec.get("witness").runtimes if runtime.installed(r)])
def test_a_loud_channel_that_speaks_against_a_glitch_is_no_infinity_to_the_witness(name):
    channels = spec.get("witness").unit.shape[0]
    seconds = np.full((channels, channels), 3.5)
    seconds[np.diag_indices(channels)] = 500.0
    assert np.isfinite(spec.load("witness", name)(seconds).probability).all()
