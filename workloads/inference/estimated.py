"""Simulated events with the exact posterior of each: what estimators, sky maps and classes are judged on.

The posterior is the flow's draws, weighted. Knows no judgement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workloads.drift import NONE, Drift
from workloads.inference import basis, importance, network, sources
from workloads.inference.importance import Weighted
from workloads.inference.likelihood import Event
from workloads.inference.sources import Sources
from workloads.spec import Network


@dataclass(frozen=True, eq=False)
class Estimated:
    """One event as a trigger hears it, the source that it is of, and its posterior: the flow's draws, weighted."""

    event: Event
    source: Sources
    posterior: Weighted


def estimated(flow: Network, rng: np.random.Generator, drift: Drift = NONE) -> Estimated:
    """One event of the prior; of a `drift`, data have drifted and the estimator does not know it."""
    event, source = sources.simulated(rng, drift=drift)
    return Estimated(event, source, weighted(flow, event))


def weighted(flow: Network, event: Event) -> Weighted:
    """The flow's draws for an event, weighted with its exact posterior."""
    draws = flow(network.rows([event]))[0].astype(np.float64)
    return importance.weighted(event, draws[:, :5], draws[:, 5], basis.load())
