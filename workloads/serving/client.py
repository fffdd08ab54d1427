"""A model server spoken to over gRPC, by the Open Inference Protocol v2. Knows no workload and no strain.

Every call has a deadline, and every answer is checked before it is believed.
"""

from __future__ import annotations

from math import prod
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from workloads.serving.address import Address, ServerError
from workloads.serving.messages import CALLS, MESSAGES, SERVICE

WAIT_S, TIMEOUT_S = 5.0, 60.0
"""What a server may take to accept the connection, and to answer a call."""
LARGEST_BYTES = 256 * 2**20
"""Of an answer; a longer one is refused."""


class Server:
    """A connection to the model at `address`; ServerError when nobody answers there within `wait_s`."""

    def __init__(self, address: Address, wait_s: float = WAIT_S, timeout_s: float = TIMEOUT_S) -> None:
        self.address, self._timeout_s = address, timeout_s
        self._version: str | None = None
        self._channel = _connected(address, wait_s)
        self._calls = {
            name: self._channel.unary_unary(
                f"/{SERVICE}/{name}",
                request_serializer=MESSAGES[f"{name}Request"].SerializeToString,
                response_deserializer=MESSAGES[f"{name}Response"].FromString,
            )
            for name in CALLS
        }

    def about(self) -> Any:
        """ServerMetadataResponse: the server's name and version."""
        return self._ask("ServerMetadata")

    def model(self) -> Any:
        """ModelMetadataResponse: versions, platform, inputs and outputs; ServerError when it is not ready."""
        if not self._ask("ModelReady", name=self.address.model).ready:
            raise ServerError(
                f"{self.address}: the server has no model '{self.address.model}' that is ready. Name one that it "
                f"has, or wait until it is loaded; the server's log says more"
            )
        return self._ask("ModelMetadata", name=self.address.model)

    def infer(self, given: str, rows: NDArray[np.float32], wanted: str) -> NDArray[np.float32]:
        """Output `wanted` on input `given` = rows (batch, …), shape (batch, …).

        ServerError when there is no such answer, or it comes from another version of the model than the first.
        """
        rows = np.ascontiguousarray(rows, dtype="<f4")
        answer = self._ask(
            "ModelInfer",
            model_name=self.address.model,
            inputs=[{"name": given, "datatype": "FP32", "shape": rows.shape}],
            outputs=[{"name": wanted}],
            raw_input_contents=[rows.tobytes()],
        )
        if self._version is None:
            self._version = answer.model_version
        elif answer.model_version != self._version:
            raise ServerError(
                f"{self.address}: the server went from version '{self._version}' of the model to "
                f"'{answer.model_version}'. Begin again with one version"
            )
        return self._array(answer, wanted, len(rows))

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def _ask(self, call: str, **fields: Any) -> Any:
        try:
            return self._calls[call](MESSAGES[f"{call}Request"](**fields), timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise ServerError(f"{self.address}: {self._why(call, error)}") from error

    def _why(self, call: str, error: Any) -> str:
        code, said = error.code(), " ".join((error.details() or "").split())[:300]
        known = {
            grpc.StatusCode.UNAVAILABLE: f"the server went away during {call}. Start it again, then begin again",
            grpc.StatusCode.DEADLINE_EXCEEDED: f"no answer to {call} within {self._timeout_s:g} s. "
            "Look whether the server hangs or has more work than it can do",
            grpc.StatusCode.NOT_FOUND: f"the server has no model '{self.address.model}'. Name one that it has",
            grpc.StatusCode.RESOURCE_EXHAUSTED: "a message is longer than allowed. Make batches smaller, or raise "
            "the server's limit (MLServer: grpc_max_message_length)",
            grpc.StatusCode.UNIMPLEMENTED: "it does not speak the Open Inference Protocol v2",
        }
        return f"{known.get(code, f'{call} failed: {code.name}')} ({said})"

    def _array(self, answer: Any, wanted: str, batch: int) -> NDArray[np.float32]:
        names = [output.name for output in answer.outputs]
        if wanted not in names:
            raise ServerError(f"{self.address}: the answer lacks output '{wanted}'; it has: {', '.join(names)}")
        index = names.index(wanted)
        output = answer.outputs[index]
        shape = tuple(output.shape)
        if output.datatype != "FP32" or shape[:1] != (batch,) or min(shape) < 0:
            raise ServerError(
                f"{self.address}: output '{wanted}' is {output.datatype} {list(shape)}; wanted FP32 [{batch}, …]"
            )
        raw = answer.raw_output_contents
        if raw and len(raw) != len(names):
            raise ServerError(f"{self.address}: {len(raw)} arrays for {len(names)} outputs")
        size = len(raw[index]) / 4 if raw else len(output.contents.fp32_contents)
        if size != prod(shape):
            raise ServerError(f"{self.address}: output '{wanted}' holds {size:g} numbers; wanted {prod(shape)}")
        flat = np.frombuffer(raw[index], "<f4") if raw else np.array(output.contents.fp32_contents, np.float32)
        return flat.reshape(shape)


def _connected(address: Address, wait_s: float) -> Any:
    options = [("grpc.max_receive_message_length", LARGEST_BYTES), ("grpc.enable_http_proxy", 0)]
    if address.secure:
        channel = grpc.secure_channel(address.target, grpc.ssl_channel_credentials(), options)
    else:
        channel = grpc.insecure_channel(address.target, options)
    try:
        grpc.channel_ready_future(channel).result(wait_s)
    except grpc.FutureTimeoutError:
        channel.close()
        certificate = " with a certificate that is trusted here" if address.secure else ""
        raise ServerError(
            f"{address}: no gRPC server answers there{certificate} within {wait_s:g} s. Start it, or give its "
            f"gRPC port (Triton 8001, MLServer and KServe 8081)"
        ) from None
    return channel
