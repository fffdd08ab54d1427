"""How far two samples of latency are apart as a whole, not only at a quantile. Knows no case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True)
class Distance:
    """`ks`: the largest difference of the two cumulative distributions (Kolmogorov-Smirnov). `w1`: the area
    between them over the first sample's mean (Wasserstein-1). Both None where a job never ended.

    `ks` misleads where service times hardly vary: a shift of 1 % then moves a whole step of the distribution.
    """

    ks: float | None
    w1: float | None

    def as_dict(self) -> dict[str, float | None]:
        """What JSON gets."""
        return {"ks": self.ks, "w1": self.w1}


def distance(measured_s: NDArray[np.float64], other_s: NDArray[np.float64]) -> Distance:
    """Of `other_s` (any,) from `measured_s` (any,)."""
    if not (np.isfinite(measured_s).all() and np.isfinite(other_s).all()):
        return Distance(None, None)
    both = np.concatenate([measured_s, other_s])
    shares = [np.searchsorted(np.sort(x), both, side="right") / len(x) for x in (measured_s, other_s)]
    w1 = stats.wasserstein_distance(measured_s, other_s) / measured_s.mean()
    return Distance(float(np.abs(shares[0] - shares[1]).max()), float(w1))
