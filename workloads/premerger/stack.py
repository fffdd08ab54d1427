"""Chirps made of their pieces: power summed over bands along the tracks of a bank of chirp masses.

A semi-coherent search (as in Brady & Creighton, PRD 61 (2000) 082001, for continuous waves): coherent within a
band, incoherent between them. It needs far fewer templates than a coherent one, and finds less.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workloads.premerger import bands as pieces
from workloads.premerger import inspiral
from workloads.premerger.bands import LONGEST_S, NONE, SHORTEST_S, Bands, Filters
from workloads.premerger.window import CHANNELS, EDGE_S, SAMPLES, SEARCHED_S

CHIRP_MASS_MSUN = (1.0, 30.0)
"""Chirp masses of the bank, in the detector's frame."""
MINIMAL_MATCH = 0.8
"""Fraction of a template's power that its nearest neighbour in the bank finds at least, halfway between them."""
_STAGES_S = (SHORTEST_S, 16.0, 32.0, 64.0, 128.0, 256.0)
Real = NDArray[np.floating]


@dataclass(frozen=True)
class Track:
    """Where a template's pieces lie: `row` of the power, the first `sample` there, for times `first` to `last`."""

    row: int
    sample: int
    first: int
    last: int


@dataclass(frozen=True)
class Found:
    """The loudest of all: its normal deviate, time to merger in s, chirp mass in solar masses, number of bands."""

    deviate: float
    merger_in_s: float
    chirp_mass_msun: float
    bands: int


@dataclass(frozen=True)
class Stack:
    """A bank of `chirp_mass_msun` (template,), ready to search in `bands` that are filtered coherently.

    Times to merger are SHORTEST_S and on, `bands.series_hz` of them a second, less than LONGEST_S.
    """

    chirp_mass_msun: NDArray[np.float64]
    bands: Bands

    @property
    def times(self) -> int:
        """How many times to merger there are."""
        return round((LONGEST_S - SHORTEST_S) * self.bands.series_hz)

    @cached_property
    def filters(self) -> Filters:
        """The filters of all bands."""
        return pieces.filters(self.bands, self.chirp_mass_msun)

    @cached_property
    def tracks(self) -> list[list[Track]]:
        """The pieces of each template."""
        middle, low, high = (
            inspiral.before_merger_s(f, self.chirp_mass_msun[:, None])
            for f in (self.bands.middle_hz, self.bands.edges_hz[:-1], self.bands.edges_hz[1:])
        )
        hz, points = self.bands.series_hz, self.bands.points
        sample = points - np.round((middle - SHORTEST_S - EDGE_S) * hz).astype(int) + self.bands.hold // 2
        first = np.ceil((low - EDGE_S - SEARCHED_S - SHORTEST_S) * hz).astype(int).clip(0)
        last = np.floor((high - EDGE_S - SHORTEST_S) * hz).astype(int)
        last = np.minimum(last, np.minimum(self.times, points - sample))
        of = self.filters.of
        return [
            [
                Track(int(of[t, b]), int(sample[t, b]), int(first[t, b]), int(last[t, b]))
                for b in np.flatnonzero((of[t] != NONE) & (last[t] > first[t]))
            ]
            for t in range(len(of))
        ]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many bands there are (template, time)."""
        counts = np.zeros((len(self.tracks), self.times + 1), np.int64)
        for row, tracks in zip(counts, self.tracks, strict=True):
            for track in tracks:
                row[track.first] += 1
                row[track.last] -= 1
        return np.asarray(np.cumsum(counts, axis=1)[:, :-1])

    @cached_property
    def runs(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Stretches of times (run,) with one number of bands, for each template: their starts, and that number."""
        found = []
        for row in self.counts:
            starts = np.concatenate(([0], 1 + np.flatnonzero(np.diff(row))))
            found.append((starts, row[starts]))
        return found

    def loudest(self, spectra: NDArray[np.complex64]) -> Found:
        """The loudest template and time in whitened channels with rfft `spectra` (channel, bin), some zero."""
        there = spectra[spectra.any(axis=-1)]
        return self.loudest_of(pieces.power(there, self.filters, self.bands), len(there))

    def loudest_of(self, power: NDArray[np.float32], channels: int) -> Found:
        """The loudest template and time in the `power` (filter, point) of so many channels."""
        peaks = [np.maximum.reduceat(self.summed(power, t), starts) for t, (starts, _) in enumerate(self.runs)]
        counts = np.concatenate([n for _, n in self.runs])
        deviates = deviate(np.concatenate(peaks), 2 * channels * counts)
        best = int(deviates.argmax())
        template = int(np.searchsorted(np.cumsum([len(p) for p in peaks]), best, side="right"))
        run = best - sum(len(p) for p in peaks[:template])
        start, stop = np.append(self.runs[template][0], self.times)[run : run + 2]
        time = start + int(self.summed(power, template)[start:stop].argmax())
        return Found(
            float(deviates[best]),
            SHORTEST_S + time / self.bands.series_hz,
            float(self.chirp_mass_msun[template]),
            int(counts[best]),
        )

    def operations(self) -> float:
        """Floating-point operations per unit: FFTs of 5 n log2(n), products, |z|², and an addition per sample."""
        points = self.bands.points // self.bands.hold[self.filters.band]
        bins = (self.bands.last - self.bands.first)[self.filters.band]
        filtering = CHANNELS * np.sum(5 * points * np.log2(points) + 6 * bins + 4 * points)
        forward = CHANNELS * 2.5 * SAMPLES * np.log2(SAMPLES)
        return float(forward + filtering + self.counts.sum())

    def summed(self, power: NDArray[np.float32], template: int) -> NDArray[np.float32]:
        """Power of `template` summed over its bands (time,), from that of all pieces (filter, point)."""
        total = np.zeros(self.times, np.float32)
        for track in self.tracks[template]:
            begin, end = track.sample + track.first, track.sample + track.last
            total[track.first : track.last] += power[track.row, begin:end]
        return total


