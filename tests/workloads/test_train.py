"""Training: examples of the stated loudness, the same bits from the same seed, and checks of what is written."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from workloads import card, cost, export, lessons, runtime, spec, train, training
from workloads.checkpoints import CheckpointMismatchError
from workloads.models import glitch_classifier
from workloads.searching import course
from workloads.sky import GLITCHES
from workloads.training import Course, TrainingError


@pytest.fixture(scope="module")
def known():
    return lessons.prepare(20, 4, np.random.default_rng(1))


def quiet(done, text):
    pass


class KilledError(Exception):
    """Stands for whatever ends a training before its time."""


def taught(course):
    """A small network with dropout, so that torch's own chance matters, taught to tell the sign of a number."""
    import torch

    def build():
        layers = torch.nn.Linear(3, 8), torch.nn.Dropout(0.2), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1)
        return torch.nn.Sequential(*layers)

    def batch(done, rng):
        x = rng.standard_normal((32, 3)).astype(np.float32)
        return x, (x[:, 0] > 0).astype(np.float32)

    def loss(raw, truth):
        return torch.nn.functional.binary_cross_entropy_with_logits(raw[:, 0], truth)

    held_out = batch(0, np.random.default_rng(5))
    return training.fit(course, build, batch, loss, held_out, 300)


def killed_after(steps):
    """A progress that ends the training once `steps` checkpoints have been written before it."""
    calls = count()

    def said(done, text):
        if next(calls) == steps:
            raise KilledError

    return said


def test_examples_have_the_loudness_they_were_asked_for(known):
    rng = np.random.default_rng(2)
    at, snr = np.full(20, 1.9, np.float32), np.full(20, 12.0, np.float32)
    heard = lessons.signals(known, 20, 4096, at, snr, rng)
    assert np.sqrt((heard**2).sum(axis=(1, 2))).mean() == pytest.approx(12, rel=0.05)
    bursts = lessons.glitches(known, np.arange(20) % len(GLITCHES), 4096, at - 0.7, snr, rng)
    assert np.sqrt((bursts**2).sum(axis=1)).mean() == pytest.approx(12, rel=0.05)


def test_a_glitch_sits_in_one_stream():
    placed = lessons.in_one_stream(np.ones((50, 8), np.float32), np.random.default_rng(3))
    assert (np.abs(placed).sum(axis=2) > 0).sum(axis=1).tolist() == [1] * 50


def test_a_small_network_learns():
    fitted = taught(Course(1, quiet))
    x = np.random.default_rng(9).standard_normal((400, 3)).astype(np.float32)
    assert training.auc(training.apply(fitted.module, x)[:, 0], x[:, 0] > 0) > 0.98


@pytest.mark.parametrize("killed", [1, 2])
@pytest.mark.parametrize("refined", [False, True])
def test_a_killed_training_goes_on_to_the_same_bits(killed, refined, tmp_path):
    start = taught(Course(7, quiet, 40)).taught({}).weights if refined else None
    whole = Course(3, quiet, 90, start, every=30)
    expected = taught(whole).module.state_dict()
    checkpoint = tmp_path / "a.checkpoint"
    begun = replace(whole, progress=killed_after(killed + refined), checkpoint=checkpoint)
    with pytest.raises(KilledError):
        taught(begun)
    assert checkpoint.is_file()
    steps = []
    resumed = taught(replace(whole, checkpoint=checkpoint, progress=lambda done, text: steps.append(done)))
    assert len(steps) == 3 - killed + refined
    found = resumed.module.state_dict()
    assert all(np.array_equal(found[k].numpy(), v.numpy()) for k, v in expected.items())
    assert found["0.weight"].numpy().tobytes() == expected["0.weight"].numpy().tobytes()
    assert resumed.earlier_wall_s > 0
    other = taught(replace(whole, seed=4)).module.state_dict()
    assert not np.array_equal(other["0.weight"].numpy(), expected["0.weight"].numpy())


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "a.checkpoint"
    taught(Course(3, quiet, 30, every=30, checkpoint=path))
    with pytest.raises(CheckpointMismatchError, match=r"of another training .seed 3, now 4.*Delete it or ask"):
        taught(Course(4, quiet, 30, every=30, checkpoint=path))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointMismatchError, match=r"not a readable checkpoint .*Delete it"):
        taught(Course(3, quiet, 30, every=30, checkpoint=path))


