"""What the sky and the detectors send, drawn ahead, one random stream per source. Knows no site, no queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIGNALS = ("bbh",)
GLITCHES = ("blip", "tomte", "scattered-light", "whistle", "low-frequency-burst")
CLASSES = SIGNALS + GLITCHES

EVENT = np.dtype(
    [
        ("time_s", "f8"),  # merger time, or the glitch's centre
        ("snr", "f8"),  # network optimal SNR of a signal, single-stream optimal SNR of a glitch
        ("u_trigger", "f8"),  # this event's luck with a search: found where u < efficiency
        ("u_flag", "f8"),  # and with data quality
        ("cls", "i2"),  # index into CLASSES
        ("detector", "i2"),  # stream a glitch sits in; -1: all of them
    ]
)


@dataclass(frozen=True)
class Boost:
    """A time in which a rate is `factor` >= 1 times what it is else; boosts that overlap add their excess."""

    name: str
    start_s: float
    end_s: float
    factor: float


@dataclass(frozen=True)
class Population:
    """One Poisson source of events.

    The rate is `rate_hz`, larger inside `boosts`. SNRs follow p(rho) ~ rho**snr_index between `snr_min` and
    `snr_max`.
    """

    cls: str
    rate_hz: float
    snr_min: float
    snr_max: float
    snr_index: float
    detector: int = -1
    boosts: tuple[Boost, ...] = ()


def draw(populations: Sequence[Population], horizon_s: float, entropy: Sequence[int]) -> NDArray[np.void]:
    """Events of all populations in [0, horizon_s), sorted by time, dtype EVENT.

    A boost adds a Poisson process of its own to the undisturbed one (superposition, exact), from its own
    stream: a what-if with a storm keeps every event of the run without it.
    """
    parts = []
    for population in populations:
        name = f"{population.cls}/{population.detector}"
        base = _stream(entropy, name)
        parts.append(_events(population, population.rate_hz, 0.0, horizon_s, base))
        for boost in population.boosts:
            extra_hz = population.rate_hz * (boost.factor - 1.0)
            stream = _stream(entropy, f"{name}/boost/{boost.name}")
            parts.append(_events(population, extra_hz, boost.start_s, min(boost.end_s, horizon_s), stream))
    events = np.concatenate(parts) if parts else np.empty(0, EVENT)
    return events[np.argsort(events["time_s"], kind="stable")]


def power_law(u: NDArray[np.float64], minimum: float, maximum: float, index: float) -> NDArray[np.float64]:
    """Inverse CDF of p(x) ~ x**index on [minimum, maximum] at probabilities `u`."""
    if index == -1.0:
        return minimum * (maximum / minimum) ** u
    power = index + 1.0
    low, high = minimum**power, maximum**power
    x: NDArray[np.float64] = (low + u * (high - low)) ** (1.0 / power)
    return np.clip(x, minimum, maximum)


def _events(
    population: Population, rate_hz: float, start_s: float, end_s: float, rng: np.random.Generator
) -> NDArray[np.void]:
    n = rng.poisson(rate_hz * max(end_s - start_s, 0.0))
    events = np.empty(n, EVENT)
    events["time_s"] = np.sort(start_s + (end_s - start_s) * rng.random(n))
    events["snr"] = power_law(rng.random(n), population.snr_min, population.snr_max, population.snr_index)
    events["u_trigger"] = rng.random(n)
    events["u_flag"] = rng.random(n)
    events["cls"] = CLASSES.index(population.cls)
    events["detector"] = population.detector
    return events


def _stream(entropy: Sequence[int], name: str) -> np.random.Generator:
    return np.random.default_rng([*entropy, *name.encode()])
