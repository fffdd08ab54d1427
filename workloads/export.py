"""Writing a trained network down, as safetensors and as ONNX that is checked against it. Never a pickle."""

from __future__ import annotations

import warnings
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from workloads import packing, runtime
from workloads.packing import Weights
from workloads.spec import InNumpy, Program, Settings, Workload, few

if TYPE_CHECKING:
    import torch

TOLERANCE = 1e-3
"""Largest difference of two results that rounding excuses, relative to 1 or to the value if that is larger."""
CHECK_UNITS, _CHECK_SEED = 64, 50_021


class ExportError(ValueError):
    """An exported network does not give what the trained one gives."""


def write(workload: Workload, weights: Weights, out: Path, bits: int = 32) -> list[Path]:
    """Write `<name>.safetensors` and, for a workload that runs in ONNX Runtime, `<name>.onnx`; returns the paths.

    Both files store large arrays with `bits` (packing.BITS); every runtime computes in its own precision.
    """
    from safetensors.numpy import save_file

    kept = packing.packed(weights, bits)
    path = out / f"{workload.name}.safetensors"
    save_file(kept, path)
    path.chmod(0o644)  # safetensors leaves it readable by its owner alone
    if "onnxruntime" not in workload.runtimes:
        return [path]
    row = workload.prepare(workload.units(1, _CHECK_SEED)).shape[1:]
    exported = to_onnx(runtime.filled(workload, packing.unpacked(kept)), row, out / f"{workload.name}.onnx", bits)
    return [path, exported]


def check(workload: Workload, weights: Weights, settings: Settings, folder: Path) -> dict[str, Any]:
    """How far what `folder` holds is from the trained `weights`, on real input; ExportError above TOLERANCE.

    Every full-precision runtime is held against the module (or the numpy program) with the weights as trained.
    """
    units = workload.units(few(workload, CHECK_UNITS), _CHECK_SEED)
    trained = trained_program(workload, weights, settings)(units)
    found: dict[str, Any] = {"units": len(units), "tolerance": TOLERANCE}
    for name in workload.runtimes:
        if not runtime.installed(name):
            continue
        program = Program(workload, runtime.executor(workload, name, 1, folder), settings, name, "")
        result = program(units)
        found[name] = {"largest_difference": difference(result, trained), "changed": changed(result, trained)}
        if name not in runtime.REDUCED and not found[name]["largest_difference"] <= TOLERANCE:
            raise ExportError(
                f"{workload.name}: {name} differs from the trained network by "
                f"{found[name]['largest_difference']:.2g} and changes {100 * found[name]['changed']:.3g} % of "
                f"{len(units)} results; allowed: {TOLERANCE:g}. Nothing was written"
            )
    return found


def trained_program(workload: Workload, weights: Weights, settings: Settings) -> Program:
    """`workload` with `weights` that no file holds yet, in torch or, without a network, in numpy."""
    if "torch" in workload.runtimes:
        return Program(
            workload, runtime.torch_network(runtime.filled(workload, weights), 1), settings, "torch", ""
        )
    return Program(workload, cast("InNumpy", workload).in_numpy(weights), settings, "numpy", "")


def difference(result: Any, other: Any) -> float:
    """The largest difference of two results' continuous fields, relative to 1 or to the larger value."""
    worst = 0.0
    for a, b in _pairs(result, other):
        if isinstance(a, np.ndarray) and a.dtype.kind == "f" and a.size:
            worst = max(worst, float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b)))))
    return worst


def changed(result: Any, other: Any) -> float:
    """The share of units of which two results decide or name something else."""
    n = max(len(a) for a, _ in _pairs(result, other))
    apart = np.zeros(n, bool)
    for a, b in _pairs(result, other):
        if not isinstance(a, np.ndarray) or a.dtype.kind in "biuU":
            unlike = np.asarray(a) != np.asarray(b)
            apart |= unlike.reshape(n, -1).any(axis=1)
    return float(apart.mean())


def to_onnx(module: torch.nn.Module, row: tuple[int, ...], path: Path, bits: int = 32) -> Path:
    """Write `module`, whose input is rows of shape `row`, for any batch, as ONNX to `path`."""
    import torch

    batch = torch.export.Dim("batch", min=1, max=4096)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's exporter uses what torch has deprecated
        torch.onnx.export(
            module.eval(), (torch.zeros(2, *row),), path, input_names=["x"], output_names=["y"],
            dynamic_shapes=({0: batch},), dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
    packing.shrink(path, bits)
    strip(path)
    return path


def strip(exported: Path) -> None:
    """Remove what the exporter noted about its own machine (stack traces, paths) from the ONNX file."""
    import onnx

    model = onnx.load(exported)
    _forget(model)
    onnx.save(model, exported)
    exported.chmod(0o644)


def _pairs(result: Any, other: Any) -> list[tuple[Any, Any]]:
    both = ((getattr(result, f.name), getattr(other, f.name)) for f in fields(result))
    return [(a, b) for a, b in both if a is not None]


def _forget(message: Any) -> None:
    """Clear the notes of an ONNX message and of all messages inside it: graphs, nodes, values, functions."""
    for note in {"metadata_props", "doc_string"}.intersection(message.DESCRIPTOR.fields_by_name):
        message.ClearField(note)
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if hasattr(value, "__len__") else (value,):
                _forget(inner)
