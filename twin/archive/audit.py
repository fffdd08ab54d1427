"""Whether an archive is whole: every file as signed, none missing, none that nobody put there. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from twin.archive import formats
from twin.archive.sealed import ArchiveError
from twin.archive.store import CAPSULE, KINDS, MODEL, Archive


def problems(archive: Archive, head: str | None = None) -> list[str]:
    """What is wrong, each in a sentence that names the file; empty when nothing is.

    `head` is a head that was noted earlier: the journal must have come by it.
    """
    found: list[str] = []
    wanted: set[str] = set()
    if head is not None and head not in archive.heads:
        found.append(
            f"{archive.folder}: its journal never had the head {head}: it is another archive, or entries were "
            "taken away or put in"
        )
    for kind in KINDS:
        for name in archive.listed(kind):
            try:
                needed = list(_needed(archive, kind, name))
            except ArchiveError as error:
                found.append(str(error))
                continue
            wanted |= {digest for digest, _ in needed}
            found += [said for digest, what in needed if (said := _object(archive, digest, what))]
    return found + [f"{path}: nothing that was signed speaks of it" for path in _strangers(archive, wanted)]


def _needed(archive: Archive, kind: str, name: str) -> Iterator[tuple[str, str]]:
    """Digests of the objects that an entry needs, and what they are."""
    if kind == MODEL:
        model = archive.model(name)
        for file, digest in model.files.items():
            formats.kind(file)
            yield digest, f"{file} of {model.name}"
    else:
        yield archive.manifest(CAPSULE, name)["strain"]["sha256"], f"strain of {CAPSULE} {name}"


def _object(archive: Archive, digest: str, what: str) -> str:
    try:
        archive.get(digest, what)
    except ArchiveError as error:
        return str(error)
    return ""


def _strangers(archive: Archive, wanted: set[str]) -> Iterator[str]:
    """Files of the archive's own folders that no entry needs; not looked for where an entry cannot be read."""
    readable = {
        path for kind in KINDS for name in archive.listed(kind) if (path := archive.place(kind, name)).is_file()
    }
    for kind in KINDS:
        yield from sorted(str(p) for p in archive.place(kind, "_").parent.glob("*") if p not in readable)
    yield from sorted(str(p) for p in (archive.folder / "objects").glob("*/*") if p.name not in wanted)
