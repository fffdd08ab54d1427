"""How a rate changes with time: by steps, in cycles, or not at all. For arrivals; draws nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Window = tuple[float, float, float]
"""Start and end in s, and the factor between them."""


@dataclass(frozen=True)
class Cycle:
    """A factor of 1 + `amplitude` cos(2 pi (t - `phase_s`) / `period_s`): largest at `phase_s`, 1 on average."""

    period_s: float
    amplitude: float
    phase_s: float = 0.0


@dataclass(frozen=True)
class Modulation:
    """A factor over time: that of the last step (`at_s`, factor) so far, 1 before the first, times all cycles.

    Steps ascend.
    """

    steps: tuple[tuple[float, float], ...] = ()
    cycles: tuple[Cycle, ...] = ()

    @property
    def constant(self) -> bool:
        """Whether the factor is 1 at all times."""
        return not self.steps and not self.cycles

    def at(self, time_s: ArrayLike) -> Array:
        """The factor at times (…) in s."""
        time = np.asarray(time_s, dtype=float)
        factor = self._step(time)
        for cycle in self.cycles:
            angle = 2 * np.pi * (time - cycle.phase_s) / cycle.period_s
            factor = factor * (1.0 + cycle.amplitude * np.cos(angle))
        return factor

    def above(self, level: float, start_s: float, end_s: float) -> list[tuple[float, float]]:
        """Spans of [start_s, end_s) outside which the factor is at most `level`; cycles count at their top."""
        if end_s <= start_s:
            return []
        inner = self._starts_s[(self._starts_s > start_s) & (self._starts_s < end_s)]
        edges = np.concatenate(([start_s], inner, [end_s]))
        high = self._step(edges[:-1]) * self._top > level
        return [(float(edges[k]), float(edges[k + 1])) for k in np.flatnonzero(high)]

    def integral(self, start_s: float, end_s: float) -> float:
        """The factor integrated over [start_s, end_s), in s; 0 where it is empty."""
        if end_s <= start_s:
            return 0.0
        if self.constant:
            return end_s - start_s
        inner = self._starts_s[(self._starts_s > start_s) & (self._starts_s < end_s)]
        edges = np.concatenate(([start_s], inner, [end_s]))
        return float(np.sum(self._step(edges[:-1]) * self._cycled(edges[:-1], edges[1:])))

    def quieted(self, windows: Iterable[Window]) -> Modulation:
        """This modulation times the factor of every one of `windows`, inside it."""
        windows = list(windows)
        if not windows:
            return self
        edges = [x for start_s, end_s, _ in windows for x in (start_s, end_s)]
        starts = np.unique(np.concatenate((self._starts_s, edges)))
        factors = self._step(starts)
        for start_s, end_s, factor in windows:
            first, last = np.searchsorted(starts, (start_s, end_s))
            factors[first:last] *= factor
        return Modulation(tuple(zip(starts.tolist(), factors.tolist(), strict=True)), self.cycles)

    @cached_property
    def _starts_s(self) -> Array:
        return np.array([at_s for at_s, _ in self.steps], dtype=float)

    @cached_property
    def _factors(self) -> Array:
        """Before the first step, then from each step on."""
        return np.array([1.0, *(factor for _, factor in self.steps)])

    @cached_property
    def _top(self) -> float:
        """The largest product of all cycles that there can be."""
        return float(np.prod([1.0 + cycle.amplitude for cycle in self.cycles]))

    def _step(self, time_s: Array) -> Array:
        return np.asarray(self._factors[np.searchsorted(self._starts_s, time_s, side="right")])

    def _cycled(self, start_s: Array, end_s: Array) -> Array:
        """Integral of the cycles' product over each interval: a sum of waves, each integrated exactly."""
        omega, weight = np.zeros(1), np.ones(1, complex)
        for cycle in self.cycles:
            w = 2 * np.pi / cycle.period_s
            half = 0.5 * cycle.amplitude * np.exp(-1j * w * cycle.phase_s)
            omega = np.concatenate((omega, omega + w, omega - w))
            weight = np.concatenate((weight, weight * half, weight * np.conj(half)))
        length, middle = (end_s - start_s)[:, None], ((start_s + end_s) / 2)[:, None]
        waves = weight * np.exp(1j * omega * middle) * np.sinc(omega * length / (2 * np.pi))
        return np.asarray(np.sum(waves.real, axis=1) * length[:, 0])


STEADY = Modulation()
"""No change at all."""
