"""Searches: reduced basis and examples, laws of the network, shards, tails, the scan of the benchmark."""

import json

import numpy as np
import pytest

from benchmarks.search import __main__ as command
from benchmarks.search import comparison, costs, scores
from benchmarks.search.scan import LEAST, SECONDS, SURE, Scan
from workloads import runtime, segments, spec, waveform
from workloads.models import detector, detector_large, matched_filter
from workloads.searching import basis, course, examples, network, residual, shards, tails
from workloads.strain import Injection, Strain


@pytest.fixture(scope="module")
def sources():
    return examples.prepare(12, 3, np.random.default_rng(5))


@pytest.fixture(scope="module")
def net():
    return runtime.load_module(detector.WORKLOAD)


def logits(module, spectra):
    import torch

    with torch.inference_mode():
        return module(torch.from_numpy(basis.features(spectra))).numpy()


def test_the_shipped_basis_is_orthonormal_and_holds_unseen_binaries(sources):
    vectors = basis.load()
    assert np.abs(vectors @ vectors.conj().T - np.eye(basis.SIZE)).max() < 1e-3
    held = basis.captured(vectors, sources.binaries)
    assert held.max() <= 1 + 1e-4
    assert held.mean() > 0.99


def test_noise_has_unit_variance_in_every_coefficient():
    found = basis.features(examples.noise(40, np.random.default_rng(1)))[:, : 4 * basis.SIZE]
    assert found.mean() == pytest.approx(0, abs=0.01)
    assert found.std() == pytest.approx(1, rel=0.02)


def test_examples_agree_with_strain_whitened_by_the_program():
    """The same binary, once as an example of the training and once as strain: same SNR, none of it in the null."""
    strain, empty = (Strain(3, e) for e in ([Injection(20.4, "bbh", 300.0, -1, 1)], []))
    end_s = 20.0 + spec.SEGMENT_S + spec.LOOKAHEAD_S
    alone = strain.window(end_s, basis.WINDOW_S) - empty.window(end_s, basis.WINDOW_S)
    power = (np.abs(basis.spectra(alone[None])[0]) ** 2).sum(axis=1)
    assert np.sqrt(power.sum()) == pytest.approx(300, rel=0.06)
    assert power[-1] < 1e-6 * power.sum()


@pytest.mark.parametrize("at_s", [0.02, 0.5, 0.98])
def test_a_signal_is_as_loud_as_asked_wherever_it_merges(sources, at_s):
    rng = np.random.default_rng(2)
    when, snr = np.full(8, at_s, np.float32), np.full(8, 20.0, np.float32)
    made = examples.signals(sources, when, snr, rng)
    assert np.sqrt((np.abs(made) ** 2).sum(axis=(1, 2))) == pytest.approx(20, rel=0.08)
    assert not made[:, -1].any()


def test_the_loudest_logit_says_when(sources, net):
    rng = np.random.default_rng(2)
    when = np.linspace(0.05, 0.95, 10).astype(np.float32)
    x = examples.noise(10, rng) + examples.signals(sources, when, np.full(10, 25.0, np.float32), rng)
    found = (logits(net, x).argmax(axis=1) + 0.5) / network.LOGITS
    assert np.abs(found - when).max() < 0.06


def test_turning_phase_and_polarisation_changes_no_logit(sources, net):
    rng = np.random.default_rng(6)
    x = examples.noise(4, rng) + examples.signals(
        sources, *np.full((2, 4), (0.5,)).astype(np.float32) * [[1], [24]], rng
    )
    angle = 0.7
    turned = x.copy()
    turned[:, 0] = np.cos(angle) * x[:, 0] - np.sin(angle) * x[:, 1]
    turned[:, 1] = np.sin(angle) * x[:, 0] + np.cos(angle) * x[:, 1]
    assert logits(net, turned * np.exp(0.4j).astype(np.complex64)) == pytest.approx(logits(net, x), abs=2e-3)


@pytest.mark.parametrize("name", ["detector", "detector-large"])
def test_the_veto_takes_off_and_never_adds(name):
    import torch

    net = runtime.load_module(spec.get(name))
    x = torch.from_numpy(basis.features(examples.noise(6, np.random.default_rng(7))))
    with torch.inference_mode():
        loudness, bands = net.mixer(x)
        assert (net.veto(net.seen(loudness, bands)) >= 0).all()


