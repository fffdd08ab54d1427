"""How a run begins: empty; when its queues have settled; and what is left out of its alerts before that.

The rule of this twin. Runs begin with empty queues, and nothing is left out unless the scenario says so: queues
relax in seconds to minutes, horizons are days, and what a planner makes happen is set at times from the
beginning. Where queues do need long (samplers of hours, little room), `warm_up` leaves out everything that
merged before it: latencies, losses, false alerts and all rates per day are of what merged from then on. Pools,
links, dead time and the books of work stay those of the whole run. When queues have settled is found by MSER-5
(White, Cobb and Spratt 2000): the time from which on the mean of what waits and runs, in batches of five bins,
has the smallest standard error. Knows no kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin import words
from twin.harvest import WINDOWS, Frames
from twin.histogram import latencies
from twin.kernel.state import OUTCOMES, PUBLISHED
from twin.limits import NOTHING, replicas, timelines
from twin.recorded import Recorded
from twin.scenario import Scenario

BATCH = 5
"""Bins of a batch: of MSER-5."""
_FEWEST = 10
"""Batches without which nothing is said."""
Floats = NDArray[np.float64]


def cut(scenario: Scenario, frames: Frames) -> None:
    """Leave out of the tables `alerts` and `latencies` what merged before the scenario's `warm_up`."""
    alerts = frames["alerts"]
    alerts = alerts[alerts["event_time_s"] >= scenario.warm_up].reset_index(drop=True)
    parts = []
    for replica in sorted(frames["counts"]["replica"].unique()):
        own = alerts[(alerts["replica"] == replica) & (alerts["outcome"] == OUTCOMES[PUBLISHED])]
        counted = latencies(own, scenario.horizon, WINDOWS)
        counted.insert(0, "replica", replica)
        parts.append(counted)
    frames["alerts"], frames["latencies"] = alerts, pd.concat(parts, ignore_index=True)


def mser(values: Floats, batch: int = BATCH) -> int | None:
    """From which of `values` (time,) on they have settled, by MSER in batches; None where the first half does not
    tell, or there are too few."""
    n = len(values) // batch
    if n < _FEWEST:
        return None
    means = values[: n * batch].reshape(n, batch).mean(axis=1)
    left = np.arange(n, 0, -1)
    sums, squares = np.cumsum(means[::-1])[::-1], np.cumsum((means**2)[::-1])[::-1]
    errors = (squares - sums**2 / left).clip(min=0.0) / left**2
    first = int(np.argmin(errors[: n // 2 + 1]))
    return None if first == n // 2 else first * batch


def settled_s(record: Recorded) -> dict[str, float | None]:
    """By pool, when what waits and runs there has settled, in s: of its mean over replicas, up to the first
    thing that the timeline makes happen. None where it does not, or that time is too short to tell."""
    marks = record.marks
    until_s = float(marks["start_s"].min()) if len(marks) else record.scenario.horizon
    found: dict[str, float | None] = {}
    known = timelines(record)
    for pool in sorted(map(str, record.pools["pool"].unique())):
        each = [
            [known.get((replica, quantity, pool), NOTHING) for quantity in ("queue", "busy")]
            for replica in replicas(record)
        ]
        time_s = each[0][0][0]
        mean = np.mean([queue[1] + busy[1] for queue, busy in each], axis=0)[time_s < until_s]
        first = mser(mean)
        found[pool] = None if first is None else float(time_s[first])
    return found


def summary(record: Recorded) -> dict[str, Any]:
    """What was left out, and whether the queues had settled by then; {} where nothing was."""
    left_s = record.scenario.warm_up
    if not left_s:
        return {}
    found = settled_s(record)
    late = [pool for pool, at_s in found.items() if at_s is None or at_s > left_s]
    longest_s = max((at_s for at_s in found.values() if at_s is not None), default=None)
    told = f"What merged in the first {words.duration(left_s)} is left out of alerts, losses and rates. "
    if late:
        told += f"By MSER-5 {words.sequence(late)} had not settled by then, or it cannot be told: leave out more."
    else:
        told += f"By MSER-5 every queue had settled after {words.duration(longest_s)}."
    return {"warm_up": {"left_out_s": left_s, "settled_s": found, "text": told}}
