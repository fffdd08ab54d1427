"""A folder of results that appears whole or not at all. Knows no content."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` to write to, renamed to it at the end; removed when something fails.

    Raises FileExistsError when `folder` is there already.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists already; choose another --out or remove it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.parent / f".{folder.name}.partial"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        yield beside
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
