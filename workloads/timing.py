"""Timing of calls until their tail is settled. Knows neither strain nor models; the clock is passed in.

The rule: warm up, then go round the calls in blocks, so that a slow spell of the machine hits all alike. A call
is settled when the 95 % confidence interval of its 99 % quantile, from order statistics, is no wider than
±TAIL_TOLERANCE of it. Timing ends when all are settled or the budget is spent; what is not settled says so. Calls
so slow that a block takes more than their share of the budget are timed LEAST times or as often as fit into it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from workloads.profile import QUANTILES, Service

TAIL_TOLERANCE = 0.10
WARM_UP, BLOCK, LEAST = 10, 20, 3
_WARM_UP_SHARE = 0.1


def measure(
    calls: Mapping[int, Callable[[], object]], budget_s: float, clock: Callable[[], float]
) -> tuple[Service, ...]:
    """Service times of `calls` (batch size to call), interleaved, within about `budget_s` of `clock`."""
    if not calls:
        raise ValueError("nothing to time: give at least one batch size")
    begun_s = clock()
    end_s, warm_s, share_s = begun_s + budget_s, begun_s + _WARM_UP_SHARE * budget_s, budget_s / len(calls)
    for call in calls.values():
        call()
        for _ in range(WARM_UP - 1):
            if clock() < warm_s:
                call()
    samples: dict[int, list[float]] = {batch: [] for batch in calls}
    open_calls = dict(calls)
    while open_calls and clock() < end_s:
        for batch, call in open_calls.items():
            samples[batch] += _block(call, clock, share_s)
        open_calls = {b: c for b, c in open_calls.items() if not settled(samples[b])}
    return tuple(_service(b, samples[b] or _block(calls[b], clock, share_s)) for b in calls)


def settled(samples: list[float]) -> bool:
    """Whether the tail of `samples` is known well enough; fewer than 563 calls never are."""
    return tail_half_width(np.asarray(samples)) <= TAIL_TOLERANCE


def tail_half_width(samples: NDArray[np.float64], q: float = 0.99) -> float:
    """Half width, relative to the quantile `q`, of its 95 % confidence interval; infinite from too few samples."""
    n = samples.size
    spread = 1.96 * np.sqrt(n * q * (1 - q))
    low, high = int(np.floor(n * q - spread)), int(np.ceil(n * q + spread))
    if low < 0 or high >= n:
        return float("inf")
    ordered = np.sort(samples)
    return float((ordered[high] - ordered[low]) / 2 / ordered[int(n * q)])


def _block(call: Callable[[], object], clock: Callable[[], float], share_s: float) -> list[float]:
    times: list[float] = []
    while len(times) < LEAST or (len(times) < BLOCK and sum(times) < share_s):
        start = clock()
        call()
        times.append(clock() - start)
    return times


def _service(batch: int, samples: list[float]) -> Service:
    x = np.asarray(samples)
    quantiles = np.quantile(x, np.linspace(0, 1, QUANTILES))
    p50, p99 = np.quantile(x, [0.5, 0.99])
    return Service(
        batch, x.size, settled(samples), float(x.mean()), float(p50), float(p99), tuple(quantiles.tolist())
    )
