"""Calibration from lines: how wrong each stream's response is at the lines injected into it, with errors.

A calibration line moves a mirror by a known amount (for LIGO, Karki et al. 2016, arXiv:1608.05055). What the
stream shows of it, over what it should show, is the stream's complex gain there. Sines fitted by least squares are
the best linear unbiased estimate in white noise; whitening makes it white, a taper keeps the lines apart.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from workloads import psd
from workloads.spec import RATE_HZ, STREAMS, WHITEN_HALF_S
from workloads.whitening import transfer

LINES_HZ = (37.0, 147.0, 411.0, 791.0)
"""Whole numbers, so that every line has the same phase at every full second."""
FIT_S = 8.0
"""Whitened data that one fit uses."""
SAMPLES = round(FIT_S * RATE_HZ)
WINDOW_S = FIT_S + 2 * WHITEN_HALF_S
"""Strain for that, beginning at a full second."""
PRECISION = 0.003
"""Standard error of a gain's modulus, and of its phase in rad, that the lines are made loud enough for."""
SIDE = tuple(k for k in range(-10, 11) if abs(k) > 2)
"""Neighbouring frequencies, in 1/FIT_S, at which there is no line: they show how loud the noise is."""
DEGREES = round(2 * len(SIDE) / 1.82)
"""Degrees of freedom of an error: the taper correlates neighbours, 4/9 of their power for the nearest, which
makes the spread of a mean of eight 1.82 times that of independent ones."""
_LOSS = float(np.sqrt(1.5))
"""By how much a Hann taper widens the error of a sine that is fitted."""
_GRID = 1 << 18


@cache
def table() -> NDArray[np.float64]:
    """Frequency in Hz and strain amplitude (line, 2): loud enough for PRECISION in the published noise."""
    frequency = np.array(LINES_HZ)
    amplitude = np.sqrt(psd.load().at(frequency) / FIT_S) * _LOSS / PRECISION
    return np.stack([frequency, amplitude], axis=1)


def lines(samples: int, gains: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Strain (n, stream, sample) of the lines from a full second on, in streams of `gains` (n, stream, line)."""
    t = np.arange(samples) / RATE_HZ
    turning = np.array([a * np.exp(2j * np.pi * f * t) for f, a in table()])
    return np.asarray(np.einsum("nsl,lt->nst", gains, turning).real)


def projection(lines: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Weights (line, 1 + side, SAMPLES) that turn whitened data into gains at `lines` (line, 2), as in `table`.

    Entry 0 is at the line itself, the others beside it, where there is noise of the same size. The first sample is
    WHITEN_HALF_S after a full second.
    """
    t = WHITEN_HALF_S + np.arange(SAMPLES) / RATE_HZ
    taper = np.hanning(SAMPLES + 2)[1:-1]
    grid, seen = np.fft.rfftfreq(_GRID, 1 / RATE_HZ), transfer(_GRID)
    rows = []
    for line_hz, amplitude in lines:
        frequency = line_hz + np.array((0, *SIDE)) / FIT_S
        scale = 2 / taper.sum() / (amplitude * np.interp(frequency, grid, seen))
        rows.append(scale[:, None] * taper * np.exp(-2j * np.pi * frequency[:, None] * t))
    return np.array(rows)


def gains(fitted: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Complex gains (…, line), and the standard error of the real and imaginary part of each.

    `fitted` (…, line, 1 + side) is whitened data times `projection`. The error comes from the noise beside the
    line, so it grows when the noise does, and is distributed like Student's with DEGREES of freedom.
    """
    return fitted[..., 0], np.sqrt(np.mean(np.abs(fitted[..., 1:]) ** 2, axis=-1) / 2)


def draw_gains(n: int, spread: float, rng: np.random.Generator) -> NDArray[np.complex128]:
    """Gains (n, stream, line) with normal errors of modulus and phase (rad), `spread` each."""
    error = spread * rng.standard_normal((2, n, STREAMS, len(LINES_HZ)))
    return np.asarray((1 + error[0]) * np.exp(1j * error[1]))
