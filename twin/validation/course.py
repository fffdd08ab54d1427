"""How a case was foretold to go, over time: queue, servers in use, latency, and figures of what has ended by then.

For who watches the farm. Knows no farm and no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.validation.goals import QUANTILES
from twin.validation.observed import Observed

BINS, MOMENTS = 200, 50
"""Bins of time, and moments at which is told what has ended by then."""
_MIDDLE = (0.1, 0.5, 0.9)
Array = NDArray[np.float64]


def course(runs: Sequence[Observed], servers: int) -> dict[str, Any]:
    """What `runs` on the same arrivals say, as JSON; None where there is nothing to tell.

    From 0 to `end_s`, when the last job of all runs ends. Per bin of `time_s`: `queue` and `use` (busy over all
    `servers`) are means, with the extreme runs (`value`, `low`, `high`); `latency_s` is the median of the jobs of
    all runs that arrive in it, with p10 and p90. By each of `by_s`: how many jobs of a run have `ended` on
    average, and quantiles of the latency of those of all runs.
    """
    end_s = max(float(np.max(run.end_s[np.isfinite(run.end_s)], initial=run.arrival_s[-1])) for run in runs)
    edges_s = np.linspace(0.0, end_s, BINS + 1)
    queues = np.array([_means(run.arrival_s, run.start_s, edges_s) for run in runs])
    uses = np.array([_means(*_batches(run), edges_s) for run in runs]) / servers
    by_s = np.linspace(0.0, end_s, MOMENTS + 1)[1:]
    return {
        "end_s": end_s,
        "runs": len(runs),
        "time_s": edges_s[:-1].tolist(),
        "bin_s": end_s / BINS,
        "queue": _spread(queues),
        "use": _spread(uses),
        "latency_s": _latencies(runs, edges_s),
        "by_s": by_s.tolist(),
        **_by(runs, by_s),
    }


def _means(from_s: Array, until_s: Array, edges_s: Array) -> Array:
    """The mean number, per bin between the edges, of what begins at `from_s` and ends at `until_s` (job,)."""
    area: Array = np.diff(_passed(from_s, edges_s) - _passed(until_s, edges_s))
    return area / np.diff(edges_s)


def _passed(times_s: Array, at_s: Array) -> Array:
    """Seconds that have passed since all `times_s` together, at each of `at_s`."""
    times_s = np.sort(times_s)
    n = np.searchsorted(times_s, at_s, side="right")
    passed: Array = n * at_s - np.concatenate([[0.0], np.cumsum(times_s[np.isfinite(times_s)])])[n]
    return passed


def _batches(run: Observed) -> tuple[Array, Array]:
    """When each batch of `run` started and ended: jobs of one share their start to the bit."""
    start_s, first = np.unique(run.start_s, return_index=True)
    begun = np.isfinite(start_s)
    return start_s[begun], run.end_s[first[begun]]


def _spread(values: Array) -> dict[str, list[float | None]]:
    """Of values (run, bin): mean, least and most."""
    found = {"value": values.mean(axis=0), "low": values.min(axis=0), "high": values.max(axis=0)}
    return {name: _listed(one) for name, one in found.items()}


def _latencies(runs: Sequence[Observed], edges_s: Array) -> dict[str, list[float | None]]:
    latency_s = np.array([run.latency_s for run in runs])
    place = np.searchsorted(runs[0].arrival_s, edges_s)
    rows = [_quantiles(latency_s[:, a:b], _MIDDLE) for a, b in pairwise(place)]
    low, value, high = np.array(rows).T
    return {"value": _listed(value), "low": _listed(low), "high": _listed(high)}


def _by(runs: Sequence[Observed], by_s: Array) -> dict[str, list[float | None]]:
    end_s, latency_s = (np.concatenate([getattr(run, name) for run in runs]) for name in ("end_s", "latency_s"))
    rows = np.array([_quantiles(latency_s[end_s <= at_s], tuple(QUANTILES.values())) for at_s in by_s])
    ended = np.searchsorted(np.sort(end_s), by_s, side="right") / len(runs)
    return {"ended": _listed(ended), **{name: _listed(rows[:, k]) for k, name in enumerate(QUANTILES)}}


def _quantiles(values: Array, q: Sequence[float]) -> Array:
    """Quantiles that are values themselves; NaN of nothing."""
    if not values.size:
        return np.full(len(q), np.nan)
    found: Array = np.quantile(values, q, method="inverted_cdf")
    return found


def _listed(values: Array) -> list[float | None]:
    return [round(v, 7) if np.isfinite(v) else None for v in values.tolist()]
