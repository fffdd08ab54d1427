"""The model that Triton's Python backend loads: an exported network in ONNX Runtime on one thread."""

from pathlib import Path
from typing import Any

import onnxruntime as ort
import triton_python_backend_utils as triton


class TritonPythonModel:
    """Input x to output y."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the network that lies beside this file."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = Path(__file__).with_name("model.onnx")
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def execute(self, requests: list[Any]) -> list[Any]:
        """The output on the input of each request."""
        return [self._answer(triton.get_input_tensor_by_name(r, "x").as_numpy()) for r in requests]

    def _answer(self, rows: Any) -> Any:
        (found,) = self._session.run(None, {"x": rows})
        return triton.InferenceResponse([triton.Tensor("y", found)])
