"""Capsules of a run's own alerts, in its run directory: made when it is written, found again by the alert's file.

They are signed with a key that is kept nowhere: nothing can be added later, and whoever noted the public key (it
lies beside the archive) sees whether something was changed. For twin.record and `ettwin replay`. Asks no program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from twin.alerts import kept, writing
from twin.alerts.notices import notices
from twin.archive import capsule, sealed
from twin.archive.capsule import Capsule, alert_id
from twin.archive.sealed import ArchiveError, MissingError
from twin.archive.store import CAPSULE, Archive
from twin.record import NOTED

if TYPE_CHECKING:
    from twin.record import Record

FOLDER = "archive"
"""Of a run directory."""
KEEPS = "capsule"
"""The policy under which there is one."""
_AT_ONCE = 20
"""Capsules that are held in memory together."""
Documents = Mapping[str, Mapping[str, str]]
"""By alert, the SHA-256 of each of its files by name."""


def wanted(record: Record) -> bool:
    """Whether the scenario keeps capsules, and alerts are written that they could be of."""
    policy = record.scenario.alerts
    return NOTED in record.manifest and policy is not None and policy.archives == KEEPS


def why_none(record: Record) -> str:
    """Why a run has no capsules though it asks for them; '' where it has."""
    if not record.scenario.live:
        return (
            "its alerts are replayed from profiles: no program was executed on any strain, so there is nothing to "
            "ask again. Execute some with --live, such as --live detect,dq"
        )
    told = record.manifest.get("live")
    if told is None or told["programs"] is None:
        return "its programs were executed on other hosts, which did not say what they loaded"
    if NOTED not in record.manifest:
        return "it wrote no alerts: run it with --alerts all"
    return "" if record.manifest[NOTED]["written"] else "it sent no alert"


def write(
    record: Record, folder: Path, progress: Callable[[float, str], None] = lambda fraction, text: None
) -> int:
    """Make the capsules of a record whose alerts are in the run directory `folder`; how many, none if not wanted.

    ArchiveError when a model is not the one that was executed.
    """
    if not wanted(record) or why_none(record):
        return 0
    documents = _documents(record, folder / writing.FOLDER)
    signer = sealed.passing()
    archive = Archive.begin(folder / FOLDER, signer)
    (folder / f"{FOLDER}.key.pub").write_text(signer.name + "\n")
    made = capsule.capsules(record, documents=documents)
    n = 0
    while batch := list(islice(made, _AT_ONCE)):
        n += len(capsule.keep(batch, archive, signer))
        progress(min(1.0, n / len(documents)), f"{n:,} capsules of {len(documents):,} alerts")
    return n


def found(path: Path, folder: Path | None = None, key: str | None = None) -> tuple[Archive, Capsule]:
    """The archive of the run that an alert's file lies in (or that in `folder`), and the capsule of that alert.

    MissingError when there is none, with the reason; ArchiveError when a file was changed since.
    """
    run = kept.run_of(path)
    assert run is not None, f"{path} lies in no run directory"
    if not path.is_file():
        raise ArchiveError(f"{path}: there is no such file")
    place = folder or run / FOLDER
    if folder is None and not place.exists():
        raise MissingError(f"the run keeps no capsules: {_reason(run)}")
    archive = Archive(place, key)
    name = str(path.absolute().relative_to((run / writing.FOLDER).absolute()))
    for one, files in _listed(archive):
        if name in files:
            _check(run / writing.FOLDER, files)
            return archive, capsule.read(archive, one)
    raise MissingError("no stage that was executed saw the segment of this alert, so it has no capsule")


def _listed(archive: Archive) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name in archive.listed(CAPSULE):
        yield name, archive.manifest(CAPSULE, name)["alert"].get("documents", {})


def _check(place: Path, files: Mapping[str, str]) -> None:
    """Raise ArchiveError unless the alert's files are those that were sealed with its capsule."""
    for name, digest in files.items():
        path = place / name
        if not path.is_file():
            raise MissingError(f"{path}: missing, but sealed with the alert's capsule")
        if (now := sealed.digest(path.read_bytes())) != digest:
            raise ArchiveError(
                f"{path}: was changed: sha256 {now[:12]}…, but {digest[:12]}… when its capsule was sealed"
            )


def _documents(record: Record, place: Path) -> Documents:
    policy = record.scenario.alerts
    assert policy is not None
    found: dict[str, dict[str, str]] = {}
    for replica in range(writing.replicas(record, policy)):
        folder = writing.place(policy, place, replica)
        for notice in notices(record, policy, replica, record.manifest[NOTED]["most"]):
            files = found.setdefault(alert_id(replica, int(notice.row["event_id"])), {})
            public = folder / f"{notice.name}.json"
            for path in (public, kept.extension_of(public)):
                if path.is_file():
                    files[str(path.relative_to(place))] = sealed.digest(path.read_bytes())
    return found


def _reason(run: Path) -> str:
    from twin.record import open_record

    record = open_record(run)
    policy = record.scenario.alerts
    if not record.scenario.live:
        return why_none(record)
    if policy is None or policy.archives != KEEPS:
        own = "no policy" if policy is None else f"'{policy.archives}'"
        return (
            f"its policy keeps {own}: run it with --set alerts.archives={KEEPS}, or make them now with "
            f"'ettwin archive capsule {run} --to DIR' and replay those"
        )
    return why_none(record) or f"its folder {FOLDER} is missing"


__all__ = ["FOLDER", "found", "wanted", "why_none", "write"]
