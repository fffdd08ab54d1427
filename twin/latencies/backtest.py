"""Is the past a guide to what comes? A law fitted to the first alerts of a log foretells the later ones.

For twin.latencies; knows no file. Coverage is the share of later latencies between the 5 % and the 95 % quantile
that were foretold: nine of ten, if the law is right and does not change. Half of them then lie below its median.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.controls.laws import Law
from twin.estimates import Estimate, quantile, wilson
from twin.latencies.laws import LEAST, distribution, ranked

Array = NDArray[np.float64]
EXPECTED, BELOW = 0.9, 0.5
"""Coverage of a law that is right, and the share below its median."""
TOLD = (0.5, 0.9)
"""Quantiles that are foretold."""
_EDGES = (0.05, 0.95)
_DRAWS = 100_000


@dataclass(frozen=True)
class Backtest:
    """What laws of the first `before` alerts foretold of the `after` later ones.

    `covered` is the share between the foretold 5 % and 95 %, `below` that below the foretold median; `foretold`
    and `found` are quantiles in s.
    """

    before: int
    after: int
    covered: Estimate
    below: Estimate
    foretold: dict[float, float]
    found: dict[float, Estimate]

    @property
    def holds(self) -> bool:
        """Whether the intervals of both shares hold what they should be."""
        return _holds(self.covered, EXPECTED) and _holds(self.below, BELOW)


def backtest(seconds: Array, share: float, until_s: float = math.inf) -> Backtest | None:
    """Of latencies (alert,) in the order of time; None where one of the two parts is too small to tell.

    Above `until_s` the first part only says 'longer', as `twin.latencies.laws` has it; later ones are as they are.
    """
    first, later = _parts(seconds, share)
    if not _enough(first, until_s) or later.size < LEAST:
        return None
    law = likeliest(first, until_s)
    return _judged(first.size, later, [law.quantile(q) for q in _EDGES], {q: law.quantile(q) for q in TOLD})


def of_sums(legs: Array, share: float, rng: np.random.Generator, until_s: float = math.inf) -> Backtest | None:
    """Of the sums of legs (alert, leg), foretold by laws of each leg that are drawn from one by one."""
    first, later = _parts(legs, share)
    if len(later) < LEAST or not all(_enough(leg, until_s) for leg in first.T):
        return None
    drawn = np.sum([_draws(likeliest(leg, until_s), rng) for leg in first.T], axis=0)
    edges, told = np.quantile(drawn, _EDGES), np.quantile(drawn, TOLD)
    return _judged(len(first), later.sum(axis=1), edges.tolist(), dict(zip(TOLD, told.tolist(), strict=True)))


def likeliest(seconds: Array, until_s: float = math.inf) -> Law:
    """The likeliest law of latencies (alert,), without a judgement on it."""
    return ranked(seconds, until_s)[0][1]


def _enough(seconds: Array, until_s: float) -> bool:
    """Whether a law can be fitted to these latencies."""
    inside = seconds[seconds <= until_s]
    return inside.size >= LEAST and bool(inside.max() > inside.min())


def _parts(values: Array, share: float) -> tuple[Array, Array]:
    first = round(share * len(values))
    return values[:first], values[first:]


def _draws(law: Law, rng: np.random.Generator) -> Array:
    return np.asarray(distribution(law).rvs(_DRAWS, random_state=rng), float)


def _holds(found: Estimate, expected: float) -> bool:
    return found.low is not None and found.high is not None and found.low <= expected <= found.high


def _share(inside: int, after: int, before: int) -> Estimate:
    """Share of later latencies inside something foretold; its interval knows that the first part was finite too.

    Where a law is known from `before` latencies, its quantiles are off by no more than those of the latencies
    themselves: as if so many fewer had come later.
    """
    share, n = inside / after, round(after * before / (after + before))
    low, high = wilson(round(share * n), n)
    return Estimate(share, low, high, after)


def _judged(before: int, later: Array, edges: Sequence[float], foretold: dict[float, float]) -> Backtest:
    inside = int(((later >= edges[0]) & (later <= edges[1])).sum())
    return Backtest(
        before=before,
        after=int(later.size),
        covered=_share(inside, int(later.size), before),
        below=_share(int((later < foretold[0.5]).sum()), int(later.size), before),
        foretold=foretold,
        found={q: quantile([later], q) for q in TOLD},
    )
