"""Progress on standard error: a bar in a terminal, a line now and then elsewhere. Knows no command.

Whoever reports progress can also be interrupted: Python drops a KeyboardInterrupt that is raised while a library
calls back from C, as LLVM does when it compiles, so the wish to stop is kept and honoured at the next report.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from dashboards.terminal import say

Progress = Callable[[float, str], None]
QUIET_S = 5.0


@contextmanager
def watch(quiet: bool = False) -> Iterator[Progress]:
    """A function to call with the fraction done and a word on what is happening; it raises KeyboardInterrupt."""
    with _interrupted() as interrupted, _shown(quiet) as show:

        def progress(fraction: float, text: str) -> None:
            if interrupted:
                raise KeyboardInterrupt
            show(fraction, text)

        yield progress


@contextmanager
def _interrupted() -> Iterator[list[int]]:
    """The SIGINTs received meanwhile; each also raises KeyboardInterrupt where it can, as ever."""
    received: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield received
        return

    def handler(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, handler)
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)


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
