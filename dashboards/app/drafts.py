"""Texts that planners have edited, kept under a name made of what they say, so that an address can hold one.

Knows no scenario and no Dash.
"""

from __future__ import annotations

import re
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

KEPT = 200
"""Drafts; the oldest go first."""
_NAME = re.compile(r"[0-9a-f]{16}")


class Drafts:
    """The drafts in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, text: str) -> str:
        """Keep `text`; gives back its name. OSError when the disk is full."""
        name = sha256(text.encode()).hexdigest()[:16]
        path = self.folder / f"{name}.yaml"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".partial")
            beside.write_text(text, encoding="utf-8", newline="")
            beside.replace(path)
            self._forget_old()
        return name

    def text(self, name: str) -> str | None:
        """The text of this name; None if there is none."""
        if not _NAME.fullmatch(name):
            return None
        try:
            return (self.folder / f"{name}.yaml").read_text(encoding="utf-8")
        except OSError:
            return None

    def _forget_old(self) -> None:
        with suppress(OSError):
            paths = sorted(self.folder.glob("*.yaml"), key=lambda path: path.stat().st_mtime_ns)
            for path in paths[:-KEPT]:
                path.unlink()
