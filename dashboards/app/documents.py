"""Documents that a run directory holds of one event, and what live programs said of it. Knows no page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dashboards.app.library import DamagedError
from dashboards.app.stored import Stored
from twin.alerts.notices import policy_of
from twin.alerts.writing import FOLDER
from twin.record import NOTED

_COLUMNS = (
    "replica", "event_id", "cls", "is_signal", "outcome", "product", "published_s", "event_time_s", "dq_flag",
    "search", "variant", "snr",
)  # fmt: skip
_LARGEST_BYTES = 5_000_000


@dataclass(frozen=True)
class Document:
    """One notice as it was written: its name, both parts, and when it was sent (s since the start)."""

    name: str
    sent_s: float
    public: Mapping[str, Any]
    extension: Mapping[str, Any] | None
    path: Path
    """Of the public part."""

    @property
    def skymap(self) -> str | None:
        """The sky map in base64, where the document has one."""
        event = self.public.get("event")
        found = event.get("skymap") if isinstance(event, Mapping) else None
        return found if isinstance(found, str) else None


def documents(record: Stored, replica: int, event_id: int) -> tuple[list[Document], str]:
    """The documents of an event that are in the run directory, or why there are none."""
    told = record.manifest.get(NOTED)
    if told is None:
        return [], "This run wrote no documents. Run it with --alerts all (and --skymaps) to have them."
    policy = policy_of(record)
    if policy.replicas == "first" and replica > 0:
        return [], "Documents were written of the first replica only: alerts.replicas is 'first'."
    folder = record.entry.folder / FOLDER
    place = folder if policy.replicas == "first" else folder / f"{replica:04d}"
    found = [_read(place, name, sent_s) for name, sent_s in _names(record, replica, event_id)]
    there = [one for one in found if one is not None]
    if found and not there:
        wrote = f"The run wrote {told['written']:,} of {told['of']:,} documents, the first in time"
        return [], f"{wrote}, and none of this event: 'ettwin alerts RUN --write DIR' writes all."
    return there, "" if there else "Nothing was sent about this event."


def said(record: Stored, replica: int, event_id: int, event_time_s: float) -> list[dict[str, Any]]:
    """What live programs said of the segment of an event: a row per stage; [] where nothing was executed."""
    live = record.live
    if live is None:
        return []
    stride_s = record.scenario.instrument.stride
    segment = int(event_time_s // stride_s) if event_id >= 0 else -event_id - 1
    rows = []
    for row in live[live["replica"] == replica].to_dict("records"):
        segments = [int(k) for k in row["segments"]]
        if segment not in segments or not np.isfinite(row["service_s"]):
            continue
        k = segments.index(segment)
        scores = row.get("scores")
        rows.append(
            {
                "stage": str(row["stage"]),
                "pool": str(row["pool"]),
                "variant": str(row["variant"]),
                "batch": len(segments),
                "service_s": float(row["service_s"]),
                "score": float(scores[k]) if scores is not None and len(scores) > k else None,
                "said": bool(row["extra"][k]),
            }
        )
    return rows


def _names(record: Stored, replica: int, event_id: int) -> list[tuple[str, float]]:
    """Names of the notices about an event, and when each was sent."""
    from twin.alerts.notices import notices

    slim: Any = record.once(alerts=_COLUMNS)
    sent = notices(slim, policy_of(slim), replica)
    return [(one.name, one.created_s) for one in sent if one.row["event_id"] == event_id]


def _read(place: Path, name: str, sent_s: float) -> Document | None:
    path = place / f"{name}.json"
    if not path.is_file():
        return None
    beside = place / f"{name}.ext.json"
    extension = _mapping(beside) if beside.is_file() else None
    return Document(name, sent_s, _mapping(path), extension, path)


def _mapping(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError("is too large for a document")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path.name} cannot be read: {str(error)[:120]}. Run it again.") from error
    if not isinstance(found, dict):
        raise DamagedError(f"{path.name} holds no document. Run it again.")
    return found
