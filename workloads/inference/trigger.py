"""From strain to an Event: whitened spectra, the loudest template, and the best point near it. Knows no flow.

The merger is expected AFTER_S before the end of DURATION_S of whitened data, give or take `prior.TIME_S`.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

from workloads import psd
from workloads.drift import LINES_HZ, NONE, Drift
from workloads.inference import amplitudes, prior
from workloads.inference import basis as bases
from workloads.inference import frame as frames
from workloads.inference.basis import DURATION_S, Basis, Complex
from workloads.inference.frame import Frame
from workloads.inference.likelihood import Event, filters
from workloads.inference.phenomd import waveforms
from workloads.inference.prior import Array, ratio_floor
from workloads.spec import RATE_HZ, STREAMS, WHITEN_HALF_S
from workloads.unit import BadInputError
from workloads.whitening import transfer, whiten

AFTER_S = 0.5
WINDOW_S = DURATION_S + 2 * WHITEN_HALF_S
"""Strain that one event needs, with what the whitening filter takes at both ends."""
_SHAPES, _SPACING = ((0.8, -0.2), (0.8, 0.2), (0.3, -0.2), (0.3, 0.0), (0.3, 0.2)), 0.4
"""Mass ratios and spins of the templates, and how far apart their chirp masses are, in half windows."""
_SERIES = 4096
"""Points of a template's SNR series over DURATION_S; the optimiser does the rest."""
_FIRST, _ROUNDS, _NEXT, _BEST = 512, 6, 128, 32


def spectra(strain: NDArray[np.float64]) -> Complex:
    """Right- and left-handed whitened spectra (2, frequency) of strain (3, sample); noise of variance 2 each.

    The merger is expected at time zero. The null stream, in which no signal is, is left out.
    """
    white = whiten(strain).astype(np.float64)
    samples = white.shape[-1]
    inside = np.round(bases.band() * DURATION_S).astype(int)
    scale = bases.load().weight / transfer(samples)[inside] / RATE_HZ
    turn = np.exp(2j * np.pi * bases.band() * (DURATION_S - AFTER_S))
    return amplitudes.circular(np.fft.rfft(white)[:, inside] * scale * turn)


def simulated(theta: Array, amplitude: Complex, rng: np.random.Generator, drift: Drift = NONE) -> Complex:
    """Spectra (2, frequency), as `spectra` gives them, of one binary (5,) with amplitudes (2,) in fresh noise.

    Of a `drift` that came after the noise was measured, they show the new noise and what became of the signal.
    """
    f = bases.band()
    wave = waveforms(theta[None], f)[0] * bases.load().weight * np.exp(-2j * np.pi * f * theta[4])
    parts = rng.standard_normal((2, 2, f.size))
    noise, shape = parts[0] + 1j * parts[1], wave / np.linalg.norm(wave)
    if drift != NONE:
        noise = _drifted(noise, drift, rng)
        amplitude = amplitudes.circular(drift.gains[:, None] * amplitudes.streams(amplitude[:, None]))[:, 0]
    return np.asarray(amplitude[:, None] * shape + noise)


def _drifted(noise: Complex, drift: Drift, rng: np.random.Generator) -> Complex:
    """What has become of noise (2, frequency), whitened as it was before the drift; no glitches."""
    f = bases.band()
    null = rng.standard_normal((2, f.size))
    streams = amplitudes.streams(noise) + (null[0] + 1j * null[1]) / np.sqrt(STREAMS)
    curve = drift.curve(psd.load())
    streams = streams * np.sqrt(curve.at(f) / psd.load().at(f))
    if drift.lines:
        at = np.round((np.array(LINES_HZ) - f[0]) * DURATION_S).astype(int)
        turn = np.exp(2j * np.pi * rng.random((STREAMS, at.size)))
        streams[:, at] += bases.load().weight[at] * DURATION_S / 2 * drift.tones(curve) * turn
    return amplitudes.circular(np.abs(drift.gains)[:, None] * streams)


