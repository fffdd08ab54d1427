"""Thresholds for a false-alarm rate, from scores on noise; where there are too few, from the tail fitted to them.

Knows no search. A score goes through a function that makes its tail exponential: SNR is squared, a logit stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TAIL = 400
"""Largest scores that the tail is fitted to."""
COUNTED = 10.0
"""A threshold is counted, not fitted, when so many scores are expected above it."""
_BOOTSTRAPS, _SEED = 400, 5
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """A score, its 95 % interval, the false-alarm probability per segment it stands for, and how it is known."""

    score: float
    low: float
    high: float
    probability: float
    extrapolated: bool
    segments: int
    above: int


def threshold(
    scores: Array, probability: float, forth: Callable[[Array], Array], back: Callable[[Array], Array]
) -> Threshold:
    """The score that noise exceeds with `probability`, from `scores` (segment,) of noise alone.

    `forth` makes the tail exponential and `back` undoes it. ValueError when there are too few scores to fit.
    """
    n = len(scores)
    if n < 2 * TAIL:
        raise ValueError(f"{n} segments of noise; wanted at least {2 * TAIL} to fit a tail to the loudest {TAIL}")
    top = np.sort(forth(np.asarray(scores, dtype=np.float64)))[-TAIL - 1 :]
    extrapolated = n * probability < COUNTED
    rng = np.random.default_rng(_SEED)
    drawn = (np.sort(rng.choice(top, len(top))) for _ in range(_BOOTSTRAPS))
    find = _fitted if extrapolated else _counted
    around = back(np.array([find(t, n, probability) for t in drawn]))
    score = float(back(np.array([find(top, n, probability)]))[0])
    low, high = np.quantile(around, [0.025, 0.975])
    above = int(np.sum(scores > score))
    return Threshold(score, float(low), float(high), probability, extrapolated, n, above)


def _counted(top: Array, n: int, probability: float) -> float:
    return float(top[-1 - round(n * probability)])


def _fitted(top: Array, n: int, probability: float) -> float:
    """Exponential excesses over the lowest of `top`: the maximum-likelihood scale is their mean."""
    excess = top[1:] - top[0]
    return float(top[0] + excess.mean() * np.log(len(excess) / (n * probability)))
