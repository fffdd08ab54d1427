"""The process above one job: sets its limits, starts it, ends it when asked or too long, writes how it ended.

Runs on without the server that started it: python -m dashboards.app.supervisor FOLDER DESCRIPTOR. Knows no Dash.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from dashboards.app import job
from dashboards.app.job import Asked, Limits

LOOK_S = 0.1
"""Between two looks at the job."""
NICE = 10
UNFINISHED = ("partial", "unfinished")
"""Endings of what a validation and a study keep of what is done, beside their results."""
_ETTWIN = (sys.executable, "-m", "dashboards.cli")


def main(folder: Path, descriptor: int) -> None:
    """Run the job in `folder` to its end, as a session of its own; `descriptor` holds its lock."""
    if os.fork():
        os._exit(0)
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    wishes: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda given, frame: wishes.append(given))
    asked = job.read(folder, time.time()).asked
    out = folder.parents[1] / asked.result
    try:
        state, words = _run(folder, asked, descriptor, wishes)
    except OSError as error:
        state, words = job.FAILED, f"It could not be started: {error}"
    if state != job.FINISHED:
        shutil.rmtree(out.with_name(f".{out.name}.partial"), ignore_errors=True)
    job.end(folder, state, words, time.time())


def _run(folder: Path, asked: Asked, descriptor: int, wishes: list[int]) -> tuple[str, str]:
    """State and words of the end."""
    _limit(asked.limits)
    os.nice(NICE)
    command = [*(asked.program or _ETTWIN), *asked.arguments]
    with (folder / job.OUT).open("wb") as out, (folder / job.ERR).open("wb") as err:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, process_group=0, pass_fds=(descriptor,)
        )
    begun_s = time.monotonic()
    about = {"supervisor": os.getpid(), "child": child.pid, "started_s": round(time.time(), 3)}
    with suppress(OSError):
        job.write(folder / job.PROCESS, about)
    while child.poll() is None:
        if wishes or (folder / job.CANCEL).exists():
            _finish(child, asked.limits)
            return job.CANCELLED, f"It was cancelled. {_left(folder.parents[1] / asked.result)}"
        if time.monotonic() - begun_s > asked.limits.wall_s:
            _finish(child, asked.limits)
            return job.STOPPED, f"It took longer than the {asked.limits.wall_s / 60:,.0f} min that a job may take."
        time.sleep(LOOK_S)
    return _told(folder, asked, child.returncode)


def _limit(limits: Limits) -> None:
    """For this process and the one it starts; never above what is allowed already."""
    seconds = int(limits.wall_s * (os.cpu_count() or 1)) + 60
    wanted = {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


def _finish(child: subprocess.Popen[bytes], limits: Limits) -> None:
    """Ask it to end, then end it and all it has started."""
    with suppress(ProcessLookupError):
        child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(limits.grace_s)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _left(out: Path) -> str:
    """What a job that was to write `out` has left."""
    beside = (out.with_name(f"{out.name}.{ending}") for ending in UNFINISHED)
    if any(path.exists() for path in beside):
        return "What is done is kept: the same, started again, goes on from it."
    return "Nothing was written."


def _told(folder: Path, asked: Asked, code: int) -> tuple[str, str]:
    if code == 0 or (code in asked.answers and (folder / job.OUT).stat().st_size):
        return job.FINISHED, ""
    words = job.last_words(folder / job.ERR)
    if code == -signal.SIGXCPU:
        return job.STOPPED, "It used more computing time than a job may use."
    if code < 0:
        name = signal.Signals(-code).name
        return job.KILLED, f"Its process was ended by {name} from outside. Nothing was written. {words}".strip()
    if not words:
        words = (
            f"It ended with code {code} and no words; a job may use {asked.limits.memory_bytes / 2**30:.3g} GiB."
        )
    return job.FAILED, words


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
