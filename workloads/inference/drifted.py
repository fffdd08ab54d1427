"""What drifted data do to estimates of a binary: whether intervals still hold the truth. Knows no flow's making.

A binary keeps its distance, and the noise curve that the estimator knows is the old one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import kstest

from workloads import ageing, curves
from workloads.drift import Drift, one_at_a_time
from workloads.inference import calibration
from workloads.inference.prior import Array
from workloads.profile import Figure
from workloads.spec import Program, Progress

DRIFTS = one_at_a_time(
    level=(0.1, 0.2, 0.5), colour=(-0.1, 0.1), lines=(10.0,), amplitude=(0.2,), phase_rad=(0.5,)
)
"""No glitches: an estimator is asked about signals."""
LEVEL = 0.9
EVENTS = 500
"""Tried at each drift of a full effort; events are shared by all drifts."""
_KS_95 = 1.36
"""Times 1/sqrt(n): what the largest distance of two distributions exceeds by chance in one case of twenty."""


def judge(
    program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress, reweighted: bool
) -> dict[str, Figure]:
    """Calibration of the flow's draws, or of the weighted ones and how many of those count, in %."""
    n = max(4, round(effort * EVENTS))
    found = calibration.trials(program.network, n, seed, progress, Drift(**drift))
    figures = _calibration(np.array([t.weighted_rank if reweighted else t.rank for t in found]))
    if reweighted:
        efficiency = curves.median(np.array([100 * t.efficiency for t in found]))
        return {"median sample efficiency in %": efficiency, **figures}
    return figures


def _calibration(rank: Array) -> dict[str, Figure]:
    """The largest KS of the truths' ranks (n, 5), and the share of LEVEL intervals that hold the truth.

    The interval of a KS is that of a distance known to 1.36/sqrt(n).
    """
    n = len(rank)
    largest, off = max(float(kstest(r, "uniform").statistic) for r in rank.T), float(_KS_95 / np.sqrt(n))
    inside = np.abs(rank - 0.5) < LEVEL / 2
    return {
        "largest KS": Figure(largest, max(0.0, largest - off), min(1.0, largest + off), n),
        f"{100 * LEVEL:g} % intervals that hold the truth": ageing.mean(inside.mean(axis=1)),
    }
