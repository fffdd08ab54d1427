"""Drifted data are what was asked for, and their effect on a real model is measured, not told."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import welch

from workloads import ageing, decisions, drift, profile, psd, spec, waveform
from workloads.drift import LINES_HZ, NONE, Drift
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
