"""IMRPhenomD waveforms at chosen frequencies, by lalsimulation, and the phase they are heterodyned with.

The time at which a binary passes a frequency in the middle of the band is much better known than its merger; it is
given here too. Face-on and at 1 Gpc, as in `workloads.waveform`, of which it differs by a constant phase. Knows no
noise.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from workloads.inference.prior import Array, draw, masses
from workloads.waveform import MSUN_S, SPIN

ARRIVAL_HZ = 65.0
"""About where a signal's SNR lies."""
_REFERENCE_HZ = 20.0
_RATIO = 0.75
_FITTED = 3000
_REACH_HZ_MSUN = (20.0 * 3.5, 900.0 * 160.0)
"""Chirp mass times frequency that windows can reach."""
_END_HZ_MSUN = 8000.0
"""From here the reference's phase goes on as a straight line: its ringdown is over."""


def waveforms(theta: Array, frequency_hz: Array) -> NDArray[np.complex128]:
    """h+ (n, frequency) in 1/Hz of parameters (n, 5) that merge at time zero, whatever `theta[:, 4]`."""
    import lal
    import lalsimulation as simulation

    sequence = lal.CreateREAL8Sequence(frequency_hz.size)
    sequence.data = frequency_hz
    larger, smaller = masses(theta)
    rows = np.empty((len(theta), frequency_hz.size), np.complex128)
    for i, (m1, m2, spin_1, spin_2) in enumerate(zip(larger, smaller, theta[:, 2], theta[:, 3], strict=True)):
        plus, _ = simulation.SimInspiralChooseFDWaveformSequence(
            0.0, m1 * lal.MSUN_SI, m2 * lal.MSUN_SI, 0.0, 0.0, spin_1, 0.0, 0.0, spin_2, _REFERENCE_HZ,
            1e9 * lal.PC_SI, 0.0, None, simulation.IMRPhenomD, sequence,
        )  # fmt: skip
        rows[i] = plus.data.data
    return rows


def reference_phase(chirp_mass_frequency: Array) -> Array:
    """Phase in rad of the reference binary at chirp mass times frequency in Msun Hz, any shape."""
    x = np.asarray(chirp_mass_frequency)
    spline, slope = _spline()
    inside = np.clip(x, _REACH_HZ_MSUN[0], _END_HZ_MSUN)
    return np.asarray(spline(np.log(inside)) + slope * (x - inside))


def reference_arrival_s(chirp_mass: Array) -> Array:
    """When the reference binary of a chirp mass in Msun passes ARRIVAL_HZ, in s after its merger."""
    mass = np.asarray(chirp_mass)
    spline, slope = _spline()
    x = mass * ARRIVAL_HZ
    rate = np.where(x < _END_HZ_MSUN, spline(np.log(np.minimum(x, _END_HZ_MSUN)), 1) / x, slope)
    return np.asarray(-rate * mass / (2 * np.pi))


def arrival_s(theta: Array) -> Array:
    """When binaries (…, 5) pass ARRIVAL_HZ, in s after their merger: a polynomial, good to 0.3 ms (rms)."""
    powers, coefficients = _arrival_fit()
    return np.asarray(_monomials(theta, powers) @ coefficients)


@cache
def _arrival_fit() -> tuple[NDArray[np.int64], Array]:
    """Powers (term, 4) of the polynomial and their coefficients, fitted to the waveforms' group delay."""
    powers = np.array([p for p in product(range(5), repeat=4) if sum(p) <= 4], np.int64)
    theta = draw(_FITTED, np.random.default_rng(1))
    step_hz = 0.5
    values = waveforms(theta, ARRIVAL_HZ + step_hz * np.array([-0.5, 0.5]))
    delay_s = -np.angle(values[:, 1] * values[:, 0].conj()) / (2 * np.pi * step_hz)
    return powers, np.asarray(np.linalg.lstsq(_monomials(theta, powers), delay_s, rcond=None)[0], np.float64)


def _monomials(theta: Array, powers: NDArray[np.int64]) -> Array:
    """Products (…, term) of powers of orbital speed at ARRIVAL_HZ, mass ratio and spins, times the chirp time."""
    larger, smaller = masses(theta)
    speed = (np.pi * ARRIVAL_HZ * (larger + smaller) * MSUN_S) ** (1 / 3)
    x = np.stack([(speed - 0.4) / 0.12, theta[..., 1] + 1, theta[..., 2] / SPIN, theta[..., 3] / SPIN], axis=-1)
    table = x[..., None] ** np.arange(5)
    terms = table[..., 0, powers[:, 0]]
    for column in range(1, 4):
        terms = terms * table[..., column, powers[:, column]]
    chirp_s = np.exp(theta[..., 0]) * MSUN_S
    return np.asarray(terms * (chirp_s ** (-5 / 3) * ARRIVAL_HZ ** (-8 / 3))[..., None])


@cache
def _spline() -> tuple[CubicSpline, float]:
    """The reference's phase against ln(chirp mass times frequency), and its slope at the end."""
    chirp_mass = 40.0
    x = np.geomspace(_REACH_HZ_MSUN[0] * 0.9, _END_HZ_MSUN, 20_000)
    theta = np.array([[np.log(chirp_mass), np.log(_RATIO), 0.0, 0.0, 0.0]])
    phase = np.unwrap(np.angle(waveforms(theta, x / chirp_mass)[0]))
    spline = CubicSpline(np.log(x), phase)
    return spline, float(spline(np.log(x[-1]), 1) / x[-1])
