"""Searches at equal false-alarm rate: thresholds from noise, what each finds, what it is fooled by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.scores import SNR_EDGES, Array
from workloads.decisions import interval
from workloads.searching.tails import Threshold, threshold

DAY_S = 86_400
RATES = {"1e-3 per segment": 1e-3, "1e-4 per segment": 1e-4, "1 per day": 1 / DAY_S}
"""False-alarm probabilities per segment of 1 s; the three streams together give one stream of segments."""
WANTED_SNR = 10.0
REFERENCE = "matched-filter"
_BOOTSTRAPS, _SEED = 1_000, 7
_LOGIT: tuple[Callable[[Array], Array], Callable[[Array], Array]] = (
    lambda logit: np.exp(logit / 20),
    lambda power: 20 * np.log(power),
)
_SHAPES = {"detector": _LOGIT, "detector-large": _LOGIT}
"""What makes the tail of scores exponential, and back: SNRs are squared, and a logit is about 40 ln SNR."""


def thresholds(name: str, noise: Array) -> dict[str, Threshold]:
    """The score of search `name` for each of RATES."""
    forth, back = _SHAPES.get(name, (np.square, np.sqrt))
    return {rate: threshold(noise, p, forth, back) for rate, p in RATES.items()}


def row(signals: Array, at: Threshold) -> dict[str, Any]:
    """Found of `signals` (bin, event) above a threshold: per bin, and of all from WANTED_SNR on.

    Each is [count, n, low, high] with a Clopper-Pearson interval at 95 %; `at_threshold_interval` is the
    efficiency from WANTED_SNR on at either end of the threshold's own interval.
    """
    wanted = signals[SNR_EDGES.index(WANTED_SNR) :]
    bins = {f"{a:g}-{b:g}": counted(s > at.score) for (a, b), s in zip(pairwise(SNR_EDGES), signals, strict=True)}
    return {
        "threshold": asdict(at),
        "by_snr": bins,
        f"{WANTED_SNR:g}-{SNR_EDGES[-1]:g}": counted(wanted > at.score),
        "at_threshold_interval": [round(float(np.mean(wanted > t)), 4) for t in (at.high, at.low)],
    }


def relative(signals: Mapping[str, Array], at: Mapping[str, Threshold], name: str) -> dict[str, Any]:
    """Efficiency of search `name` over the reference's, per bin and from WANTED_SNR on, on the same events.

    Each is [ratio, low, high]: 95 % of a bootstrap over events, thresholds as they are. None where none was found.
    """
    mine, its = signals[name] > at[name].score, signals[REFERENCE] > at[REFERENCE].score
    first = SNR_EDGES.index(WANTED_SNR)
    found = {f"{a:g}-{b:g}": _ratio(m, i) for (a, b), m, i in zip(pairwise(SNR_EDGES), mine, its, strict=True)}
    return found | {f"all {WANTED_SNR:g}-{SNR_EDGES[-1]:g}": _ratio(mine[first:].ravel(), its[first:].ravel())}


def triggered(glitches: Mapping[str, Array], at: Threshold) -> dict[str, Any]:
    """Loud glitches above a threshold, by family and together, as [count, n, low, high]."""
    by = {family: counted(scores > at.score) for family, scores in glitches.items()}
    return by | {"all": counted(np.concatenate(list(glitches.values())) > at.score)}


def counted(found: NDArray[np.bool_]) -> list[float]:
    """Count, number, and Clopper-Pearson interval at 95 %."""
    count, n = int(found.sum()), found.size
    return [count, n, *(round(x, 4) for x in interval(count, n))]


def _ratio(mine: NDArray[np.bool_], its: NDArray[np.bool_]) -> list[float] | None:
    if not its.any():
        return None
    rng = np.random.default_rng(_SEED)
    pick = rng.integers(len(mine), size=(_BOOTSTRAPS, len(mine)))
    drawn = mine[pick].sum(axis=1) / np.maximum(its[pick].sum(axis=1), 1)
    return [round(float(x), 4) for x in (mine.sum() / its.sum(), *np.quantile(drawn, [0.025, 0.975]))]
