"""Orientation, sky position and distance from the amplitudes that an event's intrinsic parameters leave open.

A co-located triangle measures two complex amplitudes, four numbers, of six unknowns; the rest is prior: sources
uniform in volume and orientation, SNRs log-uniform (see `amplitudes`). Knows no flow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import i0e

from workloads.inference import amplitudes
from workloads.inference.amplitudes import A_STEP
from workloads.inference.basis import Complex
from workloads.inference.prior import SNR, Array

_REACH = 6.0
"""Amplitudes further than that from the matched filter have no weight: six times the noise."""


@dataclass(frozen=True, eq=False)
class Extrinsics:
    """Arrays (n,): cosines of polar angle and inclination, azimuth and polarisation in rad, distance in Gpc, SNR.

    Polar angle and azimuth are those of the detectors' plane and first arm.
    """

    cos_theta: Array
    azimuth: Array
    cos_inclination: Array
    psi: Array
    distance_gpc: Array
    snr: Array


def draw(z: Complex, face_on_snr: Array, rng: np.random.Generator) -> Extrinsics:
    """One draw each for matched filters z (n, 2) and SNRs (n,) per unit of `amplitudes.response` at 1 Gpc.

    Exact but for cells of 0.1 in the moduli of the amplitudes, inside which the prior's own draws are taken.
    """
    right, left = _cells(np.abs(z), rng)
    rows, share = amplitudes.orientations()
    rho_low, rho_high = (np.hypot(right + d, left + d) for d in (-A_STEP / 2, A_STEP / 2))
    edges = [((right + d).clip(0) / rho) ** 2 for d, rho in ((-A_STEP / 2, rho_high), (A_STEP / 2, rho_low))]
    first, last = np.searchsorted(share, edges)
    pick = (first + rng.random(first.size) * np.maximum(last - first, 1)).astype(int).clip(0, share.size - 1)
    cos_theta, cos_inclination, psi = rows[pick].T
    snr = np.hypot(right, left)
    response = amplitudes.response(cos_theta, cos_inclination, psi)
    moduli = snr[:, None] * np.sqrt(np.stack([share[pick], 1 - share[pick]], axis=1))
    phase = np.angle(z) + rng.vonmises(0.0, np.maximum(moduli * np.abs(z), 1e-6))
    turn = (phase[:, 0] - phase[:, 1]) - (np.angle(response[0]) - np.angle(response[1]))
    azimuth = (turn / 4 + np.pi / 2 * rng.integers(4, size=snr.size)) % (2 * np.pi)
    distance_gpc = face_on_snr * np.sqrt(np.sum(np.abs(response) ** 2, axis=0)) / snr
    return Extrinsics(cos_theta, azimuth, cos_inclination, psi, distance_gpc, snr)


def _cells(size: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Moduli (n,) of a+ and a- drawn from their posterior for moduli (n, 2) of the matched filters."""
    mass = amplitudes.mass()
    grid = A_STEP * np.arange(len(mass))
    out = np.empty_like(size)
    for i, (row, u) in enumerate(zip(size, rng.random(len(size)), strict=True)):
        near = [slice(*np.searchsorted(grid, (s - _REACH, s + _REACH))) for s in np.clip(row, 0, SNR[1])]
        right, left = (
            np.exp(-0.5 * (s - grid[n]) ** 2) * i0e(s * grid[n]) for s, n in zip(row, near, strict=True)
        )
        total = np.cumsum(right[:, None] * mass[near[0], near[1]] * left)
        at = min(int(np.searchsorted(total, u * total[-1])), total.size - 1)
        j, k = divmod(at, left.size)
        out[i] = grid[near[0]][j], grid[near[1]][k]
    return out[:, 0], out[:, 1]
