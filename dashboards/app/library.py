"""The results that a folder holds: runs, comparisons, studies and validations, looked up by id.

Knows no Dash and no page. An id is the name of a folder. It is looked up among those that are
there, never joined into a path, so that no address leads out of the folder. Links are not followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from dashboards import validation_text
from dashboards.app.cache import Cache
from dashboards.app.stored import FILES, Stored

if TYPE_CHECKING:
    from dashboards.app.drafts import Drafts
    from dashboards.app.jobs import Jobs

T = TypeVar("T")
KINDS = RUN, COMPARISON, STUDY, VALIDATION = "run", "comparison", "study", "validation"
_MARKERS = {
    RUN: "manifest.json",
    COMPARISON: "comparison.json",
    STUDY: "study.yaml",
    VALIDATION: "validation.json",
}
"""The file by which a kind of result is known; a study has a manifest as well, so that it is asked last."""
MOST_BYTES = 600_000_000
"""Of tables and of what is computed from them, kept in memory."""
_LARGEST_JSON = 50_000_000
_OF_JSON = 5
"""Bytes in memory for each byte of a JSON file: what a year's summary.json takes."""
_FILE = re.compile(r"[\w-]+\.(?:parquet|json|yaml)\b")
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,40}\.parquet")
"""What a table of a study may be called: each kind has its own."""
_IN_STUDY: Mapping[str, type] = {
    "answer": list, "report": list, "with": list, "failures": dict, "set": dict, "versions": dict, "points": int
}  # fmt: skip
"""What the manifest of a study says, and how; earlier versions did not say everything."""


class LibraryError(Exception):
    """What is asked for cannot be shown: a `title` and `text` for the page."""

    title = "This cannot be shown"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class UnknownError(LibraryError):
    """Nothing of this id is there, nor was."""

    title = "There is no such result"


class GoneError(LibraryError):
    """It was there, and has been removed since."""

    title = "This result has been removed"


class DamagedError(LibraryError):
    """It is there, but cannot be read."""

    title = "This result is damaged"


@dataclass(frozen=True)
class Entry:
    """One result. `stamp` changes when another takes its place; `problem` says why it cannot be read."""

    id: str
    kind: str
    folder: Path
    stamp: tuple[int, int]
    written_s: float
    shipped: bool = False
    scenario: str = ""
    question: str = ""
    verdict: str = ""
    seed: int | None = None
    replicas: int | None = None
    horizon_s: float | None = None
    problem: str = ""
    about: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Of a run its manifest, of the others what their manifest or comparison says."""


@dataclass(frozen=True)
class _Json:
    content: dict[str, Any]
    nbytes: int


class Library:
    """The results in `folder`, and the finished ones that are `shipped`, newest first.

    A server also gives it the `jobs` that make more of them, and the `drafts` that were edited.
    """

    def __init__(self, folder: Path, shipped: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.shipped = shipped
        self.cache = Cache(most_bytes)
        self.jobs: Jobs | None = None
        self.drafts: Drafts | None = None
        self._entries: dict[Path, Entry] = {}
        self._seen: set[str] = set()
        self._lock = Lock()

    def entries(self, *kinds: str) -> list[Entry]:
        """Every result of these kinds (all kinds, if none is given), newest first, shipped ones last."""
        with self._lock:
            found = {entry.folder: entry for entry in self._listed()}
            self._entries = found
            self._seen |= {entry.id for entry in found.values()}
        chosen = [entry for entry in found.values() if not kinds or entry.kind in kinds]
        return sorted(chosen, key=lambda entry: (entry.shipped, -entry.written_s, entry.id))

    def runs(self) -> list[Entry]:
        """Runs, newest first."""
        return self.entries(RUN)

    def comparisons(self) -> list[Entry]:
        """Comparisons, newest first."""
        return self.entries(COMPARISON)

    def studies(self) -> list[Entry]:
        """Studies, newest first."""
        return self.entries(STUDY)

    def entry(self, id: str, *kinds: str) -> Entry:
        """The result of this id, of one of these kinds; UnknownError, GoneError or DamagedError if none is."""
        found = next((entry for entry in self.entries() if entry.id == id), None)
        if found is None and id in self._seen:
            raise GoneError(f"'{id}' was in {self.folder} and is there no more: it was removed or renamed.")
        if found is None or (kinds and found.kind not in kinds):
            wanted = " or ".join(kinds) or "result"
            raise UnknownError(f"There is no {wanted} '{id[:80]}' in {self.folder}. See the overview.")
        if found.problem:
            raise DamagedError(f"'{id}': {found.problem}. Run it again, or remove its folder.")
        return found

    def record(self, id: str) -> Stored:
        """The run of this id; its tables are read when they are asked for, and kept for a while."""
        return Stored(self, self.entry(id, RUN))

    def summary(self, id: str) -> dict[str, Any]:
        """The run's summary.json, as `twin.metrics.summary` made it."""
        return self._json(self.entry(id, RUN), "summary.json")

    def comparison(self, id: str) -> dict[str, Any]:
        """The comparison.json of this id."""
        return self._json(self.entry(id, COMPARISON), "comparison.json")

    def validation(self, id: str) -> dict[str, Any]:
        """The validation.json of this id."""
        return self._json(self.entry(id, VALIDATION), "validation.json")

    def file(self, id: str, name: str) -> Path:
        """A file of the result that may be handed out; UnknownError for any other name."""
        entry = self.entry(id)
        is_table = entry.kind == STUDY and _TABLE.fullmatch(name) is not None
        there = {path.name for path in entry.folder.iterdir() if path.is_file() and not path.is_symlink()}
        if not (name in FILES or is_table) or name not in there:
            raise UnknownError(f"'{id}' has no file '{name[:80]}'.")
        return entry.folder / name

    def computed(self, id: str, name: object, make: Callable[[Stored], T]) -> T:
        """What `make` finds in the run of this id, kept under `name`, which tells apart what is made of a run."""
        record = self.record(id)
        return self.cache.get((record.entry.folder, record.entry.stamp, name), lambda: make(record))

    def kept(self, entry: Entry, name: object, make: Callable[[], T]) -> T:
        """What `make` reads from the files of `entry`, kept; errors in words."""
        return self.cache.get((entry.folder, entry.stamp, name), lambda: self._read(entry, make))

    def _read(self, entry: Entry, make: Callable[[], T]) -> T:
        try:
            return make()
        except FileNotFoundError as error:
            if not entry.folder.is_dir():
                raise GoneError(f"'{entry.id}' was removed while it was read.") from error
            name = Path(error.filename or "").name or " ".join(_FILE.findall(str(error))) or "a file"
            raise DamagedError(f"'{entry.id}' lacks {name}. Run it again.") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            text = " ".join(str(error).split())[:300]
            raise DamagedError(f"'{entry.id}': {type(error).__name__}: {text}. Run it again.") from error

    def _json(self, entry: Entry, name: str) -> dict[str, Any]:
        path = entry.folder / name
        return self.kept(entry, name, lambda: _Json(_mapping(path), _OF_JSON * path.stat().st_size)).content

    def _listed(self) -> Iterator[Entry]:
        """What is there now; of folders that have not changed, what was read before."""
        for folder, shipped in ((self.folder, False), (self.shipped, True)):
            if folder is None or not folder.is_dir():
                continue
            for path in folder.iterdir():
                found = None if path.name.startswith(".") or path.is_symlink() else _kind(path)
                if found is None:
                    continue
                kind, stamp = found
                known = self._entries.get(path)
                if known is not None and known.stamp == stamp:
                    yield known
                else:
                    yield _entry(path, kind, stamp, shipped)


