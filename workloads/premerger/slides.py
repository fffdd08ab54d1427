"""Many looks at little noise: what the filters make of it, with its bands shifted in time against each other.

Bands hold disjoint frequencies, so in stationary Gaussian noise they are independent, and shifted at random they
are as good as new noise; making and filtering it is what costs. A glitch is loud in many bands at once: data that
have any want whole streams shifted instead. Knows no search.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from workloads.premerger import bands as pieces
from workloads.premerger.bands import Bands, Filters
from workloads.premerger.level import levelled
from workloads.premerger.window import noise, whitened
from workloads.spec import Progress

LOOKS = 16
"""At each unit of noise: once as it is, then shifted."""
_SEED = 7101
Power = NDArray[np.float32]


def scores(
    score: Callable[[Power], float],
    filters: Filters,
    bands: Bands,
    n: int,
    progress: Progress,
) -> NDArray[np.float64]:
    """The `score` of the power (filter, point) of `n` looks at noise, whose bands have the unit level."""
    rng, found = np.random.default_rng(_SEED), np.empty(n)
    for k in range(n):
        if k % LOOKS == 0:
            power = pieces.power(levelled(scipy.fft.rfft(whitened(noise(1, rng))[0])), filters, bands)
        found[k] = score(power if k % LOOKS == 0 else shifted(power, filters, bands, rng))
        progress(k / n, "noise")
    return found


def shifted(power: Power, filters: Filters, bands: Bands, rng: np.random.Generator) -> Power:
    """A copy of `power` (filter, point), each band turned round by a time of its own."""
    out = np.empty_like(power)
    for b, hold in enumerate(bands.hold):
        mine = slice(*np.searchsorted(filters.band, (b, b + 1)))
        by = int(hold * rng.integers(bands.points // hold))
        out[mine, by:], out[mine, :by] = power[mine, : bands.points - by], power[mine, bands.points - by :]
    return out
