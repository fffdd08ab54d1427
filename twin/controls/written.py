"""Controls as JSON and back, exactly: name of the class and fields. For checkpoints on disk."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from inspect import isabstract
from typing import Any

from twin.ageing.course import Course
from twin.ageing.curves import Curve, Model
from twin.ageing.policy import Answers, Policy
from twin.controls.control import Control
from twin.controls.incidents import Failover
from twin.controls.laws import Law
from twin.controls.targets import Target

_INSIDE: dict[str, Any] = {
    kind.__name__: kind for kind in (Answers, Course, Curve, Failover, Law, Model, Policy, Target)
}


def to_json(control: Control) -> dict[str, Any]:
    """The class and every field of a control, as values that JSON has; its floats come back exactly."""
    written = _written(control)
    assert isinstance(written, dict)
    return written


def from_json(given: dict[str, Any]) -> Control:
    """The control that `to_json` wrote; ValueError when its class is not known."""
    known = {name: kind for name, kind in Control.kinds.items() if not isabstract(kind)}
    if given.get("class") not in known:
        raise ValueError(f"no control is called {given.get('class')!r}; known: {', '.join(sorted(known))}")
    values = {name: _read(value) for name, value in given.items() if name != "class"}
    values["agenda"] = list(values["agenda"])
    return known[given["class"]](**values)


def _written(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {"class": type(value).__name__} | {f.name: _written(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple | list):
        return [_written(item) for item in value]
    if isinstance(value, dict):
        return {key: _written(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a control holds {value!r}; allowed: numbers, texts, tuples and mappings of them")


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_read(item) for item in value)
    if isinstance(value, dict):
        inside = _INSIDE.get(value.get("class", ""))
        read = {key: _read(item) for key, item in value.items() if inside is None or key != "class"}
        return read if inside is None else inside(**read)
    return value
