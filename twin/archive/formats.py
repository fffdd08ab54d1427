"""Which bytes may become a model: safetensors and ONNX, whose parts lie within the file. Knows no archive.

Both formats hold numbers and a graph of known operations; a pickle holds a program that runs when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twin.archive.sealed import ArchiveError

SUFFIXES = {".safetensors": "safetensors", ".onnx": "onnx", ".card.json": "card"}
"""What an archive takes, by the end of the file's name."""
_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
"""Of operations that the standard defines; others may be anything that is registered where the model is read."""


def kind(name: str) -> str:
    """The format that the file's name states; ArchiveError for one that is not taken."""
    for suffix, found in SUFFIXES.items():
        if name.endswith(suffix) and name == name.rsplit("/", 1)[-1]:
            return found
    raise ArchiveError(f"{name}: an archive takes {', '.join(SUFFIXES)}, and loads nothing else (never a pickle)")


def check(name: str, raw: bytes) -> None:
    """ArchiveError unless `raw` is what the file's name states, and whole in itself."""
    found = kind(name)
    if found == "safetensors":
        _safetensors(name, raw)
    elif found == "onnx":
        _onnx(name, raw)


def _safetensors(name: str, raw: bytes) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        load(raw)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ArchiveError(f"{name}: not readable as safetensors ({error})") from error


def _onnx(name: str, raw: bytes) -> None:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(raw)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        text = " ".join(str(error).split())
        raise ArchiveError(f"{name}: not readable as ONNX ({text})") from error
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise ArchiveError(f"{name}: keeps '{tensor.name}' in another file; export it with its weights inside")
    foreign = sorted({entry.domain for entry in model.opset_import} - set(_DOMAINS))
    if foreign:
        raise ArchiveError(f"{name}: uses operations of {', '.join(foreign)}; allowed: those of the ONNX standard")


def _tensors(graph: Any) -> Iterator[Any]:
    """Stored numbers of a graph and of the graphs within its nodes."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _tensors(inner)
