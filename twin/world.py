"""The kernel's arrays during one run: made from a plan, grown when full, copied for a fork. Knows no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.kernel.heap import widen
from twin.kernel.meetings import spread
from twin.kernel.state import (
    ABSENT,
    ARRAYS,
    BATCH,
    BINS,
    GONE,
    GROW_BATCHES,
    GROW_BUCKETS,
    GROW_HEAP,
    GROW_JOBS,
    GROW_MEETINGS,
    GROW_WAITERS,
    HEAP,
    JOB,
    MEETING,
    QUEUE,
    ROW,
    SERVER,
    TASK,
    TRACE,
    WAITER,
    WORLD,
)
from twin.plan import Plan

_CHANGING = (
    "world", "stages", "queues", "pools", "servers", "resident", "jobs", "heap", "batches", "streams", "links",
    "meetings", "buckets", "waiters", "verdicts", "tasks", "found", "hist", "bins", "rows", "trace", "responses",
    "noise",
)  # fmt: skip
"""What a run changes; everything else is the plan's."""

_NOTHING_YET = (
    "job_free", "batch_free", "meeting_free", "waiter_free", "live_batch", "turn", "ask_head", "stream",
    "place_free", "hole",
)  # fmt: skip
"""Numbers of the record that name a slot, and none at first."""

_FIRST_SLOTS = 1 << 14
"""How many slots an array has at first, where two events do not need more."""

MOST_SLOTS = 1 << 28
"""Jobs (52 GB of them), batches, meetings or waiters: an event names a slot with 32 bits."""

_LISTS = {
    GROW_JOBS: ("jobs", "job_free"),
    GROW_BATCHES: ("batches", "batch_free"),
    GROW_MEETINGS: ("meetings", "meeting_free"),
    GROW_WAITERS: ("waiters", "waiter_free"),
}
"""Arrays of slots: which code asks for more, and where their free list starts."""


