"""Weights stored in fewer bits than they are computed in: half precision, or four bits and a scale for each block.

Four bits hold a whole number from -7 to 7, and BLOCK neighbours share the scale it is multiplied by. Files hold
the same bytes in safetensors and in ONNX, where ordinary operators unpack them: any server of ONNX files can, and
ONNX Runtime and OpenVINO do it once, when they load a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Weights = Mapping[str, NDArray[Any]]
BITS = (32, 16, 4)
"""How weights may be stored."""
BLOCK = 32
"""Neighbours, in the order in which an array lies in memory, that share a scale."""
_SMALL, _FEW = 1_024, 16_384
"""Arrays of fewer numbers than these stay in single precision, or in half: fewer bits would save little."""
_SINGLE, _HALF = np.dtype(np.float32), np.dtype(np.float16)
_PACKED, _SCALE = ".four_bits", ".scale"
_LEVELS, _ZERO = 7, 8


def packed(weights: Weights, bits: int) -> dict[str, NDArray[Any]]:
    """`weights` as files hold them with `bits`, one of BITS; what goes into four bits becomes two arrays."""
    if bits not in BITS:
        raise ValueError(f"weights in {bits} bits; allowed: {', '.join(map(str, BITS))}")
    kept: dict[str, NDArray[Any]] = {}
    for name, value in weights.items():
        array = np.ascontiguousarray(value)
        if _fits(array, bits):
            kept[name + _PACKED], kept[name + _SCALE] = _pack(array)
        else:
            kept[name] = array.astype(_HALF) if _halves(array, bits) else array
    return kept


def unpacked(stored: Weights) -> dict[str, NDArray[Any]]:
    """What `packed` made `stored` of, rounded; arrays of half precision stay what they are.

    ValueError where scales are missing, of another shape or no numbers.
    """
    scales = {name.removesuffix(_PACKED) for name in stored if name.endswith(_PACKED)}
    if lost := next((name for name in scales if name + _SCALE not in stored), None):
        raise ValueError(f"{lost} in four bits without scales")
    whole: dict[str, NDArray[Any]] = {}
    for name, array in stored.items():
        if name.removesuffix(_PACKED) in scales:
            whole[name.removesuffix(_PACKED)] = _unpack(array, stored[name.removesuffix(_PACKED) + _SCALE])
        elif name.removesuffix(_SCALE) not in scales:
            whole[name] = array
    return whole


def rounded(weights: Weights, bits: int) -> dict[str, NDArray[Any]]:
    """`weights` as storing them with `bits` leaves them, in single precision; doing it again changes nothing."""
    known = unpacked(packed(weights, bits))
    return {name: array.astype(_SINGLE) if array.dtype == _HALF else array for name, array in known.items()}


def fill(module: torch.nn.Module, weights: Weights) -> None:
    """Put `weights` into `module`, in the precision it has; ValueError when they are of another network."""
    import torch

    try:
        module.load_state_dict({name: torch.from_numpy(np.asarray(array)) for name, array in weights.items()})
    except RuntimeError as error:
        wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
        raise ValueError(f"of another network ({apart(wanted, weights)})") from error


def apart(shapes: Mapping[str, tuple[int, ...]], weights: Weights) -> str:
    """What keeps `weights` from being those of a network whose weights have these `shapes`, by examples."""
    missing = next((f"no {name}" for name in shapes if name not in weights), "")
    surplus = next((f"no place for {name}" for name in weights if name not in shapes), "")
    wrong = next(
        (
            f"{name} is {np.shape(weights[name])}, wanted {shape}"
            for name, shape in shapes.items()
            if name in weights and np.shape(weights[name]) != shape
        ),
        "",
    )
    return "; ".join(told for told in (missing, surplus, wrong) if told)


def shrink(exported: Path, bits: int) -> None:
    """Store the initialisers of the ONNX file `exported` with `bits`, and unpack each where it is used."""
    if bits == 32:
        return
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(exported)
    nodes, initialisers = [], []
    for tensor in model.graph.initializer:
        array, name = numpy_helper.to_array(tensor), tensor.name
        if _fits(array, bits):
            held, steps = _as_operators(name, array)
            initialisers += held
            nodes += steps
        elif _halves(array, bits):
            initialisers.append(numpy_helper.from_array(array.astype(_HALF), f"{name}_half"))
            nodes.append(helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
        else:
            initialisers.append(tensor)
    nodes += list(model.graph.node)
    for field, values in ((model.graph.initializer, initialisers), (model.graph.node, nodes)):
        del field[:]
        field.extend(values)
    onnx.save(model, exported)


def _as_operators(name: str, array: NDArray[np.float32]) -> tuple[list[Any], list[Any]]:
    """Initialisers that hold `array` in four bits, and nodes that make `name` of them.

    In whole numbers of 32 bits: arithmetic on bytes OpenVINO leaves for run time, and is wrong before a matrix.
    """
    import onnx
    from onnx import helper, numpy_helper

    pairs, scale = _pack(array)
    held = {
        "pairs": pairs, "scale": scale.reshape(-1, 1), "sixteen": np.int32(16), "zero": np.int32(_ZERO),
        "blocks": np.array([-1, BLOCK]), "shape": np.array(array.shape),
    }  # fmt: skip
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Cast", ["pairs"], "both", {"to": onnx.TensorProto.INT32}),
        ("Div", ["both", "sixteen"], "first", {}),
        ("Mul", ["first", "sixteen"], "upper", {}),
        ("Sub", ["both", "upper"], "second", {}),
        ("Concat", ["first", "second"], "levels", {"axis": 0}),
        ("Sub", ["levels", "zero"], "centred", {}),
        ("Cast", ["centred"], "numbers", {"to": onnx.TensorProto.FLOAT}),
        ("Reshape", ["numbers", "blocks"], "rows", {}),
        ("Cast", ["scale"], "factor", {"to": onnx.TensorProto.FLOAT}),
        ("Mul", ["rows", "factor"], "scaled", {}),
        ("Reshape", ["scaled", "shape"], "", {}),
    ]

    def full(part: str) -> str:
        return f"{name}_{part}" if part else name

    return (
        [numpy_helper.from_array(np.asarray(value), full(part)) for part, value in held.items()],
        [helper.make_node(op, [full(i) for i in inputs], [full(out)], **more) for op, inputs, out, more in steps],
    )


def _pack(array: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """`array` (n, …) in four bits as bytes (n/2, …), its first half in the upper ones, and scales (n, block)."""
    blocks = array.reshape(-1, BLOCK)
    scale = (np.abs(blocks).max(axis=1, keepdims=True) / _LEVELS).astype(_HALF)
    unit = np.where(scale > 0, scale, 1).astype(_SINGLE)
    levels = np.rint(blocks / unit).clip(-_LEVELS, _LEVELS) + _ZERO
    first, second = np.split(levels.astype(np.uint8).reshape(array.shape), 2)
    return first << 4 | second, scale.reshape(len(array), -1)


def _unpack(pairs: NDArray[np.uint8], scale: NDArray[np.float16]) -> NDArray[np.float32]:
    if pairs.size * 2 != scale.size * BLOCK or not np.isfinite(scale).all():
        raise ValueError(f"four bits {pairs.shape} with scales {scale.shape}, or scales that are no numbers")
    levels = np.concatenate([pairs >> 4, pairs & 15]).astype(_SINGLE) - _ZERO
    return (levels.reshape(-1, BLOCK) * scale.reshape(-1, 1).astype(_SINGLE)).reshape(levels.shape)


def _fits(array: NDArray[Any], bits: int) -> bool:
    if bits != 4 or array.dtype != _SINGLE or array.size < _FEW or array.ndim < 2:
        return False
    return len(array) % 2 == 0 and array[0].size % BLOCK == 0


def _halves(array: NDArray[Any], bits: int) -> bool:
    return bits < 32 and array.dtype == _SINGLE and array.size >= _SMALL
