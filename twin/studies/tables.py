"""What a study found as long, tidy tables: a row per point and quantity, replica, or target. Runs nothing.

Every table has the name of the point and, for each key that tells the points apart, its value in SI units (or the
text where it is no number) in a column called like the key, and as it was given in one called 'KEY (given)'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from pydantic import BaseModel

from twin.scenario import Scenario
from twin.studies.evaluation import Outcome, Point
from twin.studies.kinds import Found
from twin.studies.stated import note, stated

NUMBERS = ("value", "low", "high")
_TABLE = ("quantity", "text", "unit", *NUMBERS, "n", "replicas", "reason", "note")
_VALUES = ("quantity", "unit", "replica", "value", "n")
_TARGETS = ("target", "text", "limit", "unit", *NUMBERS, "n", "verdict", "reason", "saturated")


def table(found: Found) -> pd.DataFrame:
    """A row per point and quantity: mean over replicas with its 95 % interval, or the reason why there is none."""
    return _long(found, _TABLE, _stated).astype(dict.fromkeys(NUMBERS, float))


def values(found: Found) -> pd.DataFrame:
    """A row per point, quantity and replica."""
    return _long(found, _VALUES, _each).astype({"value": float})


def targets(found: Found) -> pd.DataFrame:
    """A row per point and target: the verdict with the number it rests on; pools that were saturated."""
    return _long(found, _TARGETS, _judged).astype(dict.fromkeys((*NUMBERS, "limit"), float))


def failures(found: Found) -> dict[str, str]:
    """Why points failed, by name."""
    return {outcome.name: outcome.failure for outcome in found.outcomes if outcome.failure is not None}


def settings(found: Found) -> pd.DataFrame:
    """A row per point: its name and the values of its keys, in SI and as given."""
    rows = pd.DataFrame({"point": [point.name for point in found.points]}, dtype=str)
    for key in found.keys:
        given = [point.changes.get(key, "-") for point in found.points]
        numbers = [si(point.scenario, key) for point in found.points]
        rows[key] = pd.Series(given if None in numbers else numbers, dtype=str if None in numbers else float)
        rows[f"{key} (given)"] = pd.Series(given, dtype=str)
    return rows


def si(scenario: Scenario, path: str) -> float | None:
    """The number at a dotted path in SI units; None where there is none, or no number."""
    found: Any = scenario
    for name in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, BaseModel):
            found = getattr(found, name, None)
        else:
            return None
    found = getattr(found, "value", found)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _long(found: Found, columns: tuple[str, ...], rows: Any) -> pd.DataFrame:
    """The rows of every point with its settings before them."""
    known = settings(found)
    parts, at = list[tuple[Any, ...]](), list[int]()
    for k, (point, outcome) in enumerate(zip(found.points, found.outcomes, strict=True)):
        own = list(rows(point, outcome))
        parts += own
        at += [k] * len(own)
    told = pd.DataFrame(parts, columns=list(columns))
    return pd.concat([known.iloc[at].reset_index(drop=True), told], axis=1)


def _stated(point: Point, outcome: Outcome) -> Iterator[tuple[Any, ...]]:
    for q in outcome.quantities:
        one = stated(q, outcome.saturated)
        yield q.name, q.text, q.unit, one.value, one.low, one.high, q.n, q.values.size, one.reason, note(q)


def _each(point: Point, outcome: Outcome) -> Iterator[tuple[Any, ...]]:
    for q in outcome.quantities:
        for replica, value in enumerate(q.values):
            yield q.name, q.unit, replica, float(value), q.n


def _judged(point: Point, outcome: Outcome) -> Iterator[tuple[Any, ...]]:
    for target in outcome.targets:
        one = target["estimate"]
        numbers = (one["value"], one["low"], one["high"], one["n"])
        told = target["name"], target["text"], target["limit"], target["unit"]
        yield *told, *numbers, target["verdict"], one["reason"], " ".join(outcome.saturated)
