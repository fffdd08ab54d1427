"""Jobs: `ettwin` commands that run as processes of their own, some at once, the others in a queue. Knows no Dash.

All about them is on disk, in .jobs of the folder of results, so that they outlive the server: what runs goes on
without it, what waits is started when one is there again. Of several servers on one folder, one starts jobs.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, RLock, Thread

from dashboards.app import elsewhere, job
from dashboards.app.job import Asked, Job, Limits
from dashboards.app.library import UnknownError
from twin.folder import written_whole

FOLDER = ".jobs"
KEPT = 200
"""Ended jobs that are remembered; their results stay whatever becomes of them."""
TICK_S = 0.5
START_S = 60.0
"""To start a process, at most."""
GRACE_S = 12.0
"""Until a process whose supervisor is gone is ended by force."""


class RefusedError(Exception):
    """A job that is not taken, and why."""


def at_once() -> int:
    """One job for every two cores."""
    return max(1, (os.cpu_count() or 1) // 2)


class Jobs:
    """The jobs of the results in `folder`, of which `most` run at once."""

    def __init__(
        self,
        folder: Path,
        most: int | None = None,
        limits: Limits | None = None,
        now_s: Callable[[], float] = time.time,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self.folder = folder.absolute()
        self.home = self.folder / FOLDER
        self.most = most or at_once()
        self.limits = limits or Limits()
        self._now_s, self._free_bytes = now_s, free_bytes
        self._ended: dict[str, Job] = {}
        self._owner: int | None = None
        self._lock = RLock()
        self._closing = Event()

    def all(self) -> list[Job]:
        """Every job that is remembered, newest first."""
        with self._lock:
            ids = sorted(self._ids(), reverse=True)
            found = [one for id in ids if (one := self._read(str(id))) is not None]
        waiting = [one.id for one in reversed(found) if one.state == job.QUEUED]
        return [
            replace(one, position=waiting.index(one.id) + 1) if one.state == job.QUEUED else one for one in found
        ]

    def job(self, id: str) -> Job:
        """The job of this id; UnknownError if there is none."""
        for one in self.all():
            if one.id == id:
                return one
        raise UnknownError(f"There is no job '{id[:40]}'. The last {KEPT} are remembered.")

    def submit(
        self,
        kind: str,
        title: str,
        name: str,
        arguments: Callable[[Path, Path], Sequence[str]],
        files: Mapping[str, str | bytes] | None = None,
        program: Sequence[str] = (),
        answers: Sequence[int] = (),
        shown_at: str = "",
    ) -> Job:
        """Put a job into the queue. `arguments` makes ettwin's own from the job's folder and that of the result.

        The result goes to the first free one of NAME, NAME-2, …; `files` are written into the job's folder;
        `answers` and `shown_at` as in Asked. Raises RefusedError when too many wait, or the disk is full.
        """
        with self._lock:
            found = self.all()
            if sum(one.state == job.QUEUED for one in found) >= self.limits.waiting:
                raise RefusedError(
                    f"{self.limits.waiting} jobs are waiting already. Cancel one, or wait for one to end."
                )
            try:
                asked = Asked(kind, title, (), name, round(self._now_s(), 3), self.limits, tuple(program))
                asked = replace(asked, answers=tuple(answers), shown_at=shown_at)
                return self._submitted(asked, arguments, files or {}, found)
            except OSError as error:
                raise RefusedError(
                    f"The job could not be written to {self.home}: {error.strerror or error}."
                ) from error

    def cancel(self, id: str) -> None:
        """Have a job end: one that waits at once, one that runs once it has cleaned up. An ended one stays."""
        one = self.job(id)
        if one.ended:
            return
        try:
            (one.folder / job.CANCEL).touch()
        except OSError as error:
            raise RefusedError(f"Job {id} cannot be cancelled: {error.strerror or error}.") from error
        for name in ("supervisor", "child"):
            if _signalled(one, name, signal.SIGTERM):
                break
        self.tick()

    def tick(self) -> None:
        """Start what can be started, and write down the end of what ended without a word."""
        with self._lock:
            if not self.home.is_dir() or not self._owns():
                return
            found = self.all()
            for one in found:
                self._settle(one)
            running = sum(one.state == job.RUNNING for one in found)
            waiting = [one for one in reversed(found) if one.state == job.QUEUED]
            for one in waiting[: max(0, self.most - running)]:
                self._start(one)
            for one in [one for one in found if one.ended][KEPT:]:
                shutil.rmtree(one.folder, ignore_errors=True)

    def open(self) -> None:
        """Look after the jobs from now on, in a thread of its own."""
        Thread(target=self._watch, name="jobs", daemon=True).start()

    def close(self) -> None:
        """Look after them no longer. What runs goes on."""
        self._closing.set()
        with self._lock:
            if self._owner is not None:
                os.close(self._owner)
                self._owner = None

    def _watch(self) -> None:
        while not self._closing.wait(TICK_S):
            with suppress(OSError):
                self.tick()
                elsewhere.sweep(self.folder, self._now_s())

    def _ids(self) -> list[int]:
        if not self.home.is_dir():
            return []
        return [int(path.name) for path in self.home.iterdir() if path.name.isdecimal() and path.is_dir()]

    def _read(self, id: str) -> Job | None:
        if id in self._ended:
            return self._ended[id] if self._ended[id].folder.is_dir() else None
        try:
            one = job.read(self.home / id, self._now_s())
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if one.ended and (one.folder / job.END).exists():
            self._ended[id] = one
        return one

    def _submitted(
        self,
        asked: Asked,
        arguments: Callable[[Path, Path], Sequence[str]],
        files: Mapping[str, str | bytes],
        found: Sequence[Job],
    ) -> Job:
        self.home.mkdir(parents=True, exist_ok=True)
        free = self._free_bytes(self.home)
        if free < self.limits.free_bytes:
            raise RefusedError(
                f"The disk of {self.folder} is full: {free / 1e6:,.0f} MB are left, a job needs "
                f"{self.limits.free_bytes / 1e6:,.0f} MB. Remove some results."
            )
        folder = self.home / str(max(self._ids(), default=0) + 1)
        result = self._free_name(asked.result, {one.asked.result for one in found if not one.ended})
        given = tuple(arguments(folder, self.folder / result))
        with written_whole(folder) as beside:
            for file, content in files.items():
                raw = content if isinstance(content, bytes) else content.encode()
                (beside / Path(file).name).write_bytes(raw)
            job.new(beside, replace(asked, arguments=given, result=result))
        self.tick()
        return self.job(folder.name)

    def _free_name(self, name: str, taken: set[str]) -> str:
        k = 1
        while True:
            one = name if k == 1 else f"{name}-{k}"
            if one not in taken and not (self.folder / one).exists():
                return one
            k += 1

    def _owns(self) -> bool:
        """Whether this is the server that starts jobs."""
        if self._owner is None and not self._closing.is_set():
            descriptor = os.open(self.home / "server", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            self._owner = descriptor
        return self._owner is not None

    def _settle(self, one: Job) -> None:
        """Write down an end that nobody else can, and end what has lost its supervisor and was to stop."""
        if one.ended and not (one.folder / job.END).exists():
            with suppress(OSError):
                job.end(one.folder, one.state, one.words, one.ended_s or self._now_s())
        if one.state == job.RUNNING and one.cancelling and not _lives(one, "supervisor"):
            waited_s = self._now_s() - (one.folder / job.CANCEL).stat().st_mtime
            if waited_s > GRACE_S:
                _signalled(one, "child", signal.SIGKILL)

    def _start(self, one: Job) -> None:
        """Start the process above the job, which goes on by itself at once."""
        descriptor = job.hold(one.folder)
        try:
            command = [sys.executable, "-m", "dashboards.app.supervisor", str(one.folder), str(descriptor)]
            with (one.folder / "supervisor.err").open("wb") as err:
                subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=err,
                    pass_fds=(descriptor,),
                    timeout=START_S,
                    check=True,
                )
        except (OSError, subprocess.SubprocessError) as error:
            job.end(one.folder, job.FAILED, f"It could not be started: {error}", self._now_s())
        finally:
            os.close(descriptor)


def _lives(one: Job, name: str) -> bool:
    """Whether this process of the job is there: one of its session, not another that got its number later."""
    number = one.process.get(name)
    if number is None:
        return False
    try:
        return os.getsid(number) == one.process.get("supervisor") and not _is_over(number)
    except OSError:
        return False


def _is_over(number: int) -> bool:
    """Whether a process has ended, and only its parent has not taken note; False where that cannot be told."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def _signalled(one: Job, name: str, what: signal.Signals) -> bool:
    """Whether the process was there and has been told."""
    if not _lives(one, name):
        return False
    with suppress(ProcessLookupError):
        if name == "child" and what == signal.SIGKILL:
            os.killpg(one.process[name], what)
        else:
            os.kill(one.process[name], what)
    return True
