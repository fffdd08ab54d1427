"""The kind `sensitivity`: which assumption decides the answer, so that it is measured first.

Each input alone at both ends of its range, held against the scenario as it stands under the same sky (a
tornado); and, for those that move the answer most, Sobol indices over all of their ranges together
(twin.studies.sobol). Effects are told apart from chance by intervals of paired differences over replicas. Knows
no worker and no file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from twin import words
from twin.phrases import unknown
from twin.sections import Section, Texts
from twin.studies.asking import AS_IS, Ledger, by_name, made
from twin.studies.evaluation import Evaluate, Outcome, Point
from twin.studies.judge import bounds
from twin.studies.kinds import Asked, Found
from twin.studies.pairing import about
from twin.studies.quantities import Quantity, titled
from twin.studies.ranges import ASSUMED, Factor, Range, Span, chosen, ranges
from twin.studies.sequential import until
from twin.studies.stated import between
from twin.tree import Problem, ScenarioError, Spot

USUAL = ("latency.p50", "latency.p99", "lost")
"""What is looked at where the scenario has no targets."""
LOW, HIGH = "low", "high"


def _power_of_two(samples: int) -> int:
    if samples & (samples - 1):
        raise PydanticCustomError(
            "samples", "must be a power of 2, such as 64: Sobol' sequences are balanced then"
        )
    return samples


class Sobol(Section):
    """Shares of the variance that inputs cause, all varied together."""

    samples: Annotated[int, Field(ge=8, le=65_536), AfterValidator(_power_of_two)] = 64
    """Base samples N, a power of 2: N x (inputs + 2) points are run."""
    most: Annotated[int, Field(ge=1, le=50)] = 5
    """So many inputs, those that move the first quantity most by themselves."""


class Sensitivity(Section):
    """How far inputs that nobody knows well move the answer."""

    over: Texts = (ASSUMED,)
    """'assumed': every input with that standing; or dotted keys, each with all that stands below it."""
    of: Texts | None = None
    """Quantities that are looked at, the most important first; by default those of the targets."""
    ranges: dict[str, Span] = Field(default_factory=dict)
    """By dotted key, where an input can hardly lie beyond. They go before the scenario's own 'low' and 'high'."""
    factor: Factor = 2.0
    """Where nobody says a range: from the value divided by this to the value times this."""
    sobol: Sobol | None = None
    """Also all inputs together; null: only one at a time."""


def check(asked: Asked) -> None:
    """Raise ScenarioError for inputs or ranges that there are not."""
    section: Sensitivity = asked.section
    ranges(asked.scenario, chosen(asked.scenario, section.over, "sensitivity"), section.ranges, section.factor)


def drive(asked: Asked, evaluate: Evaluate) -> Found:
    """Tables `tornado` (a row per input and quantity), `left_out` (inputs that were not varied, and why), and with
    Sobol indices `sobol` and `band`."""
    section: Sensitivity = asked.section
    ask = Ledger(evaluate)
    known, left = ranges(
        asked.scenario, chosen(asked.scenario, section.over, "sensitivity"), section.ranges, section.factor
    )
    base = made(asked.scenario, {})
    ends = {
        r.key: {end: made(asked.scenario, {r.key: r.text(getattr(r, end))}) for end in (LOW, HIGH)} for r in known
    }
    points = [base, *(point for pair in ends.values() for point in pair.values())]
    outcomes = _asked(asked, ask, points)
    names = looked_at(asked, outcomes[base.name])
    table = tornado(known, ends, outcomes, names)
    tables = {"tornado": table, "left_out": pd.DataFrame(list(left.items()), columns=["key", "reason"])}
    answer = list(_answer(table, names, left))
    if section.sobol is not None and known:
        from twin.studies import sobol

        decisive = _decisive(table, names[0], section.sobol.most)
        more = sobol.indices(asked, ask, [r for r in known if r.key in decisive], names)
        tables |= more.tables
        answer += more.answer
    return Found(ask.points, ask.outcomes, tuple(r.key for r in known), tuple(answer), tables)


def looked_at(asked: Asked, base: Outcome) -> tuple[str, ...]:
    """Names of the quantities that are looked at; ScenarioError for those that the scenario does not tell."""
    section: Sensitivity = asked.section
    if base.failure is not None:
        raise ScenarioError(
            [Problem(Spot("sensitivity"), "", f"the scenario as it stands failed: {base.failure}")]
        )
    known = by_name(base)
    limits = tuple(b.quantity for b in bounds(asked.scenario) if b.quantity in known)
    names = section.of or limits or tuple(name for name in USUAL if name in known)
    for name in names:
        if name not in known:
            raise ScenarioError([Problem(Spot("sensitivity"), "of", unknown("quantity", name, known))])
    return names


