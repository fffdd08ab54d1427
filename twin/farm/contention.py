"""What others use of this machine's CPUs while something of ours runs: reason enough to conclude nothing.

    watch = Contention(read)
    watch.start(pids)
    …
    used = watch.stop(pids)     # used.unfit is None, or why no verdict may be given

Reads Linux's /proc. Knows no case.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

MOST_CORES = 0.05
"""That others may use: above it errors of prediction were seen from 40 % to 10,000 %."""

_BUSY = ("user", "nice", "system", "irq", "softirq")
_FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


@dataclass(frozen=True)
class Reading:
    """At `time_s` of a clock: the seconds of CPU for which the machine was busy (`busy_s`), that its host took
    (`steal_s`), and that each process still there has used, its dead and buried children included (`used_s`)."""

    time_s: float
    busy_s: float
    steal_s: float
    used_s: Mapping[int, float]


@dataclass(frozen=True)
class Used:
    """Mean cores over `seconds`: by our processes, by others on this machine, and stolen by its host."""

    seconds: float
    own_cores: float
    other_cores: float
    steal_cores: float

    @property
    def unfit(self) -> str | None:
        """Why nothing may be concluded from what ran meanwhile; None if it may."""
        return verdict(self.other_cores, self.steal_cores)

    def as_dict(self) -> dict[str, float]:
        """What JSON gets."""
        return dict(vars(self))


def verdict(other_cores: float, steal_cores: float = 0.0) -> str | None:
    """The reason why nothing may be concluded beside such neighbours; None if it may."""
    told = []
    if other_cores > MOST_CORES:
        told.append(f"other processes used {other_cores:.2f} cores")
    if steal_cores > MOST_CORES:
        told.append(f"the machine's host took {steal_cores:.2f} cores")
    if not told:
        return None
    return f"not measurable here: {' and '.join(told)}; allowed: {MOST_CORES:g}. End other work and try again"


def read(pids: Collection[int]) -> Reading:
    """This machine now; OSError where there is no /proc."""
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    line = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    spent_s = {name: int(ticks) / ticks_per_s for name, ticks in zip(_FIELDS, line[1:], strict=False)}
    used_s = {pid: ticks / ticks_per_s for pid in set(pids) if (ticks := _ticks(pid)) is not None}
    return Reading(time.monotonic(), sum(spent_s[name] for name in _BUSY), spent_s["steal"], used_s)


class Contention:
    """The machine between `start` and `stop`; `read` is what it is read with."""

    def __init__(self, read: Callable[[Collection[int]], Reading] = read) -> None:
        self._read = read
        self._first: Reading | None = None

    def start(self, pids: Collection[int]) -> None:
        """From now on; `pids` are the client and all workers there are."""
        self._first = self._read(pids)

    def stop(self, pids: Collection[int]) -> Used:
        """What was used since `start`; `pids` are the client and all workers that there are now.

        A worker that died meanwhile is found in the times of its parent, which is to be among `pids` and to have
        waited for it. RuntimeError without a start.
        """
        if self._first is None:
            raise RuntimeError("Contention.stop: nothing was started; call start first")
        first, last = self._first, self._read(pids)
        self._first = None
        seconds = last.time_s - first.time_s
        own_s = sum(last.used_s.values()) - sum(first.used_s.values())
        other_s = last.busy_s - first.busy_s - own_s
        steal_s = last.steal_s - first.steal_s
        return Used(seconds, own_s / seconds, max(0.0, other_s) / seconds, steal_s / seconds)


def _ticks(pid: int) -> int | None:
    """Clock ticks of CPU that `pid` and its dead children used; None if it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return sum(map(int, words[11:15]))  # utime, stime, cutime, cstime
