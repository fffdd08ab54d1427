"""A comparison on disk: comparison.json, values.parquet with a row per replica, every case's resolved scenario.

Written beside its place and renamed whole. Knows no command and no page.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twin.folder import written_whole
from twin.studies import pairing
from twin.studies.compare import Comparison

SCHEMA_VERSION = 1
FILE = "comparison.json"


def as_dict(found: Comparison, command: str) -> dict[str, Any]:
    """What comparison.json holds: cases with their digests, changes and verdicts, and the table as rows."""
    changes = found.changes()
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": found.cases[0].scenario.name,
        "question": " ".join(found.cases[0].scenario.question.split()),
        "horizon_s": found.cases[0].scenario.horizon,
        "seed": found.seed,
        "replicas": found.replicas,
        "command": command,
        "cases": [
            {
                "name": case.name,
                "scenario_digest": case.scenario.digest,
                "plan_digest": outcome.plan_digest,
                "saturated": outcome.saturated,
                "targets": outcome.targets,
                "changes": {key: list(pair) for key, pair in changes.get(case.name, {}).items()},
            }
            for case, outcome in zip(found.cases, found.outcomes, strict=True)
        ],
        "table": [_plain(row) for row in found.table.to_dict("records")],
        "better": [*pairing.sentences(found.outcomes), *pairing.cautions(found.outcomes)],
        "pairing": [_plain(row) for row in pairing.table(found.outcomes).to_dict("records")],
    }


def save(found: Comparison, folder: Path, command: str, also: Callable[[Path], object]) -> Path:
    """Write the folder, and what `also` adds to it; gives it back. Refuses to overwrite."""
    with written_whole(folder) as beside:
        content = json.dumps(as_dict(found, command), indent=1, allow_nan=False)
        (beside / FILE).write_text(content + "\n", encoding="utf-8")
        found.replica_table.to_parquet(beside / "values.parquet", index=False)
        for case in found.cases:
            (beside / f"{case.name}.yaml").write_text(case.scenario.resolved(), encoding="utf-8")
        also(beside)
    return folder


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(k): None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
