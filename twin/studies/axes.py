"""What a sweep varies: keys with lists or ranges of values, each value knowing its line. Knows no run.

vary:
  sites.cnaf.pools.cpu.servers: [1, 2, 4]
  sky.signals.bbh.rate: {from: 1e5 /yr, to: 1e6 /yr, steps: 3, scale: log}
  exchange:                                   # a name of one's own: its keys vary together
    sites.cnaf.pools.cpu.servers: [1, 2]
    sites.cnaf.pools.gpu.servers: [2, 1]
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from twin.phrases import shown, unknown
from twin.studies.asking import ALIKE
from twin.tree import Node, Problem, ScenarioError, Spot, scalar

Setting = tuple[Node, ...]
"""A value for each key of an axis."""
RANGE = ("from", "to", "steps", "scale")
SCALES = ("linear", "log")
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*")
_SPAN = re.compile(r"([^,\[\]{}]+):([^,\[\]{}]+):(log)?(\d+)")
_DIGITS = 6
MOST_STEPS = 10_000


@dataclass(frozen=True)
class Span:
    """From `low` to `high`, in `unit` as it is written; whole numbers where both ends are."""

    low: float
    high: float
    unit: str
    is_log: bool
    is_whole: bool
    spot: Spot

    def at(self, share: float) -> Node:
        """The value so far along the way, with six digits."""
        if self.is_log:
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + (self.high - self.low) * share
        if self.is_whole:
            return Node(round(value), self.spot, self.spot)
        value = float(f"{value:.{_DIGITS}g}")
        return Node(f"{value:.{_DIGITS}g} {self.unit}" if self.unit else value, self.spot, self.spot)


@dataclass(frozen=True)
class Axis:
    """One direction of a sweep: a key, or several that vary together, and its settings; with a range also that."""

    name: str
    keys: tuple[str, ...]
    settings: tuple[Setting, ...]
    span: Span | None = None
    has_steps: bool = True

    def at(self, share: float) -> Setting:
        """The setting so far along the way, from 0 to less than 1."""
        if self.span is not None:
            return (self.span.at(share),)
        return self.settings[min(int(share * len(self.settings)), len(self.settings) - 1)]


def axes(vary: Node) -> tuple[Axis, ...]:
    """The axes in a study's `vary`; ScenarioError with everything that is wrong with them."""
    problems: list[Problem] = []
    found: list[Axis] = []
    entries: Mapping[str, Node] = vary.value if isinstance(vary.value, dict) else {}
    if not entries:
        problems.append(Problem(vary.spot, "vary", "varies nothing: give dotted paths with lists of values"))
    for name, node in entries.items():
        try:
            found.append(_axis(name, node))
        except ScenarioError as error:
            problems += error.problems
    keys = [key for axis in found for key in axis.keys]
    for key in [key for key in keys if key in ALIKE]:
        problems.append(Problem(vary.spot, f"vary.{key}", f"is not varied: {ALIKE[key]}"))
    for key in {key for key in keys if keys.count(key) > 1}:
        problems.append(Problem(vary.spot, "vary", f"varies '{key}' twice: once is enough"))
    if problems:
        raise ScenarioError(problems)
    return tuple(found)


def option(text: str) -> tuple[str, Node]:
    """Key and values of 'KEY=A,B,C' or 'KEY=FROM:TO:5', where log5 means steps of a factor, as after --vary."""
    spot = Spot(f"--vary {text}")
    key, equals, values = text.partition("=")
    if not equals or not key or not values.strip():
        message = "write it as KEY=A,B,C or KEY=FROM:TO:5, where log5 is a logarithmic range"
        raise ScenarioError((Problem(spot, "", message),))
    if (match := _SPAN.fullmatch(values)) is None:
        return key, scalar(f"[{values}]", spot)
    low, high, log, steps = match.groups()
    entries = {"from": scalar(low, spot), "to": scalar(high, spot), "steps": Node(int(steps), spot, spot)}
    scale = {"scale": Node("log", spot, spot)} if log else {}
    return key, Node(entries | scale, spot, spot)


