"""Filters coherent within a band: the pieces of all chirps of a bank, each by its delay across its band.

A chirp crosses a narrow band as a piece whose shape hangs on its delay alone. So few filters serve the whole bank
in each band, and what makes a chirp of the pieces is when each of them comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from workloads import psd
from workloads.premerger import inspiral
from workloads.premerger.window import BAND_HZ, SAMPLES, SEARCHED_S, noise_power

_PER_WIDTH = 4
"""Samples of a narrow band in one over its width: a piece that comes between two of them loses 5 % at most."""
SHORTEST_S, LONGEST_S = 8.0, 400.0
"""Times to merger that are searched."""
NONE = -1
_STEP_RAD = 2.0
"""Filters of a band differ by that much in phase at its ends, relative to its middle."""


@dataclass(frozen=True)
class Bands:
    """`edges_hz` (band + 1,), each band's `middle_hz` (band,), and `first`, `last` bin (band,) of its filters.

    What the filters give has `series_hz` samples a second. In a narrow band, which resolves time less, each is
    held for `hold` (band,) samples, the first of them at its time: a power of two.
    """

    edges_hz: NDArray[np.float64]
    middle_hz: NDArray[np.float64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    hold: NDArray[np.int64]
    series_hz: int

    @property
    def points(self) -> int:
        """Samples of what a filter gives in a window."""
        return round(SEARCHED_S * self.series_hz)


@dataclass(frozen=True)
class Filters:
    """Spectra (filter, bin) of unit noise, conjugate, zero behind their band's end; and which filter fits where.

    `band` (filter,) tells the band of each, ascending; `of` (template, band) the filter that fits a template
    there, NONE where it takes longer than the window.
    """

    spectra: NDArray[np.complex64]
    band: NDArray[np.int64]
    of: NDArray[np.int64]


def split(n: int, series_hz: int) -> Bands:
    """BAND_HZ in `n` bands whose widths grow with frequency, so that an inspiral's SNR is about as large in each.

    ValueError when `series_hz` is less than the widest band wants.
    """
    edges = np.geomspace(*BAND_HZ, n + 1)
    bins = np.round(edges * SEARCHED_S).astype(np.int64)
    if series_hz < edges[-1] - edges[-2]:
        raise ValueError(
            f"{series_hz} Hz for bands up to {edges[-1] - edges[-2]:.3g} Hz wide; wanted at least that"
        )
    hold = 1 << np.log2(series_hz * SEARCHED_S / (_PER_WIDTH * np.diff(bins))).astype(np.int64).clip(0)
    return Bands(edges, (edges[1:] + edges[:-1]) / 2, bins[:-1], bins[1:], hold, series_hz)


def filters(bands: Bands, chirp_mass_msun: NDArray[np.float64]) -> Filters:
    """The fewest filters that serve templates of equal masses and of `chirp_mass_msun` (template,)."""
    spectra: list[NDArray[np.complex128]] = []
    band: list[int] = []
    of = np.full((len(chirp_mass_msun), len(bands.middle_hz)), NONE)
    for b, (low, high) in enumerate(zip(bands.edges_hz[:-1], bands.edges_hz[1:], strict=True)):
        begun_s, done_s = (inspiral.before_merger_s(np.array(f), chirp_mass_msun) for f in (low, high))
        kind = np.round(np.pi / 4 * (begun_s - done_s) * (high - low) / _STEP_RAD).astype(np.int64)
        seen = begun_s < SEARCHED_S + LONGEST_S
        for k in np.unique(kind[seen]):
            alike = np.flatnonzero(seen & (kind == k))
            of[alike, b] = len(band)
            spectra.append(_piece(bands, b, float(chirp_mass_msun[alike[len(alike) // 2]])))
            band.append(b)
    return Filters(np.array(spectra, np.complex64), np.array(band), of)


def power(spectra: NDArray[np.complex64], filters: Filters, bands: Bands) -> NDArray[np.float32]:
    """Squared SNR (filter, point) summed over channels with rfft `spectra` (channel, bin): in noise, chi-squared.

    Two degrees of freedom a channel. A piece is dated by when it passes the middle of its band.
    """
    out = np.empty((len(filters.band), bands.points), np.float32)
    for b, (first, last) in enumerate(zip(bands.first, bands.last, strict=True)):
        mine = slice(*np.searchsorted(filters.band, (b, b + 1)))
        hold = int(bands.hold[b])
        product = spectra[:, None, first:last] * filters.spectra[mine, : last - first]
        z = scipy.fft.ifft(product, bands.points // hold, norm="forward", overwrite_x=True)
        squared = (z.real**2 + z.imag**2).sum(axis=0)
        out[mine].reshape(-1, bands.points // hold, hold)[:] = squared[..., None]
    return out


@cache
def amplitude(first: int, last: int) -> NDArray[np.float32]:
    """An inspiral's amplitude in the bins from `first` to `last`, scaled as a filter is."""
    f = np.arange(first, last) / SEARCHED_S
    shape = f ** (-7 / 6) / np.sqrt(psd.load().at(f))
    power = np.sum(shape**2 * noise_power(SAMPLES)[first:last])
    return np.asarray(shape / np.sqrt(SAMPLES / 2 * power), np.float32)


def _piece(bands: Bands, b: int, chirp_mass_msun: float) -> NDArray[np.complex128]:
    """One filter (bin,), conjugate, scaled so that it gives unit variance in each of real and imaginary part."""
    first, last = int(bands.first[b]), int(bands.last[b])
    f = np.arange(first, last) / SEARCHED_S
    delay_s = inspiral.before_merger_s(f, chirp_mass_msun) - inspiral.before_merger_s(
        bands.middle_hz[b : b + 1], chirp_mass_msun
    )
    piece = np.zeros(int(np.max(bands.last - bands.first)), np.complex128)
    piece[: f.size] = amplitude(first, last) * np.exp(-2j * np.pi * np.cumsum(delay_s) / SEARCHED_S)
    return piece
