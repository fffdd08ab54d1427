"""What a co-located triangle hears of a binary's orientation: two complex amplitudes, marginalised exactly.

The three streams' signals are one waveform times three factors that add to zero; the unitary `circular` turns
them into the amplitudes a+ and a- of right- and left-handed waves (in the detector's plane) and the null stream.
Prior: sources uniform in volume and orientation, hence seen the more often the better they are oriented, with
network SNRs rho = |a| log-uniform in `prior.SNR`. Both phases are then uniform, and what is left to integrate is
rho and the share v of right-handed power. With the matched filters z+ and z- of a unit waveform,
    ln L = Re(a* z) - |a|²/2,   M(|z+|, |z-|) = mean over the prior of exp(-rho²/2) I0(a+ z+) I0(a- z-).
Knows no waveform and no noise.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline
from scipy.special import i0e

from workloads.inference.prior import SNR
from workloads.spec import STREAMS
from workloads.waveform import antenna

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

REACH = 90.0
"""Largest matched filter |z+| or |z-| that the marginal likelihood is tabulated for."""
A_STEP = 0.1
"""Grid of the amplitudes' moduli."""
_Z_STEP = 0.4
_LOUDNESSES, _DRAWS, _SEED = 64, 1 << 19, 5


def circular(streams: Complex) -> Complex:
    """Amplitudes (2, …), right- and left-handed, of the three streams' factors or data (3, …)."""
    turn = np.exp(4j * np.pi / 3 * np.arange(STREAMS)) / np.sqrt(STREAMS)
    return np.stack([np.tensordot(turn, streams, 1), np.tensordot(turn.conj(), streams, 1)])


def streams(amplitude: Complex) -> Complex:
    """The three streams' factors or data (3, …) without a null stream that have circular amplitudes (2, …)."""
    turn = np.exp(4j * np.pi / 3 * np.arange(STREAMS)) / np.sqrt(STREAMS)
    return np.tensordot(turn.conj(), amplitude[0], 0) + np.tensordot(turn, amplitude[1], 0)


def response(cos_theta: Array, cos_inclination: Array, psi: Array) -> Complex:
    """Amplitudes (2, …) at azimuth zero of a face-on unit waveform's source; |.| falls as it is seen worse.

    At azimuth phi, the right-handed one turns by exp(2i phi) and the left-handed one by exp(-2i phi).
    """
    shape = np.broadcast_shapes(np.shape(cos_theta), np.shape(cos_inclination), np.shape(psi))
    x, c, angle = (np.broadcast_to(a, shape)[..., None] for a in (cos_theta, cos_inclination, psi))
    plus, cross = antenna(x, 0.0, angle)  # type: ignore[arg-type]  # broadcasts
    return circular(np.moveaxis(plus * (1 + c**2) / 2 - 1j * cross * c, -1, 0))


@cache
def orientations() -> tuple[Array, Array]:
    """Equally likely (cos theta, cos inclination, psi) rows (n, 3) of detected sources, and their share v (n,).

    Isotropic draws, kept with the cube of how well they are heard: that is the volume they are seen in. Sorted
    by the share of right-handed power.
    """
    rng = np.random.default_rng(_SEED)
    rows = rng.uniform([-1, -1, 0], [1, 1, np.pi], (_DRAWS, 3))
    power = np.abs(response(rows[:, 0], rows[:, 1], rows[:, 2])) ** 2
    heard = power.sum(0) ** 1.5
    kept = np.flatnonzero(rng.random(len(rows)) * heard.max() < heard)
    share = power[0, kept] / power[:, kept].sum(0)
    order = np.argsort(share)
    return rows[kept][order], share[order]


def draw(n: int, rng: np.random.Generator, snr: Array | None = None) -> Complex:
    """Amplitudes (n, 2) from the prior, or with given network SNRs (n,)."""
    low, high = SNR
    rho = low * (high / low) ** rng.random(n) if snr is None else snr
    share = orientations()[1]
    v = share[rng.integers(share.size, size=n)]
    phase = np.exp(2j * np.pi * rng.random((n, 2)))
    return np.asarray(rho[:, None] * np.sqrt(np.stack([v, 1 - v], axis=1)) * phase)


def log_marginal(z: Complex) -> Array:
    """ln M of matched filters z (…, 2), shape (…,); ValueError beyond REACH."""
    size = np.abs(z)
    if size.size and size.max() > REACH:
        raise ValueError(f"matched filter of {size.max():.0f}; tabulated up to {REACH:.0f}: louder than the prior")
    return np.asarray(_table().ev(size[..., 0], size[..., 1]) + 0.5 * np.sum(size**2, axis=-1))


@cache
def _table() -> RectBivariateSpline:
    """ln M - |z|²/2 on a grid of |z+| and |z-|."""
    size = np.asarray(_Z_STEP * np.arange(round(REACH / _Z_STEP) + 5), np.float64)
    square = mass()
    kernel = _kernel(size, np.asarray(A_STEP * np.arange(len(square)), np.float64))
    with np.errstate(divide="ignore"):
        log = np.log(kernel @ square @ kernel.T)
    return RectBivariateSpline(size, size, np.maximum(log, -700.0))


@cache
def mass() -> Array:
    """The prior of (|a+|, |a-|) as weights on a grid of A_STEP, each draw shared by the corners of its cell."""
    rng = np.random.default_rng(_SEED)
    share = np.repeat(orientations()[1], _LOUDNESSES)
    stratum = np.tile(np.arange(_LOUDNESSES), share.size // _LOUDNESSES)
    rho = SNR[0] * (SNR[1] / SNR[0]) ** ((stratum + rng.random(share.size)) / _LOUDNESSES)
    place = rho * np.sqrt([share, 1 - share]) / A_STEP
    cell, rest = np.divmod(place, 1.0)
    edge = int(SNR[1] / A_STEP) + 2
    weights = np.zeros(edge * edge)
    for i, j in np.ndindex(2, 2):
        weight = (rest[0] if i else 1 - rest[0]) * (rest[1] if j else 1 - rest[1])
        flat = (cell[0] + i) * edge + cell[1] + j
        weights += np.bincount(flat.astype(np.int64), weight, edge * edge)
    square = weights.reshape(edge, edge) / share.size
    return (square + square.T) / 2


def _kernel(z: Array, a: Array) -> Array:
    """exp(-(a² + z²)/2) I0(a z), shape (z, a), without overflow."""
    return np.asarray(np.exp(-0.5 * (z[:, None] - a) ** 2) * i0e(z[:, None] * a))
