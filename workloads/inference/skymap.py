"""The sky map of one event: probability per HEALPix pixel, integrated over orientation, phase and distance.

A short signal in a co-located triangle has no travel times to triangulate with; the amplitudes alone place it, and
eight mirror images fit equally well. Maps are therefore broad, thousands of square degrees. The coordinates are
the detectors' own: polar angle from the normal of their plane, azimuth from the first arm; turning them into right
ascension and declination takes a site and a sidereal time. Knows no waveform and no flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import healpix
import numpy as np
from numpy.typing import NDArray
from scipy.special import i0e

from workloads.inference import amplitudes
from workloads.inference.basis import Complex
from workloads.inference.prior import SNR, Array

ORDER = 5
"""Pixels of 1.8°; NSIDE is 2**ORDER, pixels are nested."""
PIXELS = 12 * 4**ORDER
SQUARE_DEGREES = float(4 * np.pi * np.degrees(1) ** 2)
_INCLINATIONS, _POLARISATIONS = 48, 32
REACH = 128.0
"""Largest matched filter |z| of a map."""
_STEP = 0.05


@dataclass(frozen=True, eq=False)
class MultiOrder:
    """Cells of several sizes that tile the sky: NUNIQ numbers and probability per steradian, both (cell,)."""

    uniq: NDArray[np.int64]
    density_per_sr: Array

    @property
    def order(self) -> NDArray[np.int64]:
        """HEALPix order of each cell."""
        return np.asarray((np.log2(self.uniq // 4) // 2).astype(np.int64))


def density(z: Complex, loudness: Array | None = None) -> Array:
    """Probability per steradian (PIXELS,), nested, from matched filters z (n, 2) of equally likely parameters.

    `loudness` is the table of that name, made afresh unless given.
    """
    rings, like = _rings()
    table = loudness_table() if loudness is None else loudness
    log = np.concatenate([_log_ring(z, ring, table) for ring in rings], axis=1)
    each = np.exp(log - log.max(axis=1, keepdims=True))[:, like]
    # The draws' likelihood made them as likely as they are: each map weighs the same.
    probability = np.mean(each / each.sum(axis=1, keepdims=True), axis=0)
    return np.asarray(probability * PIXELS / (4 * np.pi))


def multi_order(density_per_sr: Array, contrast: float = 0.1) -> MultiOrder:
    """The map with every four children merged that differ by less than `contrast` of their mean, up and up."""
    uniq, values = [], []
    level, alive = density_per_sr, np.ones(density_per_sr.size, bool)
    for order in range(ORDER, -1, -1):
        children, living = level.reshape(-1, 4), alive.reshape(-1, 4)
        mean = children.mean(1)
        flat = living.all(1) & (np.ptp(children, axis=1) <= contrast * mean) & (order > 0)
        stay = np.flatnonzero(living.ravel() & ~np.repeat(flat, 4))
        uniq.append(stay + 4 ** (order + 1))
        values.append(level[stay])
        level, alive = mean, flat
        if order == 0 or not flat.any():
            break
    return MultiOrder(np.concatenate(uniq).astype(np.int64), np.concatenate(values))


def credible_area(density_per_sr: Array, level: float) -> float:
    """Square degrees of the smallest region that holds probability `level`."""
    ordered = np.sort(density_per_sr)[::-1]
    held = np.cumsum(ordered) / ordered.sum()
    return float(min(np.searchsorted(held, level) + 1, held.size) * SQUARE_DEGREES / PIXELS)


def searched(density_per_sr: Array, cos_theta: float, azimuth: float) -> tuple[float, float]:
    """Probability and square degrees of the pixels that are likelier than the one at a place.

    The probability is uniform in [0, 1] if maps are right. Pixels as likely as the place's own count half: mirror
    images are searched in any order.
    """
    here = healpix.ang2pix(2**ORDER, np.arccos(cos_theta), azimuth % (2 * np.pi), nest=True)
    more = np.where(density_per_sr > density_per_sr[here], 1.0, 0.5 * (density_per_sr == density_per_sr[here]))
    probability = float(more @ density_per_sr / density_per_sr.sum())
    return probability, float(more.sum() * SQUARE_DEGREES / PIXELS)


@cache
def loudness_table() -> Array:
    """ln of the mean of exp(-rho²/2) I0(rho s) over the prior of rho, less s²/2, at steps of _STEP in s."""
    s = np.arange(0.0, REACH, _STEP)
    rho = np.geomspace(*SNR, 1000)
    log = -0.5 * (s[:, None] - rho) ** 2 + np.log(i0e(s[:, None] * rho))
    top = log.max(axis=1)
    return np.asarray(top + np.log(np.exp(log - top[:, None]).mean(axis=1)))


@dataclass(frozen=True, eq=False)
class _Ring:
    """Azimuths (pixel,) of one polar angle, and what is heard from there at azimuth zero, by orientation (m,).

    `share` is that of right-handed power, `cross` the conjugate right-handed amplitude times the left-handed one,
    both of unit power; `log_volume` weighs the orientations.
    """

    azimuth: Array
    share: Array
    cross: Complex
    log_volume: Array


def _log_ring(z: Complex, ring: _Ring, table: Array) -> Array:
    """ln of each draw's unnormalised density (n, pixel) on a ring of pixels."""
    grid, found = _STEP * np.arange(table.size), np.empty((len(z), ring.azimuth.size))
    for row, (right, left) in zip(found, z, strict=True):
        even = ring.share * abs(right) ** 2 + (1 - ring.share) * abs(left) ** 2
        product = right * np.conj(left)
        angle = np.angle(product) - 4 * ring.azimuth[:, None]
        turned = ring.cross.real * np.cos(angle) - ring.cross.imag * np.sin(angle)
        power = np.maximum(even + 2 * abs(product) * turned, 0.0)
        log = np.interp(np.sqrt(power), grid, table) + 0.5 * power + ring.log_volume
        top = log.max(axis=1)
        row[:] = top + np.log(np.exp(log - top[:, None]).sum(axis=1))
    return found


@cache
def _rings() -> tuple[list[_Ring], NDArray[np.intp]]:
    """The rings of one of the sky's eight mirror images, and which of their pixels each of the sky's is like."""
    theta, azimuth = healpix.pix2ang(2**ORDER, np.arange(PIXELS), nest=True)
    folded = np.arccos(np.abs(np.cos(theta))), azimuth % (np.pi / 2)
    image = healpix.ang2pix(2**ORDER, *folded, nest=True)
    cosine = np.round(np.abs(np.cos(theta)), 9)
    pixels = np.unique(image)
    pixels = pixels[np.argsort(cosine[pixels], kind="stable")]
    place = np.empty(PIXELS, np.intp)
    place[pixels] = np.arange(pixels.size)
    each = [pixels[cosine[pixels] == c] for c in np.unique(cosine[pixels])]
    return [_ring(float(theta[ring[0]]), azimuth[ring]) for ring in each], place[image]


def _ring(theta: float, azimuth: Array) -> _Ring:
    c, weight = np.polynomial.legendre.leggauss(_INCLINATIONS)
    psi = (np.arange(_POLARISATIONS) + 0.5) * np.pi / 2 / _POLARISATIONS
    heard = amplitudes.response(np.asarray(np.cos(theta)), c[:, None], psi).reshape(2, -1)
    power = np.sum(np.abs(heard) ** 2, axis=0)
    right, left = heard / np.sqrt(power)
    volume = power**1.5 * np.repeat(weight, _POLARISATIONS)
    return _Ring(azimuth, np.abs(right) ** 2, np.asarray(right.conj() * left), np.log(volume))
