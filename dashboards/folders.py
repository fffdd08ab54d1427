"""Where a command's results go: a folder that is free and can be written to. Knows no command."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from dashboards.terminal import USAGE, fail, say
from twin.folder import being_written


def chosen(out: Path | None, name: str) -> Path:
    """`out`, or the first of runs/NAME, runs/NAME-2, … that is free; leave now, not after the work, when nothing
    can be written there."""
    folder = out or _next(name)
    if folder.exists():
        fail(f"--out {folder}: exists already; choose another folder or remove it", USAGE)
    try:
        str(folder).encode()
    except UnicodeEncodeError:  # tables are written by a library that takes no other names
        fail(f"--out {folder}: is not UTF-8 text; choose another folder", USAGE)
    above = next(p for p in folder.absolute().parents if p.exists())
    try:
        with TemporaryDirectory(dir=above, prefix=".ettwin-"):
            pass
    except OSError as error:
        fail(f"--out {folder}: {above} cannot be written to ({error.strerror}); choose another folder", USAGE)
    return folder


def free(folder: Path, out: Path | None, name: str) -> Path:
    """`folder` as it was `chosen`; the next free one when it has been taken since and nobody named it."""
    return folder if out is not None or not _taken(folder) else chosen(None, name)


def unfinished(folder: Path) -> Path:
    """Where what is done is kept until `folder` can be written."""
    return folder.with_name(f"{folder.name}.unfinished")


def interrupted(unfinished: Path) -> None:
    """Say how the study goes on that was keeping its answers there."""
    if unfinished.exists():
        say(f"interrupted; what is done is kept in {unfinished}: the same command goes on from there")
    else:
        say("interrupted; nothing was done yet")


def _next(name: str) -> Path:
    k = 1
    while _taken(folder := Path("runs") / (name if k == 1 else f"{name}-{k}")):
        k += 1
    say(f"writing to {folder}")
    return folder


def _taken(folder: Path) -> bool:
    """Whether `folder` is there, or is about to be."""
    return folder.exists() or being_written(folder).exists()
