"""A farm's log, read as it grows: whole lines that make sense, and the time up to which they tell all.

Knows the format (`twin.farm.journal`) and no kernel.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from twin.farm.journal import SCHEMA_VERSION, Line
from twin.record import RecordError

HEADER: dict[str, type] = {"schema_version": int, "live": list, "lost": bool}
OPTIONAL: dict[str, type] = {"seed": int, "replica": int, "sky": str}
FIELDS: dict[str, dict[str, type]] = {
    "arrival": {"stage": str, "segment": int},
    "start": {"batch": int, "stage": str, "entities": list},
    "end": {"batch": int, "extra": list, "found": dict},
    "taken": {"batch": int},
    "fail": {"pool": str, "server": int},
    "repair": {"pool": str, "server": int},
    "now": {},
    "over": {},
}
"""What each line has to hold; it may hold more."""


class Tail:
    """The log at `path`; a context. RecordError for a line that is whole and says what no log says."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._torn = b""
        self._lines = 0
        self._early: list[Line] = []
        self.header: Line | None = None
        self.known_s = 0.0
        self.over = False

    def __enter__(self) -> Tail:
        try:
            self._file: BinaryIO = self._path.open("rb")
        except OSError as error:
            raise RecordError(f"{self._path}: cannot be read ({error.strerror})") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self) -> list[Line]:
        """What was written since last time; everything before `known_s` is then known."""
        *whole, self._torn = (self._torn + self._file.read()).split(b"\n")
        early, self._early = self._early, []
        return early + [line for text in whole if (line := self._checked(text)) is not None]

    def begin(self, wait: Callable[[], bool]) -> Line:
        """The header, once it is there; `wait` says whether to go on. RecordError when it never comes."""
        while self.header is None:
            self._early = self.read()
            if self.header is None and not wait():
                raise RecordError(f"{self._path}: holds no whole line yet: a farm's log begins with its header")
        return self.header

    def _checked(self, text: bytes) -> Line | None:
        self._lines += 1
        try:
            line = json.loads(text)
        except ValueError as error:
            raise self._wrong(f"is not JSON ({error})") from error
        if not isinstance(line, dict):
            raise self._wrong("is not an object")
        if self.header is None:
            optional = {name: kind for name, kind in OPTIONAL.items() if name in line}
            self.header = self._has(line, HEADER | optional)
            if line["schema_version"] != SCHEMA_VERSION:
                raise self._wrong(f"has schema_version {line['schema_version']}; readable: {SCHEMA_VERSION}")
            return None
        what, time_s = line.get("what"), line.get("t")
        if what not in FIELDS:
            raise self._wrong(f"says what: {what!r}; allowed: {', '.join(FIELDS)}")
        if not isinstance(time_s, int | float) or not self.known_s <= time_s < math.inf:
            raise self._wrong(f"has t: {time_s!r}; lines come in order of time, and it was {self.known_s!r}")
        self.known_s = float(time_s)
        self.over = what == "over"
        return self._has(line, FIELDS[what])

    def _has(self, line: Line, fields: dict[str, type]) -> Line:
        for name, kind in fields.items():
            if type(line.get(name)) is not kind:
                raise self._wrong(f"needs {name!r} of type {kind.__name__}, and has {line.get(name)!r}")
        return line

    def _wrong(self, why: str) -> RecordError:
        return RecordError(f"{self._path}:{self._lines}: {why}: not a farm's log, or a damaged one")


def names(line: Line, field: str, known: tuple[str, ...]) -> int:
    """The number of what `line` names in `field`; RecordError when the scenario has no such thing."""
    if line[field] not in known:
        raise RecordError(
            f"the log names {field} {line[field]!r} at {line['t']} s; the scenario has: {', '.join(known)}"
        )
    return known.index(line[field])


def integers(values: Any, where: Line) -> tuple[int, ...]:
    """`values` as whole numbers; RecordError when they are none."""
    if not all(type(value) is int for value in values):
        raise RecordError(f"the log has {values!r} at {where['t']} s where whole numbers are wanted")
    return tuple(values)
