"""The kernel's clock kept on the wall's: batches start on workers when the kernel says so, and end when they do.

What the kernel is told has a time of its own, the reading of the clock when it was heard, so that the same kernel
repeats the whole run from the log: same order, same times. Knows no process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from twin.engine import LiveBatch, LiveResult, Policy, TwinEnvironment
from twin.farm.crew import Answer, FarmError, Gone, News, Seat
from twin.farm.log import FAIL, REPAIR, Executed, Incident, Log, Started, lasting_s
from twin.kernel.batches import finish
from twin.kernel.state import LOSE, REQUEUE
from twin.plan import Plan

PATIENCE_S = 0.5
"""The longest wait for news: then the crew is asked whether somebody has fallen silent."""

BREATHER_S = 5e-3
"""A wait that lasts at least so long, unless news comes, leaves time for something else."""

MOST_DEATHS = 4
"""Workers that a server may lose in a row before one answers: then it is the program that kills them."""


class Workers(Protocol):
    """What the driver asks of its crew."""

    def send(self, seat: Seat, batch: int, program: int, units: NDArray[Any]) -> bool:
        """Have the worker on `seat` execute `units`."""

    def wait(self, timeout_s: float) -> Sequence[News]:
        """What is heard within `timeout_s`."""

    def start(self, seat: Seat) -> None:
        """A worker for `seat`, unless it has one."""

    def replace(self, seat: Seat) -> None:
        """End the worker on `seat` and start another."""


class Inputs(Protocol):
    """What batches are computed on, and what comes of it."""

    def program(self, batch: LiveBatch) -> int:
        """Which of its programs the server executes."""

    def units(self, batch: LiveBatch) -> NDArray[Any]:
        """The batch's input, one unit per job."""

    def result(self, batch: LiveBatch, service_s: float, answer: Answer) -> LiveResult:
        """What the answer means for the batch's jobs and the sky's events."""


@dataclass
class _Running:
    slot: int
    token: int
    batch: LiveBatch
    seat: Seat
    start_s: float
    sent_s: float


