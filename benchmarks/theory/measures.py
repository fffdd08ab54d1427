"""How the quantities of the table are estimated from one run: functions that make such functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.theory.system import Run
from twin.kernel.state import OUTCOMES, PUBLISHED

Measure = Callable[[Run], float]


def sojourn(stage: str) -> Measure:
    """Mean time in s from birth until stage `stage` published."""
    return lambda run: float(np.mean((published := _published(run, stage))["end_s"] - published["born_s"]))


def part(stage: str, name: str) -> Measure:
    """Mean of one part of that time (state.PARTS), or of another number of the row."""
    return lambda run: float(np.mean(_published(run, stage)[name]))


def lost(stage: str, outcome: str) -> Measure:
    """Fraction of the jobs born that ended so at `stage`."""
    return lambda run: float(np.mean(run.born(stage)["outcome"] == OUTCOMES.index(outcome)))


def through(stage: str) -> Measure:
    """Mean time in s from queueing at `stage` to its end."""
    return lambda run: float(np.mean((served := run.served(stage))["end_s"] - served["enqueued_s"]))


def wait(stage: str) -> Measure:
    """Mean time in s from queueing at `stage` to its (last) start."""
    return lambda run: float(_waits_s(run, stage).mean())


def waits_longer(stage: str, than_s: float = 0.0) -> Measure:
    """Fraction that waits longer than that at `stage`."""
    return lambda run: float(np.mean(_waits_s(run, stage) > than_s))


def batch_size(stage: str) -> Measure:
    """Mean number of jobs in a batch of `stage`."""
    return lambda run: float(1 / np.mean(1 / run.served(stage)["n"]))


def utilisation(*pools: str, servers: int) -> Measure:
    """Mean fraction of the `servers` of these pools together that was busy in the window."""

    def measure(run: Run) -> float:
        numbers = [run.pool(name) for name in pools]
        return float(run.areas[numbers, :, 1].sum() / (servers * (run.to_s - run.from_s)))

    return measure


def link_utilisation(run: Run) -> float:
    """Fraction of the horizon in which anything flowed on any link: arrivals stop there, what is left flows on."""
    return float(run.busy_s.sum() / run.plan.horizon_s)


def looked(run: Run) -> float:
    """Mean of what was looked at."""
    return float(run.looks.mean())


def _published(run: Run, stage: str) -> np.ndarray:
    rows = run.born(stage)
    published: np.ndarray = rows[rows["outcome"] == PUBLISHED]
    return published


def _waits_s(run: Run, stage: str) -> np.ndarray:
    served = run.served(stage)
    waits_s: np.ndarray = served["start_s"] - served["enqueued_s"]
    return waits_s
