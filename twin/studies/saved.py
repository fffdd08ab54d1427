"""A study on disk: what was asked, what was found, where it comes from. Written beside its place and renamed
whole.

The same study gives the same bytes, however often it was interrupted and wherever it ran; only manifest.json says
when and where that was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twin.folder import written_whole
from twin.studies.request import BASE
from twin.studies.study import Study

SCHEMA_VERSION = 1


def save(study: Study, folder: Path, command: str, also: Callable[[Path], object]) -> Path:
    """Write the folder, and what `also` adds to it; gives it back. Refuses to overwrite."""
    with written_whole(folder) as beside:
        (beside / "study.yaml").write_text(study.request.text, encoding="utf-8")
        scenario = None if study.kind == "compare" else BASE
        (beside / "resolved.yaml").write_text(study.request.resolved(scenario), encoding="utf-8")
        (beside / BASE).write_text(study.scenario.resolved(), encoding="utf-8")
        manifest = json.dumps({**study.manifest, **_told(study), "command": command}, indent=1)
        (beside / "manifest.json").write_text(manifest + "\n", encoding="utf-8")
        study.table.to_parquet(beside / "table.parquet", index=False)
        study.values.to_parquet(beside / "values.parquet", index=False)
        study.targets.to_parquet(beside / "targets.parquet", index=False)
        for name, table in study.found.tables.items():
            table.to_parquet(beside / f"{name}.parquet", index=False)
        also(beside)
    return folder


def _told(study: Study) -> dict[str, Any]:
    """What was asked and answered, for who reads the folder without carrying the study out."""
    sample = study.request.asked.sample
    return {
        "question": study.question,
        "answer": list(study.answer),
        "report": list(study.report),
        "with": list(study.request.asked.with_),
        "set": study.request.changes,
        "sample": "grid" if sample is None else sample.method,
    }


def as_dict(study: Study, command: str) -> dict[str, Any]:
    """What --json tells: the answer, the quantities of the report by point, verdicts, failures."""
    told = study.table[study.table["quantity"].isin(study.report)]
    return {
        "schema_version": SCHEMA_VERSION,
        "study": study.name,
        "kind": study.kind,
        "question": study.question,
        "scenario": study.scenario.name,
        "seed": study.seed,
        "command": command,
        "answer": list(study.answer),
        "failures": study.failures,
        "table": [_plain(row) for row in told.to_dict("records")],
        "targets": [_plain(row) for row in study.targets.to_dict("records")],
        "tables": {name: [_plain(row) for row in t.to_dict("records")] for name, t in study.found.tables.items()},
    }


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(k): _value(v) for k, v in row.items()}


def _value(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain
