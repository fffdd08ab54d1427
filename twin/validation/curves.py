"""What a page draws of a case, thinned: latency distributions, and the number in the system over time.

Computes no error. Numbers are rounded to five digits, so that a result with all its curves stays a small file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.validation.observed import Observed

POINTS = 80
"""Of a distribution, even in the logarithm of the share that is slower."""

INSTANTS = 240
"""Of a number over time."""


def latencies(
    measured_s: NDArray[np.float64], predicted_s: NDArray[np.float64], model_s: NDArray[np.float64]
) -> dict[str, Any]:
    """For each share of jobs that is `slower`, the latency: of every measured repeat (run, job), of all draws of
    the prediction (draw, job) taken together, and of every repeat of the model (run, job)."""
    slower = np.geomspace(1.0, 1.0 / measured_s.shape[-1], POINTS)
    q = 1.0 - slower

    def read(values: NDArray[np.float64]) -> list[float | None]:
        return _short(np.quantile(values, q, method="inverted_cdf"))

    return {
        "slower": _short(slower),
        "measured_s": [read(run) for run in measured_s],
        "predicted_s": read(predicted_s.ravel()),
        "model_s": [read(run) for run in model_s],
    }


def in_system(
    measured: Sequence[Observed], predicted: Sequence[Observed], model: Sequence[Observed]
) -> dict[str, Any]:
    """Number in the system over time: every measured repeat and every model's, and over the draws of the
    prediction the median, the lowest and the highest."""
    until_s = max(float(run.end_s[np.isfinite(run.end_s)].max(initial=0.0)) for run in measured)
    at_s = np.linspace(0.0, max(until_s, float(measured[0].arrival_s[-1])), INSTANTS)
    drawn = np.array([run.in_system(at_s) for run in predicted])
    return {
        "time_s": _short(at_s),
        "measured": [_short(run.in_system(at_s)) for run in measured],
        "model": [_short(run.in_system(at_s)) for run in model],
        "predicted": _short(np.median(drawn, axis=0)),
        "predicted_low": _short(drawn.min(axis=0)),
        "predicted_high": _short(drawn.max(axis=0)),
    }


def _short(values: ArrayLike) -> list[float | None]:
    return [float(f"{v:.5g}") if np.isfinite(v) else None for v in np.asarray(values, dtype=float)]
