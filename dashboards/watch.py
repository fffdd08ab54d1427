"""Progress on standard error: a bar in a terminal, a line now and then elsewhere; and in a file. Knows no command.

Whoever reports progress can also be interrupted, by SIGINT or SIGTERM: Python drops a KeyboardInterrupt that is
raised while a library calls back from C, as LLVM does when it compiles, so the wish to stop is kept and honoured
at the next report.
"""

from __future__ import annotations

import fcntl
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from dashboards.terminal import USAGE, fail, say

Progress = Callable[[float, str], None]
QUIET_S = 5.0
EACH_S = 0.2
"""Between two lines of a file of progress, at least."""


@contextmanager
def watch(quiet: bool = False, file: Path | None = None) -> Iterator[Progress]:
    """A function to call with the fraction done and a word on what is happening; it raises KeyboardInterrupt.

    What it is called with also goes to `file`, a JSON object a line: at_s (Unix time), fraction, text.
    """
    with _interrupted() as interrupted, _shown(quiet) as show, _written(file) as write:

        def progress(fraction: float, text: str) -> None:
            if interrupted:
                raise KeyboardInterrupt
            show(fraction, text)
            write(fraction, text)

        yield progress


@contextmanager
def _interrupted() -> Iterator[list[int]]:
    """The signals received meanwhile that ask to stop; each also raises KeyboardInterrupt where it can, as ever.

    A signal that the caller handles or ignores is left to it.
    """
    received: list[int] = []
    usual: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
    }
    mine = [number for number, before in usual.items() if signal.getsignal(number) is before]
    if threading.current_thread() is not threading.main_thread():
        mine = []

    def handler(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    for number in mine:
        signal.signal(number, handler)
    try:
        yield received
    finally:
        for number in mine:
            signal.signal(number, usual[number])


@contextmanager
def _shown(quiet: bool) -> Iterator[Progress]:
    if quiet:
        yield lambda fraction, text: None
    elif sys.stderr.isatty():
        with _bar() as progress:
            yield progress
    else:
        yield _lines()


@contextmanager
def _written(file: Path | None) -> Iterator[Progress]:
    """Write to `file`: a line every EACH_S at most, besides the end, and words on work that is not begun yet.

    A disk that is full ends the file, not the run. The file is locked as long as the process lives, so that who
    reads it knows of a run that was killed.
    """
    if file is None:
        yield lambda fraction, text: None
        return
    try:
        out = file.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        fail(f"--progress {file}: cannot be written ({error.strerror}); choose another file", USAGE)
    with suppress(OSError):  # where files cannot be locked, nobody is told of a run that was killed
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
    last_s, last, lost = -EACH_S, -1.0, False

    def progress(fraction: float, text: str) -> None:
        """Write a line, unless one was written just now."""
        nonlocal last_s, last, lost
        now_s = time.monotonic()
        if lost or (now_s - last_s < EACH_S and fraction < 1.0 and fraction != last):
            return
        last_s, last = now_s, fraction
        line = {"at_s": round(time.time(), 3), "fraction": round(fraction, 5), "text": text}
        try:
            out.write(json.dumps(line) + "\n")
        except OSError as error:
            lost = True
            say(f"--progress {file}: ends here, it could not be written ({error.strerror})")

    try:
        yield progress
    finally:
        with suppress(OSError):
            out.close()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda fraction, text: bar.update(task, completed=fraction, description=text)


def _lines() -> Progress:
    """Say something at every tenth, and when nothing was said for QUIET_S."""
    last, said_s = -1, 0.0

    def progress(fraction: float, text: str) -> None:
        nonlocal last, said_s
        tenth = int(10 * fraction)
        if tenth != last or time.monotonic() - said_s > QUIET_S:
            last, said_s = tenth, time.monotonic()
            say(f"{10 * tenth:3d} %  {text}")

    return progress
