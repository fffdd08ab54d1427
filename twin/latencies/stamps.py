"""Reads a log of alerts, CSV or JSON: of each row the event's time and how long after it each stamp was set.

Formats are in docs/latencies.md. A row that cannot be used is kept with its reason; none is dropped. Knows no law.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from twin.latencies.clock import gps_s
from twin.unreadable import UnreadableError

STAMPS = ("upload", "alert")
"""Stamps that are looked for, in the order in which they are set."""
EVENT = "event"
"""What the first stage begins at."""
EVERY = "all"
"""The pipeline of a log that names none."""
SINCE = "_latency_s"
"""How the name of a column ends that holds seconds since the event instead of a time."""
LARGEST_BYTES = 200_000_000
_LONGEST_NAME = 64
_IDS = ("event", "superevent_id", "id")
_YEAR_S = 365.25 * 86_400.0


class LogError(ValueError):
    """A file is no log of alerts: what is missing or wrong, and what to do."""


class UnreadableLogError(LogError, UnreadableError):
    """There is no such log."""


@dataclass(frozen=True)
class Columns:
    """What columns are called; None: as docs/latencies.md says. `stamps` are (stamp, column) in their order."""

    event_time: str | None = None
    pipeline: str | None = None
    stamps: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Row:
    """One alert: event time in GPS s, and seconds since it of each stamp, None where it was never set."""

    where: str
    event: str
    pipeline: str
    event_s: float
    since_s: tuple[float | None, ...]


@dataclass(frozen=True)
class Wrong:
    """A row that cannot be used, and why."""

    where: str
    why: str


@dataclass(frozen=True)
class Log:
    """A log: its rows in the order of event time, rows that are wrong, names of stamps, and the file's digest."""

    name: str
    sha256: str
    stamps: tuple[str, ...]
    rows: tuple[Row, ...]
    wrong: tuple[Wrong, ...]

    @property
    def pipelines(self) -> tuple[str, ...]:
        """Names of the pipelines, sorted."""
        return tuple(sorted({row.pipeline for row in self.rows}))


