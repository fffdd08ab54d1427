"""The kind `search`: the smallest capacity that meets the targets with a stated confidence, or a Pareto front.

One whole number is found by bisection (`bisect` of the standard library) over verdicts of twin.studies.judge,
several by Optuna (twin.studies.several), and several aims by Optuna's NSGA-II (twin.studies.pareto). That more
servers are never worse is what bisection rests on; it is checked on every pair of points that were run, replica
by replica, and where it does not hold every number is tried in turn. Knows no worker and no file.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Any

import pandas as pd
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin import words
from twin.phrases import unknown
from twin.sections import Section, Texts
from twin.studies.asking import Ledger, made
from twin.studies.costs import COSTS, cost
from twin.studies.evaluation import Evaluate, Outcome, Point
from twin.studies.judge import MET, MISSED, UNDECIDED, Bound, Verdict, bounds, judged, looks, worse
from twin.studies.kinds import Asked, Found
from twin.tree import Problem, ScenarioError, Spot
from twin.units import Fraction

MONOTONE_RISK = 0.01
"""Probability that a pair is told to go the wrong way by chance, over all pairs of a search."""


class Whole(Section):
    """Whole numbers that a search may choose from."""

    least: Annotated[int, Field(ge=0, le=10**9)]
    """The smallest."""
    most: Annotated[int, Field(ge=1, le=10**9)]
    """The largest that may be tried."""
    step: Annotated[int, Field(ge=1, le=10**6)] = 1
    """From one to the next."""

    @model_validator(mode="after")
    def _in_order(self) -> Whole:
        if self.most <= self.least:
            raise PydanticCustomError("whole", "'most' must be more than 'least'")
        return self

    @property
    def values(self) -> range:
        """All of them, ascending."""
        return range(self.least, self.most + 1, self.step)


class Search(Section):
    """The least of something that meets the targets, or the best that several aims allow together."""

    over: Annotated[dict[str, Whole], Field(min_length=1, max_length=8)]
    """What may be chosen, by dotted key: numbers of which more is never worse, such as servers."""
    minimise: Texts = ("servers",)
    """servers, cost, power or carbon of all pools. Several aims, quantities of a run among them: a Pareto
    front."""
    confidence: Annotated[Fraction, Field(ge=0.5, lt=1.0)] = 0.95
    """That what is said to meet the targets does."""
    at_most: Annotated[int, Field(ge=2, le=10_000)] = 200
    """Replicas after which a point is left undecided."""
    trials: Annotated[int, Field(ge=8, le=10_000)] = 96
    """Points that are tried, of several numbers or aims."""


@dataclass(frozen=True)
class Sought:
    """What a search of one aim ends with: verdicts by point name, the winner, what is next below, what to say."""

    verdicts: Mapping[str, Verdict]
    winner: Verdict | None
    below: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()


def check(asked: Asked) -> None:
    """Raise ScenarioError for keys that cannot take the numbers, aims that there are not, or missing targets."""
    section: Search = asked.section
    for key, whole in section.over.items():
        for value in (whole.values[0], whole.values[-1]):
            made(asked.scenario, {key: str(value)})
    wrong = [aim for aim in section.minimise if len(section.minimise) == 1 and aim not in COSTS]
    if wrong:
        raise ScenarioError([Problem(Spot("search"), "minimise", unknown("aim", wrong[0], COSTS))])
    if len(section.minimise) == 1 and not bounds(asked.scenario):
        text = "the scenario has no targets to meet: give it 'targets', such as alert_latency: {p99: 30 s}"
        raise ScenarioError([asked.scenario.problem("targets", text)])
    if asked.replicas < 2:
        raise ScenarioError([Problem(Spot("replicas"), "", "a search needs at least 2 replicas to begin with")])


def drive(asked: Asked, evaluate: Evaluate) -> Found:
    """The smallest that meets the targets: tables `candidates` and `limits`; or the front: see
    twin.studies.pareto."""
    check(asked)
    section: Search = asked.section
    ask = Ledger(evaluate)
    if len(section.minimise) > 1:
        from twin.studies import pareto

        return pareto.front(asked, ask)
    limits = bounds(asked.scenario)
    if len(section.over) == 1:
        sought = _bisected(asked, ask, limits)
    else:
        from twin.studies import several

        sought = several.sought(asked, ask, limits)
    return Found(
        points=ask.points,
        outcomes=ask.outcomes,
        keys=tuple(section.over),
        answer=_answer(asked, ask, sought),
        tables={"candidates": _candidates(asked, ask, sought), "limits": _limits(limits, ask, sought)},
    )


def backwards(
    ask: Ledger, values: Mapping[str, Sequence[int]], limits: Sequence[Bound]
) -> list[tuple[str, str, tuple[str, ...]]]:
    """Pairs of points of which the larger is worse: their names and in which quantities; [] where more is better.

    `values` are the chosen numbers by point name; pairs of which neither is at least the other are not compared.
    """
    known: dict[str, Outcome] = {outcome.name: outcome for outcome in ask.outcomes}
    pairs = [
        (a, b)
        for one, other in combinations(values, 2)
        for a, b in ((one, other), (other, one))
        if a != b and all(x <= y for x, y in zip(values[a], values[b], strict=True))
    ]
    risk = MONOTONE_RISK / max(1, len(pairs) * len(limits))
    return [(a, b, found) for a, b in pairs if (found := worse(known[a], known[b], limits, risk))]


def _bisected(asked: Asked, ask: Ledger, limits: Sequence[Bound]) -> Sought:
    """By bisection; one by one from the least where more turns out to be worse."""
    section: Search = asked.section
    key, whole = next(iter(section.over.items()))
    values, at = whole.values, looks(asked.replicas, max(asked.replicas, section.at_most))
    tests = math.ceil(math.log2(len(values))) + 1
    verdicts: dict[int, Verdict] = {}

    def meets(value: int, risk: float) -> bool:
        if value not in verdicts:
            point = made(asked.scenario, {key: str(value)})
            (verdicts[value],) = judged(ask, [point], limits, risk, at)
        return verdicts[value].verdict == MET

    risk = 1.0 - section.confidence
    found = bisect_left(values, True, key=lambda value: meets(value, risk / tests))
    notes: tuple[str, ...] = ()
    chosen = {verdict.point.name: [value] for value, verdict in verdicts.items()}
    if wrong := backwards(ask, chosen, limits):
        a, b, names = wrong[0]
        notes = (
            f"More is not better here: {words.sequence(ask.called(names))} is worse for {b} than for {a}. "
            "Tried one by one.",
        )
        verdicts.clear()
        found = next((k for k, value in enumerate(values) if meets(value, risk / len(values))), len(values))
    winner = verdicts[values[found]] if found < len(values) else None
    below = (verdicts[values[found - 1]],) if found > 0 and values[found - 1] in verdicts else ()
    return Sought({v.point.name: v for _, v in sorted(verdicts.items())}, winner, below, notes)


def _answer(asked: Asked, ask: Ledger, sought: Sought) -> tuple[str, ...]:
    section: Search = asked.section
    aim, sure = section.minimise[0], words.share(section.confidence)
    if sought.winner is None:
        most = ", ".join(f"{key} = {whole.values[-1]}" for key, whole in section.over.items())
        return (*sought.notes, f"Nothing up to {most} is shown to meet the targets with {sure} confidence.")
    told = f"{sought.winner.point.name} meets the targets with {sure} confidence"
    price = cost(sought.winner.point.scenario, aim)
    size = f"{words.digits(price.value)} {price.unit}" + (
        f" ({words.digits(price.low)} to {words.digits(price.high)}, {price.standing})"
        if price.low < price.high
        else ""
    )
    less = [_less(verdict, words.sequence(ask.called(verdict.decided))) for verdict in sought.below]
    least = [] if less else ["It is the least that was allowed."]
    return (*sought.notes, f"{told}: {size} in all, from {sought.winner.replicas} replicas.", *less, *least)


def _less(verdict: Verdict, names: str) -> str:
    """What is known of a point with one step less, decided by the quantities of these `names`."""
    if verdict.verdict == MISSED:
        return f"{verdict.point.name} misses them: {names}."
    if verdict.verdict == UNDECIDED:
        return f"{verdict.point.name} is undecided after {verdict.replicas} replicas, in {names}: it may do."
    return f"{verdict.point.name}: {verdict.verdict}, {names}."


def _candidates(asked: Asked, ask: Ledger, sought: Sought) -> pd.DataFrame:
    """A row per point: point, the chosen numbers, servers, the aim with its range, verdict, replicas, decided,
    answer."""
    section: Search = asked.section
    aim = section.minimise[0]
    rows: list[dict[str, Any]] = []
    for point in ask.points:
        verdict = sought.verdicts.get(point.name)
        price = cost(point.scenario, aim)
        row: dict[str, Any] = {"point": point.name, **{key: int(point.changes[key]) for key in section.over}}
        row |= {"servers": int(cost(point.scenario, "servers").value)}
        row |= {"aim": aim, "unit": price.unit, "value": price.value, "low": price.low, "high": price.high}
        row |= {"verdict": "screened" if verdict is None else verdict.verdict, "replicas": ask.replicas(point)}
        row |= {"decided": "" if verdict is None else "; ".join(ask.called(verdict.decided))}
        rows.append(row | {"answer": verdict is not None and verdict is sought.winner})
    return pd.DataFrame(rows)


def _limits(limits: Sequence[Bound], ask: Ledger, sought: Sought) -> pd.DataFrame:
    """A row per judged point and target: point, quantity, text, unit, limit, at_least, value, low, high (one-sided
    each)."""
    known = ask.quantities
    rows = [
        (name, told.name, told.text, told.unit, limit.limit, limit.at_least, *verdict.numbers[told.name])
        for name, verdict in sought.verdicts.items()
        for limit in limits
        if limit.quantity in verdict.numbers
        for told in (known[limit.quantity],)
    ]
    columns = ["point", "quantity", "text", "unit", "limit", "at_least", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def point_of(asked: Asked, values: Mapping[str, int]) -> Point:
    """The point with these numbers at their keys."""
    return made(asked.scenario, {key: str(value) for key, value in values.items()})
