"""A test double of a model server: real gRPC on a real port, by the Open Inference Protocol, with faults to order.

Real servers are tried in test_serving.py and by `make serving-check`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import numpy as np

from workloads.serving.messages import MESSAGES, SERVICE


class Double(grpc.GenericRpcHandler):
    """Holds one model, `network` from FP32 rows (row, …) to (row, …); `faults` replace the answer to a call."""

    def __init__(self, model, network, row, out, **faults):
        self.model, self.network, self.row, self.out, self.faults = model, network, row, out, faults
        self.asked = []

    def service(self, details):
        call = details.method.removeprefix(f"/{SERVICE}/")
        if f"{call}Request" not in MESSAGES:
            return None
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._answer(call, request, context),
            MESSAGES[f"{call}Request"].FromString,
            MESSAGES[f"{call}Response"].SerializeToString,
        )

    def _answer(self, call, request, context):
        self.asked.append(call)
        if call in self.faults:
            return self.faults[call](request, context, getattr(self, call))
        return getattr(self, call)(request, context)

    def ServerMetadata(self, request, context):  # noqa: N802
        return MESSAGES["ServerMetadataResponse"](name="double", version="7")

    def ModelReady(self, request, context):  # noqa: N802
        if request.name != self.model:
            context.abort(grpc.StatusCode.NOT_FOUND, f"unknown model {request.name}")
        return MESSAGES["ModelReadyResponse"](ready=True)

    def ModelMetadata(self, request, context):  # noqa: N802
        def tensor(name, row):
            return {"name": name, "datatype": "FP32", "shape": [-1, *row]}

        return MESSAGES["ModelMetadataResponse"](
            name=self.model, versions=["1"], inputs=[tensor("x", self.row)], outputs=[tensor("y", self.out)]
        )

    def ModelInfer(self, request, context):  # noqa: N802
        (given,) = request.inputs
        rows = np.frombuffer(request.raw_input_contents[0], "<f4").reshape(tuple(given.shape))
        y = np.asarray(self.network(rows), "<f4")
        return MESSAGES["ModelInferResponse"](
            model_name=self.model,
            model_version="1",
            outputs=[{"name": "y", "datatype": "FP32", "shape": y.shape}],
            raw_output_contents=[y.tobytes()],
        )


@contextmanager
def served(double, credentials=None):
    """`double` on a free port of this machine: gives the gRPC server and its port, and stops it."""
    server = grpc.server(ThreadPoolExecutor(1), handlers=(double,))
    port = (
        server.add_secure_port("127.0.0.1:0", credentials)
        if credentials
        else server.add_insecure_port("127.0.0.1:0")
    )
    server.start()
    try:
        yield server, port
    finally:
        server.stop(None).wait()
