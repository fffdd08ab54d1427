"""A workload's network as its server executes it, after it has been shown to be that network. Knows no strain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.serving.address import Address, ServerError
from workloads.serving.client import Server
from workloads.spec import Network, Workload, few

ROUNDING = 0.05
"""Largest difference of the server's output from the exported network's, in standard deviations of the latter.

bfloat16 stays below 0.03 where it is of use at all, weights that are 3 % off are above 0.1.
"""
_UNITS, _SEED = 6, 60_013


@dataclass(frozen=True)
class Remote:
    """A network on a server: input rows (row, …) to output (row, …); `about` is what a passport says of it."""

    server: Server
    given: str
    wanted: str
    about: Mapping[str, Any]

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The output on `rows`; ServerError when the server does not give it."""
        return self.server.infer(self.given, rows, self.wanted)


def connect(workload: Workload, address: Address, local: Network) -> Remote:
    """The network of `workload` at `address`, held against the `local` one on a few units.

    ServerError when the server is not there, or what it holds takes or gives something else.
    """
    server = Server(address)
    try:
        return _checked(workload, server, local)
    except ServerError:
        server.close()
        raise


def _checked(workload: Workload, server: Server, local: Network) -> Remote:
    rows = workload.prepare(workload.units(few(workload, _UNITS), _SEED))
    expected = local(rows)
    about, model = server.about(), server.model()
    given = _only(server.address, "input", model.inputs, rows.shape[1:])
    wanted = _only(server.address, "output", model.outputs, expected.shape[1:])
    found = server.infer(given, rows, wanted)
    if found.shape != expected.shape:
        raise ServerError(
            f"{server.address}: the answer has shape {list(found.shape)}; "
            f"{workload.name} gives {list(expected.shape)}"
        )
    apart = float(np.max(np.abs(found - expected)) / np.std(expected))
    if not apart <= ROUNDING:
        raise ServerError(
            f"{server.address}: this is not the network of '{workload.name}': on {len(rows)} rows its output "
            f"differs by {apart:.2g} standard deviations; allowed: {ROUNDING:g}. "
            f"Let the server load the shipped {workload.name}.onnx"
        )
    told = {
        "name": about.name,
        "version": about.version,
        "model": server.address.model,
        "model_versions": list(model.versions),
        "platform": model.platform,
        "apart_std": apart,
        "times": "with the way to the server and back",
    }
    return Remote(server, given, wanted, told)


def _only(address: Address, what: str, tensors: Any, row: tuple[int, ...]) -> str:
    """The name of the model's single input or output, which must be one of batches of such rows."""
    said = ", ".join(f"{t.name} {t.datatype} {list(t.shape)}" for t in tensors) or "nothing"
    fits = len(tensors) == 1 and tensors[0].datatype == "FP32" and len(tensors[0].shape) == 1 + len(row)
    if not fits or any(a not in (-1, b) for a, b in zip(tensors[0].shape, (-1, *row), strict=True)):
        raise ServerError(
            f"{address}: the model states as {what}: {said}; wanted one FP32 {[-1, *row]}, for any batch. "
            f"Let the server load the exported network, or state its {what} in the server's configuration"
        )
    return str(tensors[0].name)
