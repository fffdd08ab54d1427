"""The likelihood of one event's data, marginalised over what orientation and distance do to its amplitudes.

Every estimator uses this one: importance sampling, the classical sampler, the sky map. Knows no flow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workloads.inference import amplitudes, prior
from workloads.inference.basis import Basis, Complex
from workloads.inference.frame import Frame
from workloads.inference.prior import Array


@dataclass(frozen=True, eq=False)
class Event:
    """One event as its estimators see it: the frame of its trigger, and data (2, K) projected on the basis there.

    Rows are the right- and left-handed data; the noise of each coefficient has variance 1 in both parts.
    """

    frame: Frame
    data: Complex


def filters(event: Event, theta: Array, basis: Basis) -> tuple[Complex, Array]:
    """Matched filters z (n, 2) of parameters (n, 5), and SNRs (n,) per unit of `amplitudes.response` at 1 Gpc."""
    waves = basis.coefficients(theta, event.frame)
    norm = np.linalg.norm(waves, axis=1)
    return np.asarray((waves.conj() @ event.data.T) / norm[:, None]), norm


def marginal(wave: Complex, data: Complex) -> float:
    """ln of signal over noise of a whitened waveform (frequency,) in whitened data (2, frequency): no basis."""
    z = data @ wave.conj() / np.linalg.norm(wave)
    return float(amplitudes.log_marginal(np.minimum(np.abs(z), amplitudes.REACH).astype(np.complex128)))


def log_likelihood(event: Event, theta: Array, basis: Basis) -> Array:
    """ln of signal over noise for parameters (n, 5), shape (n,)."""
    return amplitudes.log_marginal(filters(event, theta, basis)[0])


def log_posterior(event: Event, theta: Array, basis: Basis) -> Array:
    """ln of prior times likelihood for parameters (n, 5), shape (n,); -inf outside the prior."""
    log = prior.log_density(theta)
    inside = np.isfinite(log)
    if inside.any():
        log[inside] += log_likelihood(event, theta[inside], basis)
    return log