def deviate(power: Real, degrees: NDArray[np.int64]) -> NDArray[np.float64]:
    """Normal deviate of chi-squared `power` by Wilson and Hilferty's cube root; -inf without `degrees`.

    Finite however large the power, which its probability is not; a deviate of 6 reads up to 0.3 too low where the
    degrees are as few as 4.
    """
    some = np.maximum(degrees, 1).astype(np.float64)
    spread = 2 / (9 * some)
    value = (np.cbrt(power.astype(np.float64) / some) - (1 - spread)) / np.sqrt(spread)
    return np.where(degrees > 0, value, -np.inf)


def power_of(value: float, degrees: int) -> float:
    """The power above what noise has on average, of a given `deviate`."""
    spread = 2 / (9 * degrees)
    return float(degrees * ((1 - spread + value * np.sqrt(spread)) ** 3 - 1))


def place(bands: Bands, minimal_match: float = MINIMAL_MATCH) -> NDArray[np.float64]:
    """Chirp masses (template,) of a bank in which neighbours match to second order, power maximised over time.

    Bands of width B whose pieces come a time t from where the template has them lose (2 pi t B)² / 12 of power.
    """
    log_mass = np.log(np.geomspace(*CHIRP_MASS_MSUN, 4000))
    density = np.max([np.sqrt(_metric(bands, np.exp(log_mass), at_s)) for at_s in _STAGES_S], axis=0)
    distance = np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(log_mass))))
    n = int(np.ceil(distance[-1] / (2 * np.sqrt(1 - minimal_match))))
    return np.asarray(np.exp(np.interp((np.arange(n) + 0.5) / n * distance[-1], distance, log_mass)))


def _metric(bands: Bands, chirp_mass_msun: NDArray[np.float64], at_s: float) -> NDArray[np.float64]:
    """Fraction of power lost (template,) per squared difference in log chirp mass, `at_s` before the merger."""
    low, high = bands.edges_hz[:-1], bands.edges_hz[1:]
    mass = chirp_mass_msun[:, None]
    seen = (inspiral.before_merger_s(low, mass) - at_s < SEARCHED_S) & (
        inspiral.before_merger_s(high, mass) > at_s
    )
    step = 1e-4
    ahead, behind = (inspiral.before_merger_s(bands.middle_hz, mass * np.exp(s)) for s in (step, -step))
    slope_s = (ahead - behind) / (2 * step)
    weight = (high - low) ** 2 * seen
    total = np.maximum(weight.sum(1, keepdims=True), 1e-9)
    mean = (weight * slope_s).sum(1, keepdims=True) / total
    lost = np.pi**2 / 3 * (weight * (slope_s - mean) ** 2).sum(1) / np.maximum(seen.sum(1), 1)
    return np.asarray(lost)
