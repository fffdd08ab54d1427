"""The shipped estimators and what follows from them: near the exact posterior, and judged on known sources."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from benchmarks.inference import calibrated, command, cost, sampled
from benchmarks.inference.kept import Kept
from workloads import card, spec
from workloads.inference import amplitudes, calibration, posteriors, prior, sampler, skymap, sources
from workloads.models import npe_importance


def silent(done, text):
    pass


@pytest.fixture(scope="module")
def flow():
    return spec.load("npe").network


def test_the_shipped_flow_is_near_the_posterior(flow):
    found = calibration.trials(flow, 16, 3, silent)
    assert np.median([t.efficiency for t in found]) > 0.2
    assert np.mean([t.gain - t.shortfall for t in found]) > 8  # nats over the prior
    wide = prior.draw(4000, np.random.default_rng(1)).std(axis=0)
    sharp = np.median([t.width for t in found], axis=0) / wide
    assert sharp[0] < 0.15
    assert sharp[4] < 0.15


def test_weighting_is_part_of_the_program():
    units = spec.get("npe").units(2, 5)
    plain, weighted = (spec.load(name)(units) for name in ("npe", "npe-importance"))
    assert np.allclose(plain.chirp_mass_msun, weighted.chirp_mass_msun)
    assert weighted.weight.sum(axis=1) == pytest.approx([1.0, 1.0])
    effective = 1 / np.sum(weighted.weight**2, axis=1) / weighted.weight.shape[1]
    assert weighted.efficiency == pytest.approx(effective)
    assert (weighted.log_evidence > 0.3 * weighted.trigger_snr**2).all()


def test_weighting_refuses_a_flow_it_was_not_made_for():
    with pytest.raises(card.WeightsError, match=r"made for npe 0000.*Run 'ettwin train npe-importance'"):
        npe_importance.WORKLOAD.in_numpy({"npe_sha256": np.zeros(32, np.uint8)})
    made_for = bytes(np.asarray(spec_weights("npe-importance")["npe_sha256"])).hex()
    assert made_for == card.read("npe")["weights_sha256"]


def spec_weights(name):
    from workloads import runtime

    return runtime.stored(spec.get(name))


def test_the_sampler_finds_the_evidence_that_weighting_finds():
    units = spec.get("npe").units(2, 5)
    weighted = spec.load("npe-importance")(units)
    brisk = spec.brisk(spec.load("likelihood-sampler"))
    found = brisk(units)
    assert found.chirp_mass_msun.shape == (2, 1024)
    apart = np.abs(found.log_evidence - weighted.log_evidence)
    assert (apart < 4 * found.log_evidence_error).all()
    assert (found.log_evidence_error < 1.5).all()
    middle = np.sum(weighted.weight * weighted.chirp_mass_msun, axis=1)
    assert np.median(found.chirp_mass_msun, axis=1) == pytest.approx(middle, rel=0.1)
    assert (found.likelihoods > 200).all()
    more = replace(brisk, network=brisk.workload.in_numpy({"live_points": np.array([24])}))(units[:1])
    assert more.likelihoods[0] > found.likelihoods[0]
    assert more.log_evidence_error[0] < found.log_evidence_error[0]


def test_the_sampler_is_judged_beside_the_weighted_flow():
    program = spec.brisk(spec.load("likelihood-sampler"))
    quality = program.workload.judge(program, 3 / 40, 10, silent)
    figures = json.loads(json.dumps(quality.figures))
    assert figures == quality.figures
    assert figures["n"] == 3
    assert 0 < figures["log_evidence_over_npe_importance"]["rms_sigma"] < 4
    low, middle, high = figures["likelihoods"]["quantiles"].values()
    assert 200 < low <= middle <= high
    assert "(n=3)" in quality.headline


def test_sources_are_as_loud_as_they_are_said_to_be():
    snr = np.array([9.0, 40.0])
    made = sources.draw(2, np.random.default_rng(6), snr)
    assert np.linalg.norm(made.amplitude, axis=1) == pytest.approx(snr)
    overhead = np.linalg.norm(amplitudes.response(*map(np.asarray, (1.0, 1.0, 0.3))))
    assert overhead == pytest.approx(1.5)
    assert (made.snr <= overhead * made.face_on_snr / made.distance_gpc).all()  # none is heard better
    event, one = sources.simulated(np.random.default_rng(7), 30.0)
    assert one.snr == pytest.approx([30.0])
    assert float(event.frame.snr) == pytest.approx(30.0, abs=4.0)


def test_sources_of_a_posterior_lie_in_its_sky_map():
    units, truth = posteriors.simulated(6, 8)
    maps = spec.load("sky-map")(units)
    assert (maps.area_50_deg2 < maps.area_90_deg2).all()
    assert (maps.area_90_deg2 < 0.9 * skymap.SQUARE_DEGREES).all()
    found = [
        skymap.searched(*one) for one in zip(maps.density_per_sr, truth.cos_theta, truth.azimuth, strict=True)
    ]
    probability, area = np.array(found).T
    assert np.median(probability) < 0.9
    assert (area <= skymap.SQUARE_DEGREES).all()


def test_classes_are_probabilities_and_follow_the_masses():
    units, _ = posteriors.simulated(4, 9)
    units[0, :, 5] = np.log(60.0)
    units[0, :, 6] = -0.1
    result = spec.load("source-classes")(units)
    assert result.classes.sum(axis=1) == pytest.approx(np.ones(4))
    assert result.classes[0].argmax() == 3  # binary black holes
    assert (result.has_ns <= result.classes[:, :2].sum(axis=1) + 1e-9).all()
    assert (result.has_remnant <= result.has_ns + 1e-9).all()
    assert ((result.p_astro > 0) & (result.p_astro <= 1)).all()


@pytest.mark.parametrize("name", ["sky-map", "source-classes"])
def test_what_follows_from_posteriors_is_judged(name):
    quality = spec.get(name).judge(spec.load(name), 8 / 1000, 10, silent)
    assert quality.figures["n"] == 8
    assert json.loads(json.dumps(quality.figures)) == quality.figures
    assert "n=8" in quality.headline


# --- the benchmark


def test_an_interrupted_measurement_goes_on_and_another_one_begins_anew(tmp_path):
    path, asked = tmp_path / "x.partial", []

    def measure(i):
        asked.append(i)
        if len(asked) == 13:
            raise KeyboardInterrupt
        return {"i": i}

    with pytest.raises(KeyboardInterrupt):
        Kept(path, {"effort": 1.0}).rows(20, measure)
    assert [r["i"] for r in Kept(path, {"effort": 1.0}).rows(20, measure)] == list(range(20))
    assert asked == [*range(13), *range(10, 20)]
    assert len(Kept(path, {"effort": 0.5}).rows(2, lambda i: {"i": -i})) == 2
    Kept(path, {}).forget()
    assert not path.exists()


def test_the_benchmark_writes_every_part_that_is_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cost, "DURATIONS_S", (4.0,))
    monkeypatch.setattr(cost, "_TRIES", 1)
    monkeypatch.setattr(cost, "_UNITS", 1)
    monkeypatch.setattr(sampled, "SNRS", (10.0,))
    monkeypatch.setattr(sampled, "MASSES_MSUN", {"heavy": (30.0, 70.0)})
    monkeypatch.setattr(sampler, "LIVE_POINTS", 40)
    monkeypatch.setattr(calibrated, "_EVENTS", 8)
    out = tmp_path / "found.json"
    out.write_text('{"other": 1}')
    command.main(["cost", "beside-sampler", "calibration", "--effort", "0.4", "--out", str(out)])
    found = json.loads(out.read_text())
    assert set(found) == {"other", "cost", "beside-sampler", "calibration"}
    assert list(tmp_path.iterdir()) == [out]
    full, alone, many = found["cost"]["found"]["likelihood"]
    assert full["points"] > alone["points"] == many["points"]
    assert min(row["cpu_ms"] for row in (full, alone, many)) > 0
    beside = found["beside-sampler"]["found"]
    assert beside["all"]["n"] == 1
    assert beside["all"]["likelihoods_median"] > 500
    assert beside["all"]["sampler_over_npe_median"] > 1
    calibrated_on = found["calibration"]["found"]
    assert calibrated_on["n"] == 8
    assert 0 < calibrated_on["flow"]["largest_ks"] <= 1
    with pytest.raises(SystemExit):
        command.main(["nothing"])
    assert "no part nothing; known: cost, beside-sampler" in capsys.readouterr().err
