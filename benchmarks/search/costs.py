"""What each search costs per second of data: whole programs, one thread, one segment a call, blocks by turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.scan import LONG_S, SECONDS, Scan
from workloads.spec import WHITEN_HALF_S, Program
from workloads.strain import Strain

_POOL, _SEED, _WARM_UP, _BLOCK = 100, 900_201, 1, 10
BULK = "matched-filter, 13 s at a time"


def costs(programs: dict[str, Program], blocks: int) -> dict[str, dict[str, float]]:
    """Processor milliseconds per second of noise, from that many blocks of calls to each search."""
    strain = Strain(_SEED)
    calls: dict[str, tuple[Callable[[], object], int]] = {}
    for name, program in programs.items():
        windows = [strain.window(8.0 + k, program.workload.unit.duration_s)[None] for k in range(_POOL)]
        calls[name] = _in_turn(program, windows), 1
    scan = Scan(programs["matched-filter"])
    long = [strain.window(40.0 + SECONDS * k, LONG_S + 2 * WHITEN_HALF_S) for k in range(4)]
    calls[BULK] = _in_turn(scan.coarse, long), SECONDS
    taken: dict[str, list[list[float]]] = {name: [] for name in calls}
    for turn in range(_WARM_UP + blocks):
        for name, (call, seconds) in calls.items():
            spent = [_spent_s(call) / seconds for _ in range(_BLOCK)]
            if turn >= _WARM_UP:
                taken[name].append(spent)
    return {name: _summary(1e3 * np.array(spent)) for name, spent in taken.items()}


def _spent_s(call: Callable[[], object]) -> float:
    """Processor time of a call: other processes on the machine do not count in it."""
    begun = time.process_time()
    call()
    return time.process_time() - begun


def _in_turn(run: Callable[[Any], object], inputs: list[NDArray[np.float64]]) -> Callable[[], object]:
    around = cycle(inputs)
    return lambda: run(next(around))


def _summary(spent_ms: NDArray[np.float64]) -> dict[str, float]:
    """Of processor times (block, call): all, and those right after the other searches, with a cold cache."""
    return {
        "calls": spent_ms.size,
        "p50_ms": round(float(np.median(spent_ms)), 4),
        "mean_ms": round(float(spent_ms.mean()), 4),
        "p99_ms": round(float(np.quantile(spent_ms, 0.99)), 4),
        "cold_p50_ms": round(float(np.median(spent_ms[:, 0])), 4),
    }
