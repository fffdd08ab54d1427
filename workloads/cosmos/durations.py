"""How long a merger's signal is in band, and how many signals are there at once. Knows no detector and no rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workloads.premerger import inspiral
from workloads.waveform import MSUN_S

Array = NDArray[np.float64]


def in_band_s(low_frequency_hz: float, chirp_mass_msun: Array | float, ratio: Array | float = 0.25) -> Array:
    """Seconds (…) from when a signal passes `low_frequency_hz` until its merger, to 2.5PN, without spins.

    Chirp mass in the detector's frame, `ratio` the symmetric mass ratio. 0 for what merges below the edge.
    """
    chirp, eta = np.asarray(chirp_mass_msun, float), np.asarray(ratio, float)
    return inspiral.before_merger_s(np.asarray(low_frequency_hz, float), chirp, eta)  # type: ignore[arg-type]


def newtonian_s(low_frequency_hz: Array | float, chirp_mass_msun: Array | float) -> Array:
    """The same to leading order: 5/256 (G M / c³)^(-5/3) (pi f)^(-8/3), which knows no mass ratio."""
    chirp_s = np.asarray(chirp_mass_msun, float) * MSUN_S
    return np.asarray(5 / 256 * chirp_s ** (-5 / 3) * (np.pi * np.asarray(low_frequency_hz, float)) ** (-8 / 3))


def others_in_band(merger_s: Array, duration_s: Array) -> NDArray[np.int64]:
    """How many other signals (n,) are in band at each merger, given all mergers and their durations (n,) in s."""
    mergers, starts = np.sort(merger_s), np.sort(merger_s - duration_s)
    begun = np.searchsorted(starts, merger_s, side="right")
    over = np.searchsorted(mergers, merger_s, side="right")
    return np.asarray(begun - over, np.int64)


def close_pairs(merger_s: Array, within_s: float) -> int:
    """Pairs of mergers (n,) that are at most `within_s` apart."""
    times = np.sort(merger_s)
    return int(np.sum(np.searchsorted(times, times + within_s, side="right") - np.arange(times.size) - 1))
