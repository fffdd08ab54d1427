"""The points of which none is better in every aim: a Pareto front by Optuna's NSGA-II. Part of the kind
`search`.

Every point is run over the same replicas. How sure a point's place on the front is, is the share of resamples
of these replicas (the same ones for all points) in which no other point is better in every aim. Knows no worker
and no file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray

from twin import words
from twin.estimates import mean
from twin.phrases import unknown
from twin.studies.asking import Ledger, by_name
from twin.studies.costs import COSTS, cost
from twin.studies.evaluation import Outcome, Point
from twin.studies.judge import bounds, judged
from twin.studies.kinds import Asked, Found
from twin.studies.pairing import more_is_better
from twin.studies.quantities import Quantity
from twin.studies.search import Search, point_of
from twin.tree import Problem, ScenarioError, Spot

POPULATION = 16
"""Points of one generation; a constant, so that any number of workers gives the same points."""
MOST_ASKED = 4
"""NSGA-II asks for points again that are known; it is given up after so many times the trials."""
RESAMPLES = 1000
SHOWN = 0.05
"""A point that is on the front in fewer of the resamples is left out of the front."""

Floats = NDArray[np.float64]


def front(asked: Asked, ask: Ledger) -> Found:
    """Table `front` of all points: aims with intervals, `on_front` in how many resamples, `verdict` on the
    targets."""
    section: Search = asked.section
    points = _proposed(asked, ask)
    known = {outcome.name: outcome for outcome in ask.outcomes}
    usable = [p for p in points if _reason(known[p.name], section.minimise) == ""]
    values = np.array(
        [[_values(p, known[p.name], aim, asked.replicas) for aim in section.minimise] for p in usable]
    )
    sure = membership(values, asked.seed) if usable else np.zeros(0)
    table = _table(asked, ask, dict(zip((p.name for p in usable), sure, strict=True)), points)
    return Found(ask.points, ask.outcomes, tuple(section.over), _answer(section, ask, table), {"front": table})


def membership(values: Floats, seed: int) -> Floats:
    """Of `values` (point, aim, replica), all to be small: in what share of resamples each is not dominated."""
    rng = np.random.default_rng([seed, 8])
    replicas = values.shape[2]
    counts = np.zeros(len(values))
    for _ in range(RESAMPLES if replicas > 1 else 1):
        drawn = rng.integers(replicas, size=replicas) if replicas > 1 else np.zeros(1, np.int64)
        counts += undominated(values[:, :, drawn].mean(axis=2))
    return counts / (RESAMPLES if replicas > 1 else 1)


def undominated(values: Floats) -> NDArray[np.bool_]:
    """Of `values` (point, aim), all to be small: which are not beaten by one as good in all and better in some."""
    as_good = (values[:, None, :] <= values[None, :, :]).all(axis=2)
    better = (values[:, None, :] < values[None, :, :]).any(axis=2)
    beaten = np.asarray((as_good & better).any(axis=0))
    return ~beaten


def _proposed(asked: Asked, ask: Ledger) -> list[Point]:
    """Every point that NSGA-II asked for, each once."""
    section: Search = asked.section
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=asked.seed)
    study = optuna.create_study(directions=["minimize"] * len(section.minimise), sampler=sampler)
    space: dict[str, optuna.distributions.BaseDistribution] = {
        key: optuna.distributions.IntDistribution(whole.values[0], whole.values[-1], step=whole.step)
        for key, whole in section.over.items()
    }
    found: dict[str, Point] = {}
    everything = math.prod(len(whole.values) for whole in section.over.values())
    for _ in range(MOST_ASKED * math.ceil(section.trials / POPULATION)):
        if len(found) >= min(section.trials, everything):
            break
        trials = [study.ask(space) for _ in range(POPULATION)]
        points = [point_of(asked, trial.params) for trial in trials]
        fresh = {point.name: point for point in points if point.name not in found}
        ask(list(fresh.values()), range(asked.replicas))
        found |= fresh
        known = {outcome.name: outcome for outcome in ask.outcomes}
        for trial, point in zip(trials, points, strict=True):
            outcome = known[point.name]
            _check_known(section, outcome)
            if _reason(outcome, section.minimise):
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                told = [_values(point, outcome, aim, asked.replicas).mean() for aim in section.minimise]
                study.tell(trial, [float(value) for value in told])
    return list(found.values())


def _check_known(section: Search, outcome: Outcome) -> None:
    if outcome.failure is not None:
        return
    known = [*COSTS, *by_name(outcome)]
    for aim in section.minimise:
        if aim not in known:
            raise ScenarioError([Problem(Spot("search"), "minimise", unknown("aim", aim, known))])


def _reason(outcome: Outcome, aims: Sequence[str]) -> str:
    """Why a point cannot be held against others; nothing where it can."""
    if outcome.failure is not None:
        return outcome.failure
    known = by_name(outcome)
    for quantity in (known[aim] for aim in aims if aim in known):
        if outcome.saturated and quantity.unit == "s":
            return f"saturated: {', '.join(outcome.saturated)}"
        if not np.isfinite(quantity.values).all():
            return f"too few events for {quantity.text}"
    return ""


def _sign(quantity: Quantity) -> float:
    return -1.0 if more_is_better(quantity.name) else 1.0


def _values(point: Point, outcome: Outcome, aim: str, replicas: int) -> Floats:
    """The aim in every replica, to be made small (replica,)."""
    if aim in COSTS:
        return np.full(replicas, cost(point.scenario, aim, ranged=False).value)
    quantity = by_name(outcome)[aim]
    return _sign(quantity) * quantity.values


def _table(asked: Asked, ask: Ledger, sure: Mapping[str, float], points: Sequence[Point]) -> pd.DataFrame:
    section: Search = asked.section
    known = {outcome.name: outcome for outcome in ask.outcomes}
    limits = bounds(asked.scenario)
    rows: list[dict[str, Any]] = []
    for point in points:
        outcome = known[point.name]
        row: dict[str, Any] = {"point": point.name, **{key: int(point.changes[key]) for key in section.over}}
        for aim in section.minimise:
            row |= _aim(point, outcome, aim)
        row["on_front"] = sure.get(point.name, 0.0)
        (verdict,) = (
            judged(ask, [point], limits, 1.0 - section.confidence, (asked.replicas,)) if limits else (None,)
        )
        row["verdict"] = "no targets" if verdict is None else verdict.verdict
        rows.append(row | {"replicas": asked.replicas, "reason": _reason(outcome, section.minimise)})
    table = pd.DataFrame(rows)
    return table.sort_values(section.minimise[0], kind="stable", ignore_index=True)


def _aim(point: Point, outcome: Outcome, aim: str) -> dict[str, float | str]:
    """Value, interval, unit and words of one aim: 95 % over replicas of a quantity, the catalogue's range of a
    cost."""
    text = aim
    if aim in COSTS:
        price = cost(point.scenario, aim)
        numbers: tuple[float | None, float | None, float | None, str] = (
            price.value,
            price.low,
            price.high,
            price.unit,
        )
    elif (quantity := by_name(outcome).get(aim)) is None:
        numbers = math.nan, math.nan, math.nan, ""
    else:
        found = mean(quantity.values, quantity.n)
        numbers, text = (found.value, found.low, found.high, quantity.unit), quantity.text
    value, low, high = (math.nan if number is None else number for number in numbers[:3])
    told = {f"{aim}_unit": str(numbers[3]), f"{aim}_text": text}
    return {aim: value, f"{aim}_low": low, f"{aim}_high": high, **told}


def _answer(section: Search, ask: Ledger, table: pd.DataFrame) -> tuple[str, ...]:
    on = table[table["on_front"] >= SHOWN]
    called = ask.called(section.minimise)
    aims = words.sequence(called)
    if on.empty:
        return (f"No point of {len(table)} could be held against others in {aims}.",)
    firm = int((on["on_front"] >= section.confidence).sum())
    met = on[on["verdict"] == "met"]
    told = [
        f"Of {words.count(len(table), 'point')}, {len(on)} are on the front of {aims}: {firm} in at least "
        f"{words.share(section.confidence)} of the resampled replicas, the others may be behind it."
    ]
    if len(met):
        best = met.iloc[0]
        told.append(f"The first of them by {called[0]} that meets the targets is {best['point']}.")
    return tuple(told)