def _axis(name: str, node: Node) -> Axis:
    if isinstance(node.value, list):
        return Axis(name, (name,), tuple((one,) for one in _listed(f"vary.{name}", node)))
    if not isinstance(node.value, dict) or not node.value:
        message = "give a list of values, a range {from: …, to: …, steps: …}, or keys that vary together"
        raise _wrong(node, f"vary.{name}", message)
    return _ranged(name, node) if set(RANGE) & node.value.keys() else _together(name, node)


def _listed(path: str, node: Node) -> list[Node]:
    values: list[Node] = node.value
    if not values:
        raise _wrong(node, path, "is empty: give at least one value")
    seen: list[object] = []
    for value in values:
        if value.plain() in seen:
            raise _wrong(value, path, f"{shown(value.plain())} is given twice")
        seen.append(value.plain())
    return values


def _together(name: str, node: Node) -> Axis:
    """Keys that vary together."""
    path, columns = f"vary.{name}", list[list[Node]]()
    for key, values in node.value.items():
        if not isinstance(values.value, list) or not values.value:
            raise _wrong(values, f"{path}.{key}", "keys that vary together have lists of values of equal length")
        columns.append(values.value)
    lengths = {key: len(values.value) for key, values in node.value.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key} has {n}" for key, n in lengths.items())
        raise _wrong(node, path, f"keys that vary together need as many values each: {told}")
    return Axis(name, tuple(node.value), tuple(zip(*columns, strict=True)))


def _ranged(name: str, node: Node) -> Axis:
    path, given = f"vary.{name}", node.value
    for key, own in given.items():
        if key not in RANGE:
            raise ScenarioError((Problem(own.key, f"{path}.{key}", unknown("key of a range", key, RANGE)),))
    for key in ("from", "to"):
        if key not in given:
            raise _wrong(node, path, f"a range needs '{key}': {{from: …, to: …, steps: …}}")
    span = _span(path, node)
    steps = given["steps"].value if "steps" in given else None
    if steps is not None and (
        not isinstance(steps, int) or isinstance(steps, bool) or not 2 <= steps <= MOST_STEPS
    ):
        raise _wrong(given["steps"], f"{path}.steps", f"a whole number from 2 to {MOST_STEPS:,} is needed")
    return Axis(name, (name,), tuple(_steps(span, steps or 2)), span, steps is not None)


def _steps(span: Span, steps: int) -> Iterator[Setting]:
    """Whole numbers that come twice come once."""
    seen: set[object] = set()
    for k in range(steps):
        node = span.at(k / (steps - 1))
        if node.value not in seen:
            seen.add(node.value)
            yield (node,)


def _span(path: str, node: Node) -> Span:
    ends = [_number(f"{path}.{key}", node.value[key]) for key in ("from", "to")]
    (low, unit, low_is_whole), (high, other, high_is_whole) = ends
    if unit != other:
        message = f"is in {other or 'no unit'}, but 'from' in {unit or 'no unit'}: write both in the same unit"
        raise _wrong(node.value["to"], f"{path}.to", message)
    if low == high:
        raise _wrong(node.value["to"], f"{path}.to", "is the same as 'from'")
    scale = node.value["scale"].value if "scale" in node.value else SCALES[0]
    if scale not in SCALES:
        raise _wrong(node.value["scale"], f"{path}.scale", unknown("scale", str(scale), SCALES))
    if scale == "log" and not min(low, high) > 0.0:
        raise _wrong(node.value["scale"], f"{path}.scale", "a logarithmic range needs ends of more than 0")
    return Span(low, high, unit, scale == "log", low_is_whole and high_is_whole, node.spot)


def _number(path: str, node: Node) -> tuple[float, str, bool]:
    """The number, its unit, and whether it is a whole number without one."""
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return float(node.value), "", True
    if isinstance(node.value, float):
        return node.value, "", False
    match = _NUMBER.fullmatch(node.value) if isinstance(node.value, str) else None
    if match is None or not math.isfinite(float(match[1])):
        raise _wrong(node, path, f"a number is needed, with its unit where it has one, not {shown(node.plain())}")
    return float(match[1]), match[2], False


def _wrong(node: Node, path: str, message: str) -> ScenarioError:
    return ScenarioError((Problem(node.spot, path, message),))


def keys_of(found: Sequence[Axis]) -> tuple[str, ...]:
    """Every dotted path that is varied, in order."""
    return tuple(key for axis in found for key in axis.keys)
