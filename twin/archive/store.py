"""An archive: a folder of models, each version with weights, card and training record, and of capsules of alerts.

Bytes lie under their SHA-256, once each, whoever needs them. A signed manifest says which of them make up a
version; a signed journal lists every manifest in the order in which it came, so that what is taken away is missed.
Every reading verifies. Knows no run.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twin.archive import formats, sealed
from twin.archive.sealed import ArchiveError, MissingError, NoArchiveError, Signer
from workloads import card

JOURNAL, MODEL, CAPSULE = "journal", "model", "capsule"
KINDS = (MODEL, CAPSULE)
"""What a journal lists."""
_FILE = "journal.json"
_TRAINING = ("seed", "steps", "refined_from", "recorded", "held_out", "settings_from", "date", "cost", "versions")
"""What a card says of the training."""
SHOWN = 12
"""Digits of a version that are shown, and enough to name it."""


@dataclass(frozen=True)
class Model:
    """One version of a workload's model: the SHA-256 of each file by name, its settings and training record."""

    workload: str
    version: str
    files: Mapping[str, str]
    settings: Mapping[str, Any]
    training: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Workload and the first digits of the version."""
        return f"{self.workload}@{self.version[:SHOWN]}"


def described(workload: str, folder: Path | None = None) -> Model:
    """The model that the card in `folder` (by default the shipped weights) describes; WeightsError without one."""
    about = card.read(workload, folder)
    own = f"{workload}.card.json"
    files = {**about["files"], own: card.digest((folder or card.WEIGHTS) / own)}
    version = sealed.digest(sealed.canonical({"workload": workload, "files": files}))
    training = {key: about[key] for key in _TRAINING if key in about}
    return Model(workload, version, files, about["settings"], training)


class Archive:
    """The archive in `folder`, whose journal is signed by `key`, or by the key that it names itself for None.

    ArchiveError when there is none, or it is not as it was signed.
    """

    def __init__(self, folder: Path, key: str | None = None) -> None:
        self.folder = folder
        if not (folder / _FILE).is_file():
            raise NoArchiveError(
                f"{folder}: no archive there, it lacks {_FILE}. Make one: 'ettwin archive add NAME --to {folder}'"
            )
        content, self.key = sealed.opened(folder / _FILE, JOURNAL, key)
        self.entries: list[dict[str, str]] = content["entries"]

    @classmethod
    def begin(cls, folder: Path, signer: Signer) -> Archive:
        """A new, empty archive; ArchiveError when `folder` holds something."""
        if folder.exists() and any(folder.iterdir()):
            raise ArchiveError(f"{folder}: is not empty and no archive; choose another folder")
        sealed.replace(folder / _FILE, signer.seal(JOURNAL, {"entries": []}))
        return cls(folder, signer.name)

    @property
    def heads(self) -> list[str]:
        """A digest of the journal after each of its entries; the last one names all that the archive holds."""
        found: list[str] = []
        for entry in self.entries:
            found.append(sealed.digest(sealed.canonical([found[-1] if found else "", entry])))
        return found

    def add(self, workload: str, source: Path | None, signer: Signer) -> tuple[Model, bool]:
        """Keep the model that `source` (by default the shipped weights) holds; and whether it is new here.

        WeightsError when a file is not what its card says, ArchiveError for a format that is not taken.
        """
        model = described(workload, source)
        if any(entry["id"] == model.version for entry in self.entries):
            return self.model(model.version), False
        content = {name: _read(workload, name, source, wanted) for name, wanted in model.files.items()}
        for raw in content.values():
            self.put(raw)
        about = {
            "workload": workload,
            "version": model.version,
            "files": dict(model.files),
            "settings": model.settings,
            "training": model.training,
        }
        self.enter(MODEL, {model.version: about}, signer)
        return model, True

    def put(self, raw: bytes) -> str:
        """Keep bytes under their digest, which is returned; what lies there already is verified or made good."""
        name = sealed.digest(raw)
        path = self._object(name)
        if not path.is_file() or sealed.digest(path.read_bytes()) != name:
            sealed.replace(path, raw)
        return name

    def get(self, name: str, what: str) -> bytes:
        """The bytes of digest `name`, verified; ArchiveError, which calls them `what`, when they are not those."""
        path = self._object(name)
        if not path.is_file():
            raise MissingError(f"{what}: missing from the archive ({path})")
        raw = path.read_bytes()
        if (found := sealed.digest(raw)) != name:
            raise ArchiveError(
                f"{what}: damaged or swapped: {path} has sha256 {found[:SHOWN]}… but its signed manifest says "
                f"{name[:SHOWN]}…. Restore it from another copy"
            )
        return raw

    def enter(self, kind: str, manifests: Mapping[str, Any], signer: Signer) -> None:
        """Seal and keep manifests by name, and list them in the journal; ArchiveError for another signer.

        What is listed already stays as it is. The journal is written last: what it does not list is not there.
        """
        if signer.name != self.key:
            raise ArchiveError(f"{self.folder}: is signed by {self.key}; this key is {signer.name}")
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another process may have added something meanwhile
            entries = list(sealed.opened(self.folder / _FILE, JOURNAL, self.key)[0]["entries"])
            there = {entry["id"] for entry in entries}
            for name, content in manifests.items():
                if name not in there:
                    raw = signer.seal(kind, content)
                    sealed.replace(self.place(kind, name), raw)
                    entries.append({"kind": kind, "id": name, "sha256": sealed.digest(raw)})
            sealed.replace(self.folder / _FILE, signer.seal(JOURNAL, {"entries": entries}))
            self.entries = entries

    def place(self, kind: str, name: str) -> Path:
        """Where a manifest lies."""
        return self.folder / f"{kind}s" / f"{name}.json"

    def listed(self, kind: str) -> list[str]:
        """What the journal lists of a kind, in the order in which it came."""
        return [entry["id"] for entry in self.entries if entry["kind"] == kind]

    def manifest(self, kind: str, name: str) -> Any:
        """The content of a manifest that the journal lists; ArchiveError when it is not the one listed."""
        path = self.place(kind, name)
        listed = [e["sha256"] for e in self.entries if (e["kind"], e["id"]) == (kind, name)]
        if not listed:
            raise MissingError(f"{self.folder}: holds no {kind} {name}")
        content, _ = sealed.opened(path, kind, self.key)
        if sealed.digest(path.read_bytes()) != listed[0]:
            raise ArchiveError(f"{path}: swapped: it is signed, but not the {kind} that the journal lists")
        return content

    def model(self, version: str) -> Model:
        """The model of a version, or of the only one that begins with these digits."""
        found = [name for name in self.listed(MODEL) if name.startswith(version)]
        if not found:
            raise MissingError(f"{self.folder}: holds no model of version {version[:SHOWN]}")
        if len(found) > 1:
            raise ArchiveError(f"{self.folder}: holds {len(found)} models of version {version}; give more digits")
        return Model(**self.manifest(MODEL, found[0]))

    def models(self) -> list[Model]:
        """All of them, in the order in which they came."""
        return [self.model(version) for version in self.listed(MODEL)]

    @contextmanager
    def extracted(self, model: Model) -> Iterator[Path]:
        """A folder of the model's own files, for nobody else to change, as `workloads.spec.load` takes it.

        Every byte was verified on its way there, and its format too; ArchiveError otherwise.
        """
        with TemporaryDirectory(prefix="ettwin-model-") as folder:
            for name, wanted in model.files.items():
                raw = self.get(wanted, f"{name} of {model.name}")
                formats.check(name, raw)
                (Path(folder) / name).write_bytes(raw)
            yield Path(folder)

    def bytes_kept(self) -> int:
        """Of all objects, each counted once."""
        return sum(path.stat().st_size for path in (self.folder / "objects").glob("*/*"))

    def _object(self, name: str) -> Path:
        if len(name) != 64 or set(name) - set("0123456789abcdef"):
            raise ArchiveError(f"{self.folder}: '{name}' is no SHA-256")
        return self.folder / "objects" / name[:2] / name


def _read(workload: str, name: str, source: Path | None, wanted: str) -> bytes:
    """The bytes of a file of the model, verified, of a format that is taken."""
    formats.kind(name)
    path = (source or card.WEIGHTS) / name
    if not path.is_file():
        raise card.WeightsError(f"{path}: missing, but on the card of {workload}. Restore it")
    raw = path.read_bytes()
    if (found := sealed.digest(raw)) != wanted:
        raise card.WeightsError(
            f"{path}: sha256 {found[:SHOWN]}… but its card says {wanted[:SHOWN]}…; it was changed. Restore it"
        )
    formats.check(name, raw)
    return raw
