"""Cases held against each other: the same replicas of each, so that what chance does to all is no difference.

A case is a scenario with a name. Replica k of every case draws the same sky and luck from the same streams (common
random numbers), so differences are taken replica by replica. Knows no command and no page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from twin.scenario import Scenario
from twin.studies.answers import Answers
from twin.studies.engine import Engine
from twin.studies.evaluation import Outcome, Point
from twin.studies.executors import executor
from twin.studies.quantities import table as told
from twin.studies.stated import apart, note, stated

__all__ = ["Case", "Comparison", "Outcome", "compare", "is_certain"]

Progress = Callable[[float, str], None]
NUMBERS = ("value", "low", "high", "difference", "difference_low", "difference_high")


@dataclass(frozen=True)
class Case:
    """A scenario under the name by which it is compared."""

    name: str
    scenario: Scenario


@dataclass(frozen=True)
class Comparison:
    """Outcomes of all cases in their order; the first is what the others are held against."""

    cases: tuple[Case, ...]
    outcomes: tuple[Outcome, ...]
    seed: int
    replicas: int

    @property
    def table(self) -> pd.DataFrame:
        """A row per quantity and case: case, quantity, text, unit; value, low, high (95 % over replicas), n; and
        the same of the paired difference to the first case (difference, difference_low, difference_high); reason
        says why there is no number, note what is to be said beside it."""
        table = pd.DataFrame(list(_rows(self.outcomes))).astype(dict.fromkeys(NUMBERS, float))
        order = {name: k for k, name in enumerate(table["quantity"].unique())}
        return table.sort_values("quantity", key=lambda q: q.map(order), kind="stable", ignore_index=True)

    @property
    def replica_table(self) -> pd.DataFrame:
        """Every value behind it: case, quantity, text, unit, replica, value, n."""
        frames = [told(outcome.quantities).assign(case=outcome.name) for outcome in self.outcomes]
        whole = pd.concat(frames, ignore_index=True)
        return whole[["case", *whole.columns.drop("case")]]

    def changes(self) -> dict[str, dict[str, tuple[str, str]]]:
        """By case, every input that differs from the first case's: dotted path to (there, here); '-' is none."""
        first = _inputs(self.cases[0].scenario)
        return {case.name: _different(first, _inputs(case.scenario)) for case in self.cases[1:]}


def compare(
    *given: Scenario | Case | Sequence[Case],
    seed: int | None = None,
    replicas: int | None = None,
    profiles: tuple[Path, ...] = (),
    workers: int | None = 1,
    answers: Path | None = None,
    progress: Progress = lambda fraction, text: None,
) -> Comparison:
    """Run every case, or scenario, and hold it against the first. The same with any number of `workers`.

    By default here; None is a process for each core. What is done is kept in the folder `answers`, from which an
    interrupted comparison goes on; once this one is saved, remove it (`twin.studies.answers.remove`). Raises
    ValueError for fewer than two cases or equal names, and what `twin.run` raises for a case that cannot be run.
    """
    cases = _cases(given)
    names = [case.name for case in cases]
    if len(cases) < 2 or len(set(names)) < len(names):
        raise ValueError(f"a comparison needs two cases or more with names of their own, not {names}")
    if any(case.scenario.live for case in cases):
        raise ValueError("live stages are executed in real time: compare without them")
    seed = cases[0].scenario.seed if seed is None else seed
    replicas = cases[0].scenario.replicas if replicas is None else replicas
    points = [Point(case.name, case.scenario, {}) for case in cases]
    known = Answers(answers)
    try:
        with executor(workers) as crew:
            engine = Engine(crew, known, seed=seed, profiles=profiles, progress=progress)
            outcomes = engine(points, range(replicas))
    finally:
        known.close()
    for name in names:
        if name in engine.errors:
            raise engine.errors[name]
    return Comparison(cases, tuple(outcomes), seed, replicas)


def _cases(given: Sequence[Scenario | Case | Sequence[Case]]) -> tuple[Case, ...]:
    """Cases as they were given, one by one or in a list; scenarios by their names."""
    found: list[Case] = []
    for one in given:
        if isinstance(one, Scenario):
            found.append(Case(one.name, one))
        elif isinstance(one, Case):
            found.append(one)
        else:
            found += one
    return tuple(found)


def _rows(outcomes: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    first = {q.name: q for q in outcomes[0].quantities}
    for outcome in outcomes:
        for q in outcome.quantities:
            here = stated(q, outcome.saturated)
            there = None if outcome is outcomes[0] else first.get(q.name)
            difference = apart(there, q, outcomes[0].saturated, outcome.saturated)
            numbers = [getattr(one, part) for one in (here, difference) for part in ("value", "low", "high")]
            about = {"case": outcome.name, "quantity": q.name, "text": q.text, "unit": q.unit}
            yield {**about, **dict(zip(NUMBERS, numbers, strict=True)), "n": q.n} | {
                "reason": here.reason,
                "note": note(q, difference),
            }


def _inputs(scenario: Scenario) -> dict[str, str]:
    return {entry.key: entry.value for entry in scenario.inputs()}


def _different(first: dict[str, str], here: dict[str, str]) -> dict[str, tuple[str, str]]:
    keys = [*first, *(key for key in here if key not in first)]
    pairs = {key: (first.get(key, "-"), here.get(key, "-")) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def is_certain(low: float | None, high: float | None) -> bool:
    """Whether the interval of a difference leaves out 0."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return False
    return not low <= 0.0 <= high
