"""The LVK's public schema, as JSON and as Avro: is a document valid, and its other form. Needs the extra 'alerts'.

The schema is that of the package igwn-gwalert-schema, nothing of it is repeated here. Knows no simulation.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

_PACKAGE = "igwn_gwalert_schema"
_MARKER = b"ettwin simulated"
Schema = Mapping[str, Any]


@cache
def json_schema() -> dict[str, Any]:
    """The official JSON Schema."""
    content: dict[str, Any] = json.loads(
        (files(_PACKAGE) / "igwn.alerts.Alert.schema.json").read_text(encoding="utf-8")
    )
    return content


def ready() -> None:
    """Raise ModuleNotFoundError, before anything is simulated, where documents could not be checked."""
    from jsonschema import Draft202012Validator

    Draft202012Validator(json_schema())


@cache
def avro_schema() -> Any:
    """The official Avro schema, parsed."""
    import fastavro

    return fastavro.parse_schema(
        json.loads((files(_PACKAGE) / "igwn.alerts.Alert.avsc").read_text(encoding="utf-8"))
    )


def broken_rules(content: Any, schema: Schema) -> Iterator[tuple[str, str]]:
    """(where, what is wrong) of every rule of a JSON Schema that `content` breaks; of alternatives the nearest."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    for error in sorted(Draft202012Validator(schema).iter_errors(content), key=lambda e: list(map(str, e.path))):
        nearest = best_match([error]) or error
        yield ".".join(map(str, nearest.absolute_path)), _words(nearest)


def to_avro(document: Mapping[str, Any]) -> bytes:
    """A public document as an Avro file of one record."""
    import fastavro

    file = io.BytesIO()
    # The marker between blocks is random unless given: the same content shall have the same bytes.
    fastavro.writer(file, avro_schema(), [_maps(document, base64.b64decode)], sync_marker=_MARKER)
    return file.getvalue()


def from_avro(content: bytes) -> list[dict[str, Any]]:
    """The records of an Avro file, as JSON has them. Whatever fastavro raises, raises."""
    import fastavro

    records = []
    # Two are enough to see that there is more than one.
    for record in islice(fastavro.reader(io.BytesIO(content)), 2):
        if not isinstance(record, dict):
            raise ValueError("its records are not alerts")
        records.append(_maps(record, lambda raw: base64.b64encode(raw).decode()))
    return records


def avro_form(content: bytes) -> str | None:
    """What is unusual about the head of an Avro file: another schema than the official one, or packed blocks."""
    import fastavro
    from fastavro.schema import to_parsing_canonical_form as canonical

    reader = fastavro.reader(io.BytesIO(content))
    if reader.codec != "null":
        return f"is packed Avro ({reader.codec}): unpack it first"
    if reader.writer_schema is None or canonical(reader.writer_schema) != canonical(avro_schema()):
        return "is Avro of another schema than igwn.alerts.Alert of igwn-gwalert-schema"
    return None


def _maps(document: Mapping[str, Any], turn: Any) -> dict[str, Any]:
    """A copy of the document with its sky maps turned from text to bytes, or back."""
    copy = dict(document)
    for part, key in (("event", "skymap"), ("external_coinc", "combined_skymap")):
        inner = copy.get(part)
        if isinstance(inner, Mapping) and inner.get(key) is not None:
            copy[part] = {**inner, key: turn(inner[key])}
    return copy


def _words(error: Any) -> str:
    """What a rule demands, in words."""
    given = json.dumps(error.instance, default=str)
    given = given if len(given) <= 60 else f"{given[:57]}…"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"lacks {', '.join(missing)}"
    if error.validator == "type":
        kinds = error.validator_value
        return f"{given} is not {' or '.join([kinds] if isinstance(kinds, str) else kinds)}"
    if error.validator in ("enum", "const"):
        allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
        return f"{given} is none of {', '.join(map(str, allowed))}"
    if error.validator == "additionalProperties":
        return (
            f"holds what the schema does not know: {error.message.partition('(')[2].rstrip(')') or error.message}"
        )
    return f"{given}: {error.validator} must be {json.dumps(error.validator_value, default=str)[:80]}"
