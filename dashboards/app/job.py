"""One job as its folder tells it: what was asked, how far it is, how it ended. Knows no queue and no Dash.

A job is a folder. What is in it outlives browser and server: job.json (what is asked), alive (locked while its
processes live), process.json, progress.jsonl, stdout, stderr, cancel (somebody wants it to stop), end.json.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ASKED, ALIVE, PROCESS, CANCEL, END = "job.json", "alive", "process.json", "cancel", "end.json"
PROGRESS, OUT, ERR, SPARE = "progress.jsonl", "stdout", "stderr", "spare"
QUEUED, RUNNING, FINISHED, FAILED, CANCELLED, STOPPED, KILLED = STATES = (
    "queued",
    "running",
    "finished",
    "failed",
    "cancelled",
    "stopped",
    "killed",
)
"""stopped: by a limit; killed: from outside, or with the machine."""
ENDED = STATES[2:]
_EDGE_BYTES = 8192
"""Of a file of progress, what is read at its beginning and at its end."""
_LAST_WORDS = 2000


@dataclass(frozen=True)
class Limits:
    """What a job may take, and how many may wait."""

    memory_bytes: int = 8 << 30
    """Address space of each process."""
    wall_s: float = 4 * 3600.0
    """From its start to its end."""
    file_bytes: int = 20_000_000_000
    """Of any file it writes."""
    free_bytes: int = 300_000_000
    """Left on the disk before it starts."""
    waiting: int = 20
    grace_s: float = 8.0
    """From the wish that it ends to its end by force."""


@dataclass(frozen=True)
class Asked:
    """What was asked for: `arguments` of ettwin, and the name of the folder the result goes to."""

    kind: str
    title: str
    arguments: tuple[str, ...]
    result: str
    created_s: float
    limits: Limits = Limits()
    program: tuple[str, ...] = ()
    """What is run in place of ettwin; for tests."""
    answers: tuple[int, ...] = ()
    """Codes besides 0 that it ends with when it has written an answer to its standard output."""
    shown_at: str = ""
    """Address of the page that shows what came out, where that is no folder."""


@dataclass(frozen=True)
class Job:
    """A job now: `fraction` done, seconds left as far as can be told, and the `words` of its end."""

    id: str
    folder: Path
    asked: Asked
    state: str
    started_s: float | None = None
    ended_s: float | None = None
    fraction: float = 0.0
    text: str = ""
    left_s: float | None = None
    words: str = ""
    cancelling: bool = False
    position: int | None = None
    """Of a queued one, from 1."""
    process: Mapping[str, int] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.state in ENDED


def write(path: Path, content: Mapping[str, Any]) -> None:
    """A JSON file, whole or not at all."""
    beside = path.with_name(f".{path.name}.partial")
    beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def new(folder: Path, asked: Asked) -> None:
    """Put what is asked for into `folder`, and a little space aside, so that its end is told on a full disk."""
    write(folder / ASKED, asdict(asked))
    (folder / SPARE).write_bytes(bytes(_EDGE_BYTES))


def read(folder: Path, now_s: float) -> Job:
    """The job in `folder` at `now_s` (Unix time); OSError, ValueError, KeyError or TypeError if it is damaged."""
    given = json.loads((folder / ASKED).read_text(encoding="utf-8"))
    asked = Asked(
        **{
            **given,
            "arguments": tuple(given["arguments"]),
            "program": tuple(given["program"]),
            "answers": tuple(given.get("answers", ())),
            "limits": Limits(**given["limits"]),
        }
    )
    process = _loaded(folder / PROCESS)
    head = {"id": folder.name, "folder": folder, "asked": asked, "started_s": process.pop("started_s", None)}
    end = _loaded(folder / END)
    if not end and (folder / ALIVE).exists():
        if is_held(folder):
            told = _progress(folder, now_s)
            return Job(**head, state=RUNNING, process=process, cancelling=(folder / CANCEL).exists(), **told)
        end = _loaded(folder / END) or _silent(folder, asked, now_s)
    if end:
        done = 1.0 if end["state"] == FINISHED else _progress(folder, now_s)["fraction"]
        told = {"state": end["state"], "ended_s": end["ended_s"], "words": end["words"]}
        return Job(**head, fraction=done, **told)
    if (folder / CANCEL).exists():
        return Job(**head, state=CANCELLED, words="It was cancelled while it waited.")
    return Job(**head, state=QUEUED)


def is_held(folder: Path) -> bool:
    """Whether a process of the job lives: it holds the lock of the file."""
    with (folder / ALIVE).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def hold(folder: Path) -> int:
    """A descriptor that holds the lock until it, and every copy of it that a process inherits, is closed."""
    descriptor = os.open(folder / ALIVE, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def end(folder: Path, state: str, words: str, now_s: float) -> None:
    """Write how it ended; on a full disk into the space that was kept for this."""
    with suppress(OSError):
        (folder / SPARE).unlink()
    write(folder / END, {"state": state, "words": words[-_LAST_WORDS:], "ended_s": round(now_s, 3)})


def last_words(path: Path) -> str:
    """The end of a text that a job has written, without half a line at its beginning."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LAST_WORDS))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return (text if size <= _LAST_WORDS else text.partition("\n")[2]).strip()


def _silent(folder: Path, asked: Asked, now_s: float) -> dict[str, Any]:
    """The end of a job that could not tell it: all its processes are gone."""
    if (folder.parents[1] / asked.result).is_dir():
        return {"state": FINISHED, "words": "", "ended_s": now_s}
    words = "Its process was killed, or the machine went down. Nothing was written. Run it again."
    return {"state": KILLED, "words": words, "ended_s": now_s}


def _progress(folder: Path, now_s: float) -> dict[str, Any]:
    """Fraction, text and seconds left, by the pace since the first part was done, or was found done."""
    lines = list(_lines(folder / PROGRESS))
    if not lines:
        return {"fraction": 0.0, "text": "starting", "left_s": None}
    last = lines[-1]
    zero = max((k for k, line in enumerate(lines) if line["fraction"] == 0.0), default=-1)
    begun = lines[zero + 1] if len(lines) > zero + 2 else lines[max(zero, 0)]
    done, took_s = last["fraction"] - begun["fraction"], last["at_s"] - begun["at_s"]
    left_s = None
    if done > 0.0 and took_s > 0.0:
        left_s = max(0.0, (1.0 - last["fraction"]) * took_s / done - max(0.0, now_s - last["at_s"]))
    return {"fraction": min(1.0, max(0.0, last["fraction"])), "text": last["text"], "left_s": left_s}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The first and last lines of a file of progress, as far as they are whole."""
    try:
        with path.open("rb") as file:
            parts = [file.read(_EDGE_BYTES)]
            size = file.seek(0, os.SEEK_END)
            if size > _EDGE_BYTES:
                file.seek(max(_EDGE_BYTES, size - _EDGE_BYTES))
                parts.append(file.read())
    except OSError:
        return
    for part in parts:
        for raw in part.split(b"\n"):
            with suppress(ValueError, KeyError, TypeError):
                line = json.loads(raw)
                yield {"at_s": float(line["at_s"]), "fraction": float(line["fraction"]), "text": str(line["text"])}


def _loaded(path: Path) -> dict[str, Any]:
    """What is in a JSON file; nothing where it is not there."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found
