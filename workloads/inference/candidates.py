"""What the workloads on candidates share: their unit of strain, realistic examples, results. Knows no flow.

A unit is a window of all streams around one candidate, whose merger is expected LOOKAHEAD_S before its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads.inference import network, prior, trigger
from workloads.inference.likelihood import Event
from workloads.inference.prior import Array
from workloads.spec import RATE_HZ, STREAMS, WHITEN_HALF_S
from workloads.strain import Injection, Strain
from workloads.unit import BadInputError, Unit

LOOKAHEAD_S = trigger.AFTER_S + WHITEN_HALF_S
"""Data after the expected merger that a window must hold."""
UNIT = Unit(
    "strain",
    f"calibrated strain of the {STREAMS} streams, ending {LOOKAHEAD_S:g} s after a candidate's merger, "
    f"which may be {prior.TIME_S:g} s early or late",
    ("detector", "sample"),
    (STREAMS, round(trigger.WINDOW_S * RATE_HZ)),
    float(RATE_HZ),
    longest_repeat=8,
    advice="Cut the window with Strain.window",
)
LIMITS = (
    "Binaries outside 10 to 80 solar masses (detector frame), with spins above 0.3, precession, eccentricity or "
    "higher modes: the prior and the waveform do not hold them, and no result says that it met one.",
    "Other noise than Gaussian noise of the shipped curve, and glitches: posteriors are then wrong.",
    "Detectors that are no co-located triangle, LIGO's among them: the likelihood is that of the triangle.",
    f"Triggers above SNR {prior.SNR[1]:g}: refused.",
)
_SPACING_S = 24.0
_LATE_S = 0.05


@dataclass(frozen=True)
class Posterior:
    """Equally likely draws of each unit's parameters, every array (batch, sample), and the trigger's SNR (batch,).

    Masses in Msun are the detectors'; `merger_s` is after the expected merger.
    """

    chirp_mass_msun: Array
    mass_ratio: Array
    spin_1: Array
    spin_2: Array
    merger_s: Array
    trigger_snr: Array


@dataclass(frozen=True)
class WeightedPosterior(Posterior):
    """Draws with weights (batch, sample); ln evidence over noise and effective per drawn sample, both (batch,)."""

    weight: Array
    log_evidence: Array
    efficiency: Array


@dataclass(frozen=True)
class SampledPosterior(Posterior):
    """Draws by nested sampling; ln evidence over noise, its error, and likelihoods computed, all (batch,)."""

    log_evidence: Array
    log_evidence_error: Array
    likelihoods: Array


def rows(units: NDArray[np.float64]) -> NDArray[np.float32]:
    """Network rows (batch, ROW + 1) of strain (batch, detector, sample); BadInputError when it is too loud."""
    events: list[Event] = []
    for i, strain in enumerate(units):
        try:
            events.append(trigger.event(trigger.spectra(strain)))
        except BadInputError as error:
            raise BadInputError(f"unit {i} holds {error}. Leave out units that loud", (i,)) from None
    return network.rows(events)


def examples(n: int, seed: int) -> NDArray[np.float64]:
    """`n` windows (n, detector, sample), each with a signal of an SNR that is log-uniform in `prior.SNR`."""
    rng = np.random.default_rng([seed, n])
    low, high = prior.SNR
    expected = _SPACING_S * np.arange(1, n + 1)
    late_s = rng.uniform(-_LATE_S, _LATE_S, n)
    snr = low * (high / low) ** rng.random(n)
    signals = [
        Injection(float(t + late), "bbh", float(s), -1, i)
        for i, (t, late, s) in enumerate(zip(expected, late_s, snr, strict=True))
    ]
    strain = Strain(seed, signals)
    return np.array([strain.window(float(t) + LOOKAHEAD_S, trigger.WINDOW_S) for t in expected])


def columns(theta: Sequence[Array] | Array) -> dict[str, Array]:
    """Parameters (batch, sample, 5) by the names of Posterior's fields."""
    chirp, ratio, spin_1, spin_2, merger = np.moveaxis(np.asarray(theta), -1, 0)
    return {
        "chirp_mass_msun": np.exp(chirp), "mass_ratio": np.exp(ratio), "spin_1": spin_1, "spin_2": spin_2,
        "merger_s": merger,
    }  # fmt: skip


def trigger_snr(given: NDArray[np.float32]) -> Array:
    """The triggers' SNR (batch,) that network rows hold."""
    return np.exp(given[:, network.ROW - 1].astype(np.float64))
