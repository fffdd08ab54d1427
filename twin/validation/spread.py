"""How sure the errors of a case are: their 95 % intervals, each by the means that suit its figure.

Quantiles and capacity: blocks of jobs are resampled, the same in every run, since arrivals are the same. Recovery:
the draws of the prediction, each held against the farm's repeats. Growth: none, for one run has one trend, and the
floor tells how much it varies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.estimates import CONFIDENCE
from twin.validation.goals import QUANTILES
from twin.validation.quantities import Quantity, pooled, recoveries_s, windows
from twin.validation.resampling import Sample, block_jobs, intervals
from twin.validation.tried import Trial

Ends = tuple[float, float]


@dataclass(frozen=True)
class Spread:
    """The intervals of the prediction and the model error of a figure; None with the `reason`.

    `block` is how many neighbouring jobs were resampled together, 0 where nothing was.
    """

    prediction: Ends | None = None
    model: Ends | None = None
    block: int = 0
    reason: str = ""


def spreads(trial: Trial, found: Mapping[str, Quantity], seed: int) -> dict[str, Spread]:
    """Of every figure `found`; the same `seed` gives the same intervals."""
    streams = np.random.SeedSequence(seed).spawn(2)
    latency, capacity = (np.random.default_rng(stream) for stream in streams)
    every = {
        **_latencies(trial, latency),
        "capacity": _capacity(trial, capacity) if not found["capacity"].withheld else Spread(),
        "slope": Spread(reason="one trend per run: see the floor"),
        "recovery": _recovery(trial) if not found["recovery"].withheld else Spread(),
    }
    return {name: Spread() if found[name].withheld else spread for name, spread in every.items()}


def errors(measured: NDArray[np.float64], predicted: float, model: NDArray[np.float64]) -> tuple[float, float]:
    """Signed relative errors of the prediction and of the model: medians over repeats (run,)."""
    return float(np.median(predicted / measured - 1.0)), float(np.median(model / measured - 1.0))


def _latencies(trial: Trial, rng: np.random.Generator) -> dict[str, Spread]:
    measured, predicted, model = (trial.latency_s(runs) for runs in (trial.measured, trial.predicted, trial.model))
    blocks = [block_jobs(run) for run in measured]
    if None in blocks:
        return dict.fromkeys(QUANTILES, Spread(reason="jobs are alike over too long a stretch to be resampled"))
    block, q = max(length for length in blocks if length), list(QUANTILES.values())
    farm, drawn, model_of = (Sample(runs) for runs in (measured, predicted, model))

    def figures(weight: NDArray[np.int32]) -> NDArray[np.float64]:
        found = farm.quantiles(q, weight)
        foretold = np.median(drawn.quantiles(q, weight), axis=0)
        return np.median([foretold / found - 1.0, model_of.quantiles(q, weight) / found - 1.0], axis=1).ravel()

    with np.errstate(invalid="ignore"):  # inf over inf, where jobs never ended: withheld above
        low, high = intervals(figures, measured.shape[1], block, rng)
    ends = list(zip(low.tolist(), high.tolist(), strict=True))
    return {name: Spread(ends[k], ends[k + len(QUANTILES)], block) for k, name in enumerate(QUANTILES)}


def _capacity(trial: Trial, rng: np.random.Generator) -> Spread:
    measured, predicted, model = windows(trial)
    jobs = len(trial.measured[0].arrival_s)
    blocks = [block_jobs(w.seconds / w.served) for w in measured]
    if None in blocks:
        return Spread(reason="occupancies are alike over too long a stretch to be resampled")
    drawn = pooled(predicted)
    block = max(math.ceil(b * jobs / len(w.job)) for b, w in zip(blocks, measured, strict=True) if b)

    def figures(weight: NDArray[np.int32]) -> NDArray[np.float64]:
        farm, model_of = (np.array([w.rate_per_s(weight) for w in runs]) for runs in (measured, model))
        return np.array(errors(farm, drawn.rate_per_s(weight), model_of))

    with np.errstate(invalid="ignore"):  # no window in any block of a resample
        low, high = intervals(figures, jobs, block, rng)
    if not np.isfinite([*low, *high]).all():
        return Spread(reason="the backlog is confined to one stretch of the run")
    return Spread((float(low[0]), float(high[0])), (float(low[1]), float(high[1])), block)


def _recovery(trial: Trial) -> Spread:
    measured, predicted, _ = recoveries_s(trial)
    tail = (1.0 - CONFIDENCE) / 2.0
    ratio = predicted * np.median(1.0 / measured) - 1.0
    low, high = np.quantile(ratio, [tail, 1.0 - tail], method="inverted_cdf")
    if not math.isfinite(high):
        return Spread(reason="in some draws the backlog was not gone when the run ended")
    return Spread(prediction=(float(low), float(high)), reason="over draws; the model has none")
