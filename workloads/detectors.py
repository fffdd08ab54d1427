"""The detectors whose strain is made: how many streams, their noise curve, what each hears of a binary and when.

The triangle's three lie in one place. Two L-shaped ones lie far apart, so that a wave reaches one before the
other. Knows no noise and no search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads import waveform
from workloads.cosmos.network import LAYOUTS, antenna
from workloads.spec import STREAMS

EARTH_M = 6.371e6
"""Mean radius."""
LIGHT_M_PER_S = 299_792_458.0
Delay = NDArray[np.float64] | float

Draw = Callable[[np.random.Generator], tuple[NDArray[np.complex128], Delay]]


@dataclass(frozen=True)
class Detectors:
    """So many `streams` with the noise of `curve` (`workloads.psd.load`), which `said` tells in words.

    `draw` gives an isotropically placed and oriented binary's factors (stream,) and how much later in s than at
    the middle of the network it merges in each stream, or in all.
    """

    streams: int
    curve: str
    said: str
    draw: Draw

    @property
    def travel_s(self) -> float:
        """The longest time that a wave takes from one detector to another."""
        apart = [np.linalg.norm(a - b) for a in _places() for b in _places()] if self.streams == 2 else [0.0]
        return float(max(apart)) / LIGHT_M_PER_S


def of(streams: int) -> Detectors:
    """The detectors with so many streams; ValueError where there are none."""
    for known in (TRIANGLE, TWO_L):
        if known.streams == streams:
            return known
    raise ValueError(f"no strain of {streams} streams can be made: there are 3 of a triangle, and 2 of two Ls")


def _co_located(rng: np.random.Generator) -> tuple[NDArray[np.complex128], Delay]:
    return waveform.draw_antenna(rng), 0.0


def _far_apart(rng: np.random.Generator) -> tuple[NDArray[np.complex128], Delay]:
    """The same for two L-shaped detectors in Sardinia and Meuse-Rhine, as `workloads.cosmos.network` has them."""
    cos_theta, cos_inclination = rng.uniform(-1, 1, 2)
    phi, psi, phase = rng.uniform(0, 2 * np.pi, 3)
    plus, cross = antenna(LAYOUTS["2l"], np.array([cos_theta]), np.array([phi]), np.array([psi]))
    factor = plus[0] * (1 + cos_inclination**2) / 2 - 1j * cross[0] * cos_inclination
    sin_theta = np.sqrt(1 - cos_theta**2)
    source = np.array([sin_theta * np.cos(phi), sin_theta * np.sin(phi), cos_theta])
    places = _places()
    later_s = -(places - places.mean(axis=0)) @ source / LIGHT_M_PER_S
    return np.asarray(factor * np.exp(1j * phase)), np.asarray(later_s)


def _places() -> NDArray[np.float64]:
    """Where the two are (detector, 3), in m from the centre of the Earth."""
    lat, lon = np.radians([(d.latitude_deg, d.longitude_deg) for d in LAYOUTS["2l"].detectors]).T
    return EARTH_M * np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


TRIANGLE = Detectors(STREAMS, "et-10km-cryo", "the ET 10 km cryogenic curve", _co_located)
TWO_L = Detectors(
    len(LAYOUTS["2l"].detectors),
    LAYOUTS["2l"].curve,
    "the ET 15 km cryogenic curve in two L-shaped detectors at two sites",
    _far_apart,
)
