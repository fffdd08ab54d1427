"""A reduced basis for whitened waveforms, seen from a trigger's frame, and how to project onto it.

A waveform is heterodyned: the phase of a reference binary of the trigger's chirp mass, and its merger time, are
taken out, so that what remains varies slowly and K numbers hold it (Cornish arXiv:1007.4820; Zackay et al.
1806.08792). It is evaluated at K frequencies only and interpolated (empirical interpolation, Field et al. PRX 4
(2014) 031006; reduced-order quadrature, Smith et al. PRD 94 (2016) 044031). Knows no noise samples.
`python -m workloads.inference.basis` makes the stored file again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.linalg import qr

from workloads import psd
from workloads.inference import frame as frames
from workloads.inference.frame import Frame
from workloads.inference.phenomd import reference_phase, waveforms
from workloads.inference.prior import Array
from workloads.spec import BAND_HZ

Complex = NDArray[np.complex128]

SIZE = 96
"""Numbers that hold a waveform; the least SNR² that they lose is below 1e-5 of it (tested)."""
DURATION_S = 8.0
"""Length of the analysed data: the longest signal spends 6 s in the band."""
STORED = Path(__file__).parents[1] / "data" / "heterodyned-basis.safetensors"
_POINTS, _TRAINING, _SEED = 800, 5000, 1


@dataclass(frozen=True, eq=False)
class Basis:
    """`rows` (K, frequency) are orthonormal on `frequency_hz`, the band of DURATION_S of data.

    A waveform's K coefficients are `interpolate` (K, K) times its values at `node_hz` (K,).
    """

    frequency_hz: Array
    weight: Array
    rows: Complex
    node_hz: Array
    interpolate: Complex

    def coefficients(self, theta: Array, frame: Frame) -> Complex:
        """Face-on waveforms at 1 Gpc of parameters (n, 5): coefficients (n, K); their norm is the SNR."""
        values = waveforms(theta, self.node_hz)
        return self.shifted(values, theta[:, 4], frame)

    def shifted(self, values: NDArray[np.complexfloating[Any]], merger_s: Array, frame: Frame) -> Complex:
        """Coefficients (n, K) of waveforms that have `values` (n, K) at the nodes and merge at `merger_s`."""
        time_s = np.atleast_1d(merger_s - frame.merger_s)[:, None]
        phase = reference_phase(np.atleast_1d(np.exp(frame.chirp_mass_log))[:, None] * self.node_hz)
        return np.asarray(
            (values * np.exp(-1j * (phase + 2 * np.pi * self.node_hz * time_s))) @ self.interpolate.T
        )

    def project(self, spectra: Complex, frame: Frame) -> Complex:
        """Coefficients (stream, K) of whitened data (stream, frequency) of one event, noise of variance 2 each."""
        phase = reference_phase(float(np.exp(frame.chirp_mass_log)) * self.frequency_hz)
        turn = np.exp(-1j * (phase - 2 * np.pi * self.frequency_hz * float(frame.merger_s)))
        return np.asarray((spectra * turn) @ self.rows.conj().T)


def heterodyned(theta: Array, frequency_hz: Array, frame: Frame) -> Complex:
    """Waveforms (n, frequency) of parameters (n, 5), each seen from its own frame (n,)."""
    phase = reference_phase(np.exp(frame.chirp_mass_log)[:, None] * frequency_hz)
    time_s = (theta[:, 4] - frame.merger_s)[:, None]
    turn = np.exp(-1j * (phase + 2 * np.pi * frequency_hz * time_s))
    return np.asarray(waveforms(theta, frequency_hz) * turn)


def band(duration_s: float = DURATION_S) -> Array:
    """Frequencies in Hz of `duration_s` of data inside BAND_HZ."""
    low, high = (round(f * duration_s) for f in BAND_HZ)
    return np.arange(low, high + 1) / duration_s


def white(frequency_hz: Array, step_hz: Array | float) -> Array:
    """What makes a spectrum in 1/Hz white: its squared modulus then sums to the SNR²."""
    return np.sqrt(4 * step_hz / psd.load().at(frequency_hz))


@cache
def load() -> Basis:
    """The stored basis."""
    from safetensors.numpy import load_file

    return filled(load_file(STORED))


def filled(stored: Mapping[str, NDArray[Any]]) -> Basis:
    """The basis of stored arrays, on the frequencies of the data."""
    smooth = CubicSpline(_coarse(), (stored["real"] + 1j * stored["imag"]).astype(np.complex128), axis=1)
    f, nodes = band(), _coarse()[stored["node"]]
    weight = white(f, 1 / DURATION_S)
    orthonormal, triangle = np.linalg.qr((smooth(f) * weight).T)
    interpolate = triangle @ np.linalg.inv(smooth(nodes).T)
    return Basis(f, weight, np.ascontiguousarray(orthonormal.T), nodes, interpolate)


def build(seed: int = _SEED) -> dict[str, NDArray[np.generic]]:
    """The arrays of STORED: basis (K, point) on _coarse(), and which of its points are the nodes."""
    f = _coarse()
    weight = white(f, np.gradient(f))
    theta, frame = frames.draw(_TRAINING, np.random.default_rng(seed))
    rows = heterodyned(theta, f, frame) * weight
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = np.linalg.svd(rows.astype(np.complex64), full_matrices=False)[2][:SIZE].astype(np.complex128)
    basis = vectors / weight
    return {
        "real": basis.real.astype(np.float32),
        "imag": basis.imag.astype(np.float32),
        "node": np.sort(_nodes(basis)).astype(np.int64),
    }


def _nodes(basis: Complex) -> NDArray[np.int64]:
    """Points (K,) that tell rows of `basis` (K, point) apart best: pivots of its QR (Drmač & Gugercin 2016)."""
    weight = white(_coarse(), np.gradient(_coarse()))
    pivots = qr(basis * weight, pivoting=True, mode="r")[1]
    return np.asarray(pivots[: len(basis)], dtype=np.int64)


def _coarse() -> Array:
    """Frequencies in Hz on which the stored basis is given: dense where the phase turns fast."""
    low, high = BAND_HZ
    return np.asarray(np.linspace(low**0.4, high**0.4, _POINTS) ** 2.5)


if __name__ == "__main__":
    from safetensors.numpy import save_file

    save_file(build(), STORED)
    STORED.chmod(0o644)
