"""The level of the noise in each band, measured in the window itself, and strain counted in units of it.

It is a median over time: an inspiral, which crosses a band within part of the window, hardly moves it, nor does a
glitch. A line, which is there all the time, does, and its band then counts for little. Knows no template.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from workloads.premerger.bands import amplitude
from workloads.premerger.window import BAND_HZ, SEARCHED_S

BANDS = 32
"""More would follow a noise curve more closely, and know each level less well: now to 2 to 7 %."""
_MEDIAN = 2 * np.log(2)
"""Median of chi-squared with two degrees of freedom: of noise of unit level."""


def levelled(spectra: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """The rfft `spectra` (channel, bin) of whitened channels, of unit noise in each of BANDS, zero outside.

    Each channel has a level of its own in each band. A channel that is zero stays so.
    """
    edges = np.round(np.geomspace(*BAND_HZ, BANDS + 1) * SEARCHED_S).astype(int)
    out = np.zeros_like(spectra)
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        inside = spectra[:, first:last]
        points = scipy.fft.next_fast_len(last - first)
        series = scipy.fft.ifft(inside * amplitude(first, last), points, norm="forward")
        level = np.median(series.real**2 + series.imag**2, axis=-1, keepdims=True) / _MEDIAN
        out[:, first:last] = inside / np.sqrt(np.where(level > 0, level, 1))
    return out
