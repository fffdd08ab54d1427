"""A wrong scenario: small.yaml with one text replaced, and the heads of the messages that follow."""

from __future__ import annotations

from pathlib import Path

SMALL = Path(__file__).with_name("small.yaml").read_text(encoding="utf-8")


class Bad:
    """In small.yaml `old` becomes `new`; `said` are the messages without the file's name."""

    def __init__(self, name: str, old: str, new: str, *said: str) -> None:
        assert SMALL.count(old) >= 1, name
        self.name = name
        self.text = SMALL.replace(old, new, 1)
        self.said = [f"bad.yaml:{line}" for line in said]
