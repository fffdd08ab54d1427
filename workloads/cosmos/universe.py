"""How far mergers are and how many there are at which redshift: flat LCDM and a rate that follows star formation.

For the populations of the sky. Knows no masses, no detector.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LIGHT_KM_S = 299_792.458
HUBBLE_KM_S_MPC = 67.66
MATTER = 0.30966
"""Planck 2018, A&A 641, A6, table 2 (TT, TE, EE + lowE + lensing + BAO), as astropy 8.0 has them as Planck18."""
COSMOLOGY = ("flat LCDM, H0 67.66 km/s/Mpc, matter 0.30966", "published", "Planck 2018, A&A 641, A6, table 2")
"""Value, standing and source, as inputs are listed. Radiation and neutrino masses are left out."""
_POINTS = 4001


@dataclass(frozen=True)
class RedshiftLaw:
    """Mergers per comoving volume and own time: (1+z)**growth / (1 + ((1+z) / (1+peak))**decline) up to `largest`.

    The default is the history of star formation (Madau & Dickinson, ARA&A 52 (2014) 415, recalled), without the
    time from the birth of the stars to the merger.
    """

    growth: float = 2.7
    decline: float = 5.6
    peak: float = 1.9
    largest: float = 10.0

    def density(self, redshift: Array) -> Array:
        """Merger rate density at redshifts (…), relative to an arbitrary one."""
        x = 1.0 + np.asarray(redshift)
        return np.asarray(x**self.growth / (1.0 + (x / (1.0 + self.peak)) ** self.decline))


STAR_FORMATION = RedshiftLaw()


def comoving_mpc(redshift: Array | float) -> Array:
    """Comoving distance in Mpc of redshifts (…) from 0 to 100."""
    z, distance, _ = _distances()
    return np.asarray(np.interp(np.asarray(redshift, float), z, distance))


def luminosity_mpc(redshift: Array | float) -> Array:
    """Luminosity distance in Mpc of redshifts (…) from 0 to 100."""
    return np.asarray((1.0 + np.asarray(redshift)) * comoving_mpc(redshift))


def redshift_at(luminosity_distance_mpc: Array | float) -> Array:
    """Redshift of luminosity distances (…) in Mpc."""
    z, distance, _ = _distances()
    return np.asarray(np.interp(np.asarray(luminosity_distance_mpc, float), (1.0 + z) * distance, z))


def draw_redshift(u: Array, law: RedshiftLaw, nearer_than: float = np.inf) -> Array:
    """Redshifts of mergers as they reach us at probabilities `u` (n,), none beyond `nearer_than`."""
    z, share = _cumulative(law)
    return np.interp(u * share_within(law, nearer_than), share, z)


def share_within(law: RedshiftLaw, redshift: float) -> float:
    """Which part of the mergers that reach us lies within `redshift`."""
    z, share = _cumulative(law)
    return float(np.interp(redshift, z, share))


def volume_gpc3(law: RedshiftLaw) -> float:
    """Mergers that reach us per time, over those per time and Gpc³ nearby: the law summed over the universe."""
    z, per_redshift = _arriving(law)
    sphere = 4 * np.pi * LIGHT_KM_S / HUBBLE_KM_S_MPC / 1e9
    return float(sphere * _running(per_redshift, z)[-1] / law.density(np.zeros(1))[0])


@lru_cache(maxsize=1)
def _distances() -> tuple[Array, Array, Array]:
    """Redshifts, denser towards 0, their comoving distance in Mpc, and H / H0 there."""
    z = 100.0 * np.linspace(0.0, 1.0, 4 * _POINTS) ** 3
    expansion = _expansion(z)
    return z, LIGHT_KM_S / HUBBLE_KM_S_MPC * _running(1.0 / expansion, z), expansion


@lru_cache(maxsize=16)
def _cumulative(law: RedshiftLaw) -> tuple[Array, Array]:
    """Redshifts, denser towards 0, and the part of mergers per observer's time that lies within each."""
    z, per_redshift = _arriving(law)
    share = _running(per_redshift, z)
    return z, share / share[-1]


def _arriving(law: RedshiftLaw) -> tuple[Array, Array]:
    """Redshifts, denser towards 0, and the mergers that reach us per redshift there, but for a constant."""
    z = law.largest * np.linspace(0.0, 1.0, _POINTS) ** 2
    return z, law.density(z) / (1.0 + z) * comoving_mpc(z) ** 2 / _expansion(z)


def _expansion(z: Array) -> Array:
    return np.sqrt(MATTER * (1.0 + z) ** 3 + 1.0 - MATTER)


def _running(y: Array, x: Array) -> Array:
    """Integral of y from the first x to each."""
    return np.concatenate(([0.0], np.cumsum((y[1:] + y[:-1]) / 2 * np.diff(x))))