def _kind(folder: Path) -> tuple[str, tuple[int, int]] | None:
    """What `folder` holds, and when it was written; None for anything else."""
    for kind in (COMPARISON, STUDY, VALIDATION, RUN):
        try:
            found = (folder / _MARKERS[kind]).stat()
        except OSError:
            continue
        return kind, (found.st_mtime_ns, found.st_ino)
    return None


def _entry(folder: Path, kind: str, stamp: tuple[int, int], shipped: bool) -> Entry:
    id = f"example-{folder.name}" if shipped else folder.name
    head = Entry(id, kind, folder, stamp, stamp[0] / 1e9, shipped)
    try:
        told = _TOLD[kind](folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        text = " ".join(str(error).split())[:200]
        told = {"problem": f"cannot be read: {type(error).__name__}: {text}"}
    return Entry(**{**head.__dict__, **told})


def _of_run(folder: Path) -> dict[str, Any]:
    manifest, summary = _mapping(folder / "manifest.json"), _mapping(folder / "summary.json")
    scenario = summary["scenario"]
    return {
        "scenario": str(scenario["name"]),
        "question": " ".join(str(scenario["question"]).split()),
        "verdict": str(summary["verdict"]),
        "seed": int(scenario["seed"]),
        "replicas": int(scenario["replicas"]),
        "horizon_s": float(scenario["horizon_s"]),
        "about": manifest,
    }


def _of_comparison(folder: Path) -> dict[str, Any]:
    told = _mapping(folder / "comparison.json")
    return {
        "scenario": str(told["scenario"]),
        "question": " ".join(str(told["question"]).split()),
        "seed": int(told["seed"]),
        "replicas": int(told["replicas"]),
        "horizon_s": float(told["horizon_s"]),
        "about": {"cases": [str(case["name"]) for case in told["cases"]], "command": str(told["command"])},
    }


def _of_study(folder: Path) -> dict[str, Any]:
    manifest = _mapping(folder / "manifest.json")
    for name, kind in _IN_STUDY.items():
        if not isinstance(manifest.get(name, kind()), kind):
            raise TypeError(f"'{name}' in manifest.json is no {kind.__name__}")
    return {
        "scenario": str(manifest.get("scenario", "")),
        "question": " ".join(str(manifest.get("question", "")).split()),
        "seed": int(manifest["seed"]),
        "about": {
            **manifest,
            "kind": str(manifest["kind"]),
            "answer": [str(one) for one in manifest.get("answer", [])],
        },
    }


def _of_validation(folder: Path) -> dict[str, Any]:
    told = _mapping(folder / "validation.json")
    return {
        "scenario": f"{told['workload']} on {told['runtime']}",
        "question": validation_text.QUESTION,
        "verdict": validation_text.kind(told),
        "seed": int(told["seed"]),
    }


_TOLD: dict[str, Callable[[Path], dict[str, Any]]] = {
    RUN: _of_run,
    COMPARISON: _of_comparison,
    STUDY: _of_study,
    VALIDATION: _of_validation,
}


def _mapping(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _LARGEST_JSON:
        raise ValueError(f"{path.name} is larger than {_LARGEST_JSON / 1e6:g} MB")
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no mapping")
    return found
