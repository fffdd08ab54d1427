"""Which templates of a bank lie near each of the detector's: what is left to filter once it has heard some.

Nearness is the match in the reduced basis, over phase and small delays. Knows no network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workloads import waveform
from workloads.searching import basis
from workloads.searching.basis import Complex

MATCH = 0.8
"""Templates that match a coarse one that well are searched when it is heard."""
_LAGS_S = np.arange(-10, 11) / 1024


def near(coarse: Complex, bank: NDArray[np.float64], match: float = MATCH) -> NDArray[np.bool_]:
    """Which templates of `bank` (n, 3) match which of `coarse` (m, basis.SIZE), shape (m, n).

    Each is near at least one of the others: the one that it matches best.
    """
    best = matches(coarse, bank)
    found = best >= match
    found[best.argmax(axis=0), np.arange(len(bank))] = True
    found[np.arange(len(coarse)), best.argmax(axis=1)] = True
    return np.asarray(found)


def matches(coarse: Complex, bank: NDArray[np.float64]) -> NDArray[np.float32]:
    """Largest overlap of `coarse` (m, basis.SIZE), conjugate unit rows, with `bank`, shape (m, n)."""
    best = np.zeros((len(coarse), len(bank)), np.float32)
    for column, (m1, m2, spin) in enumerate(bank):
        one = basis.unit_spectrum(waveform.Binary(m1, m2, spin, spin))
        moved = basis.delayed(one / np.linalg.norm(one), _LAGS_S)
        best[:, column] = np.abs(coarse @ (moved @ basis.load().conj().T).T).max(axis=1)
    return best
