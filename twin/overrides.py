"""Changes by dotted path ('sites.cnaf.pools.cpu.servers: 8') laid over a scenario's tree.

A path must lead to something the scenario has or its schema knows. Knows the meaning of `overrides` and `cases`
only, which are read here.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from twin import phrases
from twin.tree import Node, Problem, ScenarioError, Spot, planted, scalar

Override = tuple[str, Node]
"""Dotted path and new value."""

AS_IS = "as-is"
"""The case of a scenario as it stands."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_OF_THE_FILE = {
    "based_on": "the base is read before any change: give it in the file",
    "overrides": "named sets are read from the file: add it there, or give the changes themselves",
    "cases": "they are read from the file: add it there; '--case' also takes overrides joined by '+'",
}
"""Keys that no change reaches, and what to do instead."""
_NOUNS = {"sites": "site", "pools": "pool", "stages": "stage", "timeline": "timeline entry", "signals": "signal"}
"""What the entries of a mapping are called where only existing ones may be changed."""


def from_options(options: Mapping[str, object] | Sequence[str]) -> list[Override]:
    """The overrides of a `{path: value}` mapping, or of 'path=value' texts as after --set.

    A value that is a tree keeps its lines, so that a problem with it is told there.
    """
    if isinstance(options, Mapping):
        return [
            (path, value if isinstance(value, Node) else planted(value, _given(path, value)))
            for path, value in options.items()
        ]
    return [_option(text) for text in options]


def _given(path: str, value: object) -> Spot:
    return Spot(f"override {path}={phrases.shown(value)}")


def names(tree: Node) -> tuple[str, ...]:
    """The names of the sets in the scenario's own `overrides`."""
    return tuple(_sets(tree))


def cases(tree: Node) -> dict[str, tuple[str, ...]]:
    """The overrides of each of the scenario's `cases`."""
    return {name: tuple(str(one.value) for one in node.value) for name, node in _cases(tree).items()}


def offering(tree: Node) -> Node:
    """The tree of one file with its cases spelt out: where it lists none, as it stands and with each of its
    overrides.

    A file without overrides of its own offers nothing itself, and keeps what the scenario that it is based on
    offers.
    """
    own = [name for name, node in _sets(tree).items() if isinstance(node.value, dict) and _NAME.fullmatch(name)]
    if not own or not isinstance(tree.value, dict) or "cases" in tree.value:
        return tree
    spot = tree.value["overrides"].spot
    cases = planted({AS_IS: [], **{name: [name] for name in own}}, spot)
    return Node({**tree.value, "cases": cases}, tree.spot, tree.key)


def named(tree: Node, chosen: Iterable[str]) -> list[Override]:
    """The overrides of the `chosen` sets of the scenario's own `overrides`, in that order."""
    sets = _sets(tree)
    for name in chosen:
        if name not in sets:
            raise ScenarioError([Problem(Spot(f"--with {name}"), "", phrases.unknown("override", name, sets))])
    return [override for name in chosen for override in _entries(sets[name])]


def variants(tree: Node) -> dict[str, tuple[str, ...]]:
    """What its file offers to choose, in words: each override by itself, and each case that is another choice."""
    found: dict[str, tuple[str, ...]] = {f"override '{name}'": (name,) for name in _sets(tree)}
    for name, chosen in cases(tree).items():
        if chosen and chosen not in found.values():
            found[f"case '{name}'"] = chosen
    return found


def undone(tree: Node, chosen: Iterable[str], last: Sequence[Override]) -> tuple[str, ...]:
    """In words, what the changes `last` take back of the `chosen` sets, which they come after."""
    told = []
    for name in chosen:
        for path, node in last:
            lost = [of for of, was in _entries(_sets(tree)[name]) if _covers(path, node, of, was)]
            if lost:
                told.append(f"{node.spot} comes after override '{name}' and undoes its {', '.join(lost)}")
    return tuple(told)


def stray(tree: Node, model: type[BaseModel]) -> list[Problem]:
    """Problems with the paths in named sets, chosen or not, and with the names of sets in cases."""
    found = [
        Problem(one.spot, f"cases.{name}", phrases.unknown("override", str(one.value), _sets(tree)))
        for name, node in _cases(tree).items()
        for one in node.value
        if one.value not in _sets(tree)
    ]
    for name, node in _sets(tree).items():
        try:
            applied(tree, model, _entries(node))
        except ScenarioError as error:
            found += [Problem(p.spot, f"overrides.{name}.{p.path}", p.message) for p in error.problems]
    return found


