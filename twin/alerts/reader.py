"""Reads an alert that somebody else wrote, as JSON or Avro, and says everything that is wrong with it in words.

Trusts nothing: damaged, hostile and merely wrong files end in problems that are told, or in an AlertError when
there is no file to read. Needs the extra 'alerts'. Knows no run.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from twin.alerts import extension, official
from twin.alerts.models import AlertError
from twin.alerts.public import is_simulated
from twin.unreadable import UnreadableError

LARGEST_BYTES = 20_000_000
"""Of a file that is read; sky maps of real alerts take a few megabytes."""
_AVRO = b"Obj\x01"
_FITS = b"SIMPLE  ="
_OFF = 1e-3
"""By which probabilities may miss 1."""


class UnreadableAlertError(AlertError, UnreadableError):
    """There is no such alert."""


@dataclass(frozen=True)
class Reading:
    """What a file holds: the public document, None where it could not be made out, and what is wrong with it."""

    form: str
    document: dict[str, Any] | None
    problems: tuple[str, ...]

    @property
    def simulated(self) -> bool:
        """Whether it says that it is a mock event in every place there is."""
        return self.document is not None and is_simulated(self.document)


def read(path: Path) -> Reading:
    """The document in a file and its problems, those of the extension beside it too.

    Raises AlertError when there is no such file, or it is too large.
    """
    content = _content(path)
    reading = understood(content)
    beside = path.with_name(f"{path.stem}.ext.json")
    if path.suffix != ".json" or path.name.endswith(".ext.json") or not beside.is_file():
        return reading
    more = tuple(f"extension: {told}" for told in extension_problems(_content(beside), content))
    return Reading(reading.form, reading.document, reading.problems + more)


def understood(content: bytes) -> Reading:
    """The document in these bytes, JSON or Avro, and its problems."""
    form = "avro" if content.startswith(_AVRO) else "json"
    try:
        document = _avro(content) if form == "avro" else _json(content)
    except _UnreadableError as error:
        return Reading(form, None, (str(error),))
    if not isinstance(document, dict):
        return Reading(form, None, (f"holds {_kind(document)}, an alert is an object",))
    return Reading(form, document, tuple(_problems(document)))


def extension_problems(content: bytes, public: bytes) -> list[str]:
    """What is wrong with an extension, given the bytes of the public document it belongs to."""
    try:
        found = _json(content)
    except _UnreadableError as error:
        return [str(error)]
    told = [_told(where, what) for where, what in official.broken_rules(found, extension.schema())]
    if told:
        return told
    if found["document"]["sha256"] != sha256(public).hexdigest():
        told.append("document.sha256: is not that of the public document: one of the two was changed")
    latency = found["latency"]
    parts = sum(v for k, v in latency.items() if k not in ("latency_s", "standing", "source"))
    if not abs(parts - latency["latency_s"]) < 1e-4:
        told.append(f"latency: the parts add up to {parts:g} s, not {latency['latency_s']:g} s")
    return told


class _UnreadableError(Exception):
    """Bytes hold no document."""


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise AlertError(f"{path}: is larger than {LARGEST_BYTES:,} bytes: too large for an alert")
        return path.read_bytes()
    except OSError as error:
        told = f"{path}: cannot be read ({error.strerror}); give a run directory or the file of an alert"
        raise UnreadableAlertError(told) from error


def _json(content: bytes) -> Any:
    def constant(name: str) -> Any:
        raise ValueError(f"{name} is no number of JSON")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            names = [name for name, _ in items]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{twice!r} is given twice")
        return found

    hooks: dict[str, Any] = {"parse_constant": constant, "parse_float": _double, "parse_int": _whole}
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=pairs, **hooks)
    except UnicodeDecodeError as error:
        raise _UnreadableError(f"is neither Avro nor UTF-8 text: byte {error.start} is wrong") from error
    except RecursionError as error:
        raise _UnreadableError("is nested too deeply") from error
    except ValueError as error:
        raise _UnreadableError(f"is no JSON: {error}") from error


def _double(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _whole(text: str) -> int:
    _double(text)
    return int(text)


def _avro(content: bytes) -> Any:
    """The one record of an Avro file whose schema is the official one: any other could ask for anything."""
    try:
        form = official.avro_form(content)
    except Exception as error:
        raise _UnreadableError(f"is damaged Avro: its head cannot be read ({_short(error)})") from error
    if form is not None:
        raise _UnreadableError(form)
    try:
        records = official.from_avro(content)
    except Exception as error:
        raise _UnreadableError(f"is damaged Avro: {_short(error)}") from error
    if len(records) != 1:
        raise _UnreadableError(f"holds {len(records)} records, an alert is one")
    return records[0]


def _problems(document: dict[str, Any]) -> Iterator[str]:
    broken = list(official.broken_rules(document, official.json_schema()))
    yield from (_told(where, what) for where, what in broken)
    if broken:
        return
    kind, event = document["alert_type"], document["event"]
    yield from _time("time_created", document["time_created"])
    if (kind == "RETRACTION") != (event is None):
        yield f"event: {'belongs in no' if kind == 'RETRACTION' else 'is missing from a notice of type'} {kind}"
    if event is not None:
        yield from _event(event)
    mock = str(document["superevent_id"]).startswith("M")
    if event is not None and mock != (event["search"] == "MDC"):
        yield "superevent_id, search: one says that the event is a mock one, the other does not"


def _event(event: dict[str, Any]) -> Iterator[str]:
    yield from _time("event.time", event["time"])
    if not (math.isfinite(event["far"]) and event["far"] >= 0.0):
        yield f"event.far: {event['far']} is no rate"
    if not event["instruments"]:
        yield "event.instruments: names none: nobody has seen the event"
    if len(set(event["instruments"])) < len(event["instruments"]):
        yield "event.instruments: names one twice"
    for part in ("classification", "properties"):
        for name, p in event[part].items():
            if not 0.0 <= p <= 1.0:
                yield f"event.{part}.{name}: {p} is no probability"
    total = sum(event["classification"].values())
    if event["classification"] and not abs(total - 1.0) <= _OFF:
        yield f"event.classification: probabilities add up to {total:g}, not 1"
    if event["skymap"] is not None:
        yield from _skymap(event["skymap"])


def _time(where: str, given: str) -> Iterator[str]:
    try:
        if len(given) > 40 or datetime.fromisoformat(given).tzinfo is None:
            raise ValueError
    except ValueError:
        yield f"{where}: {given[:40]!r} is no time with a zone, such as 2035-01-01T00:00:12Z"


def _skymap(text: str) -> Iterator[str]:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        yield "event.skymap: is no base64"
        return
    if not content.startswith(_FITS):
        yield "event.skymap: holds no FITS file"


def _told(where: str, what: str) -> str:
    return f"{where}: {what}" if where else what


def _kind(content: Any) -> str:
    return {list: "a list", str: "a text", type(None): "nothing"}.get(type(content), "a number")


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 80 else f"{text[:77]}…"
