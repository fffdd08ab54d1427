"""Engines take turns on one workload: first they must agree, then they are timed. Knows no engine by its ways."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from benchmarks.peers import KERNEL, PEERS, CannotExpressError, Outcome, Run, load

ROUNDS = 5
AGREED_JOBS = 2000
RTOL = 1e-12
"""How far mean departures may lie apart: engines add up the same times in another order."""

COMPLETIONS = {
    KERNEL: 4_000_000,
    "simpy": 50_000,
    "simpy_tuned": 400_000,
    "ciw": 20_000,
    "salabim": 80_000,
    "cimba": 2_000_000,
    "simgrid": 150_000,
}
"""Stage completions per timed run: each takes around half a second, the slow ones do less."""


@dataclass(frozen=True)
class Field:
    """The engines that can carry out a workload, and why the others cannot."""

    engines: Mapping[str, ModuleType]
    notes: Mapping[str, str]


def field(workload: ModuleType) -> Field:
    """Who takes part on this machine."""
    engines: dict[str, ModuleType] = {}
    notes: dict[str, str] = {}
    for name in (KERNEL, *PEERS):
        module, note = load(name)
        try:
            if module is not None:
                prepare(workload, module, 2)
        except CannotExpressError as error:
            module, note = None, str(error)
        if module is None:
            notes[name] = note
        else:
            engines[name] = module
    return Field(engines, notes)


def prepare(workload: ModuleType, engine: ModuleType, jobs: int, **how: Any) -> Run:
    """What runs the first `jobs` jobs."""
    run: Run = getattr(engine, workload.NAME)(workload.work(jobs), **how)
    return run


def agree(workload: ModuleType, engines: Mapping[str, ModuleType], jobs: int = AGREED_JOBS) -> dict[str, Outcome]:
    """Every engine's outcome on the same work; AssertionError where one does other work or ends it elsewhen."""
    outcomes = {
        name: prepare(workload, engine, jobs, **({"trace": True} if name == KERNEL else {}))()
        for name, engine in engines.items()
    }
    reference = outcomes[KERNEL]
    for name, outcome in outcomes.items():
        if outcome.completions != workload.work(jobs).completions:
            raise AssertionError(f"{workload.NAME}: {name} completed {outcome.completions} stages, not all")
        if not math.isclose(outcome.mean_end_s, reference.mean_end_s, rel_tol=RTOL):
            raise AssertionError(
                f"{workload.NAME}: jobs leave at {outcome.mean_end_s!r} s on average in {name}, "
                f"at {reference.mean_end_s!r} s in the kernel"
            )
    return outcomes


def rate(run: Run) -> float:
    """Stage completions per second of one run."""
    start_s = time.perf_counter()
    outcome = run()
    wall_s = time.perf_counter() - start_s
    return outcome.completions / (outcome.wall_s or wall_s)


def compare(workload: ModuleType, completions: Mapping[str, int], rounds: int = ROUNDS) -> dict[str, Any]:
    """Completions per second of every engine and the kernel's ratio to each: median, least, most of the rounds."""
    taking_part = field(workload)
    agree(workload, taking_part.engines)
    runs = {
        name: prepare(workload, engine, max(2, completions[name] // workload.PER_JOB))
        for name, engine in taking_part.engines.items()
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            rates[name].append(rate(run))
    return _row(rates, taking_part.notes) | {"rounds": rounds}


def _row(rates: Mapping[str, list[float]], notes: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in (KERNEL, *PEERS):
        row |= _spread(f"{name}_per_s", rates.get(name))
        if name in notes:
            row[f"{name}_note"] = notes[name]
    for name in PEERS:
        pairs = [k / p for k, p in zip(rates[KERNEL], rates[name], strict=True)] if name in rates else None
        row |= _spread(f"kernel_over_{name}", pairs)
    return row


def _spread(name: str, values: list[float] | None) -> dict[str, float | None]:
    """Median, least and most under this name; None where nothing was measured."""
    if values is None:
        return {name: None}
    return {name: statistics.median(values), f"{name}_min": min(values), f"{name}_max": max(values)}
