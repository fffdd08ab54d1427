"""A reduced basis of whitened binaries, and its coefficients in data: the linear front end of the networks.

A few dozen orthonormal vectors span the last MEMORY_S of all binaries in the range of masses almost fully
(Cannon et al., PRD 82 (2010) 044025). Data filtered with them therefore hold what a bank of any size would find;
mixing them into templates is left to a network. Coefficients are complex, sampled at COEFFICIENT_HZ, and of unit
variance in each quadrature. Knows no network.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from workloads import waveform
from workloads.dataquality.triangle import rotation
from workloads.psd import DATA
from workloads.spec import RATE_HZ, RINGDOWN_S, SEGMENT_S, WHITEN_HALF_S
from workloads.whitening import transfer

SIZE = 40
"""Basis vectors."""
MEMORY_S = 1.4375 - RINGDOWN_S
"""Part of a binary before its merger that is looked at."""
WINDOW_S = MEMORY_S + RINGDOWN_S + SEGMENT_S + 2 * WHITEN_HALF_S
SAMPLES = round(WINDOW_S * RATE_HZ)
COEFFICIENT_HZ = 256
BINS = round(WINDOW_S * COEFFICIENT_HZ)
FIRST_BIN = int(np.ceil(20.0 * WINDOW_S))
"""Of the rfft grid of SAMPLES: the band begins at 20 Hz and is as wide as COEFFICIENT_HZ, so nothing aliases."""
CARRIER_HZ = 64.0
"""What becomes zero frequency, near the mean of the band as signals weigh it, so that coefficients vary slowly."""
MARGIN = 4
_CARRIER_BIN = round(CARRIER_HZ * WINDOW_S)
ORDER = FIRST_BIN + (np.arange(BINS) + _CARRIER_BIN - FIRST_BIN) % BINS
"""Bins of the rfft grid in the order that all spectra here have: from the carrier upwards, then those below."""
TIMES = round(SEGMENT_S * COEFFICIENT_HZ) + 2 * MARGIN
"""Coefficients kept: those of the searched second, and MARGIN before and after."""
BANDS_HZ = (20.0, 32.0, 50.0, 80.0, 130.0, 276.0)
"""Edges of the bands whose power is followed beside the coefficients, with and without regard to a signal."""
CHANNELS = 4 * SIZE + 2 * (len(BANDS_HZ) - 1)
"""Rows of what `features` gives."""
PATH = DATA / "binaries-basis.safetensors"
_FIRST = round((WHITEN_HALF_S + MEMORY_S) * COEFFICIENT_HZ) - MARGIN
_BINARIES, _SEED = 1_500, 20_260
_LAGS_S = np.arange(-8, 9) / 512
_ROUNDS = 2
Complex = NDArray[np.complex64]


def spectra(strain: NDArray[np.float64]) -> Complex:
    """Whitened spectra (batch, channel, BINS) of strain (batch, detector, SAMPLES); the last is the null channel.

    Scaled so that noise has unit variance in the real and in the imaginary part of each bin, and the sum of a
    signal's squares is its squared SNR in the band.
    """
    whole = scipy.fft.rfft(strain)
    band = np.concatenate([whole[..., _CARRIER_BIN : FIRST_BIN + BINS], whole[..., FIRST_BIN:_CARRIER_BIN]], -1)
    white = (band * _whitening()).astype(np.complex64)
    turned = np.matmul(rotation().astype(np.float32), white.view(np.float32))
    return np.asarray(turned.view(np.complex64))


def features(channel_spectra: Complex) -> NDArray[np.float32]:
    """What networks see, (batch, CHANNELS, TIMES): coefficients, then the logarithm of power in bands.

    First all real parts of the first signal channel, its imaginary parts, the same of the second; then the
    power in each of BANDS_HZ of both signal channels together, and of the null channel.
    """
    batch = len(channel_spectra)
    out = np.empty((batch, CHANNELS, TIMES), np.float32)
    view = out[:, : 4 * SIZE].reshape(batch, 2, 2, SIZE, TIMES)
    for unit in range(batch):  # one at a time stays in the processor's cache
        found = _series(channel_spectra[unit, :-1, None] * _filters())
        view[unit, :, 0], view[unit, :, 1] = found.real, found.imag
        power = _power(_series(channel_spectra[unit, :, None] * _band_filters()))
        out[unit, 4 * SIZE :] = np.log(0.1 + np.concatenate([power[0] + power[1], 2 * power[2]]))
    return out


def unit_spectrum(binary: waveform.Binary, memory_s: float = MEMORY_S) -> Complex:
    """A whitened binary of SNR 1 (BINS,) that merges at the first sample, cut to its last `memory_s`."""
    from workloads import psd

    face_on = waveform.spectrum(binary)
    face_on /= waveform.optimal_snr(face_on, psd.load(), waveform.DURATION_S)
    series = np.fft.irfft(face_on * transfer(waveform.SAMPLES)) * RATE_HZ
    before, after, ramp = round(memory_s * RATE_HZ), round(RINGDOWN_S * RATE_HZ), round(0.05 * RATE_HZ)
    cut = np.zeros(SAMPLES)
    cut[:after], cut[-before:] = series[:after], series[-before:]
    cut[-before : ramp - before] *= np.sin(np.linspace(0, np.pi / 2, ramp)) ** 2
    return band_of(cut)


def band_of(white: NDArray[np.floating[Any]]) -> Complex:
    """The spectrum (…, BINS), scaled as in `spectra`, of whitened series (…, SAMPLES)."""
    scale = np.sqrt(2 / SAMPLES)
    return np.asarray(scipy.fft.rfft(white)[..., ORDER] * scale, dtype=np.complex64)


def delayed(spectrum: Complex, delay_s: NDArray[np.floating[Any]]) -> Complex:
    """`spectrum` (…, BINS) moved `delay_s` (…) later."""
    phase = np.exp(-2j * np.pi * delay_s[..., None] * _frequency())
    return np.asarray(spectrum * phase, dtype=np.complex64)


def build() -> Complex:
    """The basis (SIZE, BINS): the principal components of binaries drawn as the population is.

    A binary may be found a little early or late, so each is moved to where the basis holds most of it, and the
    components are taken again.
    """
    rng = np.random.default_rng(_SEED)
    rows = np.array([unit_spectrum(waveform.draw_binary(rng)) for _ in range(_BINARIES)])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    aligned = rows
    for _ in range(_ROUNDS):
        basis = _principal(aligned)
        aligned = _aligned(rows, basis)
    return _principal(aligned)


def captured(basis: Complex, spectrum: Complex) -> NDArray[np.float64]:
    """Fraction of the norm of `spectrum` (n, BINS) that `basis` holds, each at its best delay, shape (n,)."""
    held = [np.linalg.norm(_moved(spectrum, lag) @ basis.conj().T, axis=1) for lag in _LAGS_S]
    return np.asarray(np.max(held, axis=0) / np.linalg.norm(spectrum, axis=1))


def save(path: Path = PATH) -> None:
    """Build the basis and write it, in half precision, to `path`."""
    from safetensors.numpy import save_file

    basis = build()
    halves = np.stack([basis.real, basis.imag]).astype(np.float16)
    save_file({"basis": halves}, path)
    path.chmod(0o644)


@cache
def load(path: Path = PATH) -> Complex:
    """The shipped basis, shape (SIZE, BINS), rows of unit norm."""
    from safetensors.numpy import load_file

    real, imaginary = load_file(path)["basis"].astype(np.float32)
    basis = real + 1j * imaginary
    return np.asarray(basis / np.linalg.norm(basis, axis=1, keepdims=True), dtype=np.complex64)


def _series(filtered: Complex) -> Complex:
    """Series (…, TIMES), relative to the carrier, of spectra (…, BINS)."""
    whole = scipy.fft.ifft(filtered, norm="forward", overwrite_x=True)
    return np.asarray(whole[..., _FIRST : _FIRST + TIMES])


def _power(series: Complex) -> NDArray[np.float32]:
    return np.asarray(series.real**2 + series.imag**2)


def _principal(rows: Complex) -> Complex:
    values, vectors = np.linalg.eigh(rows @ rows.conj().T)
    top = vectors[:, -SIZE:][:, ::-1].conj().T @ rows
    return np.asarray(top / np.sqrt(values[-SIZE:][::-1])[:, None], dtype=np.complex64)


def _aligned(rows: Complex, basis: Complex) -> Complex:
    best, out = np.zeros(len(rows)), rows.copy()
    for lag in _LAGS_S:
        moved = _moved(rows, lag)
        held = np.linalg.norm(moved @ basis.conj().T, axis=1)
        better = held > best
        best[better], out[better] = held[better], moved[better]
    return out


def _moved(rows: Complex, lag_s: float) -> Complex:
    return delayed(rows, np.full(len(rows), lag_s))


@cache
def _filters() -> Complex:
    return np.asarray(load().conj())


@cache
def _band_filters() -> Complex:
    edges = pairwise(BANDS_HZ)
    rows = np.array([(_frequency() >= low) & (_frequency() < high) for low, high in edges], np.float64)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.complex64)


@cache
def _frequency() -> NDArray[np.float64]:
    return np.asarray(ORDER / WINDOW_S)


@cache
def _whitening() -> NDArray[np.float64]:
    return np.asarray(transfer(SAMPLES)[ORDER] * np.sqrt(2 / SAMPLES))
