"""What executes a network: torch, ONNX Runtime or numpy, with a fixed number of threads. Knows no strain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from workloads import card
from workloads.spec import Network, Workload

if TYPE_CHECKING:
    import torch


def executor(workload: Workload, runtime: str, threads: int, folder: Path | None = None) -> Network:
    """The trained network of `workload` as a function of its input, run by `runtime`."""
    if threads < 1:
        raise ValueError(f"{workload.name}: {threads} threads; wanted at least 1")
    if runtime == "onnxruntime":
        return onnx_network(card.verified(workload.name, "onnx", folder), threads)
    module = load_module(workload, folder)
    if runtime == "numpy":
        return cast("Network", module.in_numpy)
    return torch_network(module, threads)


def load_module(workload: Workload, folder: Path | None = None) -> torch.nn.Module:
    """The network of `workload` with its verified weights, ready to infer."""
    from safetensors.torch import load_file

    module = workload.module()
    module.load_state_dict(load_file(card.verified(workload.name, "safetensors", folder)))
    return module.eval()


def torch_network(module: torch.nn.Module, threads: int) -> Network:
    """`module` run eagerly by torch. The number of threads is torch's own and holds for the whole process."""
    import torch

    torch.set_num_threads(threads)

    def run(x: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return cast("NDArray[np.float32]", module(torch.from_numpy(x)).numpy())

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
