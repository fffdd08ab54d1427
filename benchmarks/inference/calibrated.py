"""Calibration, sharpness and sample efficiency over held-out events of the prior, through trigger and flow."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.inference.kept import Kept, Row
from workloads import spec
from workloads.inference import calibration
from workloads.inference.calibration import Trial

_SEED, _EVENTS = 60_013, 1000
_ARRAYS = ("truth", "rank", "weighted_rank", "width", "weighted_width")


def run(effort: float, kept: Kept) -> dict[str, Any]:
    """All figures; `effort` 1 is _EVENTS events."""
    program = spec.load("npe")

    def measure(i: int) -> Row:
        trial = asdict(calibration.trial(program.network, [_SEED, i]))
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in trial.items()}

    rows = kept.rows(max(8, round(_EVENTS * effort)), measure)
    trials = [Trial(**(row | {k: np.array(row[k]) for k in _ARRAYS})) for row in rows]
    return {"seed": _SEED, "runtime": program.runtime, **calibration.summary(trials)}
