"""The model that MLServer loads: an exported network in ONNX Runtime on one thread. Runs where MLServer is."""

import onnxruntime as ort
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Exported(MLModel):
    """Input x to output y."""

    async def load(self) -> bool:
        """Open the network that the model's settings name."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = self.settings.parameters.uri
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The output on one input."""
        rows = NumpyCodec.decode_input(payload.inputs[0])
        (found,) = self._session.run(None, {"x": rows})
        return InferenceResponse(
            model_name=self.name, model_version="1", outputs=[NumpyCodec.encode_output("y", found)]
        )
