"""The kernel repeats a farm's log: what arrived and what ended is told, what starts when is the kernel's to find.

A batch that starts has no end until the log tells one, as on the farm itself. The farm that wrote the log must
start what this kernel starts, or following ends in words; small delays do not matter. Knows no file.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.engine import LiveResult, Policy, TwinEnvironment
from twin.farm.journal import Line
from twin.farm.log import FAIL, REPAIR
from twin.kernel.batches import finish
from twin.kernel.events import schedule_arrival
from twin.kernel.state import LOSE, REQUEUE
from twin.plan import Array, Plan
from twin.record import RecordError
from twin.shadow.tail import integers, names
from twin.shadow.times import profile_s

Work = tuple[int, tuple[int, ...]]
"""A batch as both the log and the kernel name it: the stage, and the entities in their order."""


@dataclass(frozen=True)
class Running:
    """A batch in the kernel's `slot`; `profile_s` is the inverse CDF of what the profile says it takes."""

    slot: int
    token: int
    pool: int
    start_s: float
    profile_s: Array


@dataclass(frozen=True)
class Occupancy:
    """A batch on a server of `pool` ended at `end_s`: what it took, and what the profile says on average."""

    pool: int
    end_s: float
    took_s: float
    profile_s: float


class Follower(TwinEnvironment):
    """A twin of `plan` that does what a log says; its arrivals are the log's, not the plan's.

    `occupancies` are the batches that ended, for whoever empties it. RecordError where the log does not fit.
    """

    def __init__(self, plan: Plan, lost: bool = False, policy: Policy | None = None) -> None:
        super().__init__(_without_arrivals(plan), trace=True, policy=policy)
        self.arrived = np.zeros(plan.streams.size, np.int64)
        self.occupancies: list[Occupancy] = []
        self._mode = LOSE if lost else REQUEUE
        self._running: defaultdict[Work, deque[Running]] = defaultdict(deque)
        self._told: dict[int, Work] = {}
        self._hear: dict[str, Callable[[Line], None]] = {
            "arrival": self._arrives,
            "start": self._starts,
            "end": self._ends,
            "taken": self._is_taken,
            FAIL: self._breaks,
            REPAIR: self._breaks,
        }

    def follow(self, lines: Iterable[Line], until_s: float) -> None:
        """Do what `lines`, all of them before `until_s`, say; then it is `until_s`."""
        for line in lines:
            if line["what"] in self._hear:
                self._hear[line["what"]](line)
        self._catch_up(until_s)

    def running(self) -> list[Running]:
        """The batches on workers."""
        return [one for several in self._running.values() for one in several if self._still_runs(one)]

    def times_s(self, stream: int) -> Array:
        """When the jobs of a stream came so far."""
        first = int(self.plan.streams["first"][stream])
        return self.plan.arrivals[first : first + self.arrived[stream]]

    def take(self) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Stage completions and rows of the jobs that ended (dtypes TRACE and ROW) since last time."""
        taken = self.traced(), self.ended()
        self._rows, self._traces = [], []
        return taken

    # --- what the log says ---

    def _arrives(self, line: Line) -> None:
        stage = names(line, "stage", self.plan.stage_names)
        own = np.flatnonzero(self.plan.streams["stage"] == stage)
        if not own.size:
            raise RecordError(f"the log has an arrival at stage {line['stage']!r}, which is not a first one")
        m = int(own[0])
        n, stream = int(self.arrived[m]), self.plan.streams[m]
        if line["segment"] != n or n >= stream["count"]:
            allowed = f"{n} is the next" if n < stream["count"] else f"the scenario ends after {n}"
            raise RecordError(f"segment {line['segment']} of {line['stage']} arrives at {line['t']} s; {allowed}")
        self.plan.arrivals[stream["first"] + n] = line["t"]
        self.arrived[m] += 1
        if self.world.streams[m]["next"] == n:
            schedule_arrival(self.world.record, m)

    def _starts(self, line: Line) -> None:
        stage = names(line, "stage", self.plan.stage_names)
        self._told[line["batch"]] = stage, integers(line["entities"], line)

    def _ends(self, line: Line) -> None:
        self._catch_up(line["t"])
        one = self._pop(line)
        self._decide(one.slot, self._result(line, int(self.world.batches["n"][one.slot])))
        self.world.reserve(1)
        finish(self._ready(), one.slot)
        mean_s = float(np.mean(one.profile_s[1:] + one.profile_s[:-1]) / 2.0)
        self.occupancies.append(Occupancy(one.pool, line["t"], line["t"] - one.start_s, mean_s))

    def _is_taken(self, line: Line) -> None:
        self._catch_up(line["t"])
        self._pop(line)

    def _breaks(self, line: Line) -> None:
        self._catch_up(line["t"])
        seat = names(line, "pool", self.plan.pool_names), line["server"]
        if line["server"] not in self.world.servers["number"][self.world.servers["pool"] == seat[0]]:
            raise RecordError(
                f"the log has server {seat[1]} of {line['pool']} at {line['t']} s, which is not there"
            )
        if line["what"] == FAIL:
            self.fail(*seat, self._mode)
        else:
            self.repair(*seat)

    # --- how the kernel does it ---

    def _catch_up(self, until_s: float) -> None:
        now_s = max(self.now, until_s)  # a clock that ticks coarsely tells several ends at once
        while min(self.peek(), min((c.next_s for c in self.controls), default=np.inf)) < now_s:
            self.step()
        self.advance(now_s)
        self._now = now_s

    def _run_live(self) -> None:
        world = self.world
        slot = int(world.record["live_batch"])
        batch = self._live_batch(slot)
        one = Running(
            slot,
            int(world.batches["token"][slot]),
            batch.pool,
            float(world.record["now_s"]),
            profile_s(world, slot),
        )
        self._running[batch.stage, batch.entities].append(one)
        world.record["live_service_s"] = np.inf

    def _result(self, line: Line, jobs: int) -> LiveResult:
        known = {str(event) for event in range(self.plan.events.size)} if line["found"] else set()
        found = {int(event): bool(hit) for event, hit in line["found"].items() if event in known}
        if len(found) < len(line["found"]):
            raise RecordError(f"the log finds events at {line['t']} s that the scenario's sky does not have")
        extra = integers(line["extra"], line)
        if len(extra) != jobs:
            raise RecordError(f"the log has {len(extra)} results for {jobs} jobs at {line['t']} s")
        return LiveResult(np.nan, extra, found)

    def _still_runs(self, one: Running) -> bool:
        return int(self.world.batches["token"][one.slot]) == one.token

    def _pop(self, line: Line) -> Running:
        """The batch that `line` is about, which no longer runs."""
        work = self._told.pop(line["batch"], None)
        if work is None:
            raise RecordError(f"the log says of batch {line['batch']} at {line['t']} s what it never said started")
        several = self._running[work]
        one = several.popleft() if several else None
        if not several:
            del self._running[work]
        if one is None or (line["what"] == "end" and not self._still_runs(one)):
            stage, entities = self.plan.stage_names[work[0]], list(work[1])
            raise RecordError(
                f"the log has {stage} of {entities} under way at {line['t']} s, which by the scenario's rules is "
                "not: the farm runs another scenario, or by other rules"
            )
        return one


def _without_arrivals(plan: Plan) -> Plan:
    """`plan` with room for as many arrivals, none of which has come: those of its arrays are filled later."""
    streams = plan.streams.copy()
    streams["stride_s"], streams["next_s"] = 0.0, np.inf
    streams["first"] = np.cumsum(streams["count"]) - streams["count"]
    return replace(plan, streams=streams, arrivals=np.full(int(streams["count"].sum()), np.inf))
