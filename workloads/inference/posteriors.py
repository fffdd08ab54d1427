"""A posterior as what comes after parameter estimation sees it: a fixed number of equally likely draws per event.

Whichever estimator made the draws, sky map and classification take them alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.drift import NONE, Drift
from workloads.inference import amplitudes, basis, prior, sources
from workloads.inference.basis import Complex
from workloads.inference.estimated import estimated
from workloads.inference.importance import Weighted
from workloads.inference.likelihood import Event, filters
from workloads.inference.prior import Array
from workloads.inference.sources import Sources
from workloads.spec import Progress
from workloads.unit import Unit
from workloads.waveform import MASS_MSUN, SPIN

DRAWS = 256
COLUMNS = (
    "right_real",
    "right_imag",
    "left_real",
    "left_imag",
    "face_on_snr",
    "chirp_mass_log",
    "mass_ratio_log",
    "spin_1",
)
"""Matched filters of right- and left-handed data, the SNR per unit of `amplitudes.response` at 1 Gpc, and the
parameters of `prior.PARAMETERS` that classes depend on."""
UNIT = Unit(
    "posterior",
    f"{DRAWS} equally likely draws for one event, in the columns of inference.posteriors.COLUMNS",
    ("draw", "column"),
    (DRAWS, len(COLUMNS)),
    advice="Make it with inference.posteriors.unit",
)


def unit(event: Event, posterior: Weighted, rng: np.random.Generator) -> Array:
    """The unit (DRAWS, column) of an event's posterior."""
    theta = posterior.resampled(DRAWS, rng)
    z, norm = filters(event, theta, basis.load())
    return np.column_stack([z[:, 0].real, z[:, 0].imag, z[:, 1].real, z[:, 1].imag, norm, theta[:, :3]])


def parts(units: NDArray[Any]) -> tuple[Complex, Array, Array]:
    """Matched filters (…, 2), face-on SNR (…,), parameters (…, 5); what is beyond the prior is put at its edge."""
    x = np.moveaxis(units.astype(np.float64), -1, 0)
    z = np.stack([x[0] + 1j * x[1], x[2] + 1j * x[3]], axis=-1)
    z = z * np.minimum(1, amplitudes.REACH / np.maximum(np.abs(z), 1e-9))
    chirp = np.clip(x[5], *prior.CHIRP_MASS_LOG)
    ratio = np.clip(x[6], -np.log(MASS_MSUN[1] / MASS_MSUN[0]), 0.0)
    spin = np.clip(x[7], -SPIN, SPIN)
    theta = np.stack([chirp, ratio, spin, 0 * spin, 0 * spin], axis=-1)
    return z, np.clip(x[4], 1e-3, 1e6), theta


def simulated(
    n: int, seed: int, progress: Progress = lambda done, text: None, drift: Drift = NONE
) -> tuple[Array, Sources]:
    """`n` units (n, DRAWS, column) of sources from the prior, by the shipped flow, weighted; and the sources.

    Of a `drift`, the flow and its weights do not know it.
    """
    from workloads import spec

    flow = spec.load("npe").network
    found, truth = [], []
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        one = estimated(flow, rng, drift)
        found.append(unit(one.event, one.posterior, rng))
        truth.append(one.source)
        progress((i + 1) / n, f"{i + 1} of {n} posteriors")
    return np.array(found), sources.joined(truth)


def examples(n: int, seed: int) -> Array:
    """The units of `simulated`: loud and quiet events."""
    return simulated(n, seed)[0]
