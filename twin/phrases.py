"""What went wrong, in a planner's words: validation errors turned into problems that point at their line.

For the loader. Knows the tree and how models are nested, but no particular section.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from twin.tree import Node, Problem

Location = tuple[str | int, ...]
Finding = tuple[Location, str]
"""Where something is wrong, and what; a location that ends in KEY means the key itself."""

KEY = "[key]"
_FEW = 8
"""So many names are listed beside a suggestion."""
_PATTERNS = {
    r"^[a-z0-9]+(-[a-z0-9]+)*$": "a name is lower-case letters and digits, joined by '-'",
    r"^[A-Z][A-Z0-9]*$": "a detector is upper-case letters and digits, such as 'E1'",
    r"^p[1-9][0-9]?$": "a quantile is written p50, p90, p99 …",
}
_NEEDED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list such as [a, b]",
}
_LIMITS = {
    "greater_than": ("must be more than", "gt"),
    "greater_than_equal": ("must be at least", "ge"),
    "less_than": ("must be less than", "lt"),
    "less_than_equal": ("must be at most", "le"),
}


def unknown(noun: str, given: str, known: Iterable[str]) -> str:
    """The message about a name that does not exist, with the one that was probably meant."""
    names = list(known)
    close = get_close_matches(given, names, n=1)
    listed = f"known: {', '.join(names) or 'none'}"
    if not close:
        return f"unknown {noun} {shown(given)}; {listed}"
    rest = f" K{listed[1:]}" if len(names) <= _FEW else ""
    return f"unknown {noun} {shown(given)}; did you mean '{close[0]}'?{rest}"


def followed(first: str, second: str) -> str:
    """Two sentences as one text; the first may have its mark already."""
    return f"{first}{'' if first.endswith('?') else '.'} {second}"


def shown(given: object) -> str:
    """A given value as it is quoted in messages."""
    if isinstance(given, Mapping):
        return "a mapping"
    if isinstance(given, list | tuple):
        return "a list"
    if given is None or isinstance(given, bool):
        return {None: "null", True: "true", False: "false"}[given]
    if isinstance(given, str):
        return f"'{given if len(given) <= 60 else given[:57] + '...'}'"
    return f"{given}"


def bare(given: object) -> str:
    """A number or text as it is listed: no quotes, no '.0'."""
    return f"{given:.12g}" if isinstance(given, float) else str(given)


def problem(tree: Node, location: Location, message: str, *, at_key: bool = False) -> Problem:
    """The problem with what is at `location`, or with the deepest part of it that the file has."""
    node, path, rest = located(tree, location)
    dotted = ".".join(map(str, (*path, *rest)))
    return Problem(node.key if at_key or rest else node.spot, dotted, message)


def located(tree: Node, location: Location) -> tuple[Node, Location, Location]:
    """The deepest node on the way to `location`, its path, and the names that the file does not have."""
    node, path, rest = tree, [], list(location)
    while rest:
        if (child := node.child(rest[0])) is not None:
            node = child
            path.append(rest.pop(0))
        elif isinstance(rest[0], int) and isinstance(node.value, str | dict):
            rest.pop(0)  # one where there may be a list of them
        else:
            break
    return node, tuple(path), tuple(rest)


def problems(tree: Node, model: type[BaseModel], errors: Iterable[ErrorDetails]) -> list[Problem]:
    """The problems behind pydantic's `errors` about the `model` of `tree`."""
    found = [_problem(tree, model, error) for error in errors]
    meant = {_meant(p) for p in found}
    return [p for p in found if p.path not in meant or not p.message.startswith("is missing")]


def _meant(found: Problem) -> str | None:
    """The path that a misspelt key should have had: that it is missing need not be said as well."""
    _, hint, rest = found.message.partition("did you mean '")
    parent, dot, _ = found.path.rpartition(".")
    return f"{parent}{dot}{rest.partition(chr(39))[0]}" if hint else None


