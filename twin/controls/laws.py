"""How long things last, as the distributions that operators quote: drawn by number, so nothing is remembered.

For failures and repairs. Knows no control and no clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaincinv, ndtri

from twin.kernel.chance import uniform

LAWS = ("exponential", "weibull", "lognormal", "gamma", "fixed")
SHAPED = ("weibull", "lognormal", "gamma")
"""Laws that need a shape: Weibull's and gamma's k, the sigma of a lognormal's logarithm."""


@dataclass(frozen=True)
class Law:
    """A distribution of durations with mean `mean_s` in s; `shape` where the law has one."""

    law: str
    mean_s: float
    shape: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no distribution of durations."""
        if self.law not in LAWS:
            raise ValueError(f"law is '{self.law}'; allowed: {', '.join(LAWS)}")
        if not 0.0 < self.mean_s < math.inf:
            raise ValueError(f"mean_s is {self.mean_s}; allowed: more than 0, finite")
        if (self.law in SHAPED) != (self.shape > 0.0):
            raise ValueError(f"shape is {self.shape}; {', '.join(SHAPED)} need one of more than 0, others none")

    def quantile(self, u: float) -> float:
        """The duration in s that a share `u` of all does not exceed, 0 <= u < 1."""
        k = self.shape
        if self.law == "exponential":
            return -self.mean_s * math.log1p(-u)
        if self.law == "weibull":
            return self.mean_s / math.gamma(1.0 + 1.0 / k) * math.pow(-math.log1p(-u), 1.0 / k)
        if self.law == "lognormal":
            return self.mean_s * math.exp(k * float(ndtri(u)) - 0.5 * k * k)
        if self.law == "gamma":
            return self.mean_s / k * float(gammaincinv(k, u))
        return self.mean_s

    def draw(self, key: int, n: int) -> float:
        """The `n`-th duration of stream `key`, in s."""
        return self.quantile(chance(key, n))

    def __deepcopy__(self, memo: dict[int, Any]) -> Law:
        """Itself: it never changes."""
        return self


def chance(key: int, n: int) -> float:
    """The `n`-th number of stream `key`, in [0, 1)."""
    with np.errstate(over="ignore"):  # the generator wraps on purpose
        return float(uniform(np.uint64(key), np.int64(n)))
