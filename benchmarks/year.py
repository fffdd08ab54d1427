"""A year of workload et in the kernel, in a process of its own: `make bench-year`.

The process keeps no result: published candidates are counted and their latencies summed as they come.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import et
from twin.engine import TwinEnvironment

SEGMENTS = 31_557_600
"""Seconds of a Julian year."""


def measure(segments: int = SEGMENTS) -> dict[str, Any]:
    """Completions, published candidates, wall seconds of the simulation and the process's peak memory in MiB."""
    command = [sys.executable, "-m", "benchmarks.year", str(segments)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, Any] = json.loads(said)
    return result


def simulate(segments: int) -> dict[str, Any]:
    """The same, in this process."""
    _run(1_000, lambda _: None)
    published, latency_s = 0, 0.0

    def take(rows: NDArray[np.void]) -> None:
        nonlocal published, latency_s
        published += rows.size
        latency_s += float((rows["end_s"] - rows["born_s"]).sum())

    before_mib = _peak_mib()
    completions, wall_s = _run(segments, take)
    return {
        "segments": segments,
        "completions": completions,
        "published": published,
        "mean_latency_s": latency_s / published,
        "wall_s": wall_s,
        "peak_mib": _peak_mib(),
        "before_mib": before_mib,
    }


def _run(segments: int, take: Any) -> tuple[int, float]:
    plan = et.plan(segments, publishes="candidate")
    environment = TwinEnvironment(plan, sink=take)
    start_s = time.perf_counter()
    environment.run(until=plan.horizon_s)
    environment.ended()
    wall_s = time.perf_counter() - start_s
    return int(environment.world.stages["done"].sum()), wall_s


def _peak_mib() -> float:
    """Peak memory of this process alone; on Linux getrusage counts in the process it was started from."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


if __name__ == "__main__":
    print(json.dumps(simulate(int(sys.argv[1]))))
