"""How far reality may be from a forecast before it is worth telling: by the draws, and by the errors so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.plan import Array

WIDTH = 3.0
"""The band reaches this many times as far from the median as the tenth and the ninetieth of a hundred draws."""
LEAST_ERRORS = 5
"""So many forecasts have to have been judged before their errors widen the band."""
WORTH_TELLING = {
    "latency_p50_s": (0.05, 0.0),
    "latency_p95_s": (0.05, 0.0),
    "queue": (0.05, 0.1),
    "throughput_per_s": (0.02, 0.0),
    "late_share": (0.0, 0.01),
}
"""The band's least half-width: this share of the median and, in the figure's own unit, this much."""


@dataclass(frozen=True)
class Band:
    """What is foretold of a figure, and between which values it may be."""

    low: float
    median: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether `value` is inside."""
        return self.low <= value <= self.high


def band(name: str, draws: Array, errors: Sequence[float]) -> Band | None:
    """The band of figure `name`; None where a draw has too little to tell it by.

    `errors` are what reality exceeded earlier forecasts by, where they held. The band holds all draws, and either
    side is at least WIDTH times the draws' own spread, WIDTH times the root mean square of the errors, and what is
    worth telling.
    """
    if not np.isfinite(draws).all():
        return None
    tenth, median, ninetieth = (float(x) for x in np.quantile(draws, (0.1, 0.5, 0.9)))
    share, least = WORTH_TELLING[name]
    shown = float(np.sqrt(np.mean(np.square(errors)))) if len(errors) >= LEAST_ERRORS else 0.0
    either = max(share * median + least, WIDTH * shown)
    low = min(median - max(WIDTH * (median - tenth), either), float(draws.min()))
    high = max(median + max(WIDTH * (ninetieth - median), either), float(draws.max()))
    return Band(max(low, 0.0), median, min(high, 1.0) if name == "late_share" else high)
