"""A counted rate with its interval, as JSON."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workloads.decisions import interval


def rate(happened: NDArray[np.bool_]) -> list[float]:
    """Count, number, and Clopper-Pearson interval at 95 %."""
    count, n = int(happened.sum()), len(happened)
    return [count, n, *(round(x, 6) for x in interval(count, n))]
