"""A scenario file as a tree in which every value knows its line, read strictly. For the loader; knows no schema.

Refused: aliases, anchors, tags, duplicate keys, NaN and infinity, several documents, more than 1 MB,
more than 32 levels. A plain scalar is null, true, false, an integer, a float (1e5 is one) or text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from twin.unreadable import UnreadableError

LARGEST_BYTES = 1_000_000
DEEPEST = 32
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]+")
FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.?(?:nan|inf|infinity)", re.IGNORECASE)
_CONSTANTS = {"null": None, "~": None, "": None, "true": True, "false": False}
_LONGEST_INTEGER = 18
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Spot:
    """A place in a file, counted from 1; line 0 for what no file holds, such as a command-line option."""

    file: str = "scenario"
    line: int = 0
    column: int = 0
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a scenario: where, at which dotted path, and what to do."""

    spot: Spot
    path: str
    message: str

    def __str__(self) -> str:
        head = ": ".join(part for part in (str(self.spot), "error", self.path, self.message) if part)
        if not self.spot.text:
            return head
        text = self.spot.text.expandtabs(1)
        start = max(0, self.spot.column - 60)
        return f"{head}\n    {text[start : start + 100]}\n    {' ' * (self.spot.column - 1 - start)}^"

    @property
    def file(self) -> str:
        """The file, or the option, it is in."""
        return self.spot.file

    @property
    def line(self) -> int:
        """Line, from 1."""
        return self.spot.line

    @property
    def column(self) -> int:
        """Column, from 1."""
        return self.spot.column


class ScenarioError(ValueError):
    """What is wrong with a scenario: every problem that was found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column, p.path)))
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class UnreadableScenarioError(ScenarioError, UnreadableError):
    """There is no such scenario, or its file cannot be read."""


@dataclass
class Node:
    """A value (mapping of nodes, list of nodes, or scalar) and the spots of its key and of itself."""

    value: Any
    spot: Spot
    key: Spot = field(default_factory=Spot)

    def plain(self) -> Any:
        """The value without spots; lists as tuples."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return tuple(node.plain() for node in self.value)
        return self.value

    def child(self, name: str | int) -> Node | None:
        """The node under `name`, or None."""
        if isinstance(self.value, dict):
            return self.value.get(str(name))
        if isinstance(self.value, list) and isinstance(name, int) and name < len(self.value):
            found: Node = self.value[name]
            return found
        return None

    def merged(self, over: Node) -> Node:
        """This tree under `over`: mappings merge, null removes a mapping, everything else is replaced."""
        if not (isinstance(self.value, dict) and isinstance(over.value, dict)):
            return over
        value = dict(self.value)
        for name, node in over.value.items():
            value[name] = value[name].merged(node) if name in value else node
            if node.value is None and isinstance(self.value.get(name, over).value, dict):
                del value[name]
        return Node(value, over.spot, over.key)


def planted(value: Any, spot: Spot) -> Node:
    """A tree of plain Python `value`, every node of it at `spot`; ScenarioError for text that no file may hold."""
    if isinstance(value, Mapping):
        return Node({str(name): planted(item, spot) for name, item in value.items()}, spot, spot)
    if isinstance(value, str) and (bad := _FORBIDDEN.search(value)):
        raise _refusal(spot, _not_allowed(bad.group()))
    if isinstance(value, list | tuple):
        return Node([planted(item, spot) for item in value], spot, spot)
    return Node(value, spot, spot)


