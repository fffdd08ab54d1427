"""Alerts whose archived models are asked again: with what, and what came of it. Knows no page, asks no program.

Each is a job, `ettwin replay`, like what else takes long; its answer is what it wrote.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dashboards import alerttrace
from dashboards.app import documents, job
from dashboards.app.job import Job
from dashboards.app.library import Library
from dashboards.app.url import address
from dashboards.terminal import DIFFERENT, FAILED
from twin.archive.of_run import FOLDER

KIND = "replay"
"""Of job."""
ANSWERS = (FAILED, DIFFERENT)
"""How `ettwin replay` ends when it has something to tell besides that all agrees."""
VERDICTS = {"agrees": "met", "differs": "missed", "cannot be checked": "undecided"}
"""What comes out, and the kind of verdict that it is shown as."""
_LARGEST_BYTES = 1_000_000


def shown_at(run: str, event: str) -> str:
    """Address of the page that shows the answer."""
    return address("/run/{id}/events/{event}", id=run, event=event)


def asked_with(library: Library, run: str, event: str) -> Path | str:
    """The document of this alert that `ettwin replay` takes, or why it cannot be asked about."""
    record, known = library.record(run), alerttrace.named(event)
    if known is None:
        return f"'{event[:40]}' is no event."
    if not (record.entry.folder / FOLDER).is_dir():
        return "This run keeps no capsules."
    found, why = documents.documents(record, *known)
    return found[0].path if found else why


def latest(library: Library, run: str, event: str) -> Job | None:
    """The last job that asked about this alert; None if none is remembered."""
    here = shown_at(run, event)
    jobs = library.jobs.all() if library.jobs else []
    return next((one for one in jobs if one.asked.kind == KIND and one.asked.shown_at == here), None)


def answer(one: Job) -> Mapping[str, Any] | None:
    """What it found: verdict and answers, as `ettwin replay --json` writes them; None where it has none."""
    path = one.folder / job.OUT
    try:
        if one.state != job.FINISHED or path.stat().st_size > _LARGEST_BYTES:
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("verdict") in VERDICTS else None