def event(data: Complex) -> Event:
    """What the estimators need of spectra (2, frequency): the best point's frame, and the data projected there."""
    basis = bases.load()
    wide = _loudest(data)
    best, snr = _climbed(Event(wide, basis.project(data, wide)), basis)
    if snr > frames.SNR[1]:
        raise BadInputError(f"a signal or glitch of SNR {snr:.0f}; signals up to SNR {prior.SNR[1]:.0f} are known")
    frame = _rounded(frames.at(best, max(snr, frames.SNR[0])))
    return Event(frame, basis.project(data, frame))


def _rounded(frame: Frame) -> Frame:
    """The frame that single precision holds: rows keep it so."""
    chirp, merger, snr = (
        np.asarray(np.float32(x), np.float64) for x in (frame.chirp_mass_log, frame.merger_s, np.log(frame.snr))
    )
    return Frame(chirp, merger, np.exp(snr))


def _loudest(data: Complex) -> Frame:
    """The frame of the loudest template, with the widest window."""
    theta, rows = _templates()
    top = rows.shape[1]
    low = round(bases.band()[0] * DURATION_S)
    reach = int(prior.TIME_S * _SERIES / DURATION_S) + 1
    power = np.zeros((len(rows), 2 * reach + 1), np.float32)
    for side in data[:, :top].astype(np.complex64):
        stack = np.zeros((len(rows), _SERIES), np.complex64)
        stack[:, low : low + top] = rows * side
        series = scipy.fft.ifft(stack, overwrite_x=True)
        near = np.concatenate([series[:, -reach:], series[:, : reach + 1]], axis=1)
        power += near.real**2 + near.imag**2
    template, lag = np.unravel_index(power.argmax(), power.shape)
    found = theta[template].copy()
    found[4] = (int(lag) - reach) * DURATION_S / _SERIES
    return frames.at(found, frames.SNR[0])


@cache
def _templates() -> tuple[Array, NDArray[np.complex64]]:
    """Parameters (template, 5) and conjugate unit templates (template, frequency)."""
    chirp = frames.at(np.array([3.0, 0.0, 0.0, 0.0, 0.0]), frames.SNR[0]).spaced(_SPACING)
    theta = np.array([[c, np.log(q), s, s, 0.0] for q, s in _SHAPES for c in chirp if np.log(q) > ratio_floor(c)])
    top = _SERIES - round(bases.band()[0] * DURATION_S)
    rows = waveforms(theta, bases.band()[:top]) * bases.load().weight[:top]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return theta, np.conj(rows).astype(np.complex64)


def _climbed(start: Event, basis: Basis) -> tuple[Array, float]:
    """The most probable parameters (5,) in a frame and their SNR, by the cross-entropy method.

    Points that fill the frame, then ever closer around the best ones so far (Rubinstein 1999).
    """
    fresh = _points(_FIRST, 3)
    points, score = np.zeros((0, 5)), np.zeros(0)
    for turn in range(_ROUNDS + 1):
        z = filters(start, start.frame.from_normal(fresh), basis)[0]
        points = np.vstack([points, fresh])
        score = np.concatenate([score, 0.5 * np.sum(np.abs(z) ** 2, axis=1) - 0.5 * np.sum(fresh**2, axis=1)])
        best = points[np.argsort(score, kind="stable")[-_BEST:]]
        spread = 1.5 * np.cov(best.T) + 1e-6 * np.eye(5)
        fresh = np.clip(best.mean(0) + _points(_NEXT, 4 + turn) @ np.linalg.cholesky(spread).T, -5, 5)
    theta = start.frame.from_normal(points[int(score.argmax())])
    return theta, float(np.linalg.norm(filters(start, theta[None], basis)[0]))


@cache
def _points(n: int, seed: int) -> Array:
    """Points (n, 5) that fill the unit normal evenly."""
    return np.asarray(ndtri(qmc.Sobol(5, rng=np.random.default_rng(seed)).random(n)))