class Farm(TwinEnvironment):
    """A twin whose live stages run on a `crew`, in the time of `clock`: seconds since the run began.

    A batch on a worker that dies waits again, or is `lost`, as the scenario says; the server is broken until
    another worker is ready. `written` tells every batch and every such incident, `tell` hears of each at once.
    `meanwhile` is called, and is to be short, where there is nothing to do but wait: no batch can start before the
    next news, or nothing is due for BREATHER_S.
    """

    def __init__(
        self,
        plan: Plan,
        crew: Workers,
        inputs: Inputs,
        clock: Callable[[], float],
        lost: bool = False,
        trace: bool = False,
        policy: Policy | None = None,
    ) -> None:
        super().__init__(plan, trace=trace, policy=policy)
        self.log = Log()
        self.tell: Callable[[Started | Executed | Incident], object] = lambda told: None
        self.meanwhile: Callable[[], object] | None = None
        self._crew, self._inputs, self._clock = crew, inputs, clock
        self.mode = LOSE if lost else REQUEUE
        live = np.flatnonzero(plan.stages["live"])
        self._live_pools = set(plan.queues["pool"][np.isin(plan.queues["stage"], live)].tolist())
        self._running: dict[int, _Running] = {}
        self._busy: dict[Seat, int] = {}
        self._manned: set[Seat] = set()
        self._absent: set[Seat] = set()
        self._deaths: Counter[Seat] = Counter()

    def run(self, until: Any = None) -> None:
        """Let time pass until `until` seconds of the run, by default its end; at once when nothing can happen."""
        end_s = self.plan.horizon_s + self.plan.drain_s
        until_s = end_s if until is None else float(until)
        while self.now < until_s:
            self.catch_up(min(self._clock(), until_s))
            if self._due_s() >= end_s and not self._running and not self._absent:
                self.catch_up(until_s)
                break
            may_start = self._may_start()
            wake_s = self._due_s() if may_start else self._control_s()
            if self.meanwhile is not None and (not may_start or wake_s - self._clock() > BREATHER_S):
                self.meanwhile()
            left_s = min(wake_s, until_s) - self._clock()
            for news in self._crew.wait(min(max(left_s, 0.0), PATIENCE_S)):
                self._hear(news)

    def written(self) -> Log:
        """What happened until now; what still runs then never ends."""
        for order in list(self._running):
            self._end(order, np.inf)
        return self.log

    def catch_up(self, now_s: float) -> None:
        """Everything that is due before `now_s` happens, and it is `now_s`."""
        while self._control_s() < now_s:
            self.step()
        self.advance(now_s)
        self._now = now_s

    def _control_s(self) -> float:
        return min(self.peek(), min((c.next_s for c in self.controls), default=np.inf))

    def _may_start(self) -> bool:
        """Could a live batch start before the next news? Else events may wait for it, and keep their order."""
        busy = Counter(pool for pool, _ in self._busy)
        pools = self.world.pools
        return any(
            pools["free"][p] >= 0 or pools["watchful"][p] or pools["busy"][p] > busy[p] for p in self._live_pools
        )

    def _due_s(self) -> float:
        return min(self._control_s(), self.world.next_event_s)

    def _run_live(self) -> None:
        world = self.world
        slot = int(world.record["live_batch"])
        batch = self._live_batch(slot)
        seat = batch.pool, int(world.servers["number"][world.batches["server"][slot]])
        if seat in self._busy:  # the kernel has taken its batch away, the worker still computes
            self._crew.replace(seat)
            self._end(self._busy[seat], np.inf)
        units = self._inputs.units(batch)
        now_s = float(world.record["now_s"])
        token = int(world.batches["token"][slot])
        self._running[batch.order] = _Running(slot, token, batch, seat, now_s, self._clock())
        self._busy[seat] = batch.order
        if seat not in self._manned:  # perhaps hired since the run began
            self._crew.start(seat)
            self._manned.add(seat)
        self._crew.send(seat, batch.order, self._inputs.program(batch), units)
        self.tell(Started(batch, seat[1], now_s))
        world.record["live_service_s"] = np.inf

    def _hear(self, news: News) -> None:
        """What happened on a worker happens here: now, and after all that happened before."""
        now_s = max(self._clock(), float(np.nextafter(self.now, np.inf)))
        if now_s >= self.plan.horizon_s + self.plan.drain_s:  # the run is over: what it tells has not happened
            return
        self.catch_up(now_s)
        if isinstance(news, Answer):
            self._answered(news)
        elif isinstance(news, Gone):
            self._bury(news)
        else:
            self._absent.discard(news.seat)
            self._incident(REPAIR, news.seat)
        self.catch_up(float(np.nextafter(now_s, np.inf)))  # what follows from it at the same instant

    def _bury(self, gone: Gone) -> None:
        """The server is broken until another worker is ready; FarmError where that leads nowhere."""
        self._deaths[gone.seat] += 1
        if self._deaths[gone.seat] > MOST_DEATHS:
            name, number = self.plan.pool_names[gone.seat[0]], gone.seat[1]
            raise FarmError(
                f"the worker of server {number} of pool '{name}' ended {MOST_DEATHS + 1} times in a row before any"
                " answer; what it said last stands above, or on its host"
            )
        self._incident(FAIL, gone.seat)
        self._absent.add(gone.seat)
        self._crew.start(gone.seat)

    def _answered(self, answer: Answer) -> None:
        self._deaths[answer.seat] = 0
        running = self._running.get(answer.batch)
        if running is None:  # taken from the worker at the last moment
            return
        if int(self.world.batches["token"][running.slot]) != running.token:
            self._end(answer.batch, np.inf)
            return
        result = self._inputs.result(running.batch, lasting_s(running.start_s, self.now), answer)
        self._decide(running.slot, result)
        self.world.reserve(1)
        finish(self._ready(), running.slot)
        self._end(answer.batch, self.now, answer.service_s, result)

    def _incident(self, what: str, seat: Seat) -> None:
        if what == FAIL and seat in self._busy:
            self._end(self._busy[seat], np.inf)
        if self.fail(*seat, self.mode) if what == FAIL else self.repair(*seat):
            self.log.incidents.append(Incident(self.now, what, *seat))
            self.tell(self.log.incidents[-1])

    def _end(self, order: int, end_s: float, program_s: float = np.nan, result: LiveResult | None = None) -> None:
        running = self._running.pop(order)
        del self._busy[running.seat]
        self.log.batches.append(
            Executed(
                batch=running.batch,
                server=running.seat[1],
                start_s=running.start_s,
                sent_s=running.sent_s,
                end_s=end_s,
                program_s=program_s,
                result=result or LiveResult(np.inf, (0,) * len(running.batch.entities), {}),
            )
        )
        self.tell(self.log.batches[-1])