def test_the_mixer_gives_the_loudest_snr_of_each_step(net):
    """Against the definition: the best of all times in a step and of those midway to the next."""
    import torch

    x = basis.features(examples.noise(3, np.random.default_rng(13)))
    with torch.inference_mode():
        found = net.mixer(torch.from_numpy(x))[0].numpy()
    z = x[:, : 4 * basis.SIZE].reshape(3, 2, 2, basis.SIZE, basis.TIMES).astype(np.float64)
    templates = net.mixer.real.numpy() + 1j * net.mixer.imaginary.numpy()
    series = templates @ (z[:, :, 0] + 1j * z[:, :, 1])
    here = (np.abs(series) ** 2).sum(axis=1)
    midway = (np.abs(series[..., :-1] + series[..., 1:]) ** 2).sum(axis=1) / 4 * 1.15
    power = np.maximum(here[..., :-1], midway)[..., basis.MARGIN :][..., : network.STEP * network.LOGITS]
    expected = 0.5 * np.log1p(power.reshape(3, len(templates), network.LOGITS, network.STEP).max(axis=-1))
    assert found == pytest.approx(expected, abs=1e-4)


def test_the_deep_doubt_is_as_deep_as_resnet_34_and_begins_at_zero():
    import torch

    deep = residual.residual(detector.TEMPLATES + network.BANDS, detector_large.WIDTHS).eval()
    within = [m for m in deep.modules() if isinstance(m, torch.nn.Conv1d) and m.kernel_size != (1,)]
    assert len(within) + 1 == 34
    x = torch.randn(2, detector.TEMPLATES + network.BANDS, network.LOGITS)
    with torch.inference_mode():
        doubt = deep(x)
    assert doubt.shape == (2, 1, network.LOGITS)
    assert not doubt.any()
    assert sum(p.numel() for p in deep.parameters()) == pytest.approx(7e6, rel=0.1)


def test_the_large_detector_begins_as_the_small_one(net):
    small = {k.replace("veto.", "veto.first."): v for k, v in runtime.stored(detector.WORKLOAD).items()}
    large = network.taken(detector_large.WORKLOAD.module(), small).eval()
    x = examples.noise(4, np.random.default_rng(14))
    assert logits(large, x) == pytest.approx(logits(net, x), abs=1e-4)


def test_weights_without_a_place_are_refused():
    with pytest.raises(ValueError, match=r"weights without a place: veto\.third; places: mixer\.real, "):
        network.taken(detector.WORKLOAD.module(), {"veto.third": np.zeros(1, np.float32)})


def test_more_templates_never_find_less(sources):
    coefficients = network.chosen(sources.binaries, 6)
    assert np.linalg.norm(coefficients, axis=1) == pytest.approx(1, rel=1e-4)
    first = network.chosen(sources.binaries, 2)
    assert np.array_equal(first, coefficients[:2])


def test_the_loss_is_that_of_the_segments_largest_logit():
    import torch

    raw = torch.tensor([[-3.0, 2.0], [-1.0, -4.0]])
    expected = (np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0))) / 2
    assert course.segment_loss(raw, torch.tensor([1.0, 0.0])).item() == pytest.approx(expected)


@pytest.mark.parametrize("parts", [2, 3])
def test_shards_combine_to_what_the_whole_bank_gives(parts):
    rng = np.random.default_rng(8)
    bank = np.array(
        [[a.mass_1_msun, a.mass_2_msun, a.spin_1] for a in (waveform.draw_binary(rng) for _ in range(7))]
    )
    units = segments.examples(matched_filter.WORKLOAD.unit, 4, 9)
    rows = matched_filter.WORKLOAD.prepare(units)
    whole = matched_filter.WORKLOAD.in_numpy({"bank": bank})(rows)
    dealt = shards.split(bank, parts)
    assert sorted(map(tuple, np.concatenate(dealt))) == sorted(map(tuple, bank))
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    found = shards.combined([matched_filter.WORKLOAD.in_numpy({"bank": part})(rows) for part in dealt])
    assert np.array_equal(found, whole)


@pytest.mark.parametrize("parts", [0, 8])
def test_a_bank_has_at_least_one_template_per_shard(parts):
    with pytest.raises(ValueError, match=f"{parts} shards of a bank of 7 templates; allowed: 1 to 7"):
        shards.split(np.ones((7, 3)), parts)


