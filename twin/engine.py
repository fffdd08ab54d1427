"""The twin's environment: SimPy processes above, the compiled kernel below, one clock. Knows no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.actions import Actions
from twin.checkpoint import Checkpoint
from twin.kernel import events as kernel
from twin.kernel import routes
from twin.kernel.graph import follow
from twin.kernel.heap import push
from twin.kernel.memory import settle
from twin.kernel.state import (
    ASK,
    DONE,
    FLUSH_ROWS,
    FLUSH_TRACE,
    LIVE,
    RANK_REPORT,
    ROW,
    TRACE,
)
from twin.plan import Plan
from twin.world import World


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
    """What happened: measured seconds, each job's flag or noise trigger (0/1), whether each event was found.

    `scores` are the program's own, one per job, where it gave any.
    """

    service_s: float
    extra: tuple[int, ...]
    found: Mapping[int, bool]
    scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class Question:
    """Which of `pools` should this job of a stage with route 'python' go to?"""

    stage: int
    entity: int
    segment: int
    shard: int
    site: int
    pools: tuple[int, ...]


Execute = Callable[[LiveBatch], LiveResult]
Policy = Callable[[Question], int | None]
Sink = Callable[[NDArray[np.void]], None]


class TwinEnvironment(Actions):
    """A SimPy environment whose clock drags the kernel along.

    Before a SimPy event at time t, the kernel handles every data event before t. Control processes are
    ordinary SimPy generators that call `down`, `restore`, `withdraw` and the other actions below; the plan's
    own controls are data and act at their time. Live batches go to `execute`; a job whose stage has route 'python'
    goes to the pool that `policy` names, or is turned away when it names none.
    """

    def __init__(
        self,
        plan: Plan,
        execute: Execute | None = None,
        trace: bool = False,
        policy: Policy | None = None,
        sink: Sink | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        super().__init__(0.0 if checkpoint is None else checkpoint.now_s)
        self.plan = plan
        self.execute = execute
        self.policy = policy
        self.world = World(plan, trace)
        self.controls = list(deepcopy(plan.controls))
        self.causes: dict[str, int] = {}
        self.marks: list[tuple[str, str, float, float]] = []
        self.served: list[tuple[float, int, int]] = []
        self.live_batches = 0
        self.down_s = np.zeros(plan.pools.size)
        self._down_since_s: dict[int, float] = {}
        self._sink = sink
        self._rows: list[NDArray[np.void]] = []
        self._traces: list[NDArray[np.void]] = []
        if checkpoint is not None:
            self._go_on(checkpoint)
            return
        for m in range(plan.streams.size):
            kernel.schedule_arrival(self.world.record, m)
        if plan.report_s > 0.0:
            push(self.world.record, plan.report_s, RANK_REPORT, 0)

    # --- the clock ---

    def step(self) -> None:
        """Let the kernel catch up with the next SimPy event or control, then handle that.

        At equal time SimPy events come first, then the plan's controls in their order.
        """
        control = min(self.controls, key=lambda c: c.next_s, default=None)
        if control is None or self.peek() <= control.next_s:
            self.advance(self.peek())
            super().step()
        else:
            self.advance(control.next_s)
            self._now = control.next_s
            control.act(self)

    def advance(self, until_s: float) -> None:
        """Handle all data events before `until_s`."""
        with np.errstate(over="ignore", divide="ignore"):  # the generator wraps on purpose; matters un-jitted only
            while (code := kernel.advance(self.world.world, until_s)) != DONE:
                self._serve(code)

    def _serve(self, code: int) -> None:
        if code == LIVE:
            self._run_live()
        elif code == ASK:
            self._ask()
        elif code == FLUSH_ROWS:
            self._flush_rows()
        elif code == FLUSH_TRACE:
            self._traces.append(self.world.take_trace())
        else:
            self.world.grow(code)

    # --- holding a run still ---

    def checkpoint(self) -> Checkpoint:
        """Everything that decides how this run goes on; ValueError when SimPy processes are part of it.

        A generator cannot be copied: end the processes first, or write them as controls.
        """
        pending = sum(bool(event.callbacks) for *_, event in self._queue)
        if pending:
            raise ValueError(
                f"SimPy events are pending ({pending}) at {self.now} s; a run with SimPy processes of its "
                "own cannot be copied: write them as controls (twin.controls)"
            )
        notes = {
            "causes": dict(self.causes),
            "marks": [list(mark) for mark in self.marks],
            "served": [list(turn) for turn in self.served],
            "live_batches": self.live_batches,
            "down_s": self.down_s.tolist(),
            "down_since_s": [[pool, since_s] for pool, since_s in self._down_since_s.items()],
        }
        written = self.ended(), self.traced()  # empties the kernel's own
        return Checkpoint(self.plan.digest, self.now, self.world.state(), deepcopy(self.controls), notes, *written)

    def fork(self) -> TwinEnvironment:
        """Another environment that goes on from this instant, as this one would; neither sees the other."""
        return TwinEnvironment(
            self.plan, self.execute, bool(self.world.record["trace_on"]), self.policy, checkpoint=self.checkpoint()
        )

    def _go_on(self, checkpoint: Checkpoint) -> None:
        if checkpoint.plan_digest != self.plan.digest:
            raise ValueError("the checkpoint belongs to another plan")
        notes = checkpoint.notes
        self.world.set_state(checkpoint.arrays)
        self.controls = list(deepcopy(checkpoint.controls))
        self.causes = dict(notes["causes"])
        self.marks = [(kind, name, start_s, end_s) for kind, name, start_s, end_s in notes["marks"]]
        self.served = [(time_s, stage, variant) for time_s, stage, variant in notes["served"]]
        self.live_batches = notes["live_batches"]
        self.down_s = np.array(notes["down_s"])
        self._down_since_s = {int(pool): since_s for pool, since_s in notes["down_since_s"]}
        self._rows, self._traces = [checkpoint.rows], [checkpoint.trace]

    # --- what Python decides ---

    def _ask(self) -> None:
        if self.policy is None:
            raise ValueError("the plan has a stage with route 'python', but no policy was given")
        world = self.world
        job = world.jobs[world.record["ask_head"]]
        stage = world.stages[job["stage"]]
        listed = range(int(stage["queue_start"]), int(stage["queue_stop"]))
        open_ = [q for q in listed if routes.eligible(world.record, q, stage, job["site"])]
        pools = {int(world.queues["pool"][q]): q for q in open_ or listed}
        facts = {name: int(job[name]) for name in ("stage", "entity", "segment", "shard", "site")}
        question = Question(**facts, pools=tuple(pools))
        pool = self.policy(question)
        if pool is not None and pool not in pools:
            name = self.plan.stage_names[question.stage]
            raise ValueError(f"stage '{name}': the policy chose pool {pool}; allowed: {list(pools)} or None")
        world.reserve(1)
        routes.answer(world.record, -1 if pool is None else pools[pool])
        follow(world.record)

    def _run_live(self) -> None:
        if self.execute is None:
            raise ValueError("the plan has live stages, but nothing that executes them was given")
        b = int(self.world.record["live_batch"])
        result = self.execute(self._live_batch(b))
        self._decide(b, result)
        self.world.record["live_service_s"] = result.service_s

    def _live_batch(self, b: int) -> LiveBatch:
        """What slot `b` holds, just started: the next to execute."""
        world = self.world
        batch = world.batches[b]
        queue = world.queues[batch["queue"]]
        numbers = self._chain(batch)
        self.live_batches += 1
        return LiveBatch(
            self.live_batches - 1,
            int(queue["stage"]),
            int(queue["pool"]),
            int(batch["variant"]),
            tuple(world.jobs["entity"][numbers].tolist()),
            tuple(world.jobs["segment"][numbers].tolist()),
        )

    def _decide(self, b: int, result: LiveResult) -> None:
        """The jobs of the batch in slot `b` carry what was really found."""
        self.world.jobs["extra"][self._chain(self.world.batches[b])] = result.extra
        for event, hit in result.found.items():
            self.world.found[event] = hit

    def _chain(self, batch: Any) -> list[int]:
        numbers = [int(batch["head"])]
        for _ in range(int(batch["n"]) - 1):
            numbers.append(int(self.world.jobs["next"][numbers[-1]]))
        return numbers

    # --- what is left behind ---

    def ended(self) -> NDArray[np.void]:
        """Rows of the jobs that ended so far, dtype ROW; none where a `sink` takes them."""
        self._flush_rows()
        self._rows = [_joined(self._rows, ROW)]
        return self._rows[0]

    def traced(self) -> NDArray[np.void]:
        """Every stage completion so far, dtype TRACE; empty unless asked for."""
        self._traces = [_joined([*self._traces, self.world.take_trace()], TRACE)]
        return self._traces[0]

    def settle(self) -> None:
        """Bring every pool's areas and down time up to the present."""
        for p in range(self.world.pools.size):
            settle(self._ready(), p)
            if p in self._down_since_s:
                self._count_down(p)
                self._down_since_s[p] = self.now

    def _flush_rows(self) -> None:
        rows = self.world.take_rows()
        if self._sink is not None:
            self._sink(rows)
        else:
            self._rows.append(rows)


def _joined(parts: Sequence[NDArray[np.void]], dtype: np.dtype[Any]) -> NDArray[np.void]:
    return np.concatenate([np.zeros(0, dtype), *parts])
