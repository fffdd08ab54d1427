"""The shipped early-warning searches do what their cards say, on small samples; the benchmark has large ones."""

import json

import numpy as np
import pytest

from benchmarks.premerger import __main__ as command
from workloads import card, spec, waveform
from workloads.drift import Drift
from workloads.premerger import examples, quality, sources, window
from workloads.waveform import Binary

SEARCHES = command.SEARCHES


def quiet(done, text):
    """A progress nobody hears."""


@pytest.fixture(scope="module")
def programs():
    """Both searches."""
    return {name: spec.load(name) for name in SEARCHES}


@pytest.fixture(scope="module")
def noise():
    """Four units of noise."""
    return window.noise(4, np.random.default_rng(31))


def loud(binary, snr, ahead_s):
    return sources.strain(sources.spectrum(binary), waveform.draw_antenna(np.random.default_rng(32)), snr, ahead_s)


@pytest.mark.parametrize("name", SEARCHES)
def test_noise_is_not_warned_of(name, programs, noise):
    assert not programs[name](noise).warned.any()


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("factor", [0.5, 1.1, 4.0])
def test_the_score_does_not_hang_on_the_level_of_the_data(name, factor, programs, noise):
    units = noise[:2].copy()
    units[1] += loud(Binary(1.4, 1.4), 40.0, 60.0)
    usual, scaled = programs[name](units), programs[name](factor * units)
    np.testing.assert_allclose(scaled.score, usual.score, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(scaled.warned, usual.warned)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("drift", [Drift(level=0.5), Drift(colour=-0.2), Drift(lines=10.0), Drift(amplitude=0.3)])
def test_noise_that_has_drifted_is_not_warned_of(name, drift, programs):
    assert not programs[name](window.noise(2, np.random.default_rng(34), drift)).warned.any()


@pytest.mark.parametrize("name", SEARCHES)
def test_noise_that_becomes_louder_within_a_unit_is_what_a_search_does_not_stand(name, programs, noise):
    growing = noise[:2].copy()
    growing[..., growing.shape[-1] // 2 :] *= 1.5
    assert programs[name](growing).warned.all()
    assert any("becomes louder" in limit for limit in spec.get(name).limits)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize(("masses", "ahead_s"), [((1.4, 1.4), 60.0), ((8.0, 1.4), 30.0), ((10.0, 8.0), 10.0)])
def test_a_loud_inspiral_is_warned_of_with_its_time_and_chirp_mass(name, masses, ahead_s, programs, noise):
    out = programs[name](noise[:1] + loud(Binary(*masses), 80.0, ahead_s))
    assert out.warned[0]
    assert out.merger_in_s[0] == pytest.approx(ahead_s, abs=4.0)
    assert out.chirp_mass_msun[0] == pytest.approx(waveform.chirp_mass(*masses), rel=0.05)


@pytest.mark.parametrize("name", SEARCHES)
def test_what_is_below_the_band_is_not_warned_of(name, programs, noise):
    assert not programs[name](noise[:1] + loud(Binary(30.0, 30.0), 80.0, 300.0)).warned[0]


@pytest.mark.parametrize("name", SEARCHES)
def test_the_score_grows_with_snr_and_as_the_merger_comes_nearer(name, programs, noise):
    program, binary = programs[name], Binary(1.4, 1.3)
    by_snr = [program(noise[:1] + loud(binary, snr, 30.0)).score[0] for snr in (25.0, 40.0, 80.0)]
    assert by_snr == sorted(by_snr)
    by_time = [program(noise[:1] + loud(binary, 60.0, s)).score[0] for s in (300.0, 60.0, 10.0)]
    assert by_time == sorted(by_time)


def test_a_small_judgement_counts_every_class_and_says_from_which_snr_half_are_warned_of(programs, monkeypatch):
    monkeypatch.setattr(examples, "AHEAD_S", (60.0,))
    monkeypatch.setattr(examples, "SNR", (12.0, 20.0, 80.0))
    judged = quality.judge(programs["early-warning"], 0.0, 33, quiet)
    assert set(judged.figures["warned"]) == set(sources.CLASSES)
    for rows in judged.figures["warned"].values():
        counts = [count for count, *_ in rows["60"].values()]
        assert counts == sorted(counts)
        assert all(n == 3 for _, n, *_ in rows["60"].values())
    bns = judged.figures["warned"]["bns"]["60"]
    assert bns["12"][0] < bns["80"][0] == 3
    assert 12 <= judged.figures["snr_half_warned"]["bns"]["60"] <= 80
    assert f"of bns of SNR 20, {bns['20'][0]} of 3 60 s ahead" in judged.headline


def test_the_benchmark_is_of_the_shipped_weights_and_says_how_far_ahead():
    results = json.loads(command.RESULTS.read_text())
    assert results["weights_sha256"] == {name: card.read(name)["weights_sha256"] for name in SEARCHES}
    noise = results["noise"]["found"]
    for name in SEARCHES:
        count, units, low, high = noise["rates"][name]
        assert units >= 500
        assert low <= quality.FALSE_ALARM <= high, f"{name}: {count} of {units}"
        for cls in sources.CLASSES:
            rows = results[cls]["found"][name]["warned"]
            assert [float(s) for s in rows] == list(examples.asked(cls))
    for ahead, cells in results["bns"]["found"]["early-warning-filter"]["warned"].items():
        assert cells["80"][0] > 0.9 * cells["80"][1], ahead


def test_a_part_replaces_its_own_figures_only(tmp_path):
    out = tmp_path / "premerger.json"
    command.main(["window", "--out", str(out)])
    results = json.loads(out.read_text())
    assert set(results) == {"weights_sha256", "window"}
    bns = results["window"]["found"]["bns"]
    assert 0.8 < bns["10"]["in_window"] / bns["10"]["gathered"] < 1.0
    results["weights_sha256"] = "of another training"
    out.write_text(json.dumps(results | {"bns": 1}))
    command.main(["window", "--out", str(out)])
    assert "bns" not in json.loads(out.read_text())
    with pytest.raises(SystemExit):
        command.main(["nothing", "--out", str(out)])
