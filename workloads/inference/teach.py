"""Teaching the flow: binaries made once; mass frame, merger time, orientation, SNR and noise fresh every step.

Where a trigger places its window is drawn at random, not found by a search: within a window wider than the
posterior its place does not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import training
from workloads.inference import amplitudes, basis, network, phenomd, prior
from workloads.inference import frame as frames
from workloads.inference.prior import Array
from workloads.training import Course, Fitted

if TYPE_CHECKING:
    import torch

Rows = NDArray[np.float32]
STEPS = 14_000
_BINARIES, _UNSEEN, _HELD_OUT, _BATCH = 150_000, 6_000, 4096, 256
_RATE = 1.5e-3
PRIOR_LOSS = 2.5 * (1 + math.log(2 * math.pi))
"""Loss in nats of a network that only knows the window: the entropy of five unit normals."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Parameters (n, 5) from the prior and their waveforms (n, K) at the basis's nodes."""

    theta: Array
    values: NDArray[np.complexfloating[Any]]


def pool(n: int, rng: np.random.Generator) -> Pool:
    """A pool of `n` binaries; 0.1 ms each."""
    theta = prior.draw(n, rng)
    nodes = basis.load().node_hz
    parts = [phenomd.waveforms(theta[i : i + 4096], nodes).astype(np.complex64) for i in range(0, n, 4096)]
    return Pool(theta, np.concatenate(parts))


def batch(known: Pool, n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """`n` rows for the network, and the unit normals (n, 5) of their true parameters."""
    reduced = basis.load()
    pick = rng.integers(len(known.theta), size=n)
    theta = known.theta[pick]
    low, high = frames.SNR
    trigger_snr = low * (high / low) ** rng.random(n)
    frame = frames.around(theta, trigger_snr, rng)
    waves = reduced.shifted(known.values[pick], theta[:, 4], frame)
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    snr = trigger_snr * frames.LOCAL_SNR ** rng.uniform(-1, 1, n)
    data = amplitudes.draw(n, rng, snr)[:, :, None] * waves[:, None]
    parts = np.stack([data.real, data.imag], axis=2) + rng.standard_normal((n, 2, 2, basis.SIZE))
    about = np.stack([frame.chirp_mass_log, np.log(trigger_snr)], axis=1)
    rows = np.concatenate([parts.reshape(n, -1), about], axis=1)
    return rows.astype(np.float32), frame.to_normal(theta).astype(np.float32)


def fit(course: Course) -> tuple[Fitted, float]:
    """The network fitted to the posterior of every event, rounded to half precision, and its held-out loss.

    The loss is the mean of -ln q at the truth, in nats; the window alone has PRIOR_LOSS.
    """
    import torch

    known, unseen = (pool(n, np.random.default_rng([course.seed, n])) for n in (_BINARIES, _UNSEEN))
    scale = gain(known, np.random.default_rng([course.seed, 1]))
    held_out = _lessons(unseen, _HELD_OUT, np.random.default_rng([course.seed, 2]))

    def lessons(done: float, rng: np.random.Generator) -> training.Batch:
        return _lessons(known, _BATCH, rng)

    def loss(raw: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        return raw.mean()

    if course.start is not None:
        course = replace(course, start={f"posterior.{k}": v for k, v in course.start.items()})
    fitted = training.fit(course, lambda: network.pupil(scale), lessons, loss, held_out, STEPS, _RATE)
    posterior = fitted.module.posterior
    assert isinstance(posterior, torch.nn.Module)
    with torch.no_grad():
        for weight in posterior.parameters():
            weight.copy_(weight.half().float())
    value = training.apply(fitted.module, held_out[0]).mean()
    return Fitted(posterior, fitted.steps, fitted.earlier_wall_s, fitted.earlier_cpu_s), float(value)


def _lessons(known: Pool, n: int, rng: np.random.Generator) -> training.Batch:
    rows, truth = batch(known, n, rng)
    return np.concatenate([rows, truth], axis=1), np.zeros(n, np.float32)


def gain(known: Pool, rng: np.random.Generator) -> Rows:
    """What scales each coefficient (K,) of a unit waveform, with some noise, to order one."""
    reduced = basis.load()
    theta = known.theta[:4000]
    frame = frames.around(theta, np.full(len(theta), 15.0), rng)
    waves = reduced.shifted(known.values[: len(theta)], theta[:, 4], frame)
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    return np.asarray((np.mean(np.abs(waves) ** 2, axis=0) / 2 + 15.0**-2) ** -0.5, dtype=np.float32)
