"""The crew of a farm: a worker process per server, started, heard and replaced. Knows no kernel, no scenario."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from twin.farm.channel import Channel
from twin.farm.place import FarmError, Here, Place, Seat

__all__ = ["SILENCE_S", "Answer", "Crew", "FarmError", "Gone", "Named", "News", "Ready", "Seat"]

Named = tuple[str, str, int]
"""A program: workload, runtime, threads."""
LOADING_S = 300.0
"""What all workers together may take to load their programs."""
SILENCE_S = 10.0
"""A worker that says nothing for so long is taken for dead: it beats ten times as often."""


@dataclass(frozen=True)
class Ready:
    """The worker on `seat` has loaded its programs."""

    seat: Seat


@dataclass(frozen=True)
class Gone:
    """The worker on `seat` has died, is silent, or says nonsense; had it been ready?"""

    seat: Seat
    was_ready: bool = True


@dataclass(frozen=True)
class Answer:
    """The worker on `seat` has executed `batch`: its own seconds, and the fields of the result that are there."""

    seat: Seat
    batch: int
    service_s: float
    result: Mapping[str, Any]


News = Ready | Gone | Answer


@dataclass
class _Worker:
    """`told` is what waits for the worker to come up; `process` its number on its host, once it is ready."""

    told: list[tuple[Mapping[str, Any], Sequence[NDArray[Any]]]]
    channel: Channel | None = None
    heard_s: float = field(default_factory=time.monotonic)
    process: int | None = None


class Crew:
    """Worker processes that come up in `place`, by default on this machine; a context that ends them all.

    `programs` is what each server of a pool holds, `servers` how many a pool has at first.
    """

    def __init__(
        self, programs: Mapping[int, Sequence[Named]], servers: Mapping[int, int], place: Place | None = None
    ) -> None:
        self._programs = programs
        self._seats = [(pool, k) for pool, n in servers.items() for k in range(n)]
        self._place = place or Here()
        self._workers: dict[Seat, _Worker] = {}
        self.been: set[tuple[Seat, str]] = set()
        """Every seat that was ever ready, with its host's name."""

    def __enter__(self) -> Crew:
        try:
            self._place.open(self._seats)
            for seat in self._seats:
                self.start(seat)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, seat: Seat) -> None:
        """Start a worker for `seat`, which has none; `wait` tells when it is ready."""
        if seat in self._workers:  # it may have died, and `wait` is still to tell
            return
        self._workers[seat] = _Worker([({"programs": [list(n) for n in self._programs[seat[0]]]}, [])])
        self._place.start(seat)
        self._welcome()

    def replace(self, seat: Seat) -> None:
        """End the worker on `seat`, if there is one, and start another; what it is sent meanwhile waits for it."""
        if seat in self._workers:
            self._dismiss(seat)
        self.start(seat)

    def await_ready(self, timeout_s: float, progress: Callable[[int, int], None] = lambda ready, of: None) -> None:
        """Until every worker is ready; FarmError when one dies instead, or takes longer."""
        ready: set[Seat] = set()
        late_s = time.monotonic() + timeout_s
        while len(ready) < len(self._seats):
            news = self.wait(late_s - time.monotonic())
            if not news and time.monotonic() >= late_s:
                raise FarmError(f"{len(self._seats) - len(ready)} workers are not ready after {timeout_s:g} s")
            for one in news:
                if isinstance(one, Gone):
                    raise FarmError(
                        f"the worker of server {one.seat} ended while it loaded, or its host is out of reach; "
                        "what it said last stands above, or on its host"
                    )
                ready.add(one.seat)
            progress(len(ready), len(self._seats))

    def send(self, seat: Seat, batch: int, program: int, units: NDArray[Any]) -> bool:
        """Have the worker on `seat` execute `units` with its program of that number; False when it is gone."""
        worker = self._workers.get(seat)
        if worker is None:
            return False
        return _tell(worker, {"batch": batch, "program": program}, [units])

    def wait(self, timeout_s: float) -> list[News]:
        """What is heard, waiting at most `timeout_s` for the first of it."""
        channels = {s: worker.channel for s, worker in self._workers.items() if worker.channel is not None}
        if any(channel.is_pending() for channel in channels.values()):
            timeout_s = 0.0
        places = [channel.fileno() for channel in channels.values()]
        told, _, _ = select.select(places + self._place.bells(), [], [], max(0.0, timeout_s))
        self._welcome()
        speaking = [s for s, channel in channels.items() if channel.fileno() in told or channel.is_pending()]
        news = [one for seat in speaking if (one := self._hear(seat)) is not None]
        late_s = time.monotonic() - SILENCE_S
        silent = [s for s, worker in self._workers.items() if worker.process and worker.heard_s < late_s]
        return news + [self._dismiss(seat) for seat in silent]

    def process_id(self, seat: Seat) -> int:
        """Of the worker on `seat`, which is ready: a number of its own host."""
        process = self._workers[seat].process
        if process is None:
            raise FarmError(f"the worker of server {seat} is not ready: it has not told its number yet")
        return process

    def close(self) -> None:
        """Hang up on all; their place ends those that do not leave."""
        for worker in self._workers.values():
            if worker.channel is not None:
                worker.channel.close()
        self._workers.clear()
        self._place.close()

    def _welcome(self) -> None:
        """Those who have come up hear what waits for them."""
        for seat, channel in self._place.arrivals():
            worker = self._workers[seat]
            channel.limit(SILENCE_S)
            worker.channel = channel
            for words, arrays in worker.told:
                _tell(worker, words, arrays)
            worker.told.clear()

    def _dismiss(self, seat: Seat) -> Gone:
        worker = self._workers.pop(seat)
        if worker.channel is not None:
            worker.channel.close()
        self._place.end(seat)
        return Gone(seat, worker.process is not None)

    def _hear(self, seat: Seat) -> News | None:
        worker = self._workers[seat]
        assert worker.channel is not None
        try:
            words, arrays = worker.channel.receive()
        except (EOFError, OSError):
            return self._dismiss(seat)
        worker.heard_s = time.monotonic()
        if "beat" in words:
            return None
        if "ready" in words:
            worker.process = int(words["ready"])
            self.been.add((seat, str(words["host"])))
            return Ready(seat)
        if "unready" in words:
            raise FarmError(f"the worker of server {seat} ended while it loaded: {words['unready']}")
        if "error" in words:
            raise FarmError(f"the worker of server {seat} could not execute a batch: {words['error']}")
        result = {**words["lists"], **dict(zip(words["arrays"], arrays, strict=True))}
        return Answer(seat, words["batch"], words["service_s"], result)


def _tell(worker: _Worker, words: Mapping[str, Any], arrays: Sequence[NDArray[Any]]) -> bool:
    """Now, or when it comes up; False when it is gone, which `wait` will tell."""
    if worker.channel is None:
        worker.told.append((words, arrays))
        return True
    try:
        worker.channel.send(words, arrays)
    except OSError:
        return False
    return True