@pytest.mark.parametrize("probability", [1e-2, 1e-5])
def test_a_threshold_from_an_exponential_tail_is_the_true_one(probability):
    """SNR² of noise is exponential far out: P(SNR > x) = exp(-x²/2)."""
    scores_ = np.sqrt(np.random.default_rng(11).exponential(2.0, 20_000))
    found = tails.threshold(scores_, probability, np.square, np.sqrt)
    assert found.extrapolated == (probability < 1e-4)
    assert found.low < np.sqrt(-2 * np.log(probability)) < found.high
    assert found.above == (scores_ > found.score).sum()


def test_intervals_of_thresholds_hold_the_truth_as_often_as_they_say():
    rng, truth = np.random.default_rng(12), -np.log(1e-5)
    found = [tails.threshold(rng.exponential(1.0, 5_000), 1e-5, np.array, np.array) for _ in range(60)]
    inside = sum(t.low < truth < t.high for t in found)
    assert 50 <= inside <= 60


def test_too_little_noise_for_a_tail_says_so():
    with pytest.raises(ValueError, match="799 segments of noise; wanted at least 800"):
        tails.threshold(np.ones(799), 1e-3, np.square, np.sqrt)


def test_the_scan_gives_the_filters_scores_where_they_are_loud():
    program = spec.load("matched-filter", "torch")
    strain = Strain(21, [Injection(103.4, "bbh", 9.0, -1, 1), Injection(109.7, "bbh", 14.0, -1, 2)])
    scan = Scan(program)
    found = scan.scores(strain, 100.0)
    assert found.shape == (SECONDS,)
    assert found[[3, 9]].min() > LEAST
    ends = [100.0 + i + spec.SEGMENT_S + spec.LOOKAHEAD_S for i in (3, 6, 9)]
    exact = program(np.array([strain.window(end, program.workload.unit.duration_s) for end in ends])).score
    assert found[[3, 9]] == pytest.approx(exact[[0, 2]], abs=1e-4)
    assert LEAST / SURE * exact[1] < found[6] < 1.01 * exact[1]


def test_scores_are_made_once_and_kept_under_their_weights(tmp_path):
    program, said = spec.load("detector"), []
    first = scores.Kept(program, tmp_path, said.append).glitches(3)
    assert len(said) == len(first) == 5
    again = scores.Kept(program, tmp_path, said.append).glitches(3)
    assert len(said) == 5
    assert all(np.array_equal(first[f], again[f]) for f in first)
    assert {p.parent.name for p in tmp_path.rglob("*.npy")} == {f"detector-{program.weights_sha256[:12]}"}


def test_a_comparison_counts_above_the_threshold():
    at = {n: tails.Threshold(x, x, x, 1e-3, False, 1, 1) for n, x in (("detector", 1.0), ("matched-filter", 8.0))}
    bins = len(scores.SNR_EDGES) - 1
    found = {"detector": np.tile([0.5, 1.5], (bins, 10)), "matched-filter": np.full((bins, 20), 9.0)}
    assert comparison.relative(found, at, "detector")["all 10-30"][0] == 0.5
    row = comparison.row(found["detector"], at["detector"])
    assert row["10-30"][:2] == [60, 120]
    assert row["by_snr"]["6-7"][:2] == [10, 20]
    assert row["by_snr"]["6-7"][2] < 0.5 < row["by_snr"]["6-7"][3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["glitch-classifier"], "no search glitch-classifier; known: detector, "),
        (["--effort", "0.1"], "give --out"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert message in capsys.readouterr().err


def test_the_large_detector_is_no_better_on_signals_and_better_on_glitches_as_told():
    rates = json.loads(command.RESULTS.read_text())["rates"]["1 per day"]
    small, large = (rates[name] for name in ("detector", "detector-large"))
    told = " ".join(detector_large.WORKLOAD.limits)
    found, before = (f"{100 * one['over_matched_filter']['all 10-30'][0]:.1f} %" for one in (large, small))
    assert f"it finds {found} of what the matched filter finds above SNR 10, the small one {before}" in told
    (fooled, n, *_), (before, m, *_) = (one["glitches"]["all"] for one in (large, small))
    assert n == m
    assert f"{fooled} of {n:,} loud ones trigger it, not {before}" in told


def test_costs_are_per_second_of_data():
    programs = {name: spec.load(name) for name in ("detector", "matched-filter")}
    found = costs.costs(programs, 1)
    assert set(found) == {"detector", "matched-filter", costs.BULK}
    assert found["detector"]["p50_ms"] < found[costs.BULK]["p50_ms"] < found["matched-filter"]["p50_ms"]
    assert all(spent["p50_ms"] <= spent["p99_ms"] for spent in found.values())
