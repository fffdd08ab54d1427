"""Placing a template bank of a stated minimal match, and how well it fits binaries. Knows no strain, no search.

Placement is stochastic (Harry, Allen & Sathyaprakash, PRD 80 (2009) 104014): proposals are taken in random order
and kept where no kept template matches them. A bank is therefore as good as it was filled: `covered` says what
fraction of the last proposals needed no new template, `fitting_factors` what random binaries lose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.stats import qmc

from workloads.models import matched_filter
from workloads.models.matched_filter import INPUT, SERIES_HZ
from workloads.spec import RATE_HZ
from workloads.waveform import MASS_MSUN, SPIN, Binary, chirp_mass
from workloads.whitening import noise_power

MINIMAL_MATCH = 0.97
"""A proposal that an accepted template matches this well is not needed."""
COVERED = 0.985
"""Placement ends when this fraction of the last LATEST proposals was not needed."""
LATEST = 2_000
_PROPOSALS = 60_000
_NEAR = 0.25
"""Templates whose chirp masses differ by more than this factor (of e) are taken not to match."""
_CHUNK = 16
_SHUFFLE_SEED = 1
_LAGS = INPUT * SERIES_HZ // RATE_HZ
Templates = NDArray[np.complex64]


@dataclass(frozen=True)
class Bank:
    """Templates (mass_1, mass_2, spin of both), shape (n, 3), and how the placement went."""

    points: NDArray[np.float64]
    minimal_match: float
    covered: float
    proposals: int


def place(
    minimal_match: float = MINIMAL_MATCH,
    covered: float = COVERED,
    latest: int = LATEST,
    progress: Callable[[int, int], None] = lambda proposals, kept: None,
) -> Bank:
    """A bank in which `covered` of the `latest` proposals match a template by at least `minimal_match`.

    ValueError when the proposals run out first.
    """
    kept: list[NDArray[np.float64]] = []
    templates = np.zeros((1024, _bins()), np.complex64)
    needed = np.zeros(0, np.bool_)
    for tried, point in enumerate(_proposals(_PROPOSALS), 1):
        new = unit(matched_filter.template(_binary(point))[None])[0]
        near = _nearest(point, np.array(kept).reshape(-1, 3))
        fits = any(
            match(new, templates[near[i : i + _CHUNK]]) >= minimal_match for i in range(0, len(near), _CHUNK)
        )
        needed = np.append(needed[-latest + 1 :], not fits)
        if not fits:
            if len(kept) == len(templates):
                templates = np.concatenate([templates, np.zeros_like(templates)])
            templates[len(kept)] = new
            kept.append(point)
        if len(needed) == latest and 1 - needed.mean() >= covered:
            return Bank(np.array(kept), minimal_match, float(1 - needed.mean()), tried)
        if tried % 500 == 0:
            progress(tried, len(kept))
    raise ValueError(
        f"{_PROPOSALS} proposals were not enough: {len(kept)} templates cover {1 - needed.mean():.3f} of the last "
        f"ones at a minimal match of {minimal_match}, not {covered}; ask for a lower minimal match or coverage"
    )


def unit(templates: Templates) -> Templates:
    """Templates (template, frequency) that filter whitened data, as unit vectors in white noise."""
    rows = templates * np.sqrt(noise_power(INPUT)[: templates.shape[1]]).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.complex64)


def match(one: Templates, others: Templates) -> float:
    """Largest overlap, over time and phase, of unit template `one` (frequency,) with any of `others`; else 0.

    Overlaps are sampled at SERIES_HZ and their squares interpolated by a parabola.
    """
    if not len(others):
        return 0.0
    overlap = scipy.fft.ifft(np.conj(one) * others, _LAGS, overwrite_x=True)
    power = overlap.real**2 + overlap.imag**2
    peak = power.argmax(axis=1)
    row = np.arange(len(power))
    left, middle, right = (power[row, (peak + k) % _LAGS] for k in (-1, 0, 1))
    top = middle + (left - right) ** 2 / np.maximum(8 * (2 * middle - left - right), 1e-12)
    return float(_LAGS * np.sqrt(top.max()))


def fitting_factors(bank: NDArray[np.float64], binaries: Sequence[Binary]) -> NDArray[np.float64]:
    """Fraction of each binary's SNR in a window that the best template of `bank` recovers, shape (binary,)."""
    templates = unit(matched_filter.templates_of(bank)[:, 0])
    best = []
    for binary in binaries:
        one = unit(matched_filter.template(binary)[None])[0]
        near = _nearest(np.array([binary.mass_1_msun, binary.mass_2_msun, 0.0]), bank)
        best.append(max((match(one, templates[near[i : i + 64]]) for i in range(0, len(near), 64)), default=0.0))
    return np.array(best)


def _nearest(point: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the `points` that may match `point`, the likeliest first."""
    away = np.abs(np.log(chirp_mass(points[:, 0], points[:, 1]) / chirp_mass(point[0], point[1])))
    near = np.flatnonzero(away < _NEAR)
    beside = np.abs(points[near, 1] / points[near, 0] - point[1] / point[0])
    further = 10 * away[near] + 0.5 * beside + np.abs(points[near, 2] - point[2])
    return np.asarray(near[np.argsort(further)])


def _proposals(n: int) -> NDArray[np.float64]:
    """Shuffled Halton points, uniform in (chirp mass)^(-5/3), mass ratio and spin, inside the range of masses."""
    low, high = MASS_MSUN
    u = qmc.Halton(3, scramble=False).random(3 * n)[1:]
    top, bottom = (chirp_mass(np.array(m), np.array(m)) ** (-5 / 3) for m in (low, high))
    chirp = (top + u[:, 0] * (bottom - top)) ** -0.6
    q = low / high + (1 - low / high) * u[:, 1]
    mass_1 = chirp * (1 + q) ** 0.2 * q**-0.6
    points = np.column_stack([mass_1, q * mass_1, SPIN * (2 * u[:, 2] - 1)])
    inside = points[(points[:, 0] <= high) & (points[:, 1] >= low)][:n]
    return np.asarray(np.random.default_rng(_SHUFFLE_SEED).permutation(inside))


def _binary(point: NDArray[np.float64]) -> Binary:
    mass_1, mass_2, spin = (float(x) for x in point)
    return Binary(mass_1, mass_2, spin, spin)


def _bins() -> int:
    return round(matched_filter.TOP_HZ * INPUT / RATE_HZ)
