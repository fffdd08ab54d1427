"""The crew of a farm: a worker process per server, started, heard and replaced. Knows no kernel, no scenario."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from twin.farm.channel import Channel

Seat = tuple[int, int]
"""A server: its pool's number, and its own there."""
Named = tuple[str, str, int]
"""A program: workload, runtime, threads."""
SILENCE_S = 10.0
"""A worker that says nothing for so long is taken for dead: it beats ten times as often."""
_LEAVE_S = 5.0


class FarmError(RuntimeError):
    """The farm cannot do what the scenario asks of it."""


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
    process: subprocess.Popen[bytes]
    channel: Channel
    heard_s: float = field(default_factory=time.monotonic)
    loaded: bool = False


class Crew:
    """Worker processes on this machine; a context that ends them all.

    `programs` is what each server of a pool holds, `servers` how many a pool has at first.
    """

    def __init__(self, programs: Mapping[int, Sequence[Named]], servers: Mapping[int, int]) -> None:
        self._programs = programs
        self._seats = [(pool, k) for pool, n in servers.items() for k in range(n)]
        self._workers: dict[Seat, _Worker] = {}

    def __enter__(self) -> Crew:
        try:
            for seat in self._seats:
                self.start(seat)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, seat: Seat) -> None:
        """Start a worker for `seat`; `wait` tells when it is ready."""
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "twin.farm.worker", str(theirs.fileno())]
        with theirs:
            process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL)
        ours.settimeout(SILENCE_S)
        worker = _Worker(process, Channel(ours))
        self._workers[seat] = worker
        worker.channel.send({"programs": [list(n) for n in self._programs[seat[0]]]})

    def replace(self, seat: Seat) -> None:
        """End the worker on `seat`, if there is one, and start another; what it is sent meanwhile waits for it."""
        if seat in self._workers:
            self._dismiss(seat)
        self.start(seat)

    def await_ready(self, timeout_s: float, progress: Callable[[int, int], None] = lambda ready, of: None) -> None:
        """Until every worker is ready; FarmError when one dies instead, or takes longer."""
        ready: set[Seat] = set()
        while len(ready) < len(self._seats):
            news = self.wait(timeout_s)
            if not news:
                raise FarmError(f"{len(self._seats) - len(ready)} workers are not ready after {timeout_s:g} s")
            for one in news:
                if isinstance(one, Gone):
                    raise FarmError(f"the worker of server {one.seat} ended while it loaded; it says why above")
                ready.add(one.seat)
            progress(len(ready), len(self._seats))

    def send(self, seat: Seat, batch: int, program: int, units: NDArray[Any]) -> bool:
        """Have the worker on `seat` execute `units` with its program of that number; False when it is gone."""
        worker = self._workers.get(seat)
        try:
            if worker is not None:
                worker.channel.send({"batch": batch, "program": program}, [units])
        except OSError:
            return False  # `wait` tells that it is gone
        return worker is not None

    def wait(self, timeout_s: float) -> list[News]:
        """What is heard, waiting at most `timeout_s` for the first of it."""
        places = {worker.channel.fileno(): seat for seat, worker in self._workers.items()}
        heard, _, _ = select.select(list(places), [], [], max(0.0, timeout_s))
        news = [one for place in heard if (one := self._hear(places[place])) is not None]
        late_s = time.monotonic() - SILENCE_S
        silent = [s for s, worker in self._workers.items() if worker.loaded and worker.heard_s < late_s]
        return news + [self._dismiss(seat) for seat in silent]

    def process_id(self, seat: Seat) -> int:
        """Of the worker on `seat`."""
        return self._workers[seat].process.pid

    def close(self) -> None:
        """Hang up on all, and end those that do not leave."""
        for worker in self._workers.values():
            worker.channel.close()
        for worker in self._workers.values():
            try:
                worker.process.wait(_LEAVE_S)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self._workers.clear()

    def _dismiss(self, seat: Seat) -> Gone:
        worker = self._workers.pop(seat)
        worker.channel.close()
        worker.process.kill()
        worker.process.wait()
        return Gone(seat, worker.loaded)

    def _hear(self, seat: Seat) -> News | None:
        worker = self._workers[seat]
        try:
            words, arrays = worker.channel.receive()
        except (EOFError, OSError):
            return self._dismiss(seat)
        worker.heard_s = time.monotonic()
        if "beat" in words:
            return None
        if "ready" in words:
            worker.loaded = True
            return Ready(seat)
        if "error" in words:
            raise FarmError(f"the worker of server {seat} could not execute a batch: {words['error']}")
        result = {**words["lists"], **dict(zip(words["arrays"], arrays, strict=True))}
        return Answer(seat, words["batch"], words["service_s"], result)
