"""Minutes of new data, as a model is refined on them: noise as it has drifted, without known events in it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.drift import Drift
from workloads.spec import RATE_HZ, STREAMS
from workloads.strain import Strain
from workloads.whitening import whiten

LEAST_MINUTES = 0.5
MOST_MINUTES = 240.0


class Recording:
    """The strain of `seed` between 0 and `minutes`, drifted by `drift`; ValueError outside of what is allowed."""

    def __init__(self, drift: Drift, minutes: float, seed: int) -> None:
        if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
            raise ValueError(f"{minutes:g} minutes of data; allowed: {LEAST_MINUTES:g} to {MOST_MINUTES:g}")
        self.drift, self.minutes, self.seed = drift, minutes, seed

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return 60.0 * self.minutes

    @cached_property
    def strain(self) -> NDArray[np.float64]:
        """All of it, shape (detector, sample)."""
        return Strain(self.seed, (), self.drift).window(self.duration_s, self.duration_s)

    @cached_property
    def _white(self) -> NDArray[np.float32]:
        return whiten(self.strain)

    def windows(self, n: int, duration_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
        """`n` windows of strain (n, detector, sample) from random times."""
        return _cut(self.strain, n, round(duration_s * RATE_HZ), rng)

    def white(self, n: int, samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """`n` whitened windows (n, detector, samples) from random times."""
        return _cut(self._white, n, samples, rng)

    def white_streams(self, n: int, samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """`n` whitened windows of single streams (n, samples), random ones at random times."""
        return self.white(n, samples, rng)[np.arange(n), rng.integers(STREAMS, size=n)]

    def as_json(self) -> dict[str, float | str]:
        """What the card of refined weights says of it."""
        return {"drift": str(self.drift), "minutes": self.minutes, "seed": self.seed}


def _cut(series: NDArray[Any], n: int, samples: int, rng: np.random.Generator) -> NDArray[Any]:
    start = rng.integers(series.shape[-1] - samples + 1, size=n)
    return np.stack([series[:, s : s + samples] for s in start])
