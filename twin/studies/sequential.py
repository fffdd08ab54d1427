"""Replicas until a study is as precise as was asked, and no more: the section `precision`, and who adds
replicas.

The rule. There are looks, at `at_least` replicas first. At each, every quantity named must have a 95 % interval
(Student's t over replicas) whose half-width, times 1 + CAUTION/n, is at most the one wanted. The next look is
where the spread seen so far says that it will be so, at least `block` replicas on and at most at twice as many. A
point is done when it was precise at LOOKS looks in a row. Without caution, or at the first such look, looks at
which the spread happens to look small would be favoured, and intervals would hold the truth less often than they
say (Chow and Robbins 1965; measured in benchmarks/coverage.py). Knows no worker and no file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from twin.phrases import unknown
from twin.sections import Section
from twin.studies.asking import by_name
from twin.studies.evaluation import Evaluate, Outcome, Point
from twin.studies.quantities import Quantity
from twin.studies.stated import apart, stated
from twin.tree import Problem, ScenarioError, Spot
from twin.units import DURATION

POINTS = "%-points"
_WIDTH = re.compile(r"\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(\S+)?\s*")
_MOST = 10_000
LOOKS = 3
CAUTION = 4.0
"""Of n replicas a half-width counts 1 + CAUTION / n times while it is decided whether to stop."""


@dataclass(frozen=True)
class Width:
    """A half-width: `size` in units of the quantity (SI, shares as such), or as a part of its value."""

    size: float
    relative: bool


def _readable(text: str) -> str:
    found = _WIDTH.fullmatch(text)
    if found is None or not found.group(2) or float(found.group(1)) <= 0.0:
        raise PydanticCustomError(
            "width", "a half-width is a number above 0 with a unit: '5 %' of the value, '0.5 s', '0.2 %-points'"
        )
    return text


HalfWidth = Annotated[str, AfterValidator(_readable)]


class Precision(Section):
    """How precise the results have to be: replicas are added until they are."""

    to: Annotated[dict[str, HalfWidth], Field(min_length=1)]
    """By quantity, the half-width of its 95 % interval: '5 %' of the value, or in its own unit ('0.5 s', '2 /d');
    '0.2 %-points' of a share."""
    of: Literal["values", "differences"] = "values"
    """differences: of the paired differences to the first point, which then all have as many replicas."""
    at_least: Annotated[int, Field(ge=10, le=_MOST)] = 10
    """Replicas before the first look: the spread of fewer says too little."""
    at_most: Annotated[int, Field(ge=10, le=_MOST)] = 200
    """Replicas at which a point is given up; it is then told as not reached."""
    block: Annotated[int, Field(ge=1, le=1000)] = 5
    """So many are added at least."""

    @model_validator(mode="after")
    def _in_order(self) -> Precision:
        if self.at_most < self.at_least:
            raise PydanticCustomError("precision", "'at_most' must be at least 'at_least'")
        return self


def width(text: str, quantity: Quantity) -> Width:
    """What a half-width means for this quantity; ScenarioError where its unit does not fit."""
    found = _WIDTH.fullmatch(text)
    assert found is not None  # the section has been validated
    number, unit = float(found.group(1)), found.group(2)
    if unit == "%":
        return Width(number / 100.0, relative=True)
    if unit == POINTS and quantity.unit == "":
        return Width(number / 100.0, relative=False)
    if quantity.unit == "s" and unit in DURATION.units:
        return Width(DURATION.parse(f"{found.group(1)} {unit}"), relative=False)
    if unit == quantity.unit:
        return Width(number, relative=False)
    own = {"": f"'0.2 {POINTS}'", "s": "'0.5 s'"}.get(quantity.unit, f"'1 {quantity.unit}'")
    raise _wrong(quantity.name, f"'{text}' is no half-width of {quantity.name}; write '5 %' or such as {own}")


def until(evaluate: Evaluate, points: Sequence[Point], precision: Precision) -> list[Outcome]:
    """The outcome of every point over as many replicas as it needs (or the most allowed), in their order.

    A point that fails, is saturated or has too few events gets no more replicas. Raises ScenarioError for a
    quantity that there is not, or whose unit does not fit.
    """
    found: dict[str, Outcome] = {}
    n, streak, open_ = precision.at_least, dict.fromkeys((p.name for p in points), 0), list(points)
    while open_:
        for point, outcome in zip(open_, evaluate(open_, range(n)), strict=True):
            found[point.name] = outcome
        first = found[points[0].name]
        _check_known(precision, list(found.values()))
        excess = {p.name: _excess(found[p.name], precision, first) * (1.0 + CAUTION / n) for p in open_}
        for name, times in excess.items():
            streak[name] = streak[name] + 1 if times <= 1.0 else 0
        if n >= precision.at_most:
            break
        left = [p for p in open_ if streak[p.name] < LOOKS and math.isfinite(excess[p.name])]
        if precision.of == "differences" and left:
            left = list(points)
        n = _next(n, [excess[p.name] for p in left], precision)
        open_ = left
    return [found[point.name] for point in points]


def reached(outcomes: Sequence[Outcome], precision: Precision) -> pd.DataFrame:
    """A row per point and quantity: point, quantity, wanted, half_width (in the quantity's unit), replicas,
    reached, reason."""
    rows: list[dict[str, Any]] = []
    for outcome in outcomes[1:] if precision.of == "differences" else outcomes:
        for name, wanted in precision.to.items():
            half, times, reason = _half(outcome, name, wanted, _against(outcome, outcomes[0], precision))
            row = {"point": outcome.name, "quantity": name, "wanted": wanted, "half_width": half}
            rows.append(row | {"replicas": _replicas(outcome), "reached": times <= 1.0, "reason": reason})
    return pd.DataFrame(rows)


def _next(n: int, excess: Sequence[float], precision: Precision) -> int:
    """Where the next look is: half-widths shrink with the root of n."""
    needed = n * max((times for times in excess if math.isfinite(times)), default=1.0) ** 2
    stepped = math.ceil(needed / precision.block) * precision.block
    return min(max(n + precision.block, stepped), 2 * n, precision.at_most)


def _excess(outcome: Outcome, precision: Precision, first: Outcome) -> float:
    """How many times as wide as wanted the widest interval is; inf if more replicas would not help."""
    if precision.of == "differences" and outcome.name == first.name:
        return 0.0  # it is what the others are held against
    against = _against(outcome, first, precision)
    return max(_half(outcome, name, wanted, against)[1] for name, wanted in precision.to.items())


def _against(outcome: Outcome, first: Outcome, precision: Precision) -> Outcome | None:
    return first if precision.of == "differences" and outcome.name != first.name else None


def _half(outcome: Outcome, name: str, wanted: str, against: Outcome | None) -> tuple[float, float, str]:
    """Half-width, that over the one wanted, and why there is none."""
    quantity = by_name(outcome).get(name)
    if quantity is None:
        return math.nan, math.inf, outcome.failure or "not told by this point"
    if against is None:
        estimate = stated(quantity, outcome.saturated)
    else:
        there = by_name(against).get(name)
        estimate = apart(there, quantity, outcome.saturated, against.saturated)
    if estimate.low is None or estimate.value is None or estimate.high is None:
        return math.nan, math.inf, estimate.reason
    limit, half = width(wanted, quantity), max(estimate.high - estimate.value, estimate.value - estimate.low)
    size = limit.size * abs(float(quantity.values.mean()) if limit.relative else 1.0)
    return half, 0.0 if half == 0.0 else half / size if size else math.inf, ""


def _check_known(precision: Precision, outcomes: Sequence[Outcome]) -> None:
    told = [by_name(outcome) for outcome in outcomes if outcome.failure is None]
    every = {name: quantity for one in told for name, quantity in one.items()}
    for name, wanted in precision.to.items() if told else ():
        if name not in every:
            raise _wrong(name, unknown("quantity", name, every))
        width(wanted, every[name])


def _replicas(outcome: Outcome) -> int:
    return max((q.values.size for q in outcome.quantities), default=0)


def _wrong(name: str, message: str) -> ScenarioError:
    return ScenarioError([Problem(Spot("precision"), f"to.{name}", message)])
