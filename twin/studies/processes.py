"""Tasks of a study on processes of this machine, which live as long as the study and load the kernel once.

A process that is killed costs the replica it was at: the rest of its task is given out again, to a new process.
They are in a group of their own, so that an interrupt of the terminal reaches the study alone, and leave when it
does.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import Any

from twin.studies.tasks import MOST_KILLS, Event, Failed, PointError, Say, Task, Told

_BEGIN = "import sys; sys.path[:] = {path!r}; from twin.studies.worker import serve; serve({file})"
_LEAVE_S = 2.0
"""How long an idle process has to leave before it is killed."""


class WorkersError(RuntimeError):
    """Processes cannot be started."""


@dataclass
class _Worker:
    """A process and our end of the line to it; what it does, and the number of the replica that comes next."""

    process: subprocess.Popen[bytes]
    line: Connection
    is_ready: bool = False
    task: Task | None = None
    next: int = 0


class Processes:
    """So many `workers`, started when there are tasks for them and kept until `close`."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._crew: list[_Worker] = []
        self._stillborn = 0

    def run(self, tasks: Sequence[Task], wanted: Callable[[Task], bool], say: Say) -> Generator[Event, None, None]:
        """As `Executor.run`. Raises WorkersError when processes leave before they are ready."""
        waiting, kills = deque(tasks), Counter[tuple[str, int]]()
        try:
            while self._hand_out(waiting, wanted) or any(one.task for one in self._crew):
                ready: Any = wait([one.line for one in self._crew])
                for one in [one for one in self._crew if one.line in ready]:
                    yield from self._heard(one, waiting, kills, say)
        finally:
            for one in [one for one in self._crew if one.task]:
                self._dismiss(one)

    def close(self) -> None:
        """Let all processes go."""
        for one in list(self._crew):
            self._dismiss(one)

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes."""
        return [one.process.pid for one in self._crew]

    def _hand_out(self, waiting: deque[Task], wanted: Callable[[Task], bool]) -> bool:
        """A task to everyone who is ready; whether any is left."""
        while waiting and not wanted(waiting[0]):
            waiting.popleft()
        while len(self._crew) < min(self.workers, len(waiting) + sum(one.task is not None for one in self._crew)):
            self._crew.append(_started())
        for one in self._crew:
            if one.is_ready and one.task is None and waiting:
                task = waiting.popleft()
                if wanted(task):
                    one.task, one.next = task, task.replicas.start
                    with contextlib.suppress(OSError):  # it has died: we hear of it in its turn
                        one.line.send(task)
        return bool(waiting)

    def _heard(
        self, one: _Worker, waiting: deque[Task], kills: Counter[tuple[str, int]], say: Say
    ) -> Generator[Event, None, None]:
        """What a worker has said, or that it has died."""
        try:
            kind, *content = one.line.recv()
        except (EOFError, OSError):
            yield from self._lost(one, waiting, kills)
            return
        task = one.task
        if kind == "ready":
            one.is_ready = True
        elif kind == "says":
            say(0.0, content[0])
        elif task is not None and kind == "told":
            one.next = content[0] + 1
            yield Told(task, *content)
        elif task is not None:
            one.task = None
            if kind == "failed":
                yield Failed(task, content[0])

    def _lost(
        self, one: _Worker, waiting: deque[Task], kills: Counter[tuple[str, int]]
    ) -> Generator[Event, None, None]:
        """Its process has ended by itself: what it had not told yet is to be done again."""
        code = self._dismiss(one)
        if not one.is_ready:
            self._stillborn += 1
            if self._stillborn == MOST_KILLS:
                raise WorkersError(f"worker processes leave before they are ready (exit code {code})")
        task = one.task
        if task is None or one.next == task.replicas.stop:
            return
        kills[task.key, one.next] += 1
        if kills[task.key, one.next] < MOST_KILLS:
            waiting.appendleft(replace(task, replicas=range(one.next, task.replicas.stop)))
            return
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        text = (
            f"poisoned: its process ended {MOST_KILLS} times in replica {one.next + 1}, the last time with {how}"
        )
        yield Failed(task, PointError(f"{text} (signal 9 is often too little memory)"))

    def _dismiss(self, one: _Worker) -> int:
        """The exit code of a process that goes now."""
        self._crew.remove(one)
        one.line.close()
        if one.task is not None:
            one.process.kill()
        try:
            return one.process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            one.process.kill()
            return one.process.wait()


def _started() -> _Worker:
    """A new process. It has no __main__ of ours, so that scripts and notebooks need no guard."""
    ours, theirs = socket.socketpair()
    with theirs:
        begin = _BEGIN.format(path=sys.path, file=theirs.fileno())
        process = subprocess.Popen(
            [sys.executable, "-c", begin],
            stdin=subprocess.DEVNULL,
            stdout=2,  # what a program prints is not a result
            pass_fds=(theirs.fileno(),),
            process_group=0,
        )
    return _Worker(process, Connection(ours.detach()))


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
