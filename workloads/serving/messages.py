"""Messages of the Open Inference Protocol v2 over gRPC: of its public definition, the fields that are used here.

What a server says besides is skipped, as protobuf does with every field it does not know. They are written out
rather than generated: generated code holds for one version of protobuf only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "inference.GRPCInferenceService"
CALLS = ("ServerMetadata", "ModelReady", "ModelMetadata", "ModelInfer")
"""Each takes the message <name>Request and answers with <name>Response."""

_FIELDS: dict[str, tuple[str, ...]] = {
    "ServerMetadataRequest": (),
    "ServerMetadataResponse": ("1 string name", "2 string version"),
    "ModelReadyRequest": ("1 string name",),
    "ModelReadyResponse": ("1 bool ready",),
    "ModelMetadataRequest": ("1 string name",),
    "TensorMetadata": ("1 string name", "2 string datatype", "3 int64* shape"),
    "ModelMetadataResponse": (
        "1 string name",
        "2 string* versions",
        "3 string platform",
        "4 TensorMetadata* inputs",
        "5 TensorMetadata* outputs",
    ),
    "InferTensorContents": ("6 float* fp32_contents",),
    "InferInputTensor": ("1 string name", "2 string datatype", "3 int64* shape"),
    "InferRequestedOutputTensor": ("1 string name",),
    "InferOutputTensor": (
        "1 string name",
        "2 string datatype",
        "3 int64* shape",
        "5 InferTensorContents contents",
    ),
    "ModelInferRequest": (
        "1 string model_name",
        "5 InferInputTensor* inputs",
        "6 InferRequestedOutputTensor* outputs",
        "7 bytes* raw_input_contents",
    ),
    "ModelInferResponse": (
        "1 string model_name",
        "2 string model_version",
        "5 InferOutputTensor* outputs",
        "6 bytes* raw_output_contents",
    ),
}
"""Number, type (with * if repeated) and name of each field."""


def _classes() -> Iterator[tuple[str, Any]]:
    field = descriptor_pb2.FieldDescriptorProto
    plain = {
        "string": field.TYPE_STRING,
        "int64": field.TYPE_INT64,
        "bool": field.TYPE_BOOL,
        "bytes": field.TYPE_BYTES,
        "float": field.TYPE_FLOAT,
    }
    file = descriptor_pb2.FileDescriptorProto(name="open_inference.proto", package="inference", syntax="proto3")
    for message, told in _FIELDS.items():
        described = file.message_type.add(name=message)
        for number, kind, name in (line.split() for line in told):
            label = field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL
            one = described.field.add(name=name, number=int(number), label=label)
            if kind.rstrip("*") in plain:
                one.type = plain[kind.rstrip("*")]
            else:
                one.type, one.type_name = field.TYPE_MESSAGE, f".inference.{kind.rstrip('*')}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    for message in _FIELDS:
        yield message, message_factory.GetMessageClass(pool.FindMessageTypeByName(f"inference.{message}"))


MESSAGES: dict[str, Any] = dict(_classes())
"""The class of each message by its name."""
