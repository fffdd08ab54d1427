"""Progress on standard error: a bar in a terminal, a line now and then elsewhere. Knows no command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dashboards.terminal import say

Progress = Callable[[float, str], None]


@contextmanager
def watch(quiet: bool = False) -> Iterator[Progress]:
    """A function to call with the fraction done and a word on what is happening."""
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
    """Say something at every tenth."""
    last = -1

    def progress(fraction: float, text: str) -> None:
        nonlocal last
        tenth = int(10 * fraction)
        if tenth != last:
            last = tenth
            say(f"{10 * tenth:3d} %  {text}")

    return progress
