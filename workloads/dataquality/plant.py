"""A simulated detector plant: subsystems that are disturbed, channels that see it, and glitches that follow.

What a witness model learns from and is judged by. The coupling is assumed, not measured; knows no model.
Channels come in groups of GROUP, one subsystem each. Only some subsystems couple into the strain, and only loud
disturbances do; the others are distractors. In a group, some channels are witnesses and the rest are not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

GROUP = 50
COUPLED_GROUPS = 0.3
WITNESSES = 0.2
"""Fraction of groups that couple into the strain, and of a group's channels that witness its disturbances."""
COUPLED_RATE_HZ = 0.02
UNSEEN_RATE_HZ = 0.004
"""Rates of all disturbances in coupled groups together, and of glitches that no channel witnesses."""
HARMLESS_RATE_HZ = 0.005
"""Rate of disturbances in each group that does not couple."""
FLOOR = 3.5
"""Typical loudest signal-to-noise ratio in a second of a quiet channel."""
Real = NDArray[np.float64]


@dataclass(frozen=True)
class Plant:
    """`rate_hz`, `couples` and `half` per group; `sees`, `gain` and `own_hz` per channel (group, GROUP).

    A disturbance of loudness x becomes a glitch with probability x²/(x² + half²) where `couples`; a channel shows
    it with probability `sees`, as loud as gain·x; own_hz is the rate of transients of the channel alone.
    """

    rate_hz: Real
    couples: NDArray[np.bool_]
    half: Real
    sees: Real
    gain: Real
    own_hz: Real

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.sees.size)


@dataclass(frozen=True)
class Seconds:
    """`loudness` (second, channel) as float32, `glitch` (second,), and `chance` of one, knowing every cause.

    Each stands for `weight` (second,) seconds like it.
    """

    loudness: NDArray[np.float32]
    glitch: NDArray[np.bool_]
    chance: Real
    weight: Real


def build(channels: int, rng: np.random.Generator) -> Plant:
    """A plant of `channels`, in full groups (a single smaller group if there are fewer)."""
    size = min(GROUP, channels)
    if channels % size:
        raise ValueError(f"{channels} channels; wanted a multiple of {GROUP}, or fewer than that")
    groups = channels // size
    couples = np.zeros(groups, bool)
    couples[rng.permutation(groups)[: max(1, round(COUPLED_GROUPS * groups))]] = True
    share = rng.dirichlet(np.full(int(couples.sum()), 2.0))
    rate_hz = np.full(groups, HARMLESS_RATE_HZ)
    rate_hz[couples] = COUPLED_RATE_HZ * share
    witness = np.argsort(rng.random((groups, size)), axis=1) < max(1, round(WITNESSES * size))
    sees = np.where(witness, rng.uniform(0.3, 0.95, (groups, size)), 0.0)
    gain = rng.lognormal(0.0, 0.3, (groups, size))
    own_hz = 10 ** rng.uniform(-4, -1.5, (groups, size))
    return Plant(rate_hz, couples, rng.uniform(6.0, 12.0, groups), sees, gain, own_hz)


@dataclass(frozen=True)
class Change:
    """How the plant has changed since its channels were learned from; zero is none."""

    rate: float = 0.0
    """Relative change of the rate of disturbances in groups that couple."""
    half: float = 0.0
    """Relative change of the loudness at which half of the disturbances become glitches."""
    gain: float = 0.0
    """Relative change of what channels show of a disturbance."""
    dead: float = 0.0
    """Fraction of channels that are off."""
    new: float = 0.0
    """Number of groups that begin to couple."""


def changed(plant: Plant, change: Change, rng: np.random.Generator) -> tuple[Plant, NDArray[np.bool_]]:
    """The plant after `change`, and which of its channels (channel,) are still on."""
    couples = plant.couples.copy()
    couples[rng.permutation(np.flatnonzero(~couples))[: round(change.new)]] = True
    rate_hz = np.where(plant.couples, (1 + change.rate) * plant.rate_hz, plant.rate_hz)
    half, gain = (1 + change.half) * plant.half, (1 + change.gain) * plant.gain
    return replace(plant, rate_hz=rate_hz, couples=couples, half=half, gain=gain), rng.random(
        plant.channels
    ) >= change.dead


def observe(plant: Plant, seconds: int, rng: np.random.Generator, quiet_kept: float = 1.0) -> Seconds:
    """`seconds` of the plant's life, independent of each other; of those without a glitch a fraction is kept."""
    shape = (seconds, len(plant.sees))
    loudest = np.where(rng.random(shape) < -np.expm1(-plant.rate_hz), _pareto(shape, rng), 0.0)
    chance = plant.couples * loudest**2 / (loudest**2 + plant.half**2)
    unseen = -np.expm1(-UNSEEN_RATE_HZ)
    total = 1.0 - (1.0 - unseen) * np.prod(1.0 - chance, axis=1)
    glitch = rng.random(seconds) < total
    kept = glitch | (rng.random(seconds) < quiet_kept)
    loudness = _loudness(plant, loudest[kept], rng)
    return Seconds(loudness, glitch[kept], total[kept], np.where(glitch[kept], 1.0, 1.0 / quiet_kept))


def _loudness(plant: Plant, loudest: Real, rng: np.random.Generator) -> NDArray[np.float32]:
    """What the channels show (second, channel) of disturbances `loudest` (second, group), 0 for none."""
    seconds, groups, size = len(loudest), *plant.sees.shape
    loudness = (FLOOR + 0.35 * rng.gumbel(size=(seconds, groups, size))).astype(np.float32)
    which, where = np.nonzero(loudest)
    shown = rng.random((which.size, size)) < plant.sees[where]
    seen = plant.gain[where] * loudest[which, where, None] * rng.lognormal(0.0, 0.2, (which.size, size))
    loudness[which, where] = np.maximum(loudness[which, where], np.where(shown, seen, 0.0))
    own = rng.random(loudness.shape) < -np.expm1(-plant.own_hz)
    loudness[own] = np.maximum(loudness[own], _pareto(int(own.sum()), rng))
    return loudness.reshape(seconds, -1)


def _pareto(shape: int | tuple[int, ...], rng: np.random.Generator) -> Real:
    """Loudness of transients: p(x) ~ x^-3 above 5, up to 500."""
    return np.asarray(np.minimum(5.0 / np.sqrt(1.0 - rng.random(shape)), 500.0))
