"""What a triangle's three streams share: two channels that carry every signal, and the null stream with none.

The three detectors lie in one place at 60°, so their antenna patterns sum to zero (Wen & Schutz 2005; for ET,
Regimbau et al. 2012): whatever is in the sum is noise, a glitch, or an error of calibration.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import hilbert

from workloads.spec import STREAMS

NULL = STREAMS - 1
"""Row of the null stream after `rotation`; the rows before it hold the signal."""


def rotation() -> NDArray[np.float64]:
    """Orthonormal matrix (channel, stream) from the streams to two signal channels and the null stream."""
    return np.array(
        [
            [1 / np.sqrt(2), -1 / np.sqrt(2), 0.0],
            [1 / np.sqrt(6), 1 / np.sqrt(6), -2 / np.sqrt(6)],
            [1 / np.sqrt(3), 1 / np.sqrt(3), 1 / np.sqrt(3)],
        ]
    )


def draw_gains(n: int, amplitude: float, phase_rad: float, rng: np.random.Generator) -> NDArray[np.complex128]:
    """Complex gains (n, stream) of wrong calibration: normal errors of those standard deviations."""
    size = (n, STREAMS)
    wrong = 1.0 + amplitude * rng.standard_normal(size)
    return np.asarray(wrong * np.exp(1j * phase_rad * rng.standard_normal(size)))


def miscalibrated(strain: NDArray[np.float64], gains: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Strain (…, stream, sample) as it would be with `gains` (…, stream), the same at all frequencies."""
    return np.asarray((gains[..., None] * hilbert(strain, axis=-1)).real)
