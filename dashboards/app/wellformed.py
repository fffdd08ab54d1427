"""Whether what is posted is what our own pages post: anything else is told in one line before Dash reads it.

Knows how Dash asks for callbacks, and no page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Flask, request

from dashboards.app.security import UPDATE

Told = tuple[str, int]
"""Words, and the status of the answer."""


def hold(server: Flask, callbacks: Callable[[], Mapping[str, Any]]) -> None:
    """Have `server` refuse what is posted to no callback of `callbacks`, Dash's own map of them."""

    @server.before_request
    def refuse() -> Told | None:
        """What is wrong with a post; None where nothing is, and for everything else."""
        if request.method != "POST":
            return None
        if request.path != UPDATE:
            return "Nothing can be sent here.\n", 404
        try:
            problem = _problem(request.get_json(silent=True), callbacks())
        except RecursionError:
            problem = "the request is nested too deeply"
        return None if problem is None else (f"Refused: {problem}.\n", 400)


def _problem(body: Any, callbacks: Mapping[str, Any]) -> str | None:
    """What is wrong with a request to a callback; None where nothing is."""
    if not isinstance(body, dict):
        return "the request is no JSON object"
    if not _is_text(body):
        return "the request holds half of a surrogate pair, which is no letter"
    known = callbacks.get(body["output"]) if isinstance(body.get("output"), str) else None
    if known is None or "callback" not in known:
        return "'output' names no callback of this dashboard; load the page again"
    places = {"inputs": known["inputs"], "state": known["state"]}
    for name, wanted in places.items():
        if not _fits(body.get(name, []), wanted):
            return f"'{name}' is not what this callback takes: {len(wanted)} of id, property and value"
    parts = body["output"].strip(".").split("...")
    outputs = body.get("outputs")
    if not _fits(outputs if isinstance(outputs, list) else [outputs], parts):
        return f"'outputs' is not what this callback gives: {len(parts)} of id and property"
    changed = body.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(one, str) and "." in one for one in changed):
        return "'changedPropIds' is no list of 'id.property'"
    return None


def _fits(given: Any, wanted: Sequence[Any]) -> bool:
    """Whether there is one place, or a list of places, for each that is wanted."""
    if not isinstance(given, list) or len(given) != len(wanted):
        return False
    return all(all(map(_is_place, one)) if isinstance(one, list) else _is_place(one) for one in given)


def _is_place(given: Any) -> bool:
    return (
        isinstance(given, dict)
        and isinstance(given.get("id"), str | dict)
        and isinstance(given.get("property"), str)
    )


def _is_text(given: Any) -> bool:
    """Whether every text in `given` can be written."""
    left = [given]
    while left:
        one = left.pop()
        if isinstance(one, str):
            try:
                one.encode()
            except UnicodeEncodeError:
                return False
        elif isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one
    return True
