"""The shipped searches and data quality do their work, and their files are what their cards say."""

import json
import re
import shutil

import numpy as np
import pytest

from workloads import card, decisions, profile, runtime, spec
from workloads.sky import GLITCHES
from workloads.strain import Injection, Strain

NAMES = spec.names()
SEARCHES = [n for n in NAMES if spec.get(n).task == "search"]


@pytest.fixture(scope="module")
def segments():
    """A function from a workload's name to four segments: noise, a signal of SNR 30, a blip of SNR 40, noise."""
    events = [Injection(101.5, "bbh", 30.0, -1, 1), Injection(121.5, "blip", 40.0, 2, 2)]
    strain = Strain(11, events)
    ends = [start + spec.SEGMENT_S + spec.LOOKAHEAD_S for start in (80.0, 101.0, 121.0, 140.0)]
    return lambda name: np.array([strain.window(end, spec.get(name).unit.duration_s) for end in ends])


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_a_loud_signal_and_not_noise(name, segments):
    out = spec.load(name)(segments(name))
    assert out.outcome[[0, 1, 3]].tolist() == [False, True, False]
    assert out.time_offset_s[1] == pytest.approx(0.5, abs=0.26)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("offset_s", [0.001, 0.25, 0.75, 0.999])
def test_a_search_covers_its_whole_second(name, offset_s):
    strain = Strain(12, [Injection(40.0 + offset_s, "bbh", 40.0, -1, 3)])
    program = spec.load(name)
    assert program(decisions.window(program, strain, 40.0)[None]).outcome[0]


def test_the_matched_filter_times_a_merger_to_a_hundredth_second(segments):
    assert spec.load("matched-filter", "numpy")(segments("matched-filter")).time_offset_s[1] == pytest.approx(
        0.5, abs=0.02
    )


def test_the_matched_filter_without_a_stream_hears_less(segments):
    program, strain = spec.load("matched-filter", "numpy"), segments("matched-filter")[1:2]
    whole = program(strain).score[0]
    alone = []
    for stream in range(spec.STREAMS):
        deaf = strain.copy()
        deaf[:, stream] = 0.0
        alone.append(program(deaf).score[0])
    assert all(score < whole for score in alone)
    assert sum(whole**2 - score**2 for score in alone) == pytest.approx(whole**2, rel=0.1)


def test_the_classifier_flags_glitches_and_spares_the_signal(segments):
    out = spec.load("glitch-classifier")(segments("glitch-classifier"))
    assert out.outcome.tolist() == [False, False, True, False]
    assert out.label == ["none", "bbh", "blip", "none"]


@pytest.mark.parametrize("cls", GLITCHES)
def test_the_classifier_flags_most_loud_glitches_of_each_family(cls):
    out = decisions.event_outputs(spec.load("glitch-classifier"), cls, np.full(16, 30.0), 13)
    assert out.outcome.mean() > 0.7


@pytest.mark.parametrize(
    ("name", "suffix"),
    [(n, "safetensors") for n in NAMES] + [(n, "onnx") for n in NAMES if "onnxruntime" in spec.get(n).runtimes],
)
def test_weights_that_changed_since_their_card_are_refused(name, suffix, tmp_path):
    for path in card.WEIGHTS.glob(f"{name}.*"):
        shutil.copy(path, tmp_path)
    spoiled = tmp_path / f"{name}.{suffix}"
    content = bytearray(spoiled.read_bytes())
    content[len(content) // 2] ^= 1
    spoiled.write_bytes(content)
    runtimes = spec.get(name).runtimes
    chosen = "onnxruntime" if suffix == "onnx" else next(r for r in ("torch", "numpy") if r in runtimes)
    with pytest.raises(card.WeightsError, match=rf"{name}.{suffix}: sha256 .* the file was changed"):
        runtime.executor(spec.get(name), chosen, 1, tmp_path)


FILES = [p for kind in ("weights", "profiles", "data") for p in (card.WEIGHTS.parent / kind).rglob("*.*")]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_no_shipped_file_names_a_path_of_the_machine_it_was_made_on(path):
    content = path.read_bytes()
    assert not re.search(rb"/\w+/\S+\.py\b|site-packages", content)
    assert path.stat().st_mode & 0o444 == 0o444
    assert path.stat().st_size < 5e6


def test_a_missing_card_says_how_to_get_one(tmp_path):
    with pytest.raises(card.WeightsError, match=r"no model card there\. .* 'ettwin train detector --out "):
        card.read("detector", tmp_path)
    (tmp_path / "detector.card.json").write_text("[1")
    with pytest.raises(card.WeightsError, match="not a readable model card"):
        card.read("detector", tmp_path)


def test_what_was_measured_for_one_kind_of_hardware_was_measured_on_one_machine():
    machines = {}
    for path in profile.SHIPPED.glob("*/*.json"):
        passport = json.loads(path.read_text())["passport"]
        if passport["standing"] == "measured":
            machines.setdefault(path.parent.name, set()).add(passport["machine"])
    assert machines
    assert {kind: len(names) for kind, names in machines.items()} == dict.fromkeys(machines, 1)
