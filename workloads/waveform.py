"""Compact-binary signals in the three streams of a triangle, scaled to a wanted SNR. Knows no noise samples.

The three detectors share a site, so a signal is one complex waveform times three complex antenna factors.
Sky position, inclination, polarisation and phase are isotropic, which makes site and sidereal time immaterial.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.psd import Psd
from workloads.spec import BAND_HZ, RATE_HZ, STREAMS

DURATION_S = 16.0
"""Length of a waveform; its merger lies AFTER_S before the end."""
AFTER_S = 0.5
MSUN_S = 4.925490947e-6
"""The mass of the Sun in s: G Msun / c³."""
MASS_MSUN = (10.0, 80.0)
"""Range of the component masses, in the detector's frame."""
SPIN = 0.3
"""Largest aligned spin of a component."""
_START_HZ, _FULL_HZ = 15.0, 18.0
SAMPLES = round(DURATION_S * RATE_HZ)


@dataclass(frozen=True)
class Binary:
    """Component masses in the detector's frame and aligned dimensionless spins."""

    mass_1_msun: float
    mass_2_msun: float
    spin_1: float = 0.0
    spin_2: float = 0.0


def draw_binary(rng: np.random.Generator) -> Binary:
    """A binary with masses log-uniform in MASS_MSUN and spins uniform up to SPIN."""
    low, high = MASS_MSUN
    mass = np.sort(low * (high / low) ** rng.random(2))[::-1]
    spin = rng.uniform(-SPIN, SPIN, 2)
    return Binary(float(mass[0]), float(mass[1]), float(spin[0]), float(spin[1]))


def draw_antenna(rng: np.random.Generator) -> NDArray[np.complex128]:
    """Factors (detector,) of an isotropically placed and oriented binary: (F+ (1+c²)/2 - i F× c) exp(i phase)."""
    cos_theta, cos_inclination = rng.uniform(-1, 1, 2)
    phi, psi, phase = rng.uniform(0, 2 * np.pi, 3)
    plus, cross = antenna(cos_theta, phi, psi)
    factor = plus * (1 + cos_inclination**2) / 2 - 1j * cross * cos_inclination
    return np.asarray(factor * np.exp(1j * phase))


def antenna(cos_theta: float, phi: float, psi: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """F+ and F× of three nested detectors with arms at 60°, shape (detector,), for a source at (theta, phi)."""
    azimuth = 2 * (phi - 2 * np.pi / 3 * np.arange(STREAMS))
    a = (1 + cos_theta**2) / 2 * np.cos(azimuth)
    b = cos_theta * np.sin(azimuth)
    plus = a * np.cos(2 * psi) - b * np.sin(2 * psi)
    cross = a * np.sin(2 * psi) + b * np.cos(2 * psi)
    return np.sin(np.pi / 3) * plus, np.sin(np.pi / 3) * cross


def chirp_mass(mass_1: Any, mass_2: Any) -> Any:
    """(m1 m2)^(3/5) / (m1 + m2)^(1/5) of numbers or arrays, in the unit of the masses."""
    return (mass_1 * mass_2) ** 0.6 / (mass_1 + mass_2) ** 0.2


def spectrum(binary: Binary, duration_s: float = DURATION_S) -> NDArray[np.complex128]:
    """Face-on h+ (1 Gpc) in 1/Hz on the rfft grid of `duration_s`, from 15 to 18 Hz on; merger at time zero."""
    onset = _onset(round(duration_s * RATE_HZ))
    return np.asarray(
        phenom(binary, 1 / duration_s, _START_HZ, RATE_HZ / 2, _FULL_HZ) * onset, dtype=np.complex128
    )


def phenom(
    binary: Binary, step_hz: float, start_hz: float, top_hz: float, reference_hz: float
) -> NDArray[np.complex128]:
    """Face-on h+ of IMRPhenomD at 1 Gpc in 1/Hz, at multiples of `step_hz` up to `top_hz`; 0 below `start_hz`."""
    import lal
    import lalsimulation as simulation

    plus, _ = simulation.SimInspiralChooseFDWaveform(
        binary.mass_1_msun * lal.MSUN_SI, binary.mass_2_msun * lal.MSUN_SI,
        0.0, 0.0, binary.spin_1, 0.0, 0.0, binary.spin_2, 1e9 * lal.PC_SI, 0.0, 0.0, 0.0, 0.0, 0.0,
        step_hz, start_hz, top_hz, reference_hz, None, simulation.IMRPhenomD,
    )  # fmt: skip
    return np.asarray(plus.data.data, np.complex128)


def optimal_snr(series_spectrum: NDArray[np.complex128], psd: Psd, duration_s: float) -> NDArray[np.float64]:
    """Optimal SNR in BAND_HZ of spectra (…, frequency) in 1/Hz on the rfft grid of `duration_s`."""
    weight = _weight(psd, series_spectrum.shape[-1], duration_s)
    return np.asarray(np.sqrt(np.sum(np.abs(series_spectrum) ** 2 * weight, axis=-1)))


def project(
    face_on: NDArray[np.complex128],
    factors: NDArray[np.complex128],
    snr: float,
    psd: Psd,
    delay_s: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float64]:
    """Strain (detector, sample) of network SNR `snr`, merging AFTER_S before its end, `delay_s` later.

    The delay may be one for all, or (detector,).
    """
    late_s = DURATION_S - AFTER_S + np.asarray(delay_s, np.float64)[..., None]
    shift = np.exp(-2j * np.pi * _frequency() * late_s)
    network = optimal_snr(face_on, psd, DURATION_S) * np.sqrt(np.sum(np.abs(factors) ** 2))
    spectra = (snr / network) * factors[:, None] * (face_on * shift)
    return np.asarray(np.fft.irfft(spectra, SAMPLES) * RATE_HZ)


@cache
def _frequency() -> NDArray[np.float64]:
    return np.asarray(np.fft.rfftfreq(SAMPLES, 1 / RATE_HZ), dtype=np.float64)


@cache
def _onset(samples: int) -> NDArray[np.float64]:
    ramp = np.clip((np.fft.rfftfreq(samples, 1 / RATE_HZ) - _START_HZ) / (_FULL_HZ - _START_HZ), 0, 1)
    return np.asarray(np.sin(np.pi / 2 * ramp) ** 2)


@cache
def _weight(psd: Psd, bins: int, duration_s: float) -> NDArray[np.float64]:
    f = np.arange(bins) / duration_s
    inside = (f >= BAND_HZ[0]) & (f <= BAND_HZ[1])
    return np.where(inside, 4 / psd.at(f) / duration_s, 0.0)