def read(path: Path, columns: Columns | None = None) -> Log:
    """The log in a file; LogError when it is none, or no row of it can be used."""
    content = _content(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LogError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    wrong: list[Wrong] = []
    given = list(_json(path, text, wrong) if text.lstrip()[:1] in ("[", "{") else _csv(path, text, wrong))
    if wrong and not given:
        raise LogError(f"{path}: holds no row that can be used, such as {wrong[0].where}: {wrong[0].why}")
    known = list(dict.fromkeys(name for _, row in given for name in row))
    found = _Found(path, columns or Columns(), known)
    rows: dict[tuple[str, str], Row] = {}
    for where, content_of in given:
        try:
            row = found.row(where, content_of)
            if (key := (row.pipeline, row.event)) in rows:
                raise ValueError(f"{row.event} of {row.pipeline} stands at {rows[key].where} already")
            rows[key] = row
        except ValueError as error:
            wrong.append(Wrong(where, str(error)))
    if not rows:
        first = f", such as {wrong[0].where}: {wrong[0].why}" if wrong else ""
        raise LogError(f"{path}: holds no row that can be used{first}")
    ordered = tuple(sorted(rows.values(), key=lambda row: (row.event_s, row.pipeline, row.event)))
    told = tuple(
        sorted(wrong, key=lambda one: int(one.where.split()[1]))
    )  # 'line 7', 'row 7': as they stand there
    return Log(path.name, sha256(content).hexdigest(), found.names, ordered, told)


class _Found:
    """Which column holds what, in a file that has the columns `known`."""

    def __init__(self, path: Path, columns: Columns, known: Sequence[str]) -> None:
        self._path, self._known = path, known
        self._event_time = self._there(columns.event_time or "event_time", "--event-time COLUMN")
        self._pipeline = columns.pipeline or ("pipeline" if "pipeline" in known else None)
        if self._pipeline is not None:
            self._there(self._pipeline, "--pipeline COLUMN")
        self._id = next((name for name in _IDS if name in known), None)
        self._stamps = [(name, self._there(column, "--stamp NAME=COLUMN")) for name, column in columns.stamps]
        self._stamps = self._stamps or [pair for name in STAMPS for pair in self._usual(name)]
        self.names = tuple(name for name, _ in self._stamps)
        if not self.names:
            raise LogError(
                f"{path}: has none of the columns upload_time, upload_latency_s, alert_time, alert_latency_s; it "
                f"has: {', '.join(known)}. Name the stamps in their order with --stamp NAME=COLUMN"
            )
        if len(set(self.names)) < len(self.names) or EVENT in self.names:
            raise LogError(f"--stamp: give every stamp a name of its own, other than '{EVENT}'")

    def row(self, where: str, given: Mapping[str, Any]) -> Row:
        """The row in `given`; ValueError with what is wrong with it."""
        if _empty(given.get(self._event_time)):
            raise ValueError(f"{self._event_time} is missing")
        event_s = self._read(self._event_time, given, gps_s)
        since_s = tuple(self._since(column, given, event_s) for _, column in self._stamps)
        before, at_s = EVENT, 0.0
        for name, one_s in zip(self.names, since_s, strict=True):
            if one_s is None:
                continue
            if one_s <= at_s:
                raise ValueError(f"{name} is not after {before}, but {one_s - at_s:.6g} s from it")
            if one_s > _YEAR_S:
                raise ValueError(
                    f"{name} is {one_s / _YEAR_S:.3g} years after the event: is one of the two no GPS?"
                )
            before, at_s = name, one_s
        pipeline = EVERY if self._pipeline is None else str(given.get(self._pipeline) or "").strip()
        if not pipeline:
            raise ValueError(f"{self._pipeline} is missing")
        if len(pipeline) > _LONGEST_NAME or not pipeline.isprintable():
            raise ValueError(f"{self._pipeline}: {pipeline[:40]!r} is no name of a pipeline")
        event = "" if self._id is None else str(given.get(self._id) or "").strip()
        return Row(where, event or where, pipeline, event_s, since_s)

    def _since(self, column: str, given: Mapping[str, Any], event_s: float) -> float | None:
        if _empty(given.get(column)):
            return None
        if column.endswith(SINCE):
            return self._read(column, given, _seconds)
        return self._read(column, given, gps_s) - event_s

    def _read(self, column: str, given: Mapping[str, Any], reader: Any) -> float:
        try:
            return float(reader(given[column]))
        except ValueError as error:
            raise ValueError(f"{column}: {error}") from None

    def _usual(self, name: str) -> list[tuple[str, str]]:
        there = [column for column in (f"{name}_time", f"{name}{SINCE}") if column in self._known]
        if len(there) > 1:
            raise LogError(
                f"{self._path}: has both {there[0]} and {there[1]}: choose one with --stamp {name}={there[0]}"
            )
        return [(name, column) for column in there]

    def _there(self, column: str, option: str) -> str:
        if not self._known:
            raise LogError(f"{self._path}: has no rows with named values: give a header and rows, or JSON objects")
        if column not in self._known:
            raise LogError(
                f"{self._path}: has no column '{column}'; it has: {', '.join(self._known)}. "
                f"Name yours with {option}"
            )
        return column


def _csv(path: Path, text: str, wrong: list[Wrong]) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            if not cells or not (header or any(cell.strip() for cell in cells)):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                if len(set(header)) < len(header):
                    raise LogError(f"{path}: line {reader.line_num}: a column is named twice")
            elif len(cells) != len(header):
                why = f"has {len(cells)} cells, the header has {len(header)}"
                wrong.append(Wrong(f"line {reader.line_num}", why))
            elif not any(cell.strip() for cell in cells):
                wrong.append(Wrong(f"line {reader.line_num}", "is empty but for its commas"))
            else:
                yield f"line {reader.line_num}", dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise LogError(f"{path}: line {reader.line_num}: is no CSV ({error})") from None
    if not header:
        raise LogError(f"{path}: is empty")


def _json(path: Path, text: str, wrong: list[Wrong]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Objects of a list, of the only list in an object, or one in each line."""
    for where, one in _objects(path, text, wrong):
        if isinstance(one, dict):
            yield where, one
        else:
            wrong.append(Wrong(where, "is no object with the columns as its keys"))


def _objects(path: Path, text: str, wrong: list[Wrong]) -> Iterator[tuple[str, Any]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.lstrip()[:1] == "[":
            raise LogError(f"{path}: is no JSON ({error})") from None
        whole = None
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list)]
        whole = lists[0] if len(lists) == 1 else [whole]
    if whole is not None:
        yield from ((f"row {k}", one) for k, one in enumerate(whole, start=1))
        return
    for k, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield f"line {k}", json.loads(line)
            except (ValueError, RecursionError) as error:
                wrong.append(Wrong(f"line {k}", f"is no JSON ({error})"))


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise LogError(f"{path}: is larger than {LARGEST_BYTES:,} bytes: give a part of it")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableLogError(
            f"{path}: cannot be read ({error.strerror}); give a log of alerts, CSV or JSON"
        ) from None


def _empty(given: Any) -> bool:
    return given is None or (isinstance(given, str) and not given.strip())


def _seconds(given: Any) -> float:
    try:
        if isinstance(given, bool):
            raise TypeError
        seconds = float(given)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"'{str(given)[:40]}' is no number of seconds") from None
    if not math.isfinite(seconds):
        raise ValueError(f"'{given}' is no number of seconds")
    return seconds