def read(path: Path) -> Node:
    """The tree in the file at `path`; ScenarioError when it cannot be read or is not strict YAML."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise UnreadableScenarioError((Problem(Spot(str(path)), "", f"cannot be read: {reason}"),)) from None
    return parse(raw, str(path))


def parse(raw: bytes | str, file: str) -> Node:
    """The tree in YAML `raw`, whose name in messages is `file`."""
    text = _decoded(raw, file)
    reader = _Reader(text, file)
    try:
        root = reader.document()
    except yaml.MarkedYAMLError as error:
        spot = reader.spot(error.problem_mark or error.context_mark)
        tab = spot.text[spot.column - 1 : spot.column] == "\t"
        raise _refusal(spot, "a tab: indent with spaces" if tab else error.problem or "is not YAML") from None
    except yaml.YAMLError as error:
        raise _refusal(Spot(file), f"is not YAML: {error}") from None
    if reader.problems:
        raise ScenarioError(reader.problems)
    if not isinstance(root.value, dict):
        raise _refusal(root.spot, "a scenario is a mapping: write lines such as 'name: my-scenario'")
    root.key = root.spot
    return root


def scalar(text: str, spot: Spot) -> Node:
    """The tree of a value given on the command line, read by the same rules as a file."""
    reader = _Reader(_decoded(text, spot.file), spot.file, spot)
    try:
        node = reader.document()
    except yaml.MarkedYAMLError as error:
        raise _refusal(spot, f"not a YAML value: {error.problem}") from None
    except yaml.YAMLError as error:
        raise _refusal(spot, f"not a YAML value: {error}") from None
    if reader.problems:
        raise ScenarioError(reader.problems)
    node.key = spot
    return node


def _refusal(spot: Spot, message: str) -> ScenarioError:
    return ScenarioError((Problem(spot, "", message),))


def _decoded(raw: bytes | str, file: str) -> str:
    if len(raw) > LARGEST_BYTES:
        raise _refusal(Spot(file), f"is larger than {LARGEST_BYTES / 1e6:g} MB: too large for a scenario")
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace") if isinstance(raw, bytes) else ""
        raise _refusal(_place(before, file), "is not UTF-8 text") from None
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        spot = _place(text[: bad.start()], file)
        raise _refusal(spot, _not_allowed(bad.group()))
    return text


def _not_allowed(character: str) -> str:
    return f"the character U+{ord(character):04X} is not allowed in a scenario"


def _place(before: str, file: str) -> Spot:
    """Spot of the character that follows `before`."""
    return Spot(file, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


class _Reader:
    """Builds the tree out of YAML events, noting every problem on the way; goes no deeper than DEEPEST."""

    def __init__(self, text: str, file: str, fixed: Spot | None = None) -> None:
        self.problems: list[Problem] = []
        self._file, self._fixed = file, fixed
        self._lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._path: list[str] = []

    def document(self) -> Node:
        """The only document of the stream."""
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self._complain(self.spot(event.start_mark), "a second document: one scenario per file")
                    break
                root = self._node(next(self._events), 0)
        if root is None:
            raise _refusal(self._fixed or Spot(self._file, 1, 1), "is empty")
        return root

    def spot(self, mark: Any) -> Spot:
        """The spot of a YAML mark."""
        if self._fixed is not None or mark is None:
            return self._fixed or Spot(self._file)
        text = self._lines[mark.line] if mark.line < len(self._lines) else ""
        return Spot(self._file, mark.line + 1, mark.column + 1, text)

    def _node(self, event: Any, depth: int) -> Node:
        spot = self.spot(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            self._complain(spot, f"the alias '*{event.anchor}' is not allowed: write the value out")
            return Node(None, spot)
        if event.anchor is not None:
            self._complain(spot, f"the anchor '&{event.anchor}' is not allowed: write the value out")
        if event.tag is not None:
            self._complain(spot, f"the tag '{_short(event.tag)}' is not allowed: a scenario holds plain values")
        if isinstance(event, yaml.ScalarEvent):
            return Node(self._value(event, spot), spot)
        if depth >= DEEPEST:
            raise _refusal(spot, f"is nested more than {DEEPEST} levels deep")
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(list(self._items(depth)), spot)
        return Node(self._mapping(depth), spot)

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            node = self._node(event, depth + 1)
            node.key = node.spot
            yield node

    def _mapping(self, depth: int) -> dict[str, Node]:
        value: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            spot = self.spot(event.start_mark)
            if isinstance(event, yaml.ScalarEvent) and event.anchor is None and event.tag is None:
                name = event.value
                if bad := _FORBIDDEN.search(name):
                    self._complain(spot, _not_allowed(bad.group()))
                    name = ""
            else:
                self._complain(spot, "a key is a plain name")
                self._node(event, depth + 1)
                name = ""
            self._path.append(name)
            node = self._node(next(self._events), depth + 1)
            node.key = spot
            if name in value:
                first = value[name].key.line
                where = f"; the first is in line {first}" if first else ""
                self._complain(spot, f"is given twice{where}: leave one of them out")
            value[name] = node
            self._path.pop()
        return value

    def _value(self, event: Any, spot: Spot) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            self._printable(text, spot)
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.fullmatch(text):
            if len(text) <= _LONGEST_INTEGER:
                return int(text)
            self._complain(spot, f"an integer has at most {_LONGEST_INTEGER} digits")
        elif NOT_FINITE.fullmatch(text):
            self._complain(spot, f"'{text}' is not a finite number")
        elif len(text) <= 400 and FLOAT.fullmatch(text):
            if math.isfinite(float(text)):
                return float(text)
            self._complain(spot, f"'{text}' is not a finite number")
        return text

    def _printable(self, text: str, spot: Spot) -> None:
        """Complain of a character that quotes have let in as an escape."""
        if bad := _FORBIDDEN.search(text):
            self._complain(spot, _not_allowed(bad.group()))

    def _complain(self, spot: Spot, message: str) -> None:
        self.problems.append(Problem(spot, ".".join(self._path), message))
