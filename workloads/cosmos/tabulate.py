"""`python -m workloads.cosmos.tabulate`: makes the table of amplitudes from lalsimulation. Knows no detector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workloads.cosmos.amplitude import END, PATH, leading_order
from workloads.waveform import MSUN_S, chirp_mass

Array = NDArray[np.float64]

_START, _MIDDLE = 1e-5, 1e-2
_RATIOS = np.geomspace(1 / 18, 1.0, 14)
_MASS_MSUN = 50.0
_HEAD = (
    "Amplitude of IMRPhenomD without spins over the inspiral's leading order, made by\n"
    "python -m workloads.cosmos.tabulate. First row: mass ratio (up to 1); first column: G M f / c^3."
)


def simulated(mass_1_msun: float, mass_2_msun: float, frequency_hz: Array) -> Array:
    """|h+| in 1/Hz at 1 Mpc of a face-on IMRPhenomD without spins, at `frequency_hz` (f,), by lalsimulation."""
    import lal
    import lalsimulation as simulation

    sequence = lal.CreateREAL8Sequence(frequency_hz.size)
    sequence.data = frequency_hz
    plus, _ = simulation.SimInspiralChooseFDWaveformSequence(
        0.0, mass_1_msun * lal.MSUN_SI, mass_2_msun * lal.MSUN_SI, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        float(frequency_hz[0]), 1e6 * lal.PC_SI, 0.0, None, simulation.IMRPhenomD, sequence,
    )  # fmt: skip
    return np.asarray(np.abs(plus.data.data), np.float64)


def rows() -> Array:
    """The table (1 + frequency, 1 + ratio): ratios in the first row, frequencies in the first column."""
    low = np.geomspace(_START, _MIDDLE, 61)[:-1]
    x = np.concatenate((low, np.geomspace(_MIDDLE, END, 140)))
    f = x / (_MASS_MSUN * MSUN_S) * (1 - 1e-12)
    table = np.zeros((x.size + 1, _RATIOS.size + 1))
    table[0, 1:], table[1:, 0] = _RATIOS, x
    for k, q in enumerate(_RATIOS):
        m1 = _MASS_MSUN / (1 + q)
        table[1:, k + 1] = simulated(m1, m1 * q, f) / leading_order(f, chirp_mass(m1, m1 * q))
    return table


if __name__ == "__main__":
    np.savetxt(PATH, rows(), fmt="%.6g", header=_HEAD)