def test_weights_of_another_network_are_refused(weights, tmp_path):
    with pytest.raises(
        TrainingError, match=r"what is to be refined is of another network \(no 0\.weight; no place"
    ):
        taught(Course(1, quiet, 5, weights))
    with pytest.raises(card.WeightsError, match=r"detector-large: weights of another network \(no veto\.first"):
        runtime.filled(spec.get("detector-large"), weights)


def test_a_card_without_files_is_told(tmp_path):
    (tmp_path / "detector.card.json").write_text('{"schema_version": 2}')
    with pytest.raises(card.WeightsError, match="missing or not on its card"):
        runtime.stored(spec.get("detector"), tmp_path)


def test_a_refinement_never_ends_worse_than_it_began():
    first = taught(Course(1, quiet, 200))
    said = []
    start = first.taught({}).weights
    taught(Course(2, lambda done, text: said.append(text), 20, start, every=10))
    losses = [float(text.split("held out ")[1].split()[0]) for text in said]
    assert said[0].endswith("before refinement")
    ruined = taught(Course(2, quiet, 1, start)).module.state_dict()
    assert min(losses) <= losses[0]
    assert np.isfinite(ruined["0.weight"].numpy()).all()


def test_what_is_placed_cannot_be_refined():
    with pytest.raises(TrainingError, match=r"matched-filter cannot be refined: .* Leave --refine out"):
        spec.get("matched-filter").teach(Course(1, quiet, start={"bank": np.zeros((2, 3))}))


def test_auc_of_a_perfect_and_of_a_useless_score():
    truth = np.array([False, False, True, True])
    assert training.auc(np.array([0.1, 0.2, 0.3, 0.4], np.float32), truth) == 1
    assert training.auc(np.array([0.4, 0.3, 0.2, 0.1], np.float32), truth) == 0


def test_an_export_holds_no_note_of_its_machine_and_still_runs(tmp_path):
    import onnx

    graph = onnx.parser.parse_graph("g (float[N] x) => (float[N] y) { y = Neg(x) }")
    graph.node[0].metadata_props.add(key="stack_trace", value="/home/me/model.py")
    graph.input[0].doc_string = "/home/me"
    graph.doc_string = "/home/me"
    path = tmp_path / "small.onnx"
    onnx.save(onnx.helper.make_model(graph, doc_string="/home/me", ir_version=10), path)
    assert b"/home/me" in path.read_bytes()
    export.strip(path)
    assert b"/home/me" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o644
    assert runtime.onnx_network(path, 1)(np.ones(2, np.float32)).tolist() == [-1, -1]


@pytest.fixture(scope="module")
def weights():
    return runtime.stored(spec.get("detector"))


def written(weights, folder, bits=32):
    workload = spec.get("detector")
    files = export.write(workload, weights, folder, bits)
    card.write("detector", folder, files, {"settings": card.read("detector")["settings"]})
    return workload, files


def test_half_precision_halves_both_files_and_keeps_the_scores(weights, tmp_path):
    whole, half = tmp_path / "whole", tmp_path / "half"
    whole.mkdir()
    half.mkdir()
    sizes = [[f.stat().st_size for f in written(weights, at, bits)[1]] for at, bits in ((whole, 32), (half, 16))]
    assert all(b < 0.6 * a for a, b in zip(*sizes, strict=True))
    units = spec.get("detector").units(8, 2)
    for name in ("torch", "onnxruntime"):
        a, b = (spec.load("detector", name, folder=f)(units).score for f in (whole, half))
        assert 0 < np.abs(a - b).max() < 0.05


def test_an_export_that_differs_from_what_was_trained_is_refused(weights, tmp_path):
    settings = card.read("detector")["settings"]
    workload, _ = written(weights, tmp_path)
    found = export.check(workload, weights, settings, tmp_path)
    assert found["onnxruntime"]["largest_difference"] < 1e-4
    assert found["onnxruntime"]["changed"] == 0
    other = {k: v * np.float32(1.01) if k.endswith("weight") else v for k, v in weights.items()}
    with pytest.raises(export.ExportError, match=r"detector: \w+ differs from the trained network by .* Nothing"):
        export.check(workload, other, settings, tmp_path)


