"""What kind of binary it was, and whether it is one at all: probabilities from a posterior, with stated inputs.

The classes are ranges of the components' masses at the source. Their rates are inputs, and so is the noise. Knows
no waveform and no strain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid

from workloads.inference.prior import Array

CLASSES = ("BNS", "NSBH", "MassGap", "BBH")
HAS_NS = ("BNS", "NSBH")
_HUBBLE_KM_S_MPC, _MATTER = 67.7, 0.31
_LIGHT_KM_S = 299_792.458
_SUN_KM, _STAR_KM = 1.476625, 12.0
"""Half the Sun's Schwarzschild radius; radius of a neutron star."""


@dataclass(frozen=True)
class Population:
    """Inputs of the classification, each with its standing.

    Rates are detected signals per year in CLASSES' order; noise triggers above SNR rho come at
    `noise_per_year` exp(-(rho² - snr_min²)/2), as those of stationary Gaussian noise.
    """

    rate_per_year: tuple[float, ...] = (7e4, 3e4, 1e3, 3e5)
    rate_standing: tuple[str, ...] = ("published", "assumed", "assumed", "published")
    neutron_star_msun: float = 3.0
    black_hole_msun: float = 5.0
    mass_standing: str = "assumed"
    snr_min: float = 8.0
    snr_index: float = -4.0
    noise_per_year: float = 1.0
    noise_standing: str = "assumed"


def redshift(distance_gpc: Array) -> Array:
    """Redshift at a luminosity distance in Gpc, in a flat universe of H0 67.7 km/s/Mpc and 31 % matter."""
    return np.asarray(np.interp(distance_gpc, *_distances()))


def class_index(mass_1_msun: Array, mass_2_msun: Array, population: Population) -> NDArray[np.intp]:
    """Index into CLASSES (n,) of components' source masses, the larger first."""
    star, hole = population.neutron_star_msun, population.black_hole_msun
    gap = ((mass_1_msun > star) & (mass_1_msun < hole)) | ((mass_2_msun > star) & (mass_2_msun < hole))
    index = np.where(mass_1_msun <= star, 0, np.where(mass_2_msun <= star, 1, 3))
    return np.where(gap, 2, index)


def shares(index: NDArray[np.intp], weight: Array | None = None) -> Array:
    """Weighted share (class,) of each of CLASSES among `index` (n,)."""
    counts = np.bincount(index, weight, len(CLASSES)).astype(float)
    return np.asarray(counts / counts.sum())


def probabilities(posterior: Array, proposal: Array, population: Population) -> Array:
    """Probability (class,) of each class if it is a signal.

    `posterior` (class,) are its shares under a prior whose own shares are `proposal`; the population's rates take
    that prior's place. A class that the prior never makes cannot be found by it: its probability is zero.
    """
    rate = np.array(population.rate_per_year) / sum(population.rate_per_year)
    odds = np.where(proposal > 0, posterior * rate / np.where(proposal > 0, proposal, 1.0), 0.0)
    return np.asarray(odds / odds.sum()) if odds.sum() > 0 else posterior


def p_astro(snr: Array, population: Population) -> Array:
    """Probability that triggers of network SNR `snr` are signals: their rate density over all triggers'."""
    rho, least, power = np.asarray(snr), population.snr_min, population.snr_index
    signals = sum(population.rate_per_year) * (-power - 1) / least * (rho / least) ** power
    noise = population.noise_per_year * rho * np.exp(-(rho**2 - least**2) / 2)
    return np.asarray(signals / (signals + noise))


def remnant_msun(mass_1_msun: Array, mass_2_msun: Array, spin_1: Array) -> Array:
    """Baryonic mass left outside a black hole that swallows a neutron star of 12 km radius (n,); 0 if none.

    Foucart, Hinderer & Nissanke, PRD 98 (2018) 081501, as a fraction of the star's gravitational mass.
    """
    compactness = _SUN_KM * mass_2_msun / _STAR_KM
    eta = mass_1_msun * mass_2_msun / (mass_1_msun + mass_2_msun) ** 2
    orbit = _last_orbit(spin_1)
    share = 0.406 * (1 - 2 * compactness) / eta ** (1 / 3) - 0.139 * orbit * compactness / eta + 0.255
    return np.asarray(np.where(compactness < 0.5, np.maximum(share, 0.0) ** 1.761, 0.0) * mass_2_msun)


def _last_orbit(spin: Array) -> Array:
    """Radius of the innermost stable circular orbit over the black hole's mass (Bardeen et al. 1972)."""
    first = 1 + np.cbrt(1 - spin**2) * (np.cbrt(1 + spin) + np.cbrt(1 - spin))
    second = np.sqrt(3 * spin**2 + first**2)
    return np.asarray(3 + second - np.sign(spin) * np.sqrt((3 - first) * (3 + first + 2 * second)))


@cache
def _distances() -> tuple[Array, Array]:
    """Luminosity distance in Gpc against redshift."""
    z = np.concatenate([[0.0], np.geomspace(1e-4, 30.0, 4000)])
    inverse = 1 / np.sqrt(_MATTER * (1 + z) ** 3 + 1 - _MATTER)
    comoving = cumulative_trapezoid(inverse, z, initial=0.0) * _LIGHT_KM_S / _HUBBLE_KM_S_MPC / 1e3
    return (1 + z) * comoving, z
