"""Cases held against each other: the same replicas of each, so that what chance does to all is no difference.

A case is a scenario with a name. Replica k of every case draws the same sky and luck from the same streams (common
random numbers), so differences are taken replica by replica. Knows no command, no page and no file.
"""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.estimates import Estimate, mean, withheld
from twin.metrics import targets
from twin.scenario import Scenario
from twin.studies.quantities import Quantity, quantities
from twin.studies.quantities import table as told

Progress = Callable[[float, str], None]
NUMBERS = ("value", "low", "high", "difference", "difference_low", "difference_high")


@dataclass(frozen=True)
class Case:
    """A scenario under the name by which it is compared."""

    name: str
    scenario: Scenario


@dataclass(frozen=True)
class Outcome:
    """What a case gave: its quantities, its verdict on each target, the pools that were saturated, its plans."""

    name: str
    quantities: list[Quantity]
    targets: list[dict[str, Any]]
    saturated: list[str]
    plan_digest: str


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
        says why there is no number."""
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
    cases: Sequence[Case],
    *,
    seed: int | None = None,
    replicas: int | None = None,
    profiles: tuple[Path, ...] = (),
    workers: int = 1,
    progress: Progress = lambda fraction, text: None,
) -> Comparison:
    """Run every case and hold it against the first. The result is the same with any number of `workers`.

    Raises ValueError for fewer than two cases, equal names or different horizons, and what `twin.run` raises.
    """
    names = [case.name for case in cases]
    if len(cases) < 2 or len(set(names)) < len(names):
        raise ValueError(f"a comparison needs two cases or more with names of their own, not {names}")
    if any(case.scenario.live for case in cases):
        raise ValueError("live stages are executed in real time: compare without them")
    seed = cases[0].scenario.seed if seed is None else seed
    replicas = cases[0].scenario.replicas if replicas is None else replicas
    given = [(case, seed, replicas, profiles) for case in cases]
    found: dict[str, Outcome] = {}
    for outcome in _in_order(given, progress) if workers == 1 else _at_once(given, workers, progress):
        found[outcome.name] = outcome
    return Comparison(tuple(cases), tuple(found[name] for name in names), seed, replicas)


def _in_order(given: Sequence[tuple[Case, int, int, tuple[Path, ...]]], progress: Progress) -> Iterator[Outcome]:
    for k, one in enumerate(given):

        def said(fraction: float, text: str, k: int = k, name: str = one[0].name) -> None:
            progress((k + fraction) / len(given), f"{name}: {text}")

        yield _outcome(*one, progress=said)


def _at_once(
    given: Sequence[tuple[Case, int, int, tuple[Path, ...]]], workers: int, progress: Progress
) -> Iterator[Outcome]:
    """As they end; what has not begun is given up when one fails."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(given)), mp_context=context) as pool:
        tasks = [pool.submit(_outcome, *one) for one in given]
        progress(0.0, f"{len(given)} cases, {min(workers, len(given))} at once")
        try:
            for k, task in enumerate(as_completed(tasks), start=1):
                outcome = task.result()
                progress(k / len(given), f"{outcome.name} is done")
                yield outcome
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _outcome(
    case: Case,
    seed: int,
    replicas: int,
    profiles: tuple[Path, ...],
    progress: Progress = lambda fraction, text: None,
) -> Outcome:
    from twin.limits import saturated
    from twin.runner import run

    record = run(case.scenario, seed=seed, replicas=replicas, profiles=profiles, progress=progress)
    growing = [pool["pool"] for pool in saturated(record)]
    return Outcome(case.name, quantities(record), targets(record), growing, record.plan_digest)


def _rows(outcomes: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    first = {q.name: q for q in outcomes[0].quantities}
    for outcome in outcomes:
        for q in outcome.quantities:
            here = _estimate(q, outcome.saturated)
            there = None if outcome is outcomes[0] else first.get(q.name)
            apart = _difference(there, q, outcomes[0].saturated, outcome.saturated)
            numbers = here.value, here.low, here.high, apart.value, apart.low, apart.high
            about = {"case": outcome.name, "quantity": q.name, "text": q.text, "unit": q.unit}
            yield {**about, **dict(zip(NUMBERS, numbers, strict=True)), "n": q.n, "reason": here.reason}


def _estimate(q: Quantity, saturated: Sequence[str]) -> Estimate:
    """Latencies of a system that never settles mean nothing: they grow with the horizon."""
    if saturated and q.unit == "s":
        return withheld(f"saturated: the queue of {', '.join(saturated)} still grows at the horizon", q.n)
    if np.isnan(q.values).any():
        return withheld(f"too few events in {int(np.isnan(q.values).sum())} of {q.values.size} replicas", q.n)
    if not np.isfinite(q.values).all():
        return withheld("not within the horizon", q.n)
    found = mean(q.values, q.n)
    if found.low is None or found.high is None or q.values.min() < 0.0:
        return found
    most = 1.0 if q.unit == "" and q.values.max() <= 1.0 else math.inf
    return replace(found, low=max(0.0, found.low), high=min(most, found.high))


def _difference(there: Quantity | None, here: Quantity, *saturated: Sequence[str]) -> Estimate:
    if there is None:
        return withheld("nothing to compare with")
    if here.unit == "s" and any(saturated):
        return withheld("saturated")
    apart = here.values - there.values
    return mean(apart, here.n) if np.isfinite(apart).all() else withheld("too few events")


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