def test_differences_of_results_are_relative_to_one_or_to_the_value():
    def result(score, outcome, label=None):
        return spec.Outputs(np.array(score), np.array(outcome), label, np.zeros(len(score)))

    a = result([0.1, 100.0], [False, True], ["a", "b"])
    assert export.difference(a, result([0.2, 100.0], [False, True], ["a", "b"])) == pytest.approx(0.1)
    assert export.difference(a, result([0.1, 101.0], [False, True], ["a", "b"])) == pytest.approx(1 / 101)
    assert export.changed(a, a) == 0
    assert export.changed(a, result([0.1, 100.0], [True, True], ["a", "b"])) == 0.5
    assert export.changed(a, result([0.1, 100.0], [False, True], ["c", "d"])) == 1


def test_energy_is_assumed_where_no_counter_can_be_read(tmp_path):
    clock, cpu = iter((10.0, 30.0)), iter((1.0, 9.0))
    meter = cost.Meter(lambda: next(clock), lambda: next(cpu), tmp_path)
    spent = meter.read(100.0, 50.0)
    assert (spent.wall_s, spent.cpu_s, spent.energy_j) == (120.0, 58.0, 58.0 * cost.CORE_W)
    assert spent.energy_standing == "assumed"


def test_energy_is_measured_with_a_counter_that_wraps_around(tmp_path):
    package, core = tmp_path / "intel-rapl:0", tmp_path / "intel-rapl:0:0"
    for folder, reading in ((package, 9_000_000), (core, 1)):
        folder.mkdir()
        (folder / "energy_uj").write_text(f"{reading}\n")
        (folder / "max_energy_range_uj").write_text("10000000\n")
    meter = cost.Meter(counters=tmp_path)
    (package / "energy_uj").write_text("2000000\n")
    spent = meter.read()
    assert (spent.energy_j, spent.energy_standing) == (3.0, "measured")
    assert cost.Meter(counters=tmp_path).read(5.0).energy_standing == "assumed"


def test_the_assumed_power_is_that_of_the_shipped_core():
    from sites.catalogue import hardware

    assert hardware()["host"].power_w.value == cost.CORE_W


@pytest.fixture
def few_waveforms(monkeypatch):
    """Trainings draw from a tenth of the waveforms: what is asked of them here is the same for any number."""
    lessons_of = glitch_classifier._lessons
    monkeypatch.setattr(glitch_classifier, "_lessons", lambda n, rng: lessons_of(n // 10, rng))
    monkeypatch.setattr(glitch_classifier, "_HELD_OUT", 512)
    monkeypatch.setattr(course, "_BINARIES", 400)
    monkeypatch.setattr(course, "_BURSTS", 100)
    monkeypatch.setattr(course, "_HELD_OUT", 512)


@pytest.mark.slow
@pytest.mark.usefixtures("few_waveforms")
@pytest.mark.parametrize("name", ["detector", "glitch-classifier"])
def test_the_same_seed_gives_the_same_weights_and_a_working_program(name, tmp_path):
    cards = [train.train(name, tmp_path / str(i), 3, quiet, "2026-01-02", steps=20, tries=40) for i in range(2)]
    first, second = (card.read(name, c.parent) for c in cards)
    assert first["weights_sha256"] == second["weights_sha256"]
    assert first["settings"] == second["settings"]
    assert first["cost"]["cpu_s"] > 0
    assert first["export"]["onnxruntime"]["largest_difference"] < 1e-4
    exported = card.verified(name, "onnx", cards[0].parent)
    assert exported.stat().st_size < 5e6
    assert b"site-packages" not in exported.read_bytes()
    assert sorted(p.name for p in cards[0].parent.iterdir()) == [
        f"{name}.{s}" for s in ("card.json", "onnx", "safetensors")
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("few_waveforms")
def test_a_refinement_names_what_it_came_from(tmp_path):
    path = train.train("detector", tmp_path, 3, quiet, "2026-01-02", steps=5, tries=40, refine="shipped")
    about = card.read("detector", path.parent)
    assert about["refined_from"]["weights_sha256"] == card.read("detector")["weights_sha256"]
    assert about["held_out"]["auc"] > 0.95
