"""Placing a template bank, and how well a bank fits binaries. For training the matched filter; knows no strain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.stats import qmc

from workloads.models import matched_filter
from workloads.models.matched_filter import INPUT, SERIES_HZ
from workloads.spec import RATE_HZ
from workloads.waveform import MASS_MSUN, SPIN, Binary
from workloads.whitening import noise_power

MINIMAL_MATCH = 0.95
"""A proposal that an accepted template matches this well is not needed."""
_SPIN = 0.8 * SPIN
_NEAR = 0.25
"""Templates whose chirp masses differ by more than this factor (of e) are taken not to match."""
_SHUFFLE_SEED = 1


def place(n: int) -> NDArray[np.float64]:
    """`n` templates (mass_1, mass_2, spin of both components) by stochastic placement, shape (n, 3).

    Proposals are taken in random order and kept where no kept template matches them (Harry et al., PRD 80
    (2009) 104014). ValueError when the proposals run out first.
    """
    kept: list[NDArray[np.float64]] = []
    templates = np.zeros((0, round(matched_filter.TOP_HZ * INPUT / RATE_HZ)), np.complex64)
    chirp = np.zeros(0)
    for point in _proposals(8 * n):
        m1, m2, spin = point
        new, new_chirp = matched_filter.template(Binary(m1, m2, spin, spin)), _chirp_mass(m1, m2)
        if match(new, templates[np.abs(np.log(chirp / new_chirp)) < _NEAR]) < MINIMAL_MATCH:
            kept.append(point)
            templates, chirp = np.vstack([templates, new]), np.append(chirp, new_chirp)
        if len(kept) == n:
            return np.array(kept)
    raise ValueError(f"the mass range is covered by {len(kept)} templates; ask for no more, not {n}")


def match(one: NDArray[np.complex64], others: NDArray[np.complex64]) -> float:
    """Largest overlap, over time and phase, of template `one` (frequency,) with any of `others`; 0 without any."""
    power = noise_power(INPUT)[: one.size].astype(np.float32)
    signal, best = np.conj(one) * power, 0.0
    for first in range(0, len(others), 32):
        overlap = scipy.fft.ifft(
            signal * others[first : first + 32], INPUT * SERIES_HZ // RATE_HZ, overwrite_x=True
        )
        best = max(best, float(np.abs(overlap).max()))
    return best


def fitting_factors(bank: NDArray[np.float64], binaries: Sequence[Binary]) -> NDArray[np.float64]:
    """Fraction of each binary's SNR in a window that the best template of `bank` recovers, shape (binary,)."""
    templates = matched_filter.templates_of(bank)[:, 0]
    return np.array([match(matched_filter.template(binary), templates) for binary in binaries])


def _proposals(n: int) -> NDArray[np.float64]:
    """Shuffled Halton points, uniform in 1/(chirp mass)², mass ratio and spin, inside the range of masses."""
    low, high = MASS_MSUN
    u = qmc.Halton(3, scramble=False).random(8 * n)[1:]
    top, bottom = (_chirp_mass(m, m) ** -2.0 for m in (low, high))
    chirp = (top + u[:, 0] * (bottom - top)) ** -0.5
    q = 0.125 + 0.875 * u[:, 1]
    mass_1 = chirp * (1 + q) ** 0.2 * q**-0.6
    points = np.column_stack([mass_1, q * mass_1, _SPIN * (2 * u[:, 2] - 1)])
    inside = points[(points[:, 0] <= high) & (points[:, 1] >= low)][:n]
    return np.asarray(np.random.default_rng(_SHUFFLE_SEED).permutation(inside))


def _chirp_mass(mass_1: float, mass_2: float) -> float:
    return float((mass_1 * mass_2) ** 0.6 / (mass_1 + mass_2) ** 0.2)
