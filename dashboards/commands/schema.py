"""`ettwin schema`: the JSON Schema of scenario files, for editors and other checkers."""

from __future__ import annotations

import json

from dashboards.terminal import result


def schema() -> None:
    """Write the JSON Schema of scenarios: ettwin schema > scenario.schema.json."""
    from twin.editors import json_schema

    result(json.dumps(json_schema(), indent=2, ensure_ascii=False))
