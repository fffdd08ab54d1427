"""What replicas gave, by what they were asked: in memory, and in a file that an interrupted study goes on from.

The file grows by a line per replica, with a checksum; a line that is damaged or was not finished is left out, and
what it held is computed again. Knows nothing of what the lines say.
"""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

FILE = "answers.jsonl"
_CHECKED = 16
_HEAD = re.compile(r"([0-9a-f]{64}) (\d{1,9}) ")


class AnswersError(OSError):
    """Answers cannot be kept where they were to be."""


@dataclass(frozen=True)
class Damage:
    """A line of the file (from 1) that was left out; of which key and replica, as far as it can still be read."""

    line: int
    key: str = ""
    replica: int = -1


class Answers:
    """Answers in memory, and in `folder` where one is given; one study at a time has it."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.damaged: list[Damage] = []
        """What was in the folder and could not be used."""
        self._known: dict[tuple[str, int], str] = {}
        self._file: int | None = None
        if folder is not None:
            try:
                self._open(folder)
            except AnswersError:
                raise
            except BlockingIOError as error:
                raise AnswersError(f"{folder} is in use by another study: wait for it, or stop it") from error
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise AnswersError(f"{folder}: answers cannot be kept there ({reason})") from error

    def get(self, key: str, replica: int) -> str | None:
        """What is known of that replica."""
        return self._known.get((key, replica))

    def keep(self, key: str, replica: int, answer: str) -> None:
        """Remember it; on disk it is one line, written at once."""
        self._known[key, replica] = answer
        if self._file is not None:
            content = f"{key} {replica} {answer}"
            line = f"{_checked(content)} {content}\n".encode()
            while line:
                line = line[os.write(self._file, line) :]

    def __len__(self) -> int:
        return len(self._known)

    def close(self) -> None:
        """Let the folder go; what is in it stays, and where that is nothing the folder is removed."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
            if self.folder is not None and not self._known:
                remove(self.folder)

    def _open(self, folder: Path) -> None:
        if folder.exists() and not folder.is_dir():
            raise AnswersError(
                f"{folder} is a file, and no folder that answers of an unfinished study can be kept in: "
                "move it away, or choose another --out"
            )
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read(path)
        except OSError:
            os.close(self._file)
            self._file = None
            raise

    def _read(self, path: Path) -> None:
        raw = path.read_bytes()
        for number, line in enumerate(raw.split(b"\n"), 1):
            if line:
                self._take(number, line)
        if raw and not raw.endswith(b"\n"):
            assert self._file is not None
            os.write(self._file, b"\n")

    def _take(self, number: int, line: bytes) -> None:
        """A line of the file, unless it is damaged."""
        text = line.decode(errors="replace")
        checked, _, content = text.partition(" ")
        if _checked(content) != checked:
            head = _HEAD.match(content)
            self.damaged.append(Damage(number, head[1], int(head[2])) if head else Damage(number))
            return
        key, replica, answer = content.split(" ", 2)
        self._known[key, int(replica)] = answer


def remove(folder: Path) -> None:
    """Remove the answers in `folder`, and the folder unless somebody else put something there."""
    (folder / FILE).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _checked(content: str) -> str:
    return sha256(content.encode()).hexdigest()[:_CHECKED]
