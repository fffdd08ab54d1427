"""Examples for the network of the early warning: pieces of maps, of noise and of inspirals, drawn afresh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from workloads import waveform
from workloads.dataquality.triangle import NULL, rotation
from workloads.premerger import evidence, level, sources
from workloads.premerger.bands import LONGEST_S, SHORTEST_S
from workloads.premerger.window import CHANNELS, SAMPLES, noise_power, whitened
from workloads.spec import STREAMS
from workloads.training import Batch, log_uniform

if TYPE_CHECKING:
    import torch

TEMPLATES, TIMES = 48, 96
"""Size of a piece of the map."""
_AHEAD_S = (SHORTEST_S + 1, LONGEST_S - 10)
_SNR = (7.0, 40.0)
"""SNR within the window, log-uniform."""
_NEAR = (2, 4)
"""Points of the map, in chirp mass and time, by which a candidate may be off and still be the inspiral."""
_LEAST_SNR = 0.02


@dataclass(frozen=True)
class Pool:
    """Whitened `spectra` (inspiral, bin) of SNR 1 within the window, and the point (inspiral, 2) on the map."""

    spectra: NDArray[np.complex64]
    at: NDArray[np.int64]


def pool(n: int, rng: np.random.Generator) -> Pool:
    """`n` inspirals, all classes alike, at times to merger that are log-uniform."""
    spectra: list[NDArray[np.complex64]] = []
    at: list[tuple[int, int]] = []
    alone = np.eye(STREAMS, dtype=np.complex128)[0]
    while len(at) < n:
        binary = sources.draw_binary(list(sources.CLASSES)[len(at) % len(sources.CLASSES)], rng)
        ahead_s = float(log_uniform(*_AHEAD_S, 1, rng)[0])
        unit = sources.strain(sources.spectrum(binary), alone, 1.0, ahead_s)
        spectrum = scipy.fft.rfft(whitened(unit[None])[0, 0]) / rotation()[0, 0]
        loudness = np.sqrt(2 / SAMPLES * np.sum(np.abs(spectrum) ** 2))
        if loudness < _LEAST_SNR:
            continue
        spectra.append((spectrum / loudness).astype(np.complex64))
        mass = waveform.chirp_mass(binary.mass_1_msun, binary.mass_2_msun)
        at.append(evidence.place_of(mass, ahead_s))
    return Pool(np.array(spectra), np.array(at))


def batch(known: Pool, n: int, rng: np.random.Generator) -> Batch:
    """Pieces (n, INPUTS, TEMPLATES, TIMES), every second one around an inspiral, and their truth (n, 3).

    The truth is whether there is an inspiral, and its point on the piece.
    """
    _, masses, times = evidence.shape()
    x = np.empty((n, evidence.INPUTS, TEMPLATES, TIMES), np.float32)
    y = np.zeros((n, 3), np.float32)
    for k in range(n):
        spectra = _noise(rng)
        at = rng.integers((masses, times))
        if k % 2:
            which = rng.integers(len(known.at))
            at = known.at[which]
            factors = rotation()[:NULL] @ waveform.draw_antenna(rng)
            factors *= log_uniform(*_SNR, 1, rng)[0] / np.sqrt(np.sum(np.abs(factors) ** 2))
            spectra += factors[:, None].astype(np.complex64) * known.spectra[which]
        corner = at - rng.integers((TEMPLATES, TIMES))
        corner = np.clip(corner, 0, (masses - TEMPLATES, times - TIMES))
        spectra = level.levelled(spectra)
        piece = evidence.evidence(spectra, slice(corner[0], corner[0] + TEMPLATES))
        x[k] = piece[..., corner[1] : corner[1] + TIMES]
        y[k] = k % 2, *(at - corner)
    return x, y


def surprise(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean of minus log the probability given to the truth: no inspiral, or one about where it is.

    What a piece says of the places where there is none stands for the whole map.
    """
    import torch

    n, templates, times = logits.shape
    _, masses, whole = evidence.shape()
    off = [
        (torch.arange(size)[None] - truth[:, 1 + axis : 2 + axis]).abs() <= _NEAR[axis]
        for axis, size in enumerate((templates, times))
    ]
    near = off[0][:, :, None] & off[1][:, None, :] & (truth[:, 0] > 0)[:, None, None]
    nothing = torch.full((n, 1), -torch.inf)
    here = torch.cat([logits.masked_fill(~near, -torch.inf).flatten(1), nothing], 1).logsumexp(1)
    share = float(np.log(masses * whole / (templates * times)))
    elsewhere = logits.masked_fill(near, -torch.inf).flatten(1).logsumexp(1) + share
    none = torch.zeros(n)
    total = torch.stack([here.clamp_min(-1e4), elsewhere, none], 1).logsumexp(1)
    return (total - torch.where(truth[:, 0] > 0, here.clamp_min(-1e4), none)).mean()


def _noise(rng: np.random.Generator) -> NDArray[np.complex64]:
    """The rfft (channel, bin) of whitened noise."""
    power = noise_power(SAMPLES)
    draws = rng.standard_normal((CHANNELS, power.size, 2), dtype=np.float32).view(np.complex64)[..., 0]
    return draws * np.sqrt(SAMPLES / 2 * power).astype(np.float32)
