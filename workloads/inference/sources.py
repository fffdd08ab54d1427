"""Simulated sources whose truth is known, all of them from the prior, and what a trigger hears of one.

Estimators, sky maps and classes are judged on these. Knows no flow.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from workloads.drift import NONE, Drift
from workloads.inference import amplitudes, basis, phenomd, prior, trigger
from workloads.inference import frame as frames
from workloads.inference.basis import Complex
from workloads.inference.likelihood import Event
from workloads.inference.prior import SNR, Array


@dataclass(frozen=True, eq=False)
class Sources:
    """`n` binaries: parameters (n, 5), amplitudes (n, 2), and arrays (n,) of what led to them.

    Polar angle and azimuth in rad are those of the detectors' plane and first arm; distance is in Gpc, and
    `face_on_snr` the SNR per unit of `amplitudes.response` at 1 Gpc: that of one detector with arms at right
    angles below a face-on binary, two thirds of the triangle's.
    """

    theta: Array
    amplitude: Complex
    cos_theta: Array
    azimuth: Array
    snr: Array
    distance_gpc: Array
    face_on_snr: Array


def draw(n: int, rng: np.random.Generator, snr: Array | None = None, theta: Array | None = None) -> Sources:
    """`n` sources from the prior, or with given network SNRs (n,) or parameters (n, 5)."""
    if theta is None:
        theta = prior.draw(n, rng)
    if snr is None:
        snr = SNR[0] * (SNR[1] / SNR[0]) ** rng.random(n)
    rows = amplitudes.orientations()[0]
    cos_theta, cos_inclination, psi = rows[rng.integers(len(rows), size=n)].T
    azimuth, phase = rng.uniform(0, 2 * np.pi, (2, n))
    response = amplitudes.response(cos_theta, cos_inclination, psi)
    modulus = np.sqrt(np.sum(np.abs(response) ** 2, axis=0))
    turn = np.exp(1j * (phase + 2 * azimuth * np.array([[1], [-1]])))
    face_on = _face_on_snr(theta)
    return Sources(
        theta, np.asarray((snr / modulus * response * turn).T), cos_theta, azimuth, snr, face_on * modulus / snr,
        face_on,
    )  # fmt: skip


def simulated(
    rng: np.random.Generator, snr: float | None = None, theta: Array | None = None, drift: Drift = NONE
) -> tuple[Event, Sources]:
    """One source of the prior, or of an SNR or of parameters (5,), in Gaussian noise, as a trigger hears it.

    With a `drift` of the data, SNR is that before it.

    It merges in the middle half of the prior's range of times.
    """
    if theta is None:
        theta = prior.draw(1, rng)[0] * [1, 1, 1, 1, 0.5]
    source = draw(1, rng, None if snr is None else np.array([snr]), theta[None])
    return trigger.event(trigger.simulated(theta, source.amplitude[0], rng, drift)), source


def joined(each: list[Sources]) -> Sources:
    """All of them as one."""
    return Sources(*(np.concatenate([getattr(s, f.name) for s in each]) for f in fields(Sources)))


def _face_on_snr(theta: Array) -> Array:
    reduced = basis.load()
    out = np.empty(len(theta))
    for i, (row, values) in enumerate(zip(theta, phenomd.waveforms(theta, reduced.node_hz), strict=True)):
        out[i] = np.linalg.norm(reduced.shifted(values[None], row[4:], frames.at(row, SNR[0])))
    return out
