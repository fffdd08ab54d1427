"""Writes the documents of a run, each checked against its schema first. For twin.record and `ettwin alerts`.

`<id>-<n>-<type>.json` is the public part, `….avro` is not written: `ettwin alerts FILE --avro` makes it. Beside it
lies `….ext.json`, the extension. Of a run of a million notices the first are written, unless all are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import words
from twin.alerts import official
from twin.alerts.document import Document, documents
from twin.alerts.extension import schema
from twin.alerts.models import AlertError, Models, models
from twin.alerts.notices import counts, policy_of
from twin.alerts.public import is_simulated
from twin.record import NOTED

if TYPE_CHECKING:
    from twin.record import Record
    from twin.recorded import Recorded
    from twin.schema_alerts import Alerts

FOLDER = "alerts"
"""Of a run directory."""
USUAL = 200
"""Documents of a replica that `ettwin run` writes unless it is told otherwise."""
_TOLD = 500
"""After so many documents it is said how many there are."""
Progress = Callable[[float, str], None]


def planned(record: Record, most: int | None) -> dict[str, int | None]:
    """What the manifest says when at most `most` documents of a replica are written; None: all."""
    every = counts(record, policy_of(record))
    written = sum(n if most is None else min(n, most) for n in every)
    return {"most": most, "written": written, "of": sum(every)}


def summary(record: Recorded) -> dict[str, Any]:
    """How many of the documents were written, in figures and in words; {} where none was asked for."""
    told = record.manifest.get(NOTED)
    if told is None:
        return {}
    policy = record.scenario.alerts
    whose = "each replica" if policy is not None and policy.replicas == "every" else "the first replica"
    n, of = told["written"], told["of"]
    if n == of:
        text = f"{words.count(n, 'alert')} of {whose} as documents: all there are"
    else:
        text = (
            f"{n:,} of {of:,} alerts of {whose} as documents, the first in time; "
            "'ettwin alerts RUN --write DIR' writes all"
        )
    return {NOTED: {"written": n, "of": of, "text": text}}


def write(record: Record, folder: Path, progress: Progress = lambda fraction, text: None) -> int:
    """Write the documents that the record's manifest names, the first in time, into `folder`, and return how many.

    Raises AlertError when one is not valid, and then the run directory is not made.
    """
    return write_of(record, folder, models(record), record.manifest[NOTED]["most"], progress)


def write_of(
    record: Record, folder: Path, known: Models, most: int | None, progress: Progress, only: str | None = None
) -> int:
    """The same with models that are `known` already; `only` names the kind of notices that are written."""
    policy, n = policy_of(record), 0
    every = sum(counts(record, policy)) if most is None else most * replicas(record, policy)
    for replica in range(replicas(record, policy)):
        own = place(policy, folder, replica)
        for document in documents(record, policy, known, replica, most=most, only=only):
            check(document)
            own.mkdir(parents=True, exist_ok=True)
            (own / f"{document.name}.json").write_bytes(document.text)
            if document.extension is not None:
                (own / f"{document.name}.ext.json").write_bytes(document.extension_text)
            n += 1
            if n % _TOLD == 0:
                progress(min(1.0, n / every), f"{n:,} alerts written")
    return n


def check(document: Document) -> None:
    """Raise AlertError unless both parts are valid, and the public one says that it is simulated."""
    broken = list(official.broken_rules(document.public, official.json_schema()))
    if document.extension is not None:
        broken += list(official.broken_rules(document.extension, schema()))
    if not is_simulated(document.public):
        broken.append(("superevent_id", "the document does not say that it is simulated"))
    if broken:
        told = "; ".join(f"{where}: {what}" for where, what in broken)
        raise AlertError(f"{document.name} is not a valid alert: {told}")


def place(policy: Alerts, folder: Path, replica: int) -> Path:
    """Where the alerts of a replica lie, below the folder of all."""
    return folder if policy.replicas == "first" else folder / f"{replica:04d}"


def replicas(record: Record, policy: Alerts) -> int:
    """Of how many replicas alerts are written."""
    return 1 if policy.replicas == "first" else record.scenario.replicas


__all__ = ["FOLDER", "USUAL", "AlertError", "Models", "check", "place", "planned", "replicas", "write", "write_of"]