def applied(tree: Node, model: type[BaseModel], changes: Iterable[Override]) -> Node:
    """The tree with all `changes` made; ScenarioError names every path that leads nowhere."""
    problems: list[Problem] = []
    for path, node in changes:
        head = path.partition(".")[0]
        if head in _OF_THE_FILE:
            problems.append(_problem(path, node, f"cannot be changed; {_OF_THE_FILE[head]}"))
            continue
        try:
            tree = _replaced(tree, model, path.split("."), node, path)
        except _NowhereError as error:
            problems.append(_problem(path, node, str(error)))
    if problems:
        raise ScenarioError(problems)
    return tree


def _sets(tree: Node) -> dict[str, Node]:
    node = tree.child("overrides")
    return node.value if node is not None and isinstance(node.value, dict) else {}


def _cases(tree: Node) -> dict[str, Node]:
    node = tree.child("cases")
    entries = node.value if node is not None and isinstance(node.value, dict) else {}
    return {name: one for name, one in entries.items() if isinstance(one.value, list)}


def without_lost_cases(tree: Node) -> Node:
    """The tree without those of its cases that need an override which is there no more."""
    kept = {name for name, chosen in cases(tree).items() if set(chosen) <= _sets(tree).keys()}
    node = tree.child("cases")
    if node is None or not isinstance(node.value, dict) or kept == node.value.keys():
        return tree
    left = Node({name: one for name, one in node.value.items() if name in kept}, node.spot, node.key)
    return Node({**tree.value, "cases": left}, tree.spot, tree.key)


def _entries(node: Node) -> list[Override]:
    return list(node.value.items()) if isinstance(node.value, dict) else []


def _covers(path: str, node: Node, other: str, was: Node) -> bool:
    """Whether a change at `path` leaves nothing of an earlier one at `other`, which said something else."""
    return other.startswith(f"{path}.") or (other == path and was.plain() != node.plain())


def _problem(path: str, node: Node, message: str) -> Problem:
    return Problem(node.key if node.key.line else node.spot, path, message)


class _NowhereError(Exception):
    """A path leads to nothing."""


def _option(text: str) -> Override:
    path, equals, value = text.partition("=")
    spot = Spot(f"--set {text}")
    if not equals or not path:
        raise ScenarioError((Problem(spot, "", "write it as 'path=value', such as 'seed=7'"),))
    if not value.strip():
        raise ScenarioError((Problem(spot, "", "give a value after '=', or null"),))
    return path, scalar(value, spot)


def _replaced(node: Node, annotation: Any, path: Sequence[str], new: Node, whole: str) -> Node:
    """`node` with what is at `path` replaced by `new`; the rest is shared."""
    name, rest = path[0], path[1:]
    if _is_bare(node, annotation) and path == ["value"]:
        return new
    inner = phrases.inside(annotation, name)
    if inner is None:
        raise _NowhereError(_nowhere(node, annotation, name, whole))
    entries = dict(node.value) if isinstance(node.value, dict) else {}
    old = entries.get(name)
    noun = _noun(whole, path)
    addition = not rest and isinstance(new.value, dict)
    if old is None and noun and not addition:
        raise _NowhereError(phrases.unknown(noun, name, entries))
    if not rest:
        entries[name] = Node(new.value, new.spot, new.key)
        if new.value is None and (old is None or isinstance(old.value, dict)):
            entries.pop(name)
    else:
        entries[name] = _replaced(old or Node({}, new.spot, new.key), inner, rest, new, whole)
    return Node(entries, node.spot, node.key)


def _is_bare(node: Node, annotation: Any) -> bool:
    """Whether this is a value with an origin, written without one."""
    return not isinstance(node.value, dict) and "value" in phrases.field_names(annotation, node)


def _noun(whole: str, path: Sequence[str]) -> str | None:
    before = whole.split(".")[: -len(path)]
    return _NOUNS.get(before[-1]) if before else None


def _nowhere(node: Node, annotation: Any, name: str, whole: str) -> str:
    known = phrases.field_names(annotation, node)
    if known:
        return phrases.unknown("key", name, known)
    if any(typing.get_origin(core) is tuple for core in phrases.cores(annotation)):
        return f"a list is replaced as a whole: leave '.{name}' away"
    return f"there is nothing inside '{whole[: whole.rfind('.' + name)]}'"
