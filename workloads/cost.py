"""What a training costs: seconds, processor seconds and energy, with its standing. Knows no workload."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

CORE_W = 5.0
"""Power of one busy logical core of a server processor: that of `sites/hardware/host.yaml`, without cooling."""
RAPL = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Cost:
    """Wall-clock and processor seconds, energy in J, and whether that energy was measured or is assumed."""

    wall_s: float
    cpu_s: float
    energy_j: float
    energy_standing: str
    energy_from: str

    def as_json(self) -> dict[str, Any]:
        """All of it, to a tenth."""
        return {k: round(v, 1) if isinstance(v, float) else v for k, v in asdict(self).items()}


class Meter:
    """Counts from its start on; what was `earlier` spent on the same work is added."""

    def __init__(
        self,
        clock: Callable[[], float] = time.perf_counter,
        cpu_clock: Callable[[], float] = time.process_time,
        counters: Path = RAPL,
    ) -> None:
        self._clock, self._cpu_clock, self._counters = clock, cpu_clock, counters
        self._wall_s, self._cpu_s = clock(), cpu_clock()
        self._uj = _packages(counters)

    def read(self, earlier_wall_s: float = 0.0, earlier_cpu_s: float = 0.0) -> Cost:
        """The cost so far; energy is measured where counters can be read and nothing came earlier."""
        wall_s = self._clock() - self._wall_s + earlier_wall_s
        cpu_s = self._cpu_clock() - self._cpu_s + earlier_cpu_s
        now = _packages(self._counters)
        if self._uj and now.keys() == self._uj.keys() and not earlier_wall_s:
            joule = sum(_since(self._uj[k], now[k]) for k in now) / 1e6
            return Cost(
                wall_s, cpu_s, joule, "measured", "RAPL counters of all packages, whatever else ran meanwhile"
            )
        return Cost(
            wall_s, cpu_s, cpu_s * CORE_W, "assumed", f"{CORE_W:g} W per busy core times processor seconds"
        )


def _since(before: tuple[int, int], after: tuple[int, int]) -> int:
    """µJ between two readings (counter, range) of a counter that wraps around."""
    return (after[0] - before[0]) % after[1]


def _packages(folder: Path) -> dict[str, tuple[int, int]]:
    """Reading and range in µJ of each processor package's counter; empty where they cannot be read."""
    found = {}
    for package in sorted(folder.glob("intel-rapl:[0-9]*")):
        if package.name.count(":") != 1:
            continue
        try:
            reading = int((package / "energy_uj").read_text())
            found[package.name] = reading, int((package / "max_energy_range_uj").read_text())
        except (OSError, ValueError):
            return {}
    return found
