"""What executes a network: torch, also on a GPU, ONNX Runtime, OpenVINO, numpy or a server. Knows no strain."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from workloads import card, packing
from workloads.spec import SERVED, InNumpy, InTorch, Network, Workload

if TYPE_CHECKING:
    import torch

PRECISION = {"cuda": "f32", "cuda-tf32": "tf32", "cuda-bf16": "bf16"}
"""Runtimes on a GPU, by the precision that matrices are multiplied in."""
PACKAGE = {
    "onnxruntime": "onnxruntime",
    "torch": "torch",
    "openvino": "openvino",
    "openvino-bf16": "openvino",
    **dict.fromkeys(PRECISION, "torch"),
    SERVED: "grpc",
}
"""The package that each runtime but numpy needs."""
DISTRIBUTION = {"grpc": "grpcio"}
"""Who provides a package of another name."""
EXTRA = {"onnxruntime": "live", "torch": "live", "openvino": "openvino", "grpc": "serving"}
"""The extra that installs each package."""
REDUCED = ("openvino-bf16", "cuda-tf32", "cuda-bf16", SERVED)
"""Runtimes that round, or may: their decisions are their own, and are measured on their own."""


def executor(workload: Workload, runtime: str, threads: int, folder: Path | None = None) -> Network:
    """The trained network of `workload` as a function of its input, run by `runtime`.

    ModuleNotFoundError, with the extra to install, when the runtime's package is not there; RuntimeError when
    it is, but finds no GPU to run on.
    """
    if threads < 1:
        raise ValueError(f"{workload.name}: {threads} threads; wanted at least 1")
    package = PACKAGE.get(runtime)
    if package is not None and find_spec(package) is None:
        raise ModuleNotFoundError(
            f"runtime '{runtime}' needs the extra '{EXTRA[package]}': pip install 'et-twin[{EXTRA[package]}]'",
            name=package,
        )
    if not installed(runtime):
        raise RuntimeError(
            f"runtime '{runtime}' needs a GPU that torch can use, and torch finds none: look whether nvidia-smi "
            f"lists it and torch.version.cuda is set, or choose {', '.join(filter(installed, workload.runtimes))}"
        )
    return _RUNTIMES[runtime](workload, threads, folder)


def installed(runtime: str) -> bool:
    """Whether the package of `runtime` is there, and the GPU if it needs one; numpy always is."""
    package = PACKAGE.get(runtime)
    if package is None or find_spec(package) is None:
        return package is None
    if runtime not in PRECISION:
        return True
    import torch

    return torch.cuda.is_available()


def stored(workload: Workload, folder: Path | None = None) -> dict[str, NDArray[Any]]:
    """The verified weights of `workload` by name; those stored in half precision are given in it."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = card.verified(workload.name, "safetensors", folder)
    try:
        return packing.unpacked(load_file(path))
    except (SafetensorError, ValueError) as error:
        raise card.WeightsError(
            f"{path}: not readable as weights ({error}). Run 'ettwin train {workload.name} --out {path.parent}'"
        ) from error


def load_module(workload: Workload, folder: Path | None = None) -> torch.nn.Module:
    """The network of `workload` with its verified weights, ready to infer."""
    return filled(workload, stored(workload, folder))


def filled(workload: Workload, weights: Mapping[str, NDArray[Any]]) -> torch.nn.Module:
    """The network of `workload` with `weights`, ready to infer; weights of half precision become single again.

    WeightsError when they are of another network.
    """
    module = cast("InTorch", workload).module()
    try:
        packing.fill(module, weights)
    except ValueError as error:
        raise card.WeightsError(f"{workload.name}: weights {error}") from error
    return module.eval()


def torch_network(module: torch.nn.Module, threads: int, device: str = "cpu", precision: str = "f32") -> Network:
    """`module` run eagerly by torch on `device`, its matrices multiplied in `precision` ('f32', 'tf32', 'bf16').

    The number of threads, and whether a GPU may use tf32, are torch's own and hold for the whole process. Input
    and output are copied to and from the device within the call.
    """
    import torch

    module = module.to(device)
    rounded = "tf32" if precision == "tf32" else "ieee"

    def run(x: NDArray[np.float32]) -> NDArray[np.float32]:
        torch.set_num_threads(threads)
        if device != "cpu":  # set on a CPU, they would keep torch from exporting a network to ONNX
            torch.backends.cuda.matmul.fp32_precision = rounded
            torch.backends.cudnn.conv.fp32_precision = rounded  # type: ignore[attr-defined]
        with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            found = module(torch.from_numpy(x).to(device))
        return cast("NDArray[np.float32]", found.float().cpu().numpy())

    return run


def onnx_network(path: Path, threads: int) -> Network:
    """The exported network in `path` run by ONNX Runtime, whose idle threads sleep instead of spinning."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return cast("NDArray[np.float32]", session.run(None, {name: x})[0])

    return run


def openvino_network(path: Path, threads: int, precision: str) -> Network:
    """The exported network in `path` run by OpenVINO on the CPU, inside in `precision` ('f32' or 'bf16')."""
    openvino = _openvino()
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
    }
    request = openvino.Core().compile_model(str(path), "CPU", options).create_infer_request()

    def run(x: NDArray[np.float32]) -> NDArray[np.float32]:
        request.infer({0: x})
        return np.array(request.get_output_tensor(0).data, dtype=np.float32)

    return run


def _openvino() -> Any:
    """The package, without the reports on its use that importing it sends to its makers."""
    name = "openvino_telemetry"
    if "openvino" not in sys.modules and name not in sys.modules:
        sys.modules[name] = None  # type: ignore[assignment]
        try:
            return import_module("openvino")
        finally:
            del sys.modules[name]
    return import_module("openvino")


def _in_torch(workload: Workload, threads: int, folder: Path | None) -> Network:
    return torch_network(load_module(workload, folder), threads)


def _on_gpu(precision: str) -> Callable[[Workload, int, Path | None], Network]:
    def load(workload: Workload, threads: int, folder: Path | None) -> Network:
        return torch_network(load_module(workload, folder), threads, "cuda", precision)

    return load


def _in_numpy(workload: Workload, threads: int, folder: Path | None) -> Network:
    return cast("InNumpy", workload).in_numpy(stored(workload, folder))


def _in_onnx(workload: Workload, threads: int, folder: Path | None) -> Network:
    return onnx_network(card.verified(workload.name, "onnx", folder), threads)


def _in_openvino(precision: str) -> Callable[[Workload, int, Path | None], Network]:
    def load(workload: Workload, threads: int, folder: Path | None) -> Network:
        return openvino_network(card.verified(workload.name, "onnx", folder), threads, precision)

    return load


def _on_server(workload: Workload, threads: int, folder: Path | None) -> Network:
    from workloads.serving import address, remote

    if threads != 1:
        raise ValueError(f"{workload.name}: {threads} threads; how many a server takes is its own affair, give 1")
    where = address.find(workload.name, os.environ)
    return remote.connect(workload, where, _in_onnx(workload, 1, folder))


_RUNTIMES: dict[str, Callable[[Workload, int, Path | None], Network]] = {
    "torch": _in_torch,
    "numpy": _in_numpy,
    SERVED: _on_server,
    "onnxruntime": _in_onnx,
    "openvino": _in_openvino("f32"),
    "openvino-bf16": _in_openvino("bf16"),
    **{name: _on_gpu(precision) for name, precision in PRECISION.items()},
}
