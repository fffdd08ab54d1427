"""What the twin is held to, and the verdict on an error. Knows no run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}

GOALS: Mapping[str, Mapping[str, float]] = {
    "prediction": {"p50": 0.03, "p95": 0.05, "p99": 0.08, "capacity": 0.03, "slope": 0.03},
    "model": {"p50": 0.02, "p95": 0.02, "p99": 0.04},
}
"""Largest relative error by column and figure; what has no goal is told and not judged."""

FLOORS = 1.5
"""A predicted quantile may also be off by so many times what the farm differs from itself."""

MET, MISSED, UNFIT = "met", "missed", "not measurable"


@dataclass(frozen=True)
class Finding:
    """A relative error with its 95 % interval and verdict; None and the `reason` where there is no such number.

    `allowed` is what the error was held against; a `verdict` is '' where there is no goal or no error.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    allowed: float | None = None
    verdict: str = ""
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """What JSON gets."""
        return dict(vars(self))


def allowed(column: str, figure: str, floor: float) -> float | None:
    """The largest error of `figure` that meets the goal of `column`; None where there is none.

    `floor` is what the farm differs from itself, NaN where it ran once.
    """
    goal = GOALS[column].get(figure)
    if goal is None or column != "prediction" or figure not in QUANTILES or math.isnan(floor):
        return goal
    return max(goal, FLOORS * floor)


def verdict(error: float, limit: float | None, unfit: str | None) -> str:
    """On one `error`; `unfit` says why nothing may be concluded from this run, None if it may."""
    if limit is None:
        return ""
    if unfit is not None:
        return UNFIT
    return MET if abs(error) <= limit else MISSED
