"""The JSON Schema of scenario files, made from the sections themselves. For editors; the twin never reads it."""

from __future__ import annotations

import json
from typing import Any

from twin.scenario import Scenario

_PARTIAL = "Partial"


def json_schema() -> dict[str, Any]:
    """The JSON Schema: a scenario is whole, or based on another one and then may leave anything away."""
    whole = Scenario.model_json_schema()
    definitions = whole.pop("$defs")
    text = json.dumps({"root": whole, "definitions": definitions}).replace("#/$defs/", f"#/$defs/{_PARTIAL}")
    partial = _without_required(json.loads(text))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ettwin scenario",
        "description": whole["description"],
        "if": {"type": "object", "required": ["based_on"]},
        "then": partial["root"],
        "else": whole,
        "$defs": {**definitions, **{f"{_PARTIAL}{name}": d for name, d in partial["definitions"].items()}},
    }


def _without_required(schema: Any) -> Any:
    if isinstance(schema, dict):
        kept = {key: item for key, item in schema.items() if key != "required" or not isinstance(item, list)}
        return {key: _without_required(item) for key, item in kept.items()}
    return [_without_required(item) for item in schema] if isinstance(schema, list) else schema
