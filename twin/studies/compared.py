"""The kind of study that compares: cases of a scenario's file, the others held against the first."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from twin.sections import Section, Texts
from twin.studies import cases, pairing
from twin.studies.compare import Case, Comparison
from twin.studies.evaluation import Evaluate, Point
from twin.studies.kinds import Asked, Found
from twin.studies.sweep import evaluated


class Compare(Section):
    """Cases that are held against each other; the first is what the others are compared to."""

    cases: Texts | None = None
    """As after --case: cases of the scenario's 'cases', overrides joined by '+', or as-is. By default all of its
    cases, or as-is and each of its overrides."""


def check(asked: Asked) -> Sequence[Point]:
    """Every case, loaded; ScenarioError for what there is not, and for cases that cannot be compared."""
    section: Compare = asked.section
    found = cases.chosen(asked.source, section.cases or (), asked.with_, asked.set_)
    return [Point(case.name, case.scenario, {}) for case in found]


def drive(asked: Asked, evaluate: Evaluate) -> Found:
    """Of the cases that did not fail: tables `differences` (twin.studies.compare.Comparison), `pairing` (what
    the same sky takes out of the variance) and `verdicts` (targets side by side)."""
    points = asked.points or check(asked)
    outcomes = evaluated(asked, evaluate, points)
    done = [k for k, outcome in enumerate(outcomes) if outcome.failure is None]
    told = [outcomes[k] for k in done]
    tables: dict[str, pd.DataFrame] = {}
    if told:
        held = tuple(Case(points[k].name, points[k].scenario) for k in done)
        n = min(int(q.values.size) for k in done for q in outcomes[k].quantities)
        tables["differences"] = Comparison(held, tuple(told), asked.seed, n).table
        tables |= {"pairing": pairing.table(told), "verdicts": pd.DataFrame(pairing.verdicts(told))}
    return Found(points, outcomes, (), tuple(pairing.sentences(told)) if told else (), tables)
