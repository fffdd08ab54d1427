"""Laws that every workload obeys on every runtime. A new workload joins by its line in `workloads.spec`."""

import re
import shutil

import numpy as np
import pytest

from workloads import card, measure, runtime, spec
from workloads.sky import GLITCHES
from workloads.strain import Injection, Strain

PAIRS = [(name, r) for name in spec.NAMES for r in spec.get(name).runtimes]
SEARCHES = [name for name in spec.NAMES if spec.get(name).outcome == "trigger"]
NAMES = list(spec.NAMES)


@pytest.fixture(scope="module")
def programs():
    return {pair: spec.load(*pair) for pair in PAIRS}


@pytest.fixture(scope="module")
def segments():
    """Window length to strain of four segments: noise, a signal of SNR 30, a blip of SNR 40, noise."""
    events = [Injection(101.5, "bbh", 30.0, -1, 1), Injection(121.5, "blip", 40.0, 2, 2)]
    strain = Strain(11, events)

    def cut(window_s):
        ends = [start + spec.SEGMENT_S + spec.LOOKAHEAD_S for start in (80.0, 101.0, 121.0, 140.0)]
        return np.array([strain.window(end, window_s) for end in ends])

    return {name: cut(spec.get(name).window_s) for name in NAMES}


@pytest.mark.parametrize("pair", PAIRS)
def test_outputs_have_one_entry_per_segment(pair, programs, segments):
    out = programs[pair](segments[pair[0]])
    assert out.score.shape == out.outcome.shape == out.time_offset_s.shape == (4,)
    assert out.label is None or len(out.label) == 4
    assert ((out.time_offset_s >= 0) & (out.time_offset_s <= spec.SEGMENT_S)).all()
    assert (out.outcome == (out.score > programs[pair].threshold)).all()


@pytest.mark.parametrize("pair", PAIRS)
def test_the_same_strain_gives_the_same_scores(pair, programs, segments):
    first, second = (programs[pair](segments[pair[0]]).score for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize("pair", PAIRS)
def test_a_batch_decides_like_its_segments_one_by_one(pair, programs, segments):
    together = programs[pair](segments[pair[0]])
    alone = [programs[pair](segment[None]) for segment in segments[pair[0]]]
    assert np.allclose(together.score, [a.score[0] for a in alone], rtol=1e-4, atol=1e-4)
    assert (together.outcome == [a.outcome[0] for a in alone]).all()


@pytest.mark.parametrize("pair", PAIRS)
def test_strain_is_left_as_it_was(pair, programs, segments):
    strain = segments[pair[0]].copy()
    programs[pair](strain)
    assert (strain == segments[pair[0]]).all()


@pytest.mark.parametrize("name", NAMES)
def test_runtimes_agree(name, programs, segments):
    scores = [programs[name, r](segments[name]).score for r in spec.get(name).runtimes]
    assert len(scores) > 1
    assert np.allclose(scores[0], scores[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_a_loud_signal_and_not_noise(name, programs, segments):
    out = programs[name, spec.get(name).runtimes[0]](segments[name])
    assert out.outcome[[0, 1, 3]].tolist() == [False, True, False]
    assert out.time_offset_s[1] == pytest.approx(0.5, abs=0.26 if name == "detector" else 0.02)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("offset_s", [0.001, 0.25, 0.75, 0.999])
def test_a_search_covers_its_whole_second(name, offset_s, programs):
    strain = Strain(12, [Injection(40.0 + offset_s, "bbh", 40.0, -1, 3)])
    program = programs[name, spec.get(name).runtimes[0]]
    assert program(measure.window(program, strain, 40.0)[None]).outcome[0]


def test_the_classifier_flags_glitches_and_spares_the_signal(programs, segments):
    out = programs["glitch-classifier", "onnxruntime"](segments["glitch-classifier"])
    assert out.outcome.tolist() == [False, False, True, False]
    assert out.label == ["none", "bbh", "blip", "none"]


@pytest.mark.parametrize("cls", GLITCHES)
def test_the_classifier_flags_most_loud_glitches_of_each_family(cls, programs):
    program = programs["glitch-classifier", "onnxruntime"]
    out = measure.event_outputs(program, cls, np.full(16, 30.0), 13)
    assert out.outcome.mean() > 0.7


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x[:, :2], r"strain has shape \(4, 2, .*; wanted \(batch, 3, "),
        (lambda x: x[..., 1:], "wanted .batch, 3, "),
        (lambda x: x[0], "strain has shape"),
        (lambda x: x[:0], "strain has shape"),
        (lambda x: x.astype(np.float32), "strain is float32; wanted float64"),
        (lambda x: np.where(x == x[0, 0, 0], np.nan, x), "holds NaN or infinite samples"),
    ],
)
def test_strain_that_is_not_what_was_asked_for_is_refused(name, spoil, message, programs, segments):
    program = programs[name, spec.get(name).runtimes[0]]
    with pytest.raises(ValueError, match=message):
        program(spoil(segments[name]))


@pytest.mark.parametrize(("name", "suffix"), [(n, "safetensors") for n in NAMES] + [("detector", "onnx")])
def test_weights_that_changed_since_their_card_are_refused(name, suffix, tmp_path):
    for path in card.WEIGHTS.glob(f"{name}.*"):
        shutil.copy(path, tmp_path)
    spoiled = tmp_path / f"{name}.{suffix}"
    content = bytearray(spoiled.read_bytes())
    content[len(content) // 2] ^= 1
    spoiled.write_bytes(content)
    with pytest.raises(card.WeightsError, match=rf"{name}.{suffix}: sha256 .* the file was changed"):
        runtime.executor(spec.get(name), "onnxruntime" if suffix == "onnx" else "torch", 1, tmp_path)


SHIPPED = [p for kind in ("weights", "profiles", "data") for p in (card.WEIGHTS.parent / kind).rglob("*.*")]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_no_shipped_file_names_a_path_of_the_machine_it_was_made_on(path):
    content = path.read_bytes()
    assert not re.search(rb"/\w+/\S+\.py\b|site-packages", content)
    assert path.stat().st_mode & 0o444 == 0o444


def test_a_missing_card_says_how_to_get_one(tmp_path):
    with pytest.raises(card.WeightsError, match=r"no model card. Run 'ettwin train detector --out "):
        card.read("detector", tmp_path)
    (tmp_path / "detector.card.json").write_text("[1")
    with pytest.raises(card.WeightsError, match="not a readable model card"):
        card.read("detector", tmp_path)


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no workload 'pe'; known: detector, matched-filter, glitch-classifier"):
        spec.get("pe")
    with pytest.raises(ValueError, match=r"'matched-filter' has no runtime 'onnxruntime'; it has: torch, numpy"):
        spec.load("matched-filter", "onnxruntime")
    with pytest.raises(ValueError, match="0 threads; wanted at least 1"):
        spec.load("detector", "torch", threads=0)
