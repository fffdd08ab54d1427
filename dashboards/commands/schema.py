"""`ettwin schema`: the JSON Schema of scenario and study files, for editors and other checkers."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dashboards.terminal import result


def schema(
    study: Annotated[bool, typer.Option("--study", help="That of studies instead.")] = False,
) -> None:
    """Write the JSON Schema of scenarios: ettwin schema > scenario.schema.json."""
    if study:
        from twin.studies.schema import json_schema as of_studies

        result(json.dumps(of_studies(), indent=2, ensure_ascii=False))
        return
    from twin.editors import json_schema

    result(json.dumps(json_schema(), indent=2, ensure_ascii=False))
