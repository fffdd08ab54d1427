"""Mergers as the Einstein Telescope hears them, by class: masses, redshift, SNR of each stream, time in band.

For the sky, and for whoever wants a catalogue. Knows no rate and no time of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workloads.cosmos import durations, loudness, universe
from workloads.cosmos.masses import MASSES
from workloads.cosmos.network import LAYOUTS, Layout, network_snr, responses
from workloads.cosmos.universe import STAR_FORMATION, RedshiftLaw
from workloads.waveform import chirp_mass

Array = NDArray[np.float64]

CLASSES = tuple(MASSES)
MOST_STREAMS = max(len(layout.detectors) for layout in LAYOUTS.values())
MERGER = np.dtype(
    [
        ("mass_1_msun", "f8"),  # the larger one, in the source's frame
        ("mass_2_msun", "f8"),
        ("redshift", "f8"),
        ("distance_mpc", "f8"),  # luminosity distance
        ("chirp_mass_msun", "f8"),  # in the detector's frame
        ("duration_s", "f8"),  # from the low-frequency edge to the merger
        ("snr", "f8"),  # optimal, of all streams
        ("snr_stream", "f8", (MOST_STREAMS,)),  # of each; 0 for streams that the layout does not have
    ]
)
_BLOCKS = (1024, 4096, 16_384)
"""Mergers are drawn in blocks of these sizes, the last one again and again."""
_BLOCK = _BLOCKS[-1]
_MOST_BLOCKS = 20_000


@dataclass(frozen=True)
class Mergers:
    """One class of mergers heard by a network from `low_frequency_hz` on with an SNR of at least `min_snr`.

    ValueError for a class or network that does not exist, and for numbers below 0.
    """

    cls: str
    network: str = "triangle"
    low_frequency_hz: float = 5.0
    min_snr: float = 0.0
    redshifts: RedshiftLaw = STAR_FORMATION

    def __post_init__(self) -> None:
        for noun, given, known in (("class", self.cls, MASSES), ("network", self.network, LAYOUTS)):
            if given not in known:
                raise ValueError(f"unknown {noun} of mergers '{given}'; known: {', '.join(known)}")
        if not (self.low_frequency_hz > 0 and self.min_snr >= 0 and self.redshifts.largest > 0):
            raise ValueError("low_frequency_hz and the largest redshift must be more than 0, min_snr at least 0")

    @property
    def longest_s(self) -> float:
        """The longest time in band that there can be: that of the lightest binary, nearby."""
        total, ratio = MASSES[self.cls].total_msun[0], MASSES[self.cls].ratio[0]
        eta = np.array([ratio / (1 + ratio) ** 2, 0.25])
        return float(durations.in_band_s(self.low_frequency_hz, total * eta**0.6, eta).max())

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.void]:
        """`n` of them (n,), dtype MERGER. The first k of n are the same for any n from the same stream.

        Sources lie anywhere in the sky in any orientation; those below `min_snr` are left away. ValueError where
        next to none is loud enough, or the noise curve does not reach down to `low_frequency_hz`.
        """
        found: list[NDArray[np.void]] = [np.empty(0, MERGER)]
        missing, blocks = n, 0
        while missing > 0:
            heard = self._block(rng, _BLOCKS[min(blocks, len(_BLOCKS) - 1)])
            found.append(heard[:missing])
            missing -= heard.size
            blocks += 1
            if blocks >= _MOST_BLOCKS and missing > n / 2:
                raise ValueError(f"of {blocks * _BLOCK:.2g} {self.cls} mergers few have SNR {self.min_snr:g}")
        return np.concatenate(found)

    def share_heard(self, rng: np.random.Generator, blocks: int = 4) -> float:
        """Which part of all mergers within the largest redshift reaches `min_snr`, by `blocks` blocks of draws."""
        heard = sum(self._block(rng, _BLOCK).size for _ in range(blocks)) / (blocks * _BLOCK)
        return heard * universe.share_within(self.redshifts, _horizon(self))

    def _block(self, rng: np.random.Generator, size: int) -> NDArray[np.void]:
        """Those that are loud enough among `size` mergers within the horizon, dtype MERGER."""
        layout, u = LAYOUTS[self.network], rng.random((7, size))
        z = universe.draw_redshift(u[0], self.redshifts, _horizon(self))
        m1, m2 = MASSES[self.cls].draw(u[1], u[2])
        ratio = m2 / m1
        distance = universe.luminosity_mpc(z)
        one = self._loudness(layout).snr((m1 + m2) * (1 + z), ratio) / distance
        heard = responses(layout, 2 * u[3] - 1, 2 * np.pi * u[4], np.pi * u[5], 2 * u[6] - 1)
        stream = one[:, None] * np.sqrt(heard)
        snr = network_snr(stream)
        mergers = np.zeros(size, MERGER)
        mergers["mass_1_msun"], mergers["mass_2_msun"], mergers["redshift"] = m1, m2, z
        mergers["distance_mpc"], mergers["snr"] = distance, snr
        mergers["snr_stream"][:, : len(layout.detectors)] = stream
        mergers = mergers[snr >= self.min_snr]
        m1, m2, z = mergers["mass_1_msun"], mergers["mass_2_msun"], mergers["redshift"]
        mergers["chirp_mass_msun"] = chirp_mass(m1, m2) * (1 + z)
        eta = m1 * m2 / (m1 + m2) ** 2
        mergers["duration_s"] = durations.in_band_s(self.low_frequency_hz, mergers["chirp_mass_msun"], eta)
        return mergers

    def _loudness(self, layout: Layout) -> loudness.Loudness:
        return loudness.load(layout.curve, self.low_frequency_hz)


def draw(
    cls: str,
    n: int,
    rng: np.random.Generator,
    network: str = "triangle",
    low_frequency_hz: float = 5.0,
    min_snr: float = 0.0,
    redshifts: RedshiftLaw = STAR_FORMATION,
) -> NDArray[np.void]:
    """`n` mergers (n,) of class `cls` (bbh, bns, nsbh), dtype MERGER: see Mergers."""
    return Mergers(cls, network, low_frequency_hz, min_snr, redshifts).draw(n, rng)


@lru_cache(maxsize=64)
def _horizon(mergers: Mergers) -> float:
    """A redshift beyond which nothing of this class reaches `min_snr`; the largest one where nothing is too far.

    At each redshift the loudest total mass of the class is taken, at its largest ratio, in the best place.
    """
    if mergers.min_snr == 0.0:
        return mergers.redshifts.largest
    layout, masses = LAYOUTS[mergers.network], MASSES[mergers.cls]
    z = mergers.redshifts.largest * np.linspace(0.0, 1.0, 2001)[1:] ** 2
    total = np.geomspace(*masses.total_msun, 200) * (1 + z[:, None])
    known = loudness.load(layout.curve, mergers.low_frequency_hz)
    loudest = known.snr(total, np.full(total.shape, masses.ratio[1])).max(axis=1)
    audible = np.flatnonzero(layout.best * loudest / universe.luminosity_mpc(z) >= mergers.min_snr)
    if not audible.size:
        raise ValueError(f"no {mergers.cls} merger can have an SNR of {mergers.min_snr:g}: lower it")
    return float(z[min(audible[-1] + 1, z.size - 1)])
