"""Workers of this machine that run bare plans: arrivals and queues of some programs, no strain and no sky.

For measuring what a batch takes a server, and for holding the twin against a farm. One crew runs plan after plan.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from twin.engine import LiveBatch, LiveResult
from twin.farm.crew import LOADING_S, Answer, Crew, Named
from twin.farm.driver import Farm
from twin.farm.place import Here, Seat
from twin.farm.steady import steady
from twin.plan import Plan

Found = TypeVar("Found")
_UNITS, _SEED = 64, 30_013
"""Units that jobs are computed on in turn, and the chance that they are drawn with."""


class Supplied:
    """Units made beforehand, for each of the `programs`; what comes of them means nothing.

    Batches of a stage's primary execute the program number `first`, those of its fallback the next.
    """

    def __init__(self, programs: Sequence[Named], first: int = 0) -> None:
        from workloads.spec import get

        made = {workload: get(workload).units(_UNITS, _SEED) for workload, _, _ in programs}
        self._units = [made[workload] for workload, _, _ in programs]
        self.first = first

    def program(self, batch: LiveBatch) -> int:
        """The number of the batch's program."""
        return self.first + batch.variant

    def units(self, batch: LiveBatch) -> NDArray[Any]:
        """One unit per job."""
        units: NDArray[Any] = self._units[self.program(batch)][np.asarray(batch.entities) % _UNITS]
        return units

    def result(self, batch: LiveBatch, service_s: float, answer: Answer) -> LiveResult:
        """Nothing flagged, nothing found."""
        return LiveResult(service_s, (0,) * len(batch.entities), {})


class Pinned(Here):
    """Processes of this machine, each kept on one of `cores` in turn."""

    def __init__(self, cores: Sequence[int]) -> None:
        super().__init__()
        self._cores = cores

    def start(self, seat: Seat) -> None:
        """Start a process for `seat` on its core."""
        super().start(seat)
        os.sched_setaffinity(self._processes[seat].pid, {self._cores[seat[1] % len(self._cores)]})


@dataclass
class Kill:
    """A control that has the worker of server number `server` killed at `at_s`, as a crash would."""

    at_s: float
    server: int
    kill: Callable[[Seat], None]

    @property
    def next_s(self) -> float:
        """When it acts."""
        return self.at_s

    def act(self, environment: Any) -> None:
        """Kill it, once."""
        self.at_s = np.inf
        self.kill((0, self.server))


@dataclass
class Bench:
    """Servers that hold all `programs`; a context. The client has the first of `cores`, workers the others first.

    FarmError when a worker does not come up.
    """

    programs: Sequence[Named]
    servers: int
    cores: Sequence[int] = field(default_factory=lambda: sorted(os.sched_getaffinity(0)))

    def __post_init__(self) -> None:
        self._inputs = Supplied(self.programs)
        self._places = [*self.cores[1:], self.cores[0]]
        self._crew = Crew({0: self.programs}, {0: self.servers}, Pinned(self._places))

    def __enter__(self) -> Bench:
        self._before = os.sched_getaffinity(0)
        self._crew.__enter__()
        try:
            self._crew.await_ready(LOADING_S)
            os.sched_setaffinity(0, {self.cores[0]})
        except BaseException:
            self._crew.close()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        os.sched_setaffinity(0, self._before)
        self._crew.close()

    def run(
        self,
        plan: Plan,
        program: int = 0,
        kills: Sequence[tuple[float, int]] = (),
        look: Callable[[Farm], object] | None = None,
    ) -> Farm:
        """The farm that has run `plan`, whose only pool has no more than all servers.

        Primaries execute the program of that number. Workers of the servers in `kills` (at s, server) die, and
        others take their place. `look` is given the farm where there is nothing to do but wait (Farm.meanwhile).
        """
        self._inputs.first = program
        with steady():
            begun_s = time.monotonic()
            farm = Farm(plan, self._crew, self._inputs, lambda: time.monotonic() - begun_s, trace=True)
            farm.controls += [Kill(at_s, server, self._kill) for at_s, server in kills]
            if look is not None:
                farm.meanwhile = lambda: look(farm)
            farm.run()
        farm.written()
        return farm

    def processes(self) -> list[int]:
        """Numbers of this process and of all workers."""
        return [os.getpid(), *(self._crew.process_id((0, k)) for k in range(self.servers))]

    def elsewhere(self, work: Callable[[], Found]) -> Found:
        """What `work` gives on the first worker's core, while that worker idles."""
        os.sched_setaffinity(0, {self._places[0]})
        try:
            return work()
        finally:
            os.sched_setaffinity(0, {self.cores[0]})

    def _kill(self, seat: Seat) -> None:
        os.kill(self._crew.process_id(seat), 9)
