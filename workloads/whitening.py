"""The whitening that all workloads share: strain in, unit noise out. Knows no model."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from workloads import psd
from workloads.spec import BAND_HZ, RATE_HZ, WHITEN_HALF_S


@cache
def kernel() -> NDArray[np.float64]:
    """The zero-phase filter of the published noise curve; WHITEN_HALF_S long on either side."""
    return psd.load().whitening(RATE_HZ, WHITEN_HALF_S, BAND_HZ)


def whiten(strain: NDArray[np.float64]) -> NDArray[np.float32]:
    """Whitened strain (…, sample), shorter by WHITEN_HALF_S at both ends."""
    return psd.filter_valid(strain, kernel()).astype(np.float32)


def transfer(n: int) -> NDArray[np.float64]:
    """What whitening multiplies a spectrum by, on the rfft grid of `n` samples."""
    return psd.response(kernel(), n)


def noise_power(n: int) -> NDArray[np.float64]:
    """Power of whitened noise on the rfft grid of `n` samples, relative to unit white noise."""
    return psd.load().filtered(kernel(), RATE_HZ, n)
