"""A folder of results that appears whole or not at all. Knows no content."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def being_written(folder: Path) -> Path:
    """Where `folder` is written before it is whole."""
    return folder.parent / f".{folder.name}.partial"


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` to write to, renamed to it at the end; removed when something fails.

    Raises FileExistsError when `folder` is there already, or another process is writing it.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists already; choose another --out or remove it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = being_written(folder)
    with _owned(beside, folder):
        try:
            yield beside
            beside.rename(folder)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise


@contextmanager
def _owned(beside: Path, folder: Path) -> Iterator[None]:
    """`beside`, made or emptied of what an ended process left in it, while no other process may write there."""
    beside.mkdir(exist_ok=True)
    descriptor = os.open(beside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileExistsError(f"{folder} is being written by another process; choose another --out") from None
        for left in beside.iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        yield
    finally:
        os.close(descriptor)
