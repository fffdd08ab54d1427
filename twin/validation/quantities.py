"""The figures of a case: what each repeat on the farm showed, and what the twin said it would be.

Quantiles of the latency, the capacity, the growth of the backlog, the time to recover. Knows no goal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.estimates import events_needed
from twin.validation import backlog
from twin.validation.goals import QUANTILES
from twin.validation.observed import Observed
from twin.validation.resampling import Sample
from twin.validation.tried import Trial

FEWEST_WINDOWS = 100
"""Starts with a backlog that a run must have for its capacity to be told."""

GROWING = 0.05
"""Share of the arrivals that must pile up for the growth to be told: near zero a relative error says nothing."""


@dataclass(frozen=True)
class Quantity:
    """A figure of every repeat `measured` (run,) and of its own `model` (run,), as `predicted`, from `n` events.

    Where `withheld` says why, there is no such figure.
    """

    measured: NDArray[np.float64]
    predicted: float
    model: NDArray[np.float64]
    n: int
    withheld: str = ""


def quantities(trial: Trial) -> dict[str, Quantity]:
    """Every figure of `trial` by name."""
    return {
        **_latencies(trial),
        "capacity": _capacity(trial),
        "slope": _slope(trial),
        "recovery": _recovery(trial),
    }


def windows(trial: Trial) -> tuple[list[backlog.Windows], list[backlog.Windows], list[backlog.Windows]]:
    """Where every measured, predicted and model run had a backlog."""
    batch = max(backlog.largest_batch(run) for run in trial.measured)
    measured, predicted, model = (
        [backlog.saturated(run, trial.servers, batch, trial.judged_s[0], trial.disturbed_s) for run in runs]
        for runs in (trial.measured, trial.predicted, trial.model)
    )
    return measured, predicted, model


def pooled(drawn: Sequence[backlog.Windows]) -> backlog.Windows:
    """All windows of all draws together."""
    return backlog.Windows(
        np.concatenate([w.job for w in drawn]),
        np.concatenate([w.served for w in drawn]),
        np.concatenate([w.seconds for w in drawn]),
    )


def _latencies(trial: Trial) -> dict[str, Quantity]:
    n, q = int(trial.chosen.sum()), list(QUANTILES.values())
    measured, drawn, model = (
        Sample(trial.latency_s(runs)).quantiles(q) for runs in (trial.measured, trial.predicted, trial.model)
    )
    predicted = np.median(drawn, axis=0)
    found = {}
    for k, (name, share) in enumerate(QUANTILES.items()):
        needed = events_needed(share)
        withheld = f"{n:,} jobs; {name} needs {needed:,}" if n < needed else ""
        if not withheld and not np.isfinite([*measured[:, k], *model[:, k], predicted[k]]).all():
            withheld = f"{name} lies among jobs that never ended"
        found[name] = Quantity(measured[:, k], float(predicted[k]), model[:, k], n, withheld)
    return found


def _capacity(trial: Trial) -> Quantity:
    measured, predicted, model = windows(trial)
    drawn = sum(len(w.job) for w in predicted)
    n = min(len(w.job) for w in measured + model)
    if min(n, drawn) < FEWEST_WINDOWS:
        return _none(f"{min(n, drawn)} starts with a full batch waiting per server; {FEWEST_WINDOWS} are needed")
    rates = [np.array([w.rate_per_s() for w in runs]) for runs in (measured, model)]
    return Quantity(rates[0], pooled(predicted).rate_per_s(), rates[1], n)


def _slope(trial: Trial) -> Quantity:
    if trial.rho < 1.0 or trial.disturbed_s is not None:
        return _none("the backlog does not go on growing in this case")
    measured, predicted, model = _each(trial, lambda run: backlog.growth_per_s(run, *trial.judged_s))
    if (least := GROWING * trial.offered_per_s) > np.median(measured):
        return _none(
            f"the backlog grows by {np.median(measured):.3g} jobs/s; an error is told from {least:.3g}, "
            f"{100 * GROWING:g} % of the arrivals"
        )
    return Quantity(measured, float(np.median(predicted)), model, len(trial.measured[0].arrival_s))


def _recovery(trial: Trial) -> Quantity:
    if trial.disturbed_s is None:
        return _none("nothing disturbs this case")
    measured, predicted, model = recoveries_s(trial)
    if not measured.all():
        return _none("no backlog was left when the disturbance ended")
    if not np.isfinite([*measured, np.median(predicted), *model]).all():
        return _none("the backlog was not gone when the run ended")
    return Quantity(measured, float(np.median(predicted)), model, len(measured))


def recoveries_s(trial: Trial) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Seconds to recover of the measured (run,), predicted (draw,) and model (run,) runs of a disturbed case.

    Recovered is who has no more jobs waiting than the farm had 95 % of the time before the disturbance (median
    over repeats): from then on the backlog cannot be told from an ordinary one. The line is the same for all, so
    that times are compared, not lines. The usual median would be crossed by chance, long after the backlog went.
    """
    assert trial.disturbed_s is not None
    before_s = (trial.settled_s, trial.disturbed_s[0])
    level = float(np.median([backlog.usual_waiting(run, *before_s) for run in trial.measured]))
    since_s = trial.disturbed_s[1]
    return _each(trial, lambda run: backlog.recovery_s(run, level, since_s))


def _each(
    trial: Trial, figure: Callable[[Observed], float]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    measured, predicted, model = (
        np.array([figure(run) for run in runs]) for runs in (trial.measured, trial.predicted, trial.model)
    )
    return measured, predicted, model


def _none(reason: str) -> Quantity:
    return Quantity(np.empty(0), np.nan, np.empty(0), 0, reason)
