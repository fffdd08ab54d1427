"""Writes the documents of a run, each checked against its schema first. For twin.record.

`<id>-<n>-<type>.json` is the public part, `….avro` is not written: `ettwin alerts FILE --avro` makes it. Beside it
lies `….ext.json`, the extension.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from twin.alerts import official
from twin.alerts.document import Document, documents
from twin.alerts.extension import schema
from twin.alerts.models import AlertError, Models, models
from twin.alerts.notices import count
from twin.alerts.public import is_simulated

if TYPE_CHECKING:
    from twin.record import Record
    from twin.schema_alerts import Alerts

FOLDER = "alerts"
"""Of a run directory."""


def planned(record: Record) -> tuple[int, str]:
    """How many documents a run directory gets, and why where it gets none; (0, '') where none is wanted."""
    policy = record.scenario.alerts
    if policy is None or not policy.write:
        return 0, ""
    n = count(record, policy, replicas(record, policy))
    if n > policy.limit:
        return (
            0,
            f"no alert is written: there are {n:,}, and alerts.limit is {policy.limit:,}. Raise it to have them",
        )
    return n, ""


def write(record: Record, folder: Path) -> int:
    """Write the documents that the scenario asks for into `folder`, and return how many.

    Raises AlertError when one is not valid, and then the run directory is not made.
    """
    policy = record.scenario.alerts
    n, _ = planned(record)
    if policy is None or n == 0:
        return 0
    known = models(record)
    for replica in range(replicas(record, policy)):
        own = place(policy, folder, replica)
        own.mkdir(parents=True, exist_ok=True)
        for document in documents(record, policy, known, replica):
            check(document)
            (own / f"{document.name}.json").write_bytes(document.text)
            if document.extension is not None:
                (own / f"{document.name}.ext.json").write_bytes(document.extension_text)
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


__all__ = ["FOLDER", "AlertError", "Models", "check", "place", "planned", "replicas", "write"]
