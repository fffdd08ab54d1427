"""Training: examples of the stated loudness, and the same weights from the same seed."""

import numpy as np
import pytest

from workloads import card, lessons, spec, train
from workloads.sky import GLITCHES


@pytest.fixture(scope="module")
def known():
    return lessons.prepare(20, 4, np.random.default_rng(1))


def quiet(done, text):
    pass


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


def test_a_small_network_learns(known):
    import torch

    rng = np.random.default_rng(4)

    def batch(done):
        x = rng.standard_normal((32, 3)).astype(np.float32)
        return x, (x[:, 0] > 0).astype(np.float32)

    def loss(raw, truth):
        return torch.nn.functional.binary_cross_entropy_with_logits(raw[:, 0], truth)

    torch.manual_seed(1)
    module = train._fit(torch.nn.Linear(3, 1), batch, loss, batch(0), 300, quiet)
    weight = module.weight.detach().numpy()[0]
    assert weight[0] > 3 * np.abs(weight[1:]).max()


def test_auc_of_a_perfect_and_of_a_useless_score():
    truth = np.array([False, False, True, True])
    assert train._auc(np.array([0.1, 0.2, 0.3, 0.4], np.float32), truth) == 1
    assert train._auc(np.array([0.4, 0.3, 0.2, 0.1], np.float32), truth) == 0


def test_an_export_holds_no_note_of_its_machine_and_still_runs(tmp_path):
    import onnx

    from workloads import runtime

    graph = onnx.parser.parse_graph("g (float[N] x) => (float[N] y) { y = Neg(x) }")
    graph.node[0].metadata_props.add(key="stack_trace", value="/home/me/model.py")
    graph.input[0].doc_string = "/home/me"
    graph.doc_string = "/home/me"
    path = tmp_path / "small.onnx"
    onnx.save(onnx.helper.make_model(graph, doc_string="/home/me", ir_version=10), path)
    assert b"/home/me" in path.read_bytes()
    train.strip(path)
    assert b"/home/me" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o644
    assert runtime.onnx_network(path, 1)(np.ones(2, np.float32)).tolist() == [-1, -1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["detector", "glitch-classifier"])
def test_the_same_seed_gives_the_same_weights_and_a_working_program(name, tmp_path):
    cards = [train.train(name, tmp_path / str(i), 3, quiet, "2026-01-02", steps=20, noise=40) for i in range(2)]
    first, second = (card.read(name, c.parent) for c in cards)
    assert first["weights_sha256"] == second["weights_sha256"]
    assert first["threshold"] == second["threshold"]
    exported = card.verified(name, "onnx", cards[0].parent)
    assert exported.stat().st_size < 5e6
    assert b"site-packages" not in exported.read_bytes()
    assert spec.get(name).outcome in ("trigger", "flag")
