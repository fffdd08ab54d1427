"""What drifted data do to estimates of a binary: whether intervals still hold the truth. Knows no flow's making.

A binary keeps its distance, and the noise curve that the estimator knows is the old one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstest

from workloads import ageing
from workloads.drift import Drift, one_at_a_time
from workloads.inference import network, sources
from workloads.profile import Figure
from workloads.spec import Network, Program, Progress

DRIFTS = one_at_a_time(
    level=(0.1, 0.2, 0.5), colour=(-0.1, 0.1), lines=(10.0,), amplitude=(0.2,), phase_rad=(0.5,)
)
"""No glitches: an estimator is asked about signals."""
LEVEL = 0.9
_EVENTS = 400
_KS_95 = 1.36
"""Times 1/sqrt(n): what the largest distance of two distributions exceeds by chance in one case of twenty."""


def judge(
    program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
) -> dict[str, Figure]:
    """Calibration of the flow's draws: the largest KS of five parameters, and LEVEL intervals that hold the truth.

    The interval of a KS is that of a distance known to 1.36/sqrt(n).
    """
    change, n = Drift(**drift), max(4, round(effort * _EVENTS))
    ranks = []
    for k in range(n):
        ranks.append(_rank(program.network, change, np.random.default_rng([seed, k])))
        progress(k / n, f"{program.workload.name}: events")
    rank = np.array(ranks)
    largest, off = max(float(kstest(r, "uniform").statistic) for r in rank.T), float(_KS_95 / np.sqrt(n))
    inside = np.abs(rank - 0.5) < LEVEL / 2
    return {
        "largest KS": Figure(largest, max(0.0, largest - off), min(1.0, largest + off), n),
        f"{100 * LEVEL:g} % intervals that hold the truth": ageing.mean(inside.mean(axis=1)),
    }


def _rank(flow: Network, change: Drift, rng: np.random.Generator) -> NDArray[np.float64]:
    """Ranks (5,) of the truth among the flow's draws."""
    event, source = sources.simulated(rng, drift=change)
    draws = event.frame.from_normal(flow(network.rows([event]))[0, :, :5].astype(np.float64))
    return np.asarray((draws < source.theta[0]).mean(axis=0))
