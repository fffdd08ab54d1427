"""A case as the farm ran it beside the same case as the twin foretold it: three errors for every figure.

Prediction error: of the twin that knows the profile, as a planner's does. Model error: of the twin that is fed
each repeat's own program times, so that queueing, batching and routing are left. Floor: how far the farm is from
itself on the same arrivals; an error below it means nothing. Runs no farm and no twin.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.validation import curves
from twin.validation.distances import Distance, distance
from twin.validation.goals import MET, MISSED, UNFIT, Finding, allowed, verdict
from twin.validation.quantities import Quantity, quantities
from twin.validation.spread import Ends, Spread, errors, spreads
from twin.validation.tried import Trial as Trial


@dataclass(frozen=True)
class Figure:
    """One figure in all its columns: values of every repeat and of the twin, and how far they are apart.

    `unit` is that of the values; errors and the `floor` (NaN from one repeat) are relative.
    """

    unit: str
    quantity: Quantity
    prediction: Finding
    model: Finding
    floor: float
    block: int

    def as_dict(self) -> dict[str, Any]:
        """What JSON gets."""
        known = not self.quantity.withheld
        return {
            "unit": self.unit,
            "n": self.quantity.n,
            "measured": [_number(v) for v in self.quantity.measured] if known else [],
            "predicted": _number(self.quantity.predicted) if known else None,
            "model": [_number(v) for v in self.quantity.model] if known else [],
            "prediction_error": self.prediction.as_dict(),
            "model_error": self.model.as_dict(),
            "floor": _number(self.floor),
            "block_jobs": self.block,
        }


UNITS = {"p50": "s", "p95": "s", "p99": "s", "capacity": "jobs/s", "slope": "jobs/s", "recovery": "s"}
"""Every figure and its unit."""


@dataclass(frozen=True)
class Compared:
    """Everything there is to say of a case."""

    trial: Trial
    unfit: str | None
    unsteady: str | None
    figures: Mapping[str, Figure]
    distances: Mapping[str, Distance]

    @property
    def verdict(self) -> str:
        """'missed' if a figure missed its goal, 'met' if all with one met it, else that some were not judged."""
        told = {f.verdict for figure in self.figures.values() for f in (figure.prediction, figure.model)} - {""}
        if MISSED in told:
            return MISSED
        return MET if told == {MET} else UNFIT

    def as_dict(self) -> dict[str, Any]:
        """What JSON gets: errors at the top, then everything they come from."""
        trial = self.trial
        return {
            "name": trial.name,
            "rho": trial.rho,
            "servers": trial.servers,
            "offered_per_s": trial.offered_per_s,
            "n": int(trial.chosen.sum()),
            "repeats": len(trial.measured),
            "draws": len(trial.predicted),
            "judged_s": list(trial.judged_s),
            "disturbed_s": None if trial.disturbed_s is None else list(trial.disturbed_s),
            "verdict": self.verdict,
            "reason": self.unfit or self.unsteady or "",
            **{f"{name}_error": figure.prediction.value for name, figure in self.figures.items()},
            "model": {f"{name}_error": figure.model.value for name, figure in self.figures.items()},
            "floor": {name: _number(figure.floor) for name, figure in self.figures.items()},
            "figures": {name: figure.as_dict() for name, figure in self.figures.items()},
            "distances": {name: found.as_dict() for name, found in self.distances.items()},
            "curves": self._curves(),
        }

    def _curves(self) -> dict[str, Any]:
        t = self.trial
        drawn = {"latency": curves.latencies(*(t.latency_s(runs) for runs in (t.measured, t.predicted, t.model)))}
        if t.rho >= 1.0 or t.disturbed_s is not None:
            drawn["in_system"] = curves.in_system(t.measured, t.predicted, t.model)
        return drawn


def compare(trial: Trial, unfit: str | None = None, unsteady: str | None = None, seed: int = 0) -> Compared:
    """Every figure of `trial` against the goals.

    `unfit` says why nothing may be concluded from these runs, as `Used.unfit` does; `unsteady` why nothing may of
    the prediction: the model knows each repeat's own times. `seed` is that of the resampling behind the intervals.
    """
    found = quantities(trial)
    spread = spreads(trial, found, seed)
    unjudged = {"prediction": unfit or unsteady, "model": unfit}
    figures = {name: _figure(name, found[name], spread[name], unjudged) for name in UNITS}
    return Compared(trial, unfit, unsteady, figures, _distances(trial))


def _figure(name: str, quantity: Quantity, spread: Spread, unjudged: Mapping[str, str | None]) -> Figure:
    if quantity.withheld:
        nothing = Finding(None, reason=quantity.withheld)
        return Figure(UNITS[name], quantity, nothing, nothing, math.nan, 0)
    floor = _floor(quantity.measured)
    of_prediction, of_model = errors(quantity.measured, quantity.predicted, quantity.model)
    prediction, model = (
        _finding(error, allowed(column, name, floor), getattr(spread, column), unjudged[column], spread.reason)
        for column, error in (("prediction", of_prediction), ("model", of_model))
    )
    return Figure(UNITS[name], quantity, prediction, model, floor, spread.block)


def _finding(error: float, limit: float | None, ends: Ends | None, unfit: str | None, reason: str) -> Finding:
    low, high = ends or (None, None)
    return Finding(error, low, high, limit, verdict(error, limit, unfit), reason)


def _floor(measured: NDArray[np.float64]) -> float:
    """The largest difference of two repeats over the mean of all (run,); NaN from one."""
    return float(np.ptp(measured) / measured.mean()) if len(measured) > 1 else math.nan


def _distances(trial: Trial) -> dict[str, Distance]:
    """Of the prediction from all repeats, of the model from each its own (median), of two repeats (largest)."""
    measured, predicted, model = (trial.latency_s(runs) for runs in (trial.measured, trial.predicted, trial.model))
    own = [distance(farm, twin) for farm, twin in zip(measured, model, strict=True)]
    pairs = [distance(one, other) for one, other in combinations(measured, 2)]
    return {
        "prediction": distance(measured.ravel(), predicted.ravel()),
        "model": Distance(*(_of([getattr(d, name) for d in own], np.median) for name in ("ks", "w1"))),
        "floor": Distance(*(_of([getattr(d, name) for d in pairs], np.max) for name in ("ks", "w1"))),
    }


def _of(values: list[float | None], one: Callable[[list[float]], Any]) -> float | None:
    known = [v for v in values if v is not None]
    return float(one(known)) if known and len(known) == len(values) else None


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
