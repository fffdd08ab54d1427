"""Runs that were started elsewhere and tell in the folder of results how they go. Knows no Dash and no page.

`ettwin run … --progress NAME.jsonl` writes its present to NAME.now.json, and locks NAME.jsonl as long as it lives.
Names are looked up among the files there, never joined into a path; links are not followed.
"""

from __future__ import annotations

import fcntl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ENDING = ".now.json"
KEPT_S = 600.0
"""How long the present of a run that is over is still shown, since it was written."""


@dataclass(frozen=True)
class Elsewhere:
    """A run that is told of in `path`; whether its process still lives."""

    name: str
    path: Path
    goes_on: bool


def every(folder: Path) -> list[Elsewhere]:
    """Those that are told of in `folder`, by name."""
    there = [path for path in folder.glob("*.*") if path.is_file() and not path.is_symlink()]
    told = {path for path in there if path.name.endswith(ENDING) and path.name != ENDING}
    beside = [path for path in there if path not in told and path.with_suffix(ENDING) in told]
    held = {path.with_suffix(ENDING) for path in beside if _is_held(path)}
    return [Elsewhere(path.name.removesuffix(ENDING), path, path in held) for path in sorted(told)]


def sweep(folder: Path, now_s: float) -> None:
    """Remove what runs that have ended, or were killed, have left of their present; not their progress."""
    for one in every(folder):
        with suppress(OSError):
            if not one.goes_on and now_s - one.path.stat().st_mtime > KEPT_S:
                one.path.unlink()
    for path in folder.glob(f".*{ENDING}.partial"):
        with suppress(OSError):
            if not path.is_symlink() and now_s - path.stat().st_mtime > KEPT_S:
                path.unlink()


def _is_held(path: Path) -> bool:
    """Whether a process has locked the file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
