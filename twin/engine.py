"""The twin's environment: SimPy processes above, the compiled kernel below, one clock. Knows no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from twin import kernel
from twin.memory import settle
from twin.plan import Plan
from twin.queues import touch
from twin.state import (
    ARRAYS,
    BATCH,
    BINS,
    DONE,
    FLUSH_ROWS,
    FLUSH_TRACE,
    GROW_BATCHES,
    GROW_HEAP,
    GROW_JOBS,
    HEAP,
    JOB,
    LIVE,
    ROW,
    TRACE,
    VARIANTS,
    WORLD,
)


@dataclass(frozen=True)
class LiveBatch:
    """A batch that has to be executed for real: the `order`-th of the run, on these segments."""

    order: int
    stage: int
    pool: int
    variant: int
    entities: tuple[int, ...]
    segments: tuple[int, ...]


@dataclass(frozen=True)
class LiveResult:
    """What happened: measured seconds, each job's flag or noise trigger (0/1), whether each event was found."""

    service_s: float
    extra: tuple[int, ...]
    found: Mapping[int, bool]


Execute = Callable[[LiveBatch], LiveResult]


class TwinEnvironment(simpy.Environment):
    """A SimPy environment whose clock drags the kernel along.

    Before a SimPy event at time t, the kernel handles every data event before t. Control processes are
    ordinary SimPy generators that call `down`, `restore`, `scale` and `swap`.
    """

    def __init__(self, plan: Plan, execute: Execute | None = None, trace: bool = False) -> None:
        super().__init__()
        self.plan = plan
        self.execute = execute
        self.live_batches = 0
        self._rows: list[NDArray[np.void]] = []
        self._traces: list[NDArray[np.void]] = []
        self._allocate(trace)
        self._connect()
        for m in range(self.streams.size):
            kernel.schedule_arrival(self.world[0], m)

    def _allocate(self, trace: bool) -> None:
        plan, margin = self.plan, self.plan.spawn_margin
        self.stages, self.queues, self.pools = plan.stages.copy(), plan.queues.copy(), plan.pools.copy()
        self.streams = plan.streams.copy()
        self.world: NDArray[np.void] = np.zeros(1, WORLD)
        world = self.world[0]
        world["live_batch"] = world["job_free"] = world["batch_free"] = -1
        world["spawn_margin"], world["bin_s"] = margin, plan.bin_s
        world["noise_key"], world["trace_on"] = plan.noise_key, trace
        self.jobs: NDArray[np.void] = np.zeros(0, JOB)
        self.batches: NDArray[np.void] = np.zeros(0, BATCH)
        self._grow_jobs(max(1024, 2 * margin))
        self._grow_batches(256)
        self.heap: NDArray[np.void] = np.zeros(max(1024, 4 * margin), HEAP)
        self.rows: NDArray[np.void] = np.zeros(max(4096, 4 * margin), ROW)
        self.trace: NDArray[np.void] = np.zeros(max(4096, 4 * margin) if trace else margin + 1, TRACE)
        bins = int(np.ceil((plan.horizon_s + plan.drain_s) / plan.bin_s)) + 1
        self.bins = np.zeros((self.pools.size, bins, 3))
        self.hist = np.zeros((self.queues.size, 2, 2, BINS), np.int64)
        self.found = np.zeros(plan.events.size, np.int8)
        self.moved = np.zeros(plan.delays.shape, np.int64)
        self.down_s = np.zeros(self.pools.size)
        self._down_since_s: dict[int, float] = {}

    def _connect(self) -> None:
        """Tell the world where its arrays are; owned here, so they outlive every call of the kernel."""
        world, plan = self.world[0], self.plan
        for name in ARRAYS:
            array = getattr(self, name) if hasattr(self, name) else getattr(plan, name)
            world[name] = array.ctypes.data
        world["heap_size"], world["row_size"], world["trace_size"] = (
            self.heap.size,
            self.rows.size,
            self.trace.size,
        )
        world["event_n"], world["site_n"], world["bin_n"] = (
            plan.events.size,
            plan.delays.shape[1],
            self.bins.shape[1],
        )
        world["class_n"], world["snr_bin_n"] = plan.responses.shape[1:]
        world["table_width"] = plan.tables.shape[1]

    # --- what control processes do ---

    def down(self, pool: int) -> None:
        """Pool `pool` starts nothing new; what runs, finishes."""
        self._settle(pool)
        self.pools[pool]["up"] = 0
        self._down_since_s.setdefault(pool, self.now)

    def restore(self, pool: int) -> None:
        """Pool `pool` works again."""
        self._settle(pool)
        self._count_down(pool)
        self.pools[pool]["up"] = 1
        self._touch(pool)

    def scale(self, pool: int, by: int) -> None:
        """Add `by` servers (negative: take them away as they finish)."""
        self._settle(pool)
        servers = int(self.pools[pool]["servers"]) + by
        if servers < 0:
            name = self.plan.pool_names[pool]
            raise ValueError(f"pool '{name}' has {servers - by} servers; {-by} cannot be taken at {self.now} s")
        self.pools[pool]["servers"] = servers
        self._touch(pool)

    def swap(self, stage: int, variant: int) -> None:
        """From now on `stage` starts this variant of its program."""
        own = self.queues["stage"] == stage
        if (self.queues["table"][own, variant] < 0).any():
            raise ValueError(f"stage '{self.plan.stage_names[stage]}' has no {VARIANTS[variant]} to swap to")
        self.stages[stage]["variant"] = variant

    # --- the clock ---

    def step(self) -> None:
        """Let the kernel catch up with the next SimPy event, then handle that event."""
        self.advance(self.peek())
        super().step()

    def advance(self, until_s: float) -> None:
        """Handle all data events before `until_s`."""
        with np.errstate(over="ignore"):  # the generator wraps on purpose; matters un-jitted only
            while (code := kernel.advance(self.world, until_s)) != DONE:
                self._serve(code)
                self._connect()

    def _serve(self, code: int) -> None:
        if code == LIVE:
            self._run_live()
        elif code == GROW_JOBS:
            self._grow_jobs(self.jobs.size)
        elif code == GROW_BATCHES:
            self._grow_batches(self.batches.size)
        elif code == GROW_HEAP:
            self.heap = np.concatenate([self.heap, np.zeros_like(self.heap)])
        elif code == FLUSH_ROWS:
            self._flush_rows()
        elif code == FLUSH_TRACE:
            self._flush_trace()

    def _grow_jobs(self, by: int) -> None:
        self.jobs = _extend(self.jobs, by, self.world[0], "job_free")

    def _grow_batches(self, by: int) -> None:
        self.batches = _extend(self.batches, by, self.world[0], "batch_free")

    # --- live ---

    def _run_live(self) -> None:
        if self.execute is None:
            raise ValueError("the plan has live stages, but nothing that executes them was given")
        batch = self.batches[self.world[0]["live_batch"]]
        queue = self.queues[batch["queue"]]
        numbers = self._chain(batch)
        what = LiveBatch(
            self.live_batches,
            int(queue["stage"]),
            int(queue["pool"]),
            int(batch["variant"]),
            tuple(self.jobs["entity"][numbers].tolist()),
            tuple(self.jobs["segment"][numbers].tolist()),
        )
        self.live_batches += 1
        result = self.execute(what)
        self.jobs["extra"][numbers] = result.extra
        for event, hit in result.found.items():
            self.found[event] = hit
        self.world[0]["live_service_s"] = result.service_s

    def _chain(self, batch: Any) -> list[int]:
        numbers = [int(batch["head"])]
        for _ in range(int(batch["n"]) - 1):
            numbers.append(int(self.jobs["next"][numbers[-1]]))
        return numbers

    # --- what is left behind ---

    def ended(self) -> NDArray[np.void]:
        """Rows of the jobs that ended so far, dtype ROW."""
        self._flush_rows()
        return _joined(self._rows, ROW)

    def traced(self) -> NDArray[np.void]:
        """Every stage completion so far, dtype TRACE; empty unless asked for."""
        self._flush_trace()
        return _joined(self._traces, TRACE)

    def close(self) -> None:
        """Bring every pool's areas and down time up to the present."""
        for p in range(self.pools.size):
            self._settle(p)
            if p in self._down_since_s:
                self._count_down(p)
                self._down_since_s[p] = self.now

    def _count_down(self, pool: int) -> None:
        """Add the time since the pool went down, within the horizon."""
        since_s = self._down_since_s.pop(pool, self.now)
        horizon_s = self.plan.horizon_s
        self.down_s[pool] += min(self.now, horizon_s) - min(since_s, horizon_s)

    def _flush_rows(self) -> None:
        self._rows.append(self.rows[: self.world[0]["row_n"]].copy())
        self.world[0]["row_n"] = 0

    def _flush_trace(self) -> None:
        self._traces.append(self.trace[: self.world[0]["trace_n"]].copy())
        self.world[0]["trace_n"] = 0

    def _settle(self, pool: int) -> None:
        settle(self.world[0], pool)

    def _touch(self, pool: int) -> None:
        touch(self.world[0], pool)


def _extend(table: NDArray[np.void], by: int, core: Any, free: str) -> NDArray[np.void]:
    """`table` with `by` more rows, linked into the free list that starts at core[free]."""
    size = table.size
    longer = np.concatenate([table, np.zeros(by, table.dtype)])
    longer["next"][size:] = np.arange(size + 1, size + by + 1)
    longer["next"][-1] = core[free]
    core[free] = size
    core[f"{free}_n"] += by
    return longer


def _joined(parts: Sequence[NDArray[np.void]], dtype: np.dtype[Any]) -> NDArray[np.void]:
    return np.concatenate([np.zeros(0, dtype), *parts])
