"""Importance sampling: the flow's draws weighted with the exact posterior, and how many of them that is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workloads.inference import likelihood
from workloads.inference.basis import Basis
from workloads.inference.likelihood import Event
from workloads.inference.prior import Array

_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class Weighted:
    """Parameters (n, 5) with normalised weights (n,), and ln of the evidence over that of pure noise."""

    theta: Array
    weight: Array
    log_evidence: float

    @property
    def efficiency(self) -> float:
        """Effective over drawn samples (Kish): 1 when all weigh the same."""
        return float(1 / np.sum(self.weight**2) / self.weight.size)

    @property
    def log_evidence_error(self) -> float:
        """Standard deviation of ln evidence, if the weights are those of independent draws."""
        return float(np.sqrt(max(1 / self.efficiency - 1, 0.0) / self.weight.size))

    def resampled(self, n: int, rng: np.random.Generator) -> Array:
        """`n` equally weighted parameters (n, 5), by systematic resampling."""
        place = (np.arange(n) + rng.random()) / n
        total = np.cumsum(self.weight)
        return np.asarray(self.theta[np.searchsorted(total / total[-1], place).clip(max=total.size - 1)])


def weighted(event: Event, normal: Array, log_density: Array, basis: Basis) -> Weighted:
    """The posterior from draws (n, 5) of unit normals of the event's frame with ln densities (n,)."""
    theta = event.frame.from_normal(normal)
    standard = -0.5 * np.sum(normal**2, axis=1) - 0.5 * normal.shape[1] * _LOG_2PI
    log_proposal = log_density - standard - event.frame.log_volume(theta)
    log_target = likelihood.log_posterior(event, theta, basis)
    log = np.where(np.isfinite(log_target), log_target - log_proposal, -np.inf)
    if not np.isfinite(log).any():
        return Weighted(theta, np.full(len(theta), 1 / len(theta)), -np.inf)
    top = log.max()
    weight = np.exp(log - top)
    return Weighted(theta, weight / weight.sum(), float(top + np.log(weight.mean())))
