"""The kind `influence`: which keys of a scenario had no influence on its run, and which had.

Each key is changed by itself and the run is made again with the same sky and luck. Equal plans mean that the
key does not reach the simulation at all; different plans with equal numbers, that what it decides never came
into play; equal numbers with other verdicts, that it only judges. The method can miss influence: of a key that
matters only together with another one, only in the other direction, only with another sky, or only in a table
that is not among the quantities that studies tell; and lists, names and texts with no other allowed value are
not changed. Knows no worker and no file.
"""

from __future__ import annotations

import json
import math
import typing
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from twin import words
from twin.phrases import cores, inside
from twin.scenario import Input, Scenario
from twin.sections import Section, Texts
from twin.studies.asking import ALIKE, Ledger, by_name, made
from twin.studies.evaluation import Evaluate, Outcome, Point
from twin.studies.kinds import Asked, Found
from twin.studies.ranges import Factor, chosen, number
from twin.tree import ScenarioError

ABSENT, SILENT, JUDGES, DECIDES = "not in the plan", "never came into play", "only judges", "decides"
FAILED, KEPT = "failed", "not changed"
DEAD = (ABSENT, SILENT)
"""What is said of a key without influence."""


class Influence(Section):
    """Which keys had no influence."""

    over: Texts | None = None
    """Dotted keys, each with all that stands below it; by default every input."""
    factor: Factor = 1.5
    """Numbers are made so many times larger; smaller where that is not allowed."""


def check(asked: Asked) -> None:
    """Raise ScenarioError for keys that there are not."""
    _inputs(asked)


def drive(asked: Asked, evaluate: Evaluate) -> Found:
    """Table `influence`, a row per key: key, standing, given, changed, influence (ABSENT …), effect, reason."""
    section: Influence = asked.section
    ask = Ledger(evaluate)
    base = made(asked.scenario, {})
    points: dict[str, Point] = {}
    reasons: dict[str, str] = {}
    for entry in _inputs(asked):
        try:
            points[entry.key] = _changed(asked.scenario, entry, section.factor)
        except ScenarioError as error:
            reasons[entry.key] = error.problems[0].message
    plain, *others = ask([base, *points.values()], range(asked.replicas))
    outcomes = dict(zip(points, others, strict=True))
    rows = [_row(entry, points, outcomes, plain, reasons) for entry in _inputs(asked)]
    table = pd.DataFrame(rows)
    return Found(ask.points, ask.outcomes, tuple(points), _answer(table, asked.replicas), {"influence": table})


def influence(plain: Outcome, changed: Outcome) -> str:
    """What a change did: FAILED, or one of ABSENT, SILENT, JUDGES, DECIDES."""
    if plain.failure is not None or changed.failure is not None:
        return FAILED
    if not _same(plain, changed):
        return DECIDES
    if json.dumps(plain.targets) != json.dumps(changed.targets):
        return JUDGES
    return ABSENT if plain.plan_digest == changed.plan_digest else SILENT


def _same(a: Outcome, b: Outcome) -> bool:
    """Whether every value of every quantity is the same to the bit."""
    there, here = by_name(a), by_name(b)
    return there.keys() == here.keys() and all(
        np.array_equal(there[name].values, here[name].values, equal_nan=True) for name in there
    )


def _inputs(asked: Asked) -> list[Input]:
    section: Influence = asked.section
    every = asked.scenario.inputs() if section.over is None else chosen(asked.scenario, section.over, "influence")
    return [entry for entry in every if entry.key not in ALIKE]


def _changed(scenario: Scenario, entry: Input, factor: float) -> Point:
    """The scenario with another value of this key; ScenarioError where none is found that it accepts."""
    if any(part.isdecimal() for part in entry.key.split(".")):
        raise ScenarioError([scenario.problem(entry.key, "stands in a list: it is not changed by itself")])
    first: ScenarioError | None = None
    for text in _others(entry, factor):
        try:
            return made(scenario, {entry.key: text})
        except ScenarioError as error:
            first = first or error
    raise first or ScenarioError([scenario.problem(entry.key, "is a text without another allowed value")])


def _others(entry: Input, factor: float) -> Iterator[str]:
    """Other values of an input as YAML text, the first choice first."""
    parsed = number(entry.value)
    if parsed is None:
        yield from _choices(entry)
        return
    value, unit, whole = parsed
    for other in (value * factor, value / factor, value * 1.01, value * 0.99) if value else (1.0,):
        rounded = (math.ceil(other) if other > value else math.floor(other)) if whole else other
        if rounded != value:
            yield f"{rounded:.12g} {unit}".strip()


def _choices(entry: Input) -> Iterator[str]:
    """The other words that are allowed there."""
    if entry.value in ("True", "False"):
        yield {"True": "false", "False": "true"}[entry.value]
        return
    annotation: Any = Scenario
    for part in entry.key.split("."):
        annotation = inside(annotation, part)
    for core in cores(annotation):
        if typing.get_origin(core) is typing.Literal:
            yield from (str(word) for word in typing.get_args(core) if str(word) != entry.value)


def _row(
    entry: Input, points: dict[str, Point], outcomes: dict[str, Outcome], plain: Outcome, reasons: dict[str, str]
) -> dict[str, Any]:
    row: dict[str, Any] = {"key": entry.key, "standing": entry.standing, "given": entry.value}
    if entry.key in reasons:
        return row | {"changed": "", "influence": KEPT, "effect": "", "reason": reasons[entry.key]}
    outcome = outcomes[entry.key]
    row |= {"changed": points[entry.key].changes[entry.key], "influence": influence(plain, outcome)}
    return row | {"effect": ", ".join(_moved(plain, outcome)), "reason": outcome.failure or ""}


def _moved(a: Outcome, b: Outcome) -> list[str]:
    """Names of the quantities that are not the same."""
    there, here = by_name(a), by_name(b)
    return [
        name
        for name in dict.fromkeys([*there, *here])
        if name not in there
        or name not in here
        or not np.array_equal(there[name].values, here[name].values, equal_nan=True)
    ]


def _answer(table: pd.DataFrame, replicas: int) -> Sequence[str]:
    changed = table[~table["influence"].isin((KEPT, FAILED))]
    dead = changed[changed["influence"].isin(DEAD)]
    told = [
        f"{len(dead)} of {words.count(len(changed), 'key')} that were changed, one at a time in "
        f"{words.count(replicas, 'replica')}, had no influence."
    ]
    for kind in DEAD:
        keys = [str(key) for key in dead.loc[dead["influence"] == kind, "key"]]
        if keys:
            told.append(f"{kind.capitalize()}: {words.sequence(keys)}.")
    kept = int((table["influence"] == KEPT).sum())
    if kept:
        told.append(f"{words.count(kept, 'key')} could not be changed by itself: see the reasons.")
    return told
