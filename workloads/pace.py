"""How fast this machine is just now: a fixed piece of work, timed. Knows no workload.

Machines that share cores, caches or power with others change speed by some per cent within minutes. The same work
timed with a profile and again beside a prediction tells by how much.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import fftconvolve

CALLS = 30
_SAMPLES, _TAPS = 16_384, 512


def reference_s(clock: Callable[[], float], calls: int = CALLS) -> float:
    """Median seconds of one piece of work, about a millisecond of FFTs and array sums, over `calls` of it."""
    rng = np.random.default_rng(0)
    series = rng.standard_normal((2, _SAMPLES)).astype(np.float32)
    taps = rng.standard_normal((2, _TAPS)).astype(np.float32)
    times_s = []
    for _ in range(calls + 2):
        begin_s = clock()
        float(np.abs(fftconvolve(series, taps, axes=-1)).sum())
        times_s.append(clock() - begin_s)
    return float(np.median(times_s[2:]))
