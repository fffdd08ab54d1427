"""The best that a linear filter can do: Wiener's, from cross spectra of the witnesses with the strain.

The yardstick of the noise subtraction, which knows more than the data do: spectra of as long a stretch as wanted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from workloads.dataquality.coupling import SAMPLE_HZ, Stretch

_SLOW_HZ = 6.0
"""The alignment moves no faster; what its sensor shows above is noise of the sensor."""


def inputs(stretch: Stretch, product: bool) -> NDArray[np.float64]:
    """Witnesses (n, witness, sample) and, if wanted, the product of mains and slow alignment as one more."""
    seen = stretch.witnesses.astype(np.float64)
    if not product:
        return seen
    slow = sosfiltfilt(butter(4, _SLOW_HZ, output="sos", fs=SAMPLE_HZ), seen[:, 3])
    return np.concatenate([seen, (seen[:, 2] * slow)[:, None]], axis=1)


def power(series: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean power (frequency,) of stretches (n, sample), tapered; noise of unit variance has 1."""
    taper = np.hanning(series.shape[-1])
    spectrum = np.fft.rfft(series * taper)
    return np.asarray(np.mean(np.abs(spectrum) ** 2, axis=0) / np.sum(taper**2))


def residual(target: NDArray[np.floating], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power (frequency,) that the best linear filter of `seen` (n, witness, sample) leaves of `target`."""
    taper = np.hanning(target.shape[-1])
    s, w = np.fft.rfft(target * taper), np.fft.rfft(seen * taper)
    cross = np.einsum("nif,njf->fij", w, w.conj()) / len(s)
    with_target = np.einsum("nif,nf->fi", w, s.conj()) / len(s)
    solved = np.linalg.solve(cross, with_target[..., None])[..., 0]
    removed = np.einsum("fi,fi->f", with_target.conj(), solved).real
    whole = np.mean(np.abs(s) ** 2, axis=0)
    lost = seen.shape[1] / len(s)
    return np.asarray((whole - removed) / (1 - lost) / np.sum(taper**2))
