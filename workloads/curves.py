"""Curves that a quality holds, for whoever draws or lists them: axes with units, points with intervals.

Plain JSON. A quality keeps them as `curves`, in the order they are shown. Knows no workload.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from workloads import ageing
from workloads.profile import Figure

Array = NDArray[np.float64]
Points = Sequence[tuple[float, Figure]]
LEVELS = tuple(round(0.05 * k, 2) for k in range(1, 20))
"""Probabilities at which ranks are held against what they should be."""
DIAGONAL = tuple((x, Figure(x, x, x, 0)) for x in (0.0, 1.0))
"""What is expected of what happens as often as it is said to."""
_Z_95 = 1.96
_DIGITS = 4


def curve(
    title: str,
    x: str,
    y: str,
    series: Mapping[str, Points],
    log: tuple[bool, bool] = (False, False),
    expected: Points = (),
) -> dict[str, Any]:
    """One pair of axes: `series` by name, and what is `expected` if all is right, with its 95 % band.

    The title says how many tries there are, the axes their units. Every point lists abscissa, value, low, high, n.
    """
    return {
        "title": title, "x": x, "y": y, "log": list(log),
        "series": {name: list(map(_row, points)) for name, points in series.items()},
        "expected": list(map(_row, expected)),
    }  # fmt: skip


def points(rows: Sequence[Sequence[float]]) -> Points:
    """The points of a curve's `series` or `expected`."""
    return [(x, Figure(value, low, high, int(n))) for x, value, low, high, n in rows]


def ranks(rank: Mapping[str, Array]) -> dict[str, Any]:
    """P–P plots of truths' ranks (n,) in [0, 1] by name, less the diagonal, in %; its 95 % band is pointwise."""
    level = np.array(LEVELS)
    n = min(r.size for r in rank.values())
    half = 100 * _Z_95 * np.sqrt(level * (1 - level) / n)
    return curve(
        f"truths' ranks (P–P), n={n}",
        "probability p",
        "ranks below p, less p, in %",
        {
            name: [(p, Figure(off, off, off, r.size)) for p, off in zip(LEVELS, _off(r, level), strict=True)]
            for name, r in rank.items()
        },
        expected=[(p, Figure(0.0, -h, h, n)) for p, h in zip(LEVELS, half, strict=True)],
    )


def shares(counts: Mapping[float, tuple[int, int]]) -> Points:
    """Points of the share `count` of `n` at each abscissa."""
    return [(x, ageing.share(count, n)) for x, (count, n) in counts.items()]


def medians(x: Array, values: Array, bands: Sequence[tuple[float, float]]) -> Points:
    """Medians of `values` (n,) in each of the `bands` of `x` (n,) that holds any, at its geometric middle."""
    inside = {np.sqrt(low * high): (x >= low) & (x < high) for low, high in bands}
    return [(float(at), median(values[some])) for at, some in inside.items() if some.any()]


def median(values: Array) -> Figure:
    """The median of independent `values` (n,), with its 95 % interval from order statistics."""
    half = (values.size + 1) / 2
    low, high = np.quantile(values, beta.ppf([0.025, 0.975], half, half))
    return Figure(float(np.median(values)), float(low), float(high), values.size)


def _off(rank: Array, level: Array) -> list[float]:
    share = np.searchsorted(np.sort(rank), level, side="right") / rank.size
    found: list[float] = (100 * (share - level)).tolist()
    return found


def _row(point: tuple[float, Figure]) -> list[float]:
    x, figure = point
    return [*(float(f"{v:.{_DIGITS}g}") for v in (x, figure.value, figure.low, figure.high)), figure.n]
