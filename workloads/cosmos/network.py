"""Where the Einstein Telescope's detectors lie, and what each hears of a wave. Knows no noise and no source.

The rotation of the Earth during a signal is left out: a binary is heard as at its merger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SARDINIA_DEG = (40 + 31 / 60, 9 + 25 / 60)
MEUSE_RHINE_DEG = (50 + 43 / 60 + 23 / 3600, 5 + 55 / 60 + 14 / 3600)
"""Latitude and longitude of the candidate sites, as in gwfast 1.1.2."""


@dataclass(frozen=True)
class Detector:
    """One interferometer: its place, the angle of its first arm from east to north and between its arms."""

    latitude_deg: float
    longitude_deg: float
    first_arm_deg: float
    opening_deg: float

    def arms(self) -> tuple[Array, Array]:
        """Unit vectors (3,) along the arms, in the Earth's frame."""
        lat, lon = np.radians([self.latitude_deg, self.longitude_deg])
        east = np.array([-np.sin(lon), np.cos(lon), 0.0])
        north = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
        angles = np.radians([self.first_arm_deg, self.first_arm_deg + self.opening_deg])
        first, second = (np.cos(a) * east + np.sin(a) * north for a in angles)
        return first, second


@dataclass(frozen=True)
class Layout:
    """The detectors that give one strain stream each, and their noise curve; what is `stated` of both.

    `best` is the largest root of the summed squared responses that any source can have.
    """

    detectors: tuple[Detector, ...]
    curve: str
    best: float
    stated: tuple[str, str, str]
    curve_stated: tuple[str, str, str]


LAYOUTS: Mapping[str, Layout] = {
    "triangle": Layout(
        tuple(Detector(*SARDINIA_DEG, 120.0 * k, 60.0) for k in range(3)),
        "et-10km-cryo-wide",
        1.5,
        ("three nested 10 km detectors with arms at 60 degrees at one site", "published", "arXiv:2303.15923"),
        ("et-10km-cryo-wide: 10 km, cryogenic", "published", "Branchesi et al., JCAP 07 (2023) 068"),
    ),
    "2l": Layout(
        (Detector(*SARDINIA_DEG, 0.0, 90.0), Detector(*MEUSE_RHINE_DEG, 45.0, 90.0)),
        "et-15km-cryo-wide",
        float(np.sqrt(2.0)),
        (
            "two 15 km L-shaped detectors, in Sardinia and Meuse-Rhine, turned by 45 degrees from each other",
            "published",
            "arXiv:2303.15923; the angle, counted from east at each site, is assumed",
        ),
        ("et-15km-cryo-wide: 15 km, cryogenic", "published", "Branchesi et al., JCAP 07 (2023) 068"),
    ),
}
"""By name."""


def responses(layout: Layout, cos_theta: Array, phi: Array, psi: Array, cos_inclination: Array) -> Array:
    """Squared responses (n, stream) to binaries, 1 for a face-on one above arms at right angles.

    |F+ (1+c²)/2 - i F× c|² for a direction (polar angle and azimuth in the Earth's frame), a polarisation angle
    and an inclination, all angles in rad. The binary is its (2, 2) mode.
    """
    plus, cross = antenna(layout, cos_theta, phi, psi)
    c = cos_inclination[:, None]
    return np.asarray((plus * (1 + c**2) / 2) ** 2 + (cross * c) ** 2)


def antenna(layout: Layout, cos_theta: Array, phi: Array, psi: Array) -> tuple[Array, Array]:
    """F+ and F× (n, stream) of sources at these angles (n,) in rad."""
    sin_theta = np.sqrt(1.0 - cos_theta**2)
    down = np.stack([cos_theta * np.cos(phi), cos_theta * np.sin(phi), -sin_theta])
    along = np.stack([-np.sin(phi), np.cos(phi), np.zeros_like(phi)])
    p = np.cos(psi) * down + np.sin(psi) * along
    q = -np.sin(psi) * down + np.cos(psi) * along
    plus = np.empty((cos_theta.size, len(layout.detectors)))
    cross = np.empty_like(plus)
    for k, detector in enumerate(layout.detectors):
        (up, uq), (vp, vq) = ((arm @ p, arm @ q) for arm in detector.arms())
        plus[:, k] = (up**2 - uq**2 - vp**2 + vq**2) / 2
        cross[:, k] = up * uq - vp * vq
    return plus, cross


def network_snr(snr_stream: Array, up: NDArray[np.bool_] | None = None) -> Array:
    """Network SNR (n,) from SNRs (n, stream), of the streams that are `up` (stream,) or (n, stream)."""
    heard = snr_stream if up is None else np.where(up, snr_stream, 0.0)
    return np.asarray(np.sqrt(np.sum(heard**2, axis=-1)))
