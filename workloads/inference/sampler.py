"""The classical baseline: nested sampling (dynesty) of the posterior that the flow's draws are weighted with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workloads.inference import likelihood
from workloads.inference.basis import Basis
from workloads.inference.frame import Frame
from workloads.inference.importance import Weighted
from workloads.inference.likelihood import Event
from workloads.inference.prior import PARAMETERS, Array

LIVE_POINTS = 150
STOP_LOG_EVIDENCE = 0.1
_FLOOR = -1e10


@dataclass(frozen=True, eq=False)
class Run:
    """A posterior by nested sampling, the error of its ln evidence, and the likelihoods it took."""

    posterior: Weighted
    log_evidence_error: float
    calls: int


def run(event: Event, basis: Basis, rng: np.random.Generator, live_points: int = LIVE_POINTS) -> Run:
    """Sample the posterior of `event` inside its frame."""
    return nested(lambda theta: likelihood.log_posterior(event, theta, basis), event.frame, rng, live_points)


def nested(
    log_posterior: Callable[[Array], Array], frame: Frame, rng: np.random.Generator, live_points: int = LIVE_POINTS
) -> Run:
    """Sample a density, whose ln `log_posterior` gives for parameters (n, 5), inside the window of `frame`."""
    from dynesty import NestedSampler

    def log_weight(theta: Array) -> float:
        """The posterior's density on the unit cube."""
        value = log_posterior(theta[None])[0]
        return float(value + frame.log_volume(theta[None])[0]) if np.isfinite(value) else _FLOOR

    sampler = NestedSampler(
        log_weight, frame.from_unit, len(PARAMETERS), nlive=live_points, bootstrap=0, rstate=rng
    )
    sampler.run_nested(dlogz=STOP_LOG_EVIDENCE, print_progress=False)
    found = sampler.results
    weight = np.exp(found.logwt - found.logz[-1])
    posterior = Weighted(found.samples, weight / weight.sum(), float(found.logz[-1]))
    return Run(posterior, float(found.logzerr[-1]), int(np.sum(found.ncall)))
