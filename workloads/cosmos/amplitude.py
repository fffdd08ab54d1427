"""The amplitude of a merger without spins, as a table against frequency and mass ratio. Knows no detector.

IMRPhenomD, relative to the inspiral's leading order, at frequencies in units of the inverse total mass; so one
small table serves all masses, and nothing but NumPy is needed to read it: see workloads.cosmos.tabulate.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workloads.waveform import MSUN_S

Array = NDArray[np.float64]

PATH = Path(__file__).parents[1] / "data" / "phenomd-amplitude.txt"
MPC_S = 3.0856775814913673e22 / 299_792_458.0
"""A megaparsec in light seconds."""
END = 0.2
"""Total mass times frequency (G M f / c³) at which IMRPhenomD ends."""


@lru_cache(maxsize=1)
def table() -> tuple[Array, Array, Array]:
    """Mass times frequency (x,), mass ratios (q,) geometrically spaced, and relative amplitudes (x, q)."""
    rows = np.loadtxt(PATH)
    return rows[1:, 0], rows[0, 1:], rows[1:, 1:]


def relative(mass_frequency: Array, column: int) -> Array:
    """Amplitude at G M f / c³ (…) over that of the leading order, for ratio number `column`; 0 beyond END."""
    x, _, values = table()
    log = np.interp(np.log(mass_frequency), np.log(x), np.log(values[:, column]))
    return np.where(mass_frequency <= END, np.exp(log), 0.0)


def leading_order(frequency_hz: Array, chirp_mass_msun: Array | float) -> Array:
    """|h+| in 1/Hz of a face-on inspiral at 1 Mpc, to leading order; chirp mass in the detector's frame."""
    chirp_s = np.asarray(chirp_mass_msun) * MSUN_S
    scale = np.sqrt(5 / 24) * np.pi ** (-2 / 3) * chirp_s ** (5 / 6) / MPC_S
    return np.asarray(scale * np.asarray(frequency_hz) ** (-7 / 6))
