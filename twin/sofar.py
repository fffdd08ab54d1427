"""What a run that goes on has done so far: pools and alerts up to now, in a file for whoever watches.

Only looks: the run and its results are the same with and without it, to the bit. Knows no figure.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twin import fates

if TYPE_CHECKING:
    from twin.engine import TwinEnvironment
    from twin.scenario import Scenario

SCHEMA_VERSION = 1
BINS, ALERTS = 400, 2000
"""Most bins of time, and most alerts, that are written."""
QUIET_S = 0.5
"""Between two writings at least."""
QUANTITIES = ("queue", "busy", "servers")
Progress = Callable[[float, str], None]


class SoFar:
    """Writes the present of the replica that runs to `path`, whole or not at all, whenever progress is told.

    `start` goes to `twin.runner.run` as such, `told` wraps its progress. What cannot be written is left out: a
    full disk is no reason to end a run.
    """

    def __init__(
        self,
        path: Path,
        scenario: Scenario,
        on_farm: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._scenario, self._on_farm, self._clock = scenario, on_farm, clock
        self._environment: TwinEnvironment | None = None
        self._replica = -1
        self._written_s = -math.inf

    def start(self, environment: TwinEnvironment) -> None:
        """The next replica begins."""
        self._environment = environment
        self._replica += 1

    def told(self, progress: Progress) -> Progress:
        """`progress`, and after it the present is written."""

        def tell(fraction: float, text: str) -> None:
            progress(fraction, text)
            if self._environment is None or self._clock() - self._written_s < QUIET_S:
                return
            with suppress(OSError):
                self._write(self._environment)
            self._written_s = self._clock()

        return tell

    def _write(self, environment: TwinEnvironment) -> None:
        content = present(environment, self._scenario)
        content |= {"replica": self._replica, "simulated": not self._on_farm}
        put(self.path, json.dumps(content, separators=(",", ":")))


def put(path: Path, text: str) -> None:
    """Write `text` there, whole or not at all."""
    beside = path.with_name(f".{path.name}.partial")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def present(environment: TwinEnvironment, scenario: Scenario) -> dict[str, Any]:
    """Means per bin of time of every pool up to now, marks, and alerts (the late ones, then evenly chosen)."""
    plan, now_s = environment.plan, min(environment.now, environment.plan.horizon_s)
    event_s, latency_s = fates.published_signals(environment)
    late_s = scenario.targets.late
    late = latency_s > (math.inf if late_s is None else late_s)
    chosen = _few(late)
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": scenario.name,
        "now_s": now_s,
        "horizon_s": plan.horizon_s,
        "late_s": late_s,
        **over_time(environment, now_s),
        "published": int(latency_s.size),
        "late": int(late.sum()),
        "alerts": {"event_time_s": event_s[chosen].tolist(), "latency_s": latency_s[chosen].tolist()},
        "signals": _signals(environment, now_s),
        "marks": [list(mark) for mark in environment.marks],
    }


def over_time(environment: TwinEnvironment, until_s: float) -> dict[str, Any]:
    """Means per bin of time of every pool, `until_s` at most: `time_s` of each bin, `bin_s`, `pools` by name."""
    plan = environment.plan
    whole = int(until_s // plan.bin_s)
    areas = _areas(environment)[:, :whole] / plan.bin_s
    together = max(1, math.ceil(whole / BINS))
    groups = np.arange(0, whole, together)
    sizes = np.diff([*groups, whole])
    means = np.add.reduceat(areas, groups, axis=1) / sizes[None, :, None] if whole else areas
    return {
        "time_s": (groups * plan.bin_s).tolist(),
        "bin_s": plan.bin_s * together,
        "pools": {
            name: {q: means[p, :, k].round(6).tolist() for k, q in enumerate(QUANTITIES)}
            for p, name in enumerate(plan.pool_names)
        },
    }


def _areas(environment: TwinEnvironment) -> NDArray[np.float64]:
    """Areas under queue, busy and servers (pool, bin, quantity), on a copy: of every pool up to the present."""
    world, width_s = environment.world, environment.plan.bin_s
    bins = world.bins.copy()
    for p, pool in enumerate(world.pools):
        level = np.array([pool["queued"], pool["busy"], max(pool["servers"], 0) * pool["up"]], np.float64)
        at_s, b = float(pool["last_s"]), int(pool["bin"])
        while at_s < environment.now and b < bins.shape[1]:
            until_s = min((b + 1) * width_s, environment.now) if b < bins.shape[1] - 1 else environment.now
            bins[p, b] += level * max(until_s - at_s, 0.0)
            at_s, b = max(until_s, at_s), b + 1
    return bins


def _signals(environment: TwinEnvironment, now_s: float) -> dict[str, Any]:
    """When signals happened up to now: every n-th of them stands for `each` = n."""
    time_s = np.sort(fates.signal_times_s(environment))
    time_s = time_s[time_s < now_s]
    each = max(1, math.ceil(time_s.size / ALERTS))
    return {"time_s": time_s[::each].tolist(), "each": each}


def _few(late: NDArray[np.bool_]) -> NDArray[np.int64]:
    """At most ALERTS alerts: of the late ones up to half, the others evenly, all in their order."""
    slow, others = np.flatnonzero(late), np.flatnonzero(~late)
    slow = slow[:: max(1, math.ceil(slow.size / (ALERTS // 2)))]
    others = others[:: max(1, math.ceil(others.size / (ALERTS - slow.size)))]
    return np.sort(np.concatenate([slow, others])).astype(np.int64)
