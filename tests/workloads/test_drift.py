"""Drifted data are what was asked for, and their effect on a real model is measured, not told."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import welch

from workloads import ageing, card, decisions, drift, measure, profile, psd, spec, waveform
from workloads.dataquality import coupling, plant
from workloads.drift import LINES_HZ, NONE, Drift
from workloads.inference import amplitudes, trigger
from workloads.premerger import window
from workloads.profile import Drifted, Figure
from workloads.sky import CLASSES
from workloads.spec import RATE_HZ, STREAMS
from workloads.strain import Injection, Strain


def spectrum(strain):
    f, found = welch(strain.window(300.0, 256.0), RATE_HZ, nperseg=RATE_HZ)
    return f, found


def test_no_drift_changes_nothing():
    events = [Injection(40.0, "bbh", 20.0, -1, 1), Injection(43.0, "blip", 20.0, 1, 2)]
    plain, undrifted = (Strain(5, events, *given).window(45.0, 8.0) for given in ((), (NONE,)))
    assert (plain == undrifted).all()


@pytest.mark.parametrize("change", [Drift(level=0.5), Drift(level=-0.2), Drift(colour=0.3), Drift(amplitude=0.1)])
def test_noise_has_drifted_by_what_was_asked_for(change):
    f, found = spectrum(Strain(6, (), change))
    factor = (1 + change.level) * (np.maximum(f, 5) / drift.PIVOT_HZ) ** change.colour
    wanted = psd.load().at(f) * factor**2
    for low, high in ((12, 20), (20, 50), (50, 200), (200, 900)):
        band = (f >= low) & (f < high)
        for stream, sign in enumerate(drift.PATTERN):
            gain = (1 + sign * change.amplitude) ** 2
            assert (found[stream, band] / wanted[band]).mean() == pytest.approx(gain, rel=0.08)


def test_lines_have_the_power_asked_for_in_one_hertz():
    f, found = spectrum(Strain(6, (), Drift(lines=10.0)))
    for line in LINES_HZ:
        within = np.abs(f - line) < 2.5
        power = found[:, within].sum(axis=1) * (f[1] - f[0])
        noise = psd.load().at(np.array([line]))[0]
        assert power == pytest.approx((10.0**2 + within.sum()) * noise, rel=0.15)


def test_lines_go_on_from_window_to_window():
    strain, quiet = (Strain(6, (), change) for change in (Drift(lines=1e3), NONE))
    long, short = (strain.window(20.0, d) - quiet.window(20.0, d) for d in (4.0, 1.0))
    assert np.allclose(long[:, -short.shape[1] :], short, atol=1e-9 * np.abs(short).max())


@pytest.mark.parametrize("change", [Drift(level=0.5), Drift(colour=-0.3)])
@pytest.mark.parametrize("cls", ["bbh", "blip", "unknown"])
def test_an_injection_has_its_snr_in_the_noise_as_it_is(cls, change):
    detector = -1 if cls == "bbh" else 1
    loud, quiet = (Strain(9, events, change) for events in ([Injection(60.3, cls, 20.0, detector, 1)], ()))
    added = loud.window(64.0, 24.0) - quiet.window(64.0, 24.0)
    snr = waveform.optimal_snr(np.fft.rfft(added) / RATE_HZ, change.curve(psd.load()), 24.0)
    assert np.linalg.norm(snr) == pytest.approx(20.0, rel=0.02)


def test_a_miscalibrated_signal_leaks_into_the_null_stream():
    def heard(change):
        loud, quiet = (Strain(9, e, change) for e in ([Injection(60.3, "bbh", 20.0, -1, 1)], ()))
        return loud.window(61.0, 4.0) - quiet.window(61.0, 4.0)

    true, phased, scaled = (heard(c) for c in (NONE, Drift(phase_rad=0.3), Drift(amplitude=0.2)))
    assert np.abs(true.sum(axis=0)).max() < 1e-9 * np.abs(true).max()
    assert scaled == pytest.approx(true * np.array([[1.2], [1.0], [0.8]]))
    assert np.abs(phased.sum(axis=0)).max() > 0.05 * np.abs(true).max()
    assert np.linalg.norm(phased) == pytest.approx(np.linalg.norm(true), rel=1e-3)


def test_glitches_come_at_the_rate_asked_for_wherever_one_looks():
    strain = Strain(4, (), Drift(glitches_per_s=0.2))
    count = sum(len(strain._draw_beside(second)) for second in range(2000))
    assert count == pytest.approx(0.2 * STREAMS * 2000, rel=0.1)
    long, short = strain.window(90.0, 60.0), strain.window(90.0, 7.0)
    assert np.allclose(long[:, -short.shape[1] :], short, atol=1e-9 * np.abs(short).max())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("leve=1", r"'leve=1' is not one of level, colour, .* each once, as name=number"),
        ("level=1,level=2", "each once"),
        ("level=much", r"'much' is no number; write level=0\.1"),
        ("level=-1", r"level=-1; allowed: -0\.9 to 9"),
        ("lines=nan", "lines=nan; allowed: 0 to 1000"),
    ],
)
def test_an_impossible_drift_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        drift.parse(text)


@pytest.mark.parametrize("change", drift.LADDER, ids=str)
def test_a_drift_is_written_as_it_is_read(change):
    assert drift.parse("" if change == NONE else str(change)) == change


@pytest.fixture(scope="module")
def aged():
    ladder = (NONE, Drift(lines=10.0))
    return ageing.ageing(spec.load("glitch-classifier"), 200, 4, 77, lambda done, text: None, ladder)


def test_ageing_without_drift_is_what_the_decisions_are(aged):
    found = decisions.decisions(spec.load("glitch-classifier"), 4, 4, 77, lambda done, text: None)
    assert {cls: found.classes[cls] for cls in CLASSES} == aged[0].classes
    assert aged[0].drift == {}
    for claimed, raised in zip(aged[0].claimed, aged[0].raised, strict=True):
        assert raised <= 200 * claimed + 4 * np.sqrt(200 * claimed) + 1


def test_new_lines_break_the_classifier(aged):
    assert aged[1].drift == {"lines": 10.0}
    assert aged[1].noise["count"] > 100 > 10 > aged[0].noise["count"]


def test_a_profile_keeps_its_ageing(aged, tmp_path):
    shipped = next(profile.SHIPPED.glob("*/glitch-classifier-onnxruntime.json"))
    given = profile.load(shipped)
    path = replace(given, ageing=aged, hardware="x").save(tmp_path)
    assert profile.load(path).ageing == aged


# --- workloads that are judged by something else than decisions

DRIFTING = [n for n in spec.names() if hasattr(spec.get(n), "drifts")]


@pytest.mark.parametrize("name", DRIFTING)
def test_a_judged_workload_says_the_same_figures_at_every_drift(name):
    program = spec.load(name)
    drifts = program.workload.drifts
    assert drifts[0] == {}
    assert all(len(d) == 1 for d in drifts[1:])
    some = [
        program.workload.judge_drifted(program, d, 1e-4, 5, lambda done, text: None)
        for d in (drifts[0], drifts[-1])
    ]
    assert list(some[0]) == list(some[1])
    for figure in (*some[0].values(), *some[1].values()):
        assert figure.low <= figure.value <= figure.high
        assert figure.n > 0


@pytest.mark.parametrize("name", DRIFTING)
def test_a_shipped_profile_holds_the_figures_of_every_drift(name):
    workload = spec.get(name)
    shipped = [profile.load(p) for p in profile.SHIPPED.glob(f"epyc-core/{name}-{workload.runtimes[0]}.json")]
    assert shipped[0].passport["weights_sha256"] == card.read(name)["weights_sha256"]
    assert [d.drift for d in shipped[0].drifted] == list(workload.drifts)


DECIDING = [n for n in spec.names() if spec.get(n).outcome is not None and n != "matched-filter"]
"""What drift does to the full bank of templates has not been measured."""


@pytest.mark.parametrize("name", DECIDING)
def test_what_decides_on_data_has_been_tried_at_every_drift(name):
    shipped = profile.load(profile.SHIPPED / "epyc-core" / f"{name}-{spec.get(name).runtimes[0]}.json")
    assert shipped.passport["weights_sha256"] == card.read(name)["weights_sha256"]
    assert [a.drift for a in shipped.ageing] == [d.amounts for d in drift.LADDER]


def test_a_profile_keeps_figures_on_drifted_data(tmp_path):
    given = profile.load(next(profile.SHIPPED.glob("*/witness-onnxruntime.json")))
    drifted = (
        Drifted({}, {"found": Figure(0.5, 0.4, 0.6, 10)}),
        Drifted({"rate": 1.0}, {"found": Figure(1, 1, 1, 2)}),
    )
    assert profile.load(replace(given, drifted=drifted, hardware="x").save(tmp_path)).drifted == drifted


def test_shares_and_means_have_their_intervals():
    assert ageing.share(5, 10) == Figure(0.5, *decisions.interval(5, 10), 10)
    x = np.random.default_rng(1).normal(3.0, 2.0, 400)
    found = ageing.mean(x)
    assert (found.value, found.n) == (pytest.approx(x.mean()), 400)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * 2.0 / 20, rel=0.1)


@pytest.mark.parametrize(
    ("change", "ratio"), [(Drift(level=0.5), 2.25), (Drift(colour=0.5), 0.4), (Drift(amplitude=0.2), 1.02667)]
)
def test_long_windows_of_noise_drift_as_asked_for(change, ratio):
    quiet, drifted = (window.noise(1, np.random.default_rng(3), c) for c in (NONE, change))
    f, before = welch(quiet[0], window.RATE_HZ, nperseg=1024)
    after = welch(drifted[0], window.RATE_HZ, nperseg=1024)[1]
    near = (f > 36) & (f < 44)
    assert (after / before)[:, near].mean() == pytest.approx(ratio, rel=0.05)


def test_couplings_drift_as_asked_for():
    def drawn(**change):
        return coupling.draw(4, 2048, np.random.default_rng(2), coupling.Change(**change))

    same, louder, noisy, higher = drawn(), drawn(coupling=0.5), drawn(sensors=9.0), drawn(resonance=0.1)
    assert louder.coupled == pytest.approx(1.5 * same.coupled, rel=1e-5)
    assert (noisy.strain == same.strain).all()
    assert np.std(noisy.witnesses - same.witnesses, axis=(0, 2)) == pytest.approx(
        9 * np.array(coupling.SENSOR), rel=0.05
    )
    assert higher.coupled.std() == pytest.approx(same.coupled.std(), rel=0.2)
    assert np.corrcoef(higher.coupled.ravel(), same.coupled.ravel())[0, 1] < 0.8


def test_a_plant_drifts_as_asked_for():
    built = plant.build(1000, np.random.default_rng(1))

    def after(**change):
        return plant.changed(built, plant.Change(**change), np.random.default_rng(2))

    assert after(new=3.0)[0].couples.sum() == built.couples.sum() + 3
    assert after(dead=0.3)[1].mean() == pytest.approx(0.7, abs=0.05)
    busy = after(rate=1.0)[0].rate_hz / built.rate_hz
    assert busy[built.couples] == pytest.approx(2.0)
    assert busy[~built.couples] == pytest.approx(1.0)
    assert after(gain=-0.5)[0].gain == pytest.approx(built.gain / 2)
    assert after(half=0.5)[0].half == pytest.approx(1.5 * built.half)


def test_measuring_with_drift_fills_the_profile_and_without_keeps_it(tmp_path, monkeypatch):
    workload = spec.get("noise-subtraction")
    found = {"left": Figure(1.0, 0.9, 1.1, 7)}
    monkeypatch.setattr(workload, "judge", lambda *asked: spec.Quality("well", {}), raising=False)
    monkeypatch.setattr(workload, "judge_drifted", lambda *asked: found, raising=False)
    for asked in (True, False):
        monkeypatch.setattr(workload, "drifts", ({}, {"coupling": 0.1}) if asked else (), raising=False)
        request = measure.Request("noise-subtraction", "epyc-core", ("torch",), drift=asked)
        [path] = measure.judge_again(request, tmp_path, "2026-01-02")
        drifted = profile.load(path).drifted
        assert drifted == (Drifted({}, found), Drifted({"coupling": 0.1}, found))


@pytest.mark.parametrize(
    ("change", "power"),
    [(NONE, 2.0), (Drift(level=0.5), 4.5), (Drift(amplitude=0.2), 2.0 * (1.44 + 1.0 + 0.64) / 3)],
)
def test_an_estimators_noise_drifts_as_asked_for(change, power):
    theta, silence = np.array([3.0, -0.2, 0.0, 0.0, 0.0]), np.zeros(2, complex)
    rng = np.random.default_rng(4)
    noise = np.array([trigger.simulated(theta, silence, rng, change) for _ in range(20)])
    assert np.mean(np.abs(noise) ** 2) == pytest.approx(power, rel=0.02)


def test_a_miscalibrated_signal_keeps_less_of_its_amplitude_in_the_signal_channels():
    theta, amplitude = np.array([3.0, -0.2, 0.0, 0.0, 0.0]), np.array([30.0 + 5.0j, -20.0j])

    def heard(change):
        loud, quiet = (
            trigger.simulated(theta, a, np.random.default_rng(4), change) for a in (amplitude, 0 * amplitude)
        )
        return np.linalg.norm(loud - quiet, axis=1)

    assert amplitudes.circular(amplitudes.streams(amplitude)) == pytest.approx(amplitude)
    assert heard(NONE) == pytest.approx(np.abs(amplitude))
    whole, part = (np.linalg.norm(heard(c)) for c in (Drift(level=1.0), Drift(phase_rad=0.5)))
    assert whole == pytest.approx(np.linalg.norm(amplitude))
    assert 0.8 * whole < part < whole
