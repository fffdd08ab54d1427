"""Inspirals in a unit of strain, so long before their merger, from lalsimulation. Knows no search.

The rotation of the Earth during a window (4 degrees) and tides below 60 Hz are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workloads import psd
from workloads.premerger import inspiral
from workloads.premerger.bands import LONGEST_S
from workloads.premerger.window import RATE_HZ, UNIT_S, UNIT_SAMPLES
from workloads.training import log_uniform
from workloads.waveform import Binary, chirp_mass, phenom

CLASSES: Mapping[str, tuple[tuple[float, float], tuple[float, float], float, float]] = {
    "bns": ((1.2, 2.0), (1.2, 2.0), 0.05, 0.05),
    "nsbh": ((5.0, 15.0), (1.2, 2.0), 0.3, 0.05),
    "light-bbh": ((5.0, 15.0), (5.0, 15.0), 0.3, 0.3),
    "heavy-bbh": ((15.0, 34.0), (15.0, 34.0), 0.3, 0.3),
}
"""Masses in the detector's frame, log-uniform in these ranges, and largest aligned spins, uniform."""
WHOLE_HZ = (5.0, 1024.0)
"""Band of the SNR that a signal has in the end."""
TOP_HZ = 60.0
_LONG_S = 2048.0
_MARGIN_S = 100.0
_COARSE_HZ = 0.25


def draw_binary(cls: str, rng: np.random.Generator) -> Binary:
    """A binary of `cls`, the first mass the larger one."""
    first, second, spin_1, spin_2 = CLASSES[cls]
    bodies = [
        (float(log_uniform(*mass, 1, rng)[0]), float(rng.uniform(-spin, spin)))
        for mass, spin in ((first, spin_1), (second, spin_2))
    ]
    (m1, s1), (m2, s2) = sorted(bodies, reverse=True)
    return Binary(m1, m2, s1, s2)


def typical(cls: str) -> Binary:
    """The binary in the middle of the masses of `cls`, in their logarithms; without spins."""
    first, second, *_ = CLASSES[cls]
    small, large = sorted(float(np.sqrt(low * high)) for low, high in (first, second))
    return Binary(large, small)


def spectrum(binary: Binary) -> NDArray[np.complex64]:
    """Whole-band SNR of 1 in one stream that hears it face-on from above, in 1/Hz, bins of 1/2048 Hz to 64 Hz.

    IMRPhenomD, merging at time zero, from LONGEST_S and a unit's length before that.
    """
    start_hz = max(4.0, float(inspiral.frequency_hz(UNIT_S + LONGEST_S + _MARGIN_S, _chirp_mass(binary))))
    face_on = phenom(binary, 1 / _LONG_S, 0.97 * start_hz, RATE_HZ / 2, 0.97 * start_hz)
    f = np.arange(face_on.size) / _LONG_S
    onset = np.clip((f / start_hz - 0.97) / 0.03, 0, 1)
    end = np.clip((TOP_HZ + 3 - f) / 3, 0, 1)
    shape = np.sin(np.pi / 2 * onset) ** 2 * np.sin(np.pi / 2 * end) ** 2
    return np.asarray(face_on * shape / _whole_snr(binary), np.complex64)


def strain(
    shape: NDArray[np.complex64], factors: NDArray[np.complex128], snr: float, merger_in_s: float
) -> NDArray[np.float64]:
    """What a unit (detector, sample) holds of a `spectrum` that will have network SNR `snr` when it has merged.

    It merges `merger_in_s` after the end of the unit, at most LONGEST_S; `factors` are those of the antenna.
    """
    f = np.arange(shape.size) / _LONG_S
    shifted = shape * np.exp(-2j * np.pi * f * (UNIT_S + merger_in_s))
    spectra = snr / np.sqrt(np.sum(np.abs(factors) ** 2)) * factors[:, None] * shifted
    return np.asarray(np.fft.irfft(spectra)[:, :UNIT_SAMPLES] * RATE_HZ)


def gathered(binary: Binary, merger_in_s: float, window_s: float = np.inf) -> float:
    """Fraction of the final SNR that lies in the last `window_s` up to `merger_in_s` before the merger."""
    f, power = _coarse(binary)
    before_s = inspiral.before_merger_s(f, _chirp_mass(binary), _ratio(binary))
    seen = (before_s > merger_in_s) & (before_s <= merger_in_s + window_s) & (f <= _still_inspiral_hz(binary))
    return float(np.sqrt(power[seen].sum() / power.sum()))


def _whole_snr(binary: Binary) -> float:
    return float(np.sqrt(_coarse(binary)[1].sum()))


def _coarse(binary: Binary) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies of WHOLE_HZ, and what each adds to the squared SNR."""
    face_on = phenom(binary, _COARSE_HZ, WHOLE_HZ[0] / 2, WHOLE_HZ[1], WHOLE_HZ[0] / 2)
    f = np.arange(face_on.size) * _COARSE_HZ
    inside = (f >= WHOLE_HZ[0]) & (f <= WHOLE_HZ[1])
    power = np.asarray(np.abs(face_on[inside]) ** 2 * _weight(face_on.size)[inside], np.float64)
    return np.asarray(f[inside], np.float64), power


@cache
def _weight(bins: int) -> NDArray[np.float64]:
    return np.asarray(4 * _COARSE_HZ / psd.load().at(np.arange(bins) * _COARSE_HZ))


def _chirp_mass(binary: Binary) -> float:
    return float(chirp_mass(binary.mass_1_msun, binary.mass_2_msun))


def _ratio(binary: Binary) -> float:
    return binary.mass_1_msun * binary.mass_2_msun / (binary.mass_1_msun + binary.mass_2_msun) ** 2


def _still_inspiral_hz(binary: Binary) -> float:
    """Frequency of a test particle's last stable orbit."""
    return 4400.0 / (binary.mass_1_msun + binary.mass_2_msun)