class World:
    """The arrays of one run; `record` is what the kernel is called with."""

    def __init__(self, plan: Plan, trace: bool) -> None:
        margin = plan.spawn_margin
        self.plan = plan
        self.stages, self.queues, self.pools = plan.stages.copy(), _queues(plan), plan.pools.copy()
        self.streams, self.links = plan.streams.copy(), plan.links.copy()
        self.responses, self.noise = plan.responses.copy(), plan.noise.copy()
        self.world: NDArray[np.void] = np.zeros(1, WORLD)
        queues = max((int((plan.queues["pool"] == p).sum()) for p in range(plan.pools.size)), default=0)
        self.variant_n = plan.queues["table"].shape[1]
        self.slot_n = self.variant_n * queues
        self.servers: NDArray[np.void] = np.zeros(0, SERVER)
        self.resident = np.zeros(0)
        self.jobs: NDArray[np.void] = np.zeros(0, JOB)
        self.batches: NDArray[np.void] = np.zeros(plan.queues.size, BATCH)  # each queue's ring of the running
        self.batches["older"] = self.batches["newer"] = np.arange(plan.queues.size)
        self.meetings: NDArray[np.void] = np.zeros(0, MEETING)
        self.waiters: NDArray[np.void] = np.zeros(0, WAITER)
        self.buckets = np.full(1024, -1)
        first = max(_FIRST_SLOTS, 2 * margin)
        self.heap: NDArray[np.void] = np.zeros(_power_of_two(first), HEAP)
        self.rows: NDArray[np.void] = np.zeros(first, ROW)
        self.trace: NDArray[np.void] = np.zeros(first if trace else 0, TRACE)
        self.tasks: NDArray[np.void] = np.zeros(2 * margin + 64, TASK)
        self.verdicts = np.zeros((int(plan.stages["verdict"].max(initial=-1)) + 1, plan.segments), np.int8)
        for first, after in plan.absent.tolist():
            self.verdicts[:, first:after] = ABSENT
        bins = int(np.ceil((plan.horizon_s + plan.drain_s) / plan.bin_s)) + 1
        self.bins = np.zeros((self.pools.size, bins, 3))
        self.hist = np.zeros((self.queues.size, self.variant_n, 2, BINS), np.int64)
        self.found = np.zeros(plan.events.size, np.int8)
        self._begin(trace)

    def _begin(self, trace: bool) -> None:
        record, plan = self.record, self.plan
        for name in _NOTHING_YET:
            record[name] = -1
        record["trace_on"] = trace
        record["stage_n"], record["pool_n"], record["stream_n"] = (
            plan.stages.size,
            plan.pools.size,
            plan.streams.size,
        )
        record["site_n"], record["segment_n"] = plan.delays.shape[1], plan.segments
        record["event_n"], record["bin_n"] = plan.events.size, self.bins.shape[1]
        record["class_n"], record["snr_bin_n"] = plan.responses.shape[1:]
        record["variant_n"], record["slot_n"] = self.variant_n, self.slot_n
        record["table_width"] = plan.tables.shape[1]
        record["spawn_margin"], record["hand_margin"] = plan.spawn_margin, plan.hand_margin
        record["wait_n"] = self._waits()
        record["wait_again_n"] = self._waits() if self._wait_in_turn() else 1
        record["warm_on"] = plan.warmth.size > 0
        record["bin_s"], record["report_s"], record["noise_key"] = plan.bin_s, plan.report_s, plan.noise_key
        for code, size in zip(_LISTS, (_FIRST_SLOTS, 256, _FIRST_SLOTS, _FIRST_SLOTS), strict=True):
            stages = {GROW_MEETINGS: plan.stages.size, GROW_WAITERS: self._waits()}.get(code, 1)
            self._lengthen(code, max(size, 2 * plan.spawn_margin * stages))
        for p in range(self.pools.size):
            self.add_servers(p, int(self.pools["servers"][p]))
        for p in range(self.pools.size):
            own = np.flatnonzero(self.servers["pool"] == p)
            self.servers["next"][own] = [*own[1:], -1]
            self.pools["free"][p] = own[0] if own.size else -1
        self.connect()
        widen(self.record)

    @property
    def record(self) -> Any:
        """The record that holds every address, and the world's few numbers."""
        return self.world[0]

    @property
    def next_event_s(self) -> float:
        """When the next data event is due, between calls of the kernel; inf when none is known."""
        record, stream = self.record, int(self.record["stream"])
        first_s = float(record["first_s"])
        return first_s if stream < 0 else min(first_s, float(self.streams["next_s"][stream]))

    def connect(self) -> None:
        """Tell the record where the arrays are; owned here, so they outlive every call of the kernel."""
        record = self.record
        for name in ARRAYS:
            record[name] = getattr(self if name in _CHANGING else self.plan, name).ctypes.data
        record["heap_size"], record["row_size"], record["trace_size"] = (
            self.heap.size,
            self.rows.size,
            self.trace.size,
        )
        record["meeting_size"], record["bucket_size"] = self.meetings.size, self.buckets.size
        record["waiter_size"] = self.waiters.size
        record["budget"] = 0

    def _waits(self) -> int:
        """How many verdicts one job may wait for at most."""
        waits = self.plan.stages[self.plan.stages["awaits"] >= 0]
        return int((waits["await_span"] + waits["span"] - 1).max(initial=1))

    def _wait_in_turn(self) -> bool:
        """Whether a job that has waited for verdicts may come to another stage at which it waits."""
        plan, after = self.plan, np.zeros(self.stages.size, bool)
        for s, stage in enumerate(plan.stages):
            if after[s] and stage["awaits"] >= 0:
                return True
            after[plan.children[stage["child_start"] : stage["child_stop"]]] |= after[s] or stage["awaits"] >= 0
        return False

    def grow(self, code: int, by: int = 0) -> None:
        """Make the array that the kernel asked for larger, by as much again unless told."""
        if code == GROW_HEAP:
            size = _power_of_two(self.heap.size + (by or self.heap.size))
            self.heap = np.concatenate([self.heap, np.zeros(size - self.heap.size, HEAP)])
        elif code == GROW_BUCKETS:
            self._spread()
        else:
            self._lengthen(code, by)
        self.connect()

    def _lengthen(self, code: int, by: int) -> None:
        name, free = _LISTS[code]
        table = getattr(self, name)
        size, by = table.size, by or table.size
        if size + by > MOST_SLOTS:
            raise MemoryError(
                f"the simulated system holds more than {MOST_SLOTS // 2:,} {name} at once: it is overloaded "
                "beyond what can be kept. Add servers, a shelf life or a queue limit, or shorten the horizon"
            )
        longer = np.concatenate([table, np.zeros(by, table.dtype)])
        longer["next"][size:] = np.arange(size + 1, size + by + 1)
        longer["next"][-1] = self.record[free]
        self.record[free] = size
        self.record[f"{free}_n"] += by
        setattr(self, name, longer)

    def _spread(self) -> None:
        """Spread the meetings over four times as many buckets; their number stays a power of two."""
        before = self.buckets
        self.buckets = np.full(4 * before.size, -1)
        self.connect()
        with np.errstate(over="ignore"):
            spread(self.record, before.ctypes.data, before.size)

    def reserve(self, jobs: int) -> None:
        """Room for what follows when `jobs` jobs are handed on or ended at one instant."""
        record, needed = self.record, (jobs + 1) * self.plan.hand_margin + self.plan.spawn_margin
        for code, (_, free) in _LISTS.items():
            wanted = needed * {GROW_MEETINGS: self.stages.size, GROW_WAITERS: self._waits()}.get(code, 1)
            if record[f"{free}_n"] < wanted:
                self.grow(code, wanted)
        if self.heap.size - record["heap_n"] < needed:
            self.grow(GROW_HEAP, needed + self.heap.size)
        if self.rows.size - record["row_n"] < needed:
            self.rows = np.concatenate([self.rows, np.zeros(needed, ROW)])
            self.connect()
        record["budget"] = 0

    def hire(self, pool: int, count: int) -> NDArray[np.int64]:
        """The numbers of `count` servers that `pool` may use: those that left, lowest first, then new ones."""
        left = np.flatnonzero((self.servers["pool"] == pool) & (self.servers["state"] == GONE))[:count]
        if left.size == count:
            return left
        first = self.add_servers(pool, count - left.size)
        self.connect()
        return np.concatenate([left, np.arange(first, self.servers.size)])

    def add_servers(self, pool: int, count: int) -> int:
        """Append `count` servers of `pool`, in no list yet; the number of the first."""
        first, known = self.servers.size, int((self.servers["pool"] == pool).sum())
        more = np.zeros(count, SERVER)
        more["pool"], more["number"], more["next"], more["batch"] = pool, known + np.arange(count), -1, -1
        more["freed_s"] = -np.inf
        self.servers = np.concatenate([self.servers, more])
        self.resident = np.concatenate([self.resident, np.full(count * self.slot_n, -1.0)])
        return first

    def _at_once(self) -> int:
        """Rows that one event may write at most, with all that verdicts may let go on: see twin.kernel.events."""
        waiting = int(self.record["waiter_size"] - self.record["waiter_free_n"])
        return self.plan.spawn_margin + waiting * self.plan.hand_margin

    def take_rows(self) -> NDArray[np.void]:
        """The rows since last time."""
        rows = self.rows[: self.record["row_n"]].copy()
        self.record["row_n"] = 0
        if self.rows.size < (wanted := self._at_once()):
            self.rows = np.zeros(2 * wanted, ROW)
            self.connect()
        return rows

    def take_trace(self) -> NDArray[np.void]:
        """The trace since last time."""
        trace = self.trace[: self.record["trace_n"]].copy()
        self.record["trace_n"] = 0
        if self.trace.size < (wanted := self._at_once()) and self.record["trace_on"]:
            self.trace = np.zeros(2 * wanted, TRACE)
            self.connect()
        return trace

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of everything that a run changes."""
        return {name: _copy(getattr(self, name)) for name in _CHANGING}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from an earlier `state` of a world of the same plan."""
        for name in _CHANGING:
            setattr(self, name, _copy(state[name]))
        self.connect()


def _queues(plan: Plan) -> NDArray[np.void]:
    """The plan's queues, with room for what changes, and for as many variants as the kernel knows."""
    queues = np.zeros(plan.queues.size, QUEUE)
    queues["table"] = queues["warm"] = queues["crowd"] = queues["decide"] = -1
    queues["still_since_s"] = -1.0
    for name in plan.queues.dtype.names or ():
        given = plan.queues[name]
        queues[name][..., : given.shape[-1]] = given
    return queues


def _copy(array: NDArray[Any]) -> NDArray[Any]:
    """A copy, byte by byte: of records numpy copies one field after the other, which takes ten times as long."""
    return array.view(np.uint8).copy().view(array.dtype)


def _power_of_two(n: int) -> int:
    """The first power of two from `n` on."""
    return 1 << (n - 1).bit_length()
