"""Two L-shaped detectors far apart: their strain, the matched filter on it, and what is refused there."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import welch

from workloads import decisions, detectors, profile, psd, runtime, spec, twosites, waveform
from workloads.cosmos.network import LAYOUTS, responses
from workloads.detectors import TRIANGLE, TWO_L
from workloads.models.matched_filter import SERIES_HZ
from workloads.spec import RATE_HZ
from workloads.strain import Injection, Strain

MADE_FOR_THREE = [n for n in spec.names() if spec.streams(spec.get(n)) == 3 and n != "matched-filter"]


def added(injection, seed=4):
    loud, quiet = (Strain(seed, events, detectors=TWO_L).window(64.0, 24.0) for events in ([injection], ()))
    return loud - quiet


def test_a_binary_reaches_one_site_before_the_other():
    rng = np.random.default_rng(2)
    drawn = [TWO_L.draw(rng) for _ in range(400)]
    apart_s = np.array([later[1] - later[0] for _, later in drawn])
    assert TWO_L.travel_s == pytest.approx(1.17e6 / 3e8, rel=0.02)
    assert np.abs(apart_s).max() <= TWO_L.travel_s
    assert np.abs(apart_s).max() > 0.95 * TWO_L.travel_s
    assert sum(later.sum() for _, later in drawn) == pytest.approx(0.0, abs=1e-9)
    power = np.mean([np.abs(factor) ** 2 for factor, _ in drawn], axis=0)
    u = np.random.default_rng(3).random((4, 20_000))
    wanted = responses(LAYOUTS["2l"], 2 * u[0] - 1, 2 * np.pi * u[1], np.pi * u[2], 2 * u[3] - 1).mean(axis=0)
    assert power == pytest.approx(wanted, rel=0.15)


def test_their_strain_has_two_streams_of_their_own_curve():
    strain = Strain(6, (), detectors=TWO_L).window(300.0, 256.0)
    f, found = welch(strain, RATE_HZ, nperseg=RATE_HZ)
    assert strain.shape[0] == 2
    band = (f > 30) & (f < 300)
    assert (found[:, band] / psd.load(TWO_L.curve).at(f[band])).mean(axis=1) == pytest.approx(1.0, rel=0.08)
    assert (found[:, band] / psd.load().at(f[band])).mean() < 0.7


def test_an_injection_has_its_snr_over_both():
    wave = added(Injection(60.3, "bbh", 20.0, -1, 1))
    snr = waveform.optimal_snr(np.fft.rfft(wave) / RATE_HZ, psd.load(TWO_L.curve), 24.0)
    assert np.linalg.norm(snr) == pytest.approx(20.0, rel=0.02)
    glitch = added(Injection(60.3, "blip", 20.0, 1, 1))
    assert (glitch[0] == 0.0).all()


def test_drift_and_other_networks_are_refused():
    from workloads.drift import Drift

    with pytest.raises(ValueError, match="drift is that of a triangle's streams"):
        Strain(1, (), Drift(level=0.1), TWO_L)
    with pytest.raises(ValueError, match="no strain of 4 streams can be made: there are 3 of a triangle, and 2"):
        detectors.of(4)
    with pytest.raises(ValueError, match=r"'blip' in detector 2; allowed: \[0, 1\]"):
        Strain(1, [Injection(1.0, "blip", 9.0, 2, 1)], detectors=TWO_L)


def filtering(bank):
    """The filter of two sites with another bank."""
    import torch

    program = spec.load("matched-filter", "torch", streams=2)
    module = program.workload.module()
    module.load_state_dict({"bank": torch.from_numpy(np.ascontiguousarray(bank))})
    return replace(program, network=runtime.torch_network(module.eval(), 1))


@pytest.fixture(scope="module")
def few():
    """With a hundredth of its own."""
    return filtering(runtime.stored(spec.get("matched-filter"))["bank"][::100])


def test_noise_gives_unit_channels_and_a_loud_signal_is_found_at_any_delay(few):
    assert few.threshold == np.inf
    assert decisions.detectors(few) is TWO_L
    quiet = decisions.noise_outputs(few, 24, 3).score
    assert 3.0 < np.median(quiet) < 6.0
    loud = decisions.event_outputs(few, "bbh", np.full(12, 40.0), 5)
    assert loud.score.min() > 1.5 * quiet.max()


def test_a_template_of_the_very_binary_hears_all_of_its_snr():
    binary = waveform.draw_binary(np.random.default_rng([4, 1]))
    spin = (binary.mass_1_msun * binary.spin_1 + binary.mass_2_msun * binary.spin_2) / (
        binary.mass_1_msun + binary.mass_2_msun
    )
    program = filtering(np.array([[binary.mass_1_msun, binary.mass_2_msun, spin]]))
    strain = Strain(4, [Injection(60.3, "bbh", 40.0, -1, 1)], detectors=TWO_L)
    out = program(decisions.window(program, strain, 60.0)[None])
    assert out.score[0] == pytest.approx(40.0, abs=4.0)
    assert out.time_offset_s[0] == pytest.approx(0.3, abs=0.01)


def test_the_sum_allows_for_the_travel_of_light():
    """One template, the second stream a few milliseconds late: all of its power is there, and none beyond."""
    import torch

    rng = np.random.default_rng(1)
    n, template = 8192, np.zeros((1, 1, 2048), np.complex64)
    template[0, 0, 100:1000] = 1.0
    pulse = np.fft.irfft(np.pad(np.conj(template[0, 0]), (0, n // 2 + 1 - 2048)), n).astype(np.float32)
    middle = int(n - 0.5 * RATE_HZ)

    def score(late):
        row = np.stack([np.roll(pulse, middle), np.roll(pulse, middle + late)])
        row += 1e-6 * rng.standard_normal((2, n))
        found = twosites.loudest(torch.from_numpy(row.astype(np.float32)), torch.from_numpy(template))
        return float(found[0])

    step = RATE_HZ // SERIES_HZ
    together, within, beyond = (score(step * k) for k in (0, twosites.LAGS, 4 * twosites.LAGS))
    assert within == pytest.approx(together, rel=0.02)
    assert beyond < 0.8 * together


@pytest.mark.parametrize("name", MADE_FOR_THREE)
def test_what_is_made_for_three_streams_says_so(name):
    with pytest.raises(ValueError, match=f"'{name}' is made for the 3 streams of a triangle, not for 2: "):
        spec.load(name, streams=2)


def test_what_sees_no_detectors_takes_any_number():
    for name in ("witness", "noise-subtraction", "source-classes"):
        assert spec.streams(spec.get(name)) is None
        assert spec.of_streams(spec.get(name), 2) is spec.get(name)
    assert decisions.detectors(spec.load("detector")) is TRIANGLE


def test_the_shipped_profile_of_two_streams_lies_beside_the_other():
    two, three = (profile.find("matched-filter", "torch", "epyc-core", (), streams=n) for n in (2, 3))
    assert (two.streams, three.streams) == (2, 3)
    assert two.path.name == "matched-filter-torch-2streams.json"
    assert two.passport["weights_sha256"] == three.passport["weights_sha256"]
    assert "two L-shaped detectors" in two.decisions.data
    with pytest.raises(profile.ProfileError, match=r"for 2 streams; .* --runtime numpy --streams 2 --hardware"):
        profile.find("matched-filter", "numpy", "epyc-core", (), streams=2)
