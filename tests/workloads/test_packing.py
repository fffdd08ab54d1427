"""Weights in four bits: what is rounded, what is not, and that every runtime unpacks the same numbers."""

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from onnx import numpy_helper

from workloads import export, packing, runtime
from workloads.packing import BLOCK

RNG = np.random.default_rng(3)
LARGE = RNG.standard_normal((64, 96, 3)).astype(np.float32)


def test_four_bits_are_an_eighth_and_a_scale():
    kept = packing.packed({"w": LARGE, "b": LARGE[0, :, 0]}, 4)
    assert {k: v.dtype for k, v in kept.items()} == {
        "w.four_bits": np.uint8, "w.scale": np.float16, "b": np.float32
    }  # fmt: skip
    assert kept["w.four_bits"].nbytes == LARGE.nbytes / 8
    assert kept["w.scale"].nbytes == 2 * LARGE.size / BLOCK


def test_no_weight_moves_by_more_than_half_a_level():
    blocks = LARGE.reshape(-1, BLOCK)
    moved = np.abs(packing.rounded({"w": LARGE}, 4)["w"].reshape(-1, BLOCK) - blocks)
    level = np.abs(blocks).max(axis=1, keepdims=True) / 7
    assert (moved <= 0.501 * level).all()
    assert moved.max() > 0.45 * level.min()


@given(
    npst.arrays(np.float32, (2, 8192), elements=st.floats(-1e4, 1e4, width=32)),
    st.sampled_from(packing.BITS),
)
def test_rounding_again_changes_nothing(array, bits):
    once = packing.rounded({"w": array}, bits)
    assert np.isfinite(once["w"]).all()
    assert np.array_equal(packing.rounded(once, bits)["w"], once["w"])


@pytest.mark.parametrize(
    ("shape", "held"),
    [
        ((512, 33), np.float16),  # no whole blocks in a row
        ((513, 32), np.float16),  # no two halves
        ((16_384,), np.float16),  # no rows
        ((64, 32), np.float16),  # few
        ((4, 4), np.float32),  # very few
    ],
)
def test_what_does_not_divide_or_is_small_keeps_more_bits(shape, held):
    array = RNG.standard_normal(shape).astype(np.float32)
    kept = packing.packed({"w": array}, 4)
    assert list(kept) == ["w"]
    assert kept["w"].dtype == held
    assert packing.packed({"w": array}, 32)["w"].dtype == np.float32


def test_a_name_that_ends_like_a_scale_is_left_alone():
    stored = {"norm.scale": np.ones(3, np.float32)}
    assert packing.unpacked(stored).keys() == stored.keys()


def test_only_known_numbers_of_bits_are_taken():
    with pytest.raises(ValueError, match=r"weights in 8 bits; allowed: 32, 16, 4"):
        packing.packed({}, 8)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_runtimes_unpack_the_same_numbers(name, tmp_path):
    if not runtime.installed(name):
        pytest.skip(f"{name} is not installed")
    module = torch.nn.Sequential(torch.nn.Conv1d(96, 64, 3), torch.nn.Flatten(), torch.nn.Linear(64 * 14, 32))
    state = {k: v.numpy() for k, v in module.state_dict().items()}
    module.load_state_dict({k: torch.from_numpy(v) for k, v in packing.rounded(state, 4).items()})
    path = export.to_onnx(module, (96, 16), tmp_path / "small.onnx", 4)
    assert {numpy_helper.to_array(t).dtype for t in onnx.load(path).graph.initializer} >= {np.dtype(np.uint8)}
    assert path.stat().st_size < 0.25 * 4 * sum(p.numel() for p in module.parameters())
    x = RNG.standard_normal((3, 96, 16)).astype(np.float32)
    run = runtime.onnx_network(path, 1) if name == "onnxruntime" else runtime.openvino_network(path, 1, "f32")
    assert np.abs(run(x) - module(torch.from_numpy(x)).detach().numpy()).max() < 1e-5


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda kept: kept.pop("w.scale"), "w in four bits without scales"),
        (lambda kept: kept.update({"w.scale": kept["w.scale"][:3]}), r"four bits .* with scales \(3, 9\)"),
        (lambda kept: kept["w.scale"].fill(np.inf), "scales that are no numbers"),
    ],
)
def test_what_is_no_four_bit_array_is_refused(spoil, said):
    kept = packing.packed({"w": LARGE}, 4)
    spoil(kept)
    with pytest.raises(ValueError, match=said):
        packing.unpacked(kept)


def test_weights_of_another_network_are_told_by_example():
    shapes = {"a": (2, 3), "b": (4,)}
    assert packing.apart(shapes, {"a": np.zeros((2, 3)), "b": np.zeros(4)}) == ""
    told = packing.apart(shapes, {"a": np.zeros((3, 3)), "c": np.zeros(1)})
    assert told == "no b; no place for c; a is (3, 3), wanted (2, 3)"