def cores(annotation: Any) -> list[Any]:
    """The types behind an annotation: without Annotated, unions taken apart, None dropped."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return cores(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [core for part in typing.get_args(annotation) for core in cores(part)]
    return [] if annotation is type(None) else [annotation]


def is_model(core: Any) -> bool:
    """Whether `core` is a section of a scenario."""
    return isinstance(core, type) and issubclass(core, BaseModel)


def inside(annotation: Any, name: str | int) -> Any:
    """The annotation of what is called `name` inside `annotation`, or None."""
    for core in cores(annotation):
        if is_model(core) and name in core.model_fields:
            return core.model_fields[name].annotation
        if typing.get_origin(core) is dict:
            return typing.get_args(core)[1]
        if typing.get_origin(core) is tuple and isinstance(name, int):
            return typing.get_args(core)[0]
    return None


def field_names(annotation: Any, node: Node) -> list[str]:
    """Names of the keys a section may have; of several possible sections, the one of its `kind`."""
    models = [core for core in cores(annotation) if is_model(core)]
    kind = node.child("kind")
    if kind is not None:
        models = [m for m in models if kind.value in _kinds(m)] or models
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def _kinds(model: type[BaseModel]) -> tuple[Any, ...]:
    return typing.get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()


def _problem(tree: Node, model: type[BaseModel], error: ErrorDetails) -> Problem:
    kind, location = error["type"], list(error["loc"])
    at_key = kind == "extra_forbidden" or (bool(location) and location[-1] == KEY)
    missing = str(location.pop()) if kind == "missing" else None
    node, annotation, path = tree, typing.cast(Any, model), list[str]()
    parent, parent_annotation = node, annotation
    for name in location:
        child = node.child(name)
        if child is None:  # a tag or a wrapped value: a step of the validation, not of the file
            annotation = (isinstance(name, int) and inside(annotation, name)) or annotation
            continue
        parent, parent_annotation = node, annotation
        node, annotation = child, inside(annotation, name)
        path.append(str(name))
    if kind == "union_tag_invalid" and (tag := node.child("kind")) is not None:
        node = tag
        path.append("kind")
    if missing is not None:
        return Problem(node.key, ".".join([*path, missing]), f"is missing; add '{missing}: …'")
    if kind == "extra_forbidden":
        message = unknown("key", path[-1], field_names(parent_annotation, parent))
    else:
        message = _message(error)
    return Problem(node.key if at_key else node.spot, ".".join(path), message)


def _message(error: ErrorDetails) -> str:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind in _NEEDED:
        return f"{_NEEDED[kind]} is needed, not {shown(given)}"
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return f"{shown(given)} {words} {context[key]:g}"
    phrase = _PHRASES.get(kind)
    return phrase(given, context) if phrase else error["msg"]


def _choice(given: Any, allowed: str) -> str:
    names = [name.strip().strip("'") for name in allowed.replace(" or ", ", ").split(",")]
    if str(given) in names:
        return f"{shown(given)} in quotes is text: leave the quotes away"
    close = get_close_matches(str(given), names, n=1)
    listed = ", ".join(names)
    hint = f"did you mean '{close[0]}'? Allowed: {listed}" if close else f"allowed: {listed}"
    return f"{shown(given)} is not allowed; {hint}"


def _tag(given: Any, context: Mapping[str, Any]) -> str:
    return _choice(given.get("kind") if isinstance(given, dict) else given, context["expected_tags"])


_PHRASES: dict[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "literal_error": lambda given, context: _choice(given, context["expected"]),
    "union_tag_invalid": _tag,
    "string_pattern_mismatch": lambda given, context: f"{shown(given)}: {_PATTERNS[context['pattern']]}",
    "too_short": lambda given, context: "needs at least one entry",
    "too_long": lambda given, context: f"has more than {context['max_length']} entries",
    "string_too_short": lambda given, context: "must not be empty",
    "string_too_long": lambda given, context: f"is longer than {context['max_length']} characters",
    "finite_number": lambda given, context: f"{shown(given)} is not a finite number",
}