def tornado(
    known: Sequence[Range],
    ends: Mapping[str, Mapping[str, Point]],
    outcomes: Mapping[str, Outcome],
    names: Sequence[str],
) -> pd.DataFrame:
    """A row per quantity and input, those with the largest swing first: quantity, text, unit, key, given, at_low,
    at_high, origin, base, low, high (values at the ends), low_difference, low_from, low_to, and the same of high
    (paired, 95 %), swing (the larger difference), certain, flips (targets whose verdict changes), reason."""
    rows = [
        _row(
            by_name(outcomes[AS_IS])[name], r, {end: outcomes[p.name] for end, p in ends[r.key].items()}, outcomes
        )
        for name in names
        for r in known
    ]
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    order = {name: k for k, name in enumerate(names)}
    ranked = table.assign(_order=table["quantity"].map(order), _swing=-table["swing"].fillna(-1.0))
    ranked = ranked.sort_values(["_order", "_swing", "key"], kind="stable", ignore_index=True)
    return ranked.drop(columns=["_order", "_swing"])


def _asked(asked: Asked, ask: Ledger, points: Sequence[Point]) -> dict[str, Outcome]:
    """Outcomes by point name, all over as many replicas: as precise as asked, or over the set number."""
    n = asked.replicas
    if asked.precision is not None:
        until(ask, points, asked.precision)
        n = max(ask.replicas(point) for point in points)
    return {outcome.name: outcome for outcome in ask(points, range(n))}


def _row(base: Quantity, r: Range, at: Mapping[str, Outcome], outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    plain = outcomes[AS_IS]
    row: dict[str, Any] = {"quantity": base.name, "text": base.text, "unit": base.unit, "key": r.key}
    row |= {"given": r.text(r.value), "at_low": r.text(r.low), "at_high": r.text(r.high), "origin": r.origin}
    row |= {"base": float(np.mean(base.values)), "swing": math.nan, "certain": False, "reason": "", "note": ""}
    for end, outcome in at.items():
        here = by_name(outcome).get(base.name)
        wrong = _wrong(plain, base) or _wrong(outcome, here)
        row |= {end: math.nan, f"{end}_difference": math.nan, f"{end}_from": math.nan, f"{end}_to": math.nan}
        if wrong or here is None:
            row["reason"] = f"{row['reason']}; at the {end} end {wrong}".lstrip("; ")
            continue
        apart = between(here.values - base.values, here.n)
        low, high = (math.nan if number is None else number for number in (apart.low, apart.high))
        row |= {end: float(here.values.mean()), f"{end}_difference": apart.value}
        row |= {f"{end}_from": low, f"{end}_to": high}
        if apart.reason:
            row["note"] = f"{row['note']}; at the {end} end {apart.reason}".lstrip("; ")
        row["certain"] = bool(row["certain"] or (low > 0.0 or high < 0.0))
        row["swing"] = float(np.nanmax([row["swing"], abs(apart.value or 0.0)]))
    row["flips"] = "; ".join(_flips(plain, at, base.name))
    return row


def _wrong(outcome: Outcome, quantity: Quantity | None) -> str:
    """Why there is no number of it."""
    if outcome.failure is not None:
        return f"it failed: {outcome.failure.splitlines()[0]}"
    if quantity is None:
        return "it is not told"
    if outcome.saturated and quantity.unit == "s":
        return f"the queue of {', '.join(outcome.saturated)} grows without end"
    return "" if np.isfinite(quantity.values).all() else "there are too few events"


def _flips(base: Outcome, at: Mapping[str, Outcome], name: str) -> list[str]:
    """Targets on this quantity whose verdict is another one at an end of the range."""
    plain = {target["name"]: target["verdict"] for target in base.targets}
    return [
        f"{target['text']}: {target['verdict']} at the {end} end"
        for end, outcome in at.items()
        for target in outcome.targets
        if about(target["name"]) == name and plain.get(target["name"]) not in (None, target["verdict"])
    ]


def _decisive(table: pd.DataFrame, name: str, most: int) -> list[str]:
    own = table[(table["quantity"] == name) & table["swing"].notna()]
    return [str(key) for key in own["key"].head(most)]


def _answer(table: pd.DataFrame, names: Sequence[str], left: Mapping[str, str]) -> list[str]:
    told = []
    for name in names if len(table) else ():
        own = table[table["quantity"] == name]
        title = titled(name, str(own["text"].iloc[0]))
        ungoverned = own[own["reason"] != ""]
        sure = own[own["certain"]]
        if len(ungoverned):
            first = ungoverned.iloc[0]
            told.append(f"{title}: no number everywhere: {first['key']}: {first['reason']}.")
        if sure.empty:
            told.append(f"{title}: no input is shown to move it, every difference could be chance.")
            continue
        first = sure.iloc[0]
        ends = f"{_said(first, LOW)}, {_said(first, HIGH)}"
        text = f"{title}: {first['key']} decides most, {ends}; measure it first."
        rest = len(own) - len(sure)
        told.append(text + (f" Of {len(own)} inputs, {rest} cannot be told from chance." if rest else ""))
    flipping = table[table["flips"] != ""] if len(table) else table
    told += [f"{row['key']} decides a verdict: {row['flips']}." for _, row in flipping.iterrows()]
    if left:
        told.append(f"{words.count(len(left), 'input')} of those asked for could not be varied: see left_out.")
    return told


def _said(row: pd.Series, end: str) -> str:
    """'12.3 s at 3 s'."""
    value = float(row[end])
    if math.isnan(value):
        return f"no number at {row[f'at_{end}']}"
    return f"{words.amount(value, str(row['unit']))} at {row[f'at_{end}']}"
