"""What a validation keeps on disk while it goes on: each file whole or not there. Knows no farm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from twin.validation.request import Request


def begin(folder: Path, request: Request) -> None:
    """Have a `folder` for this request: one that an interrupted validation of the same left, or an empty one."""
    asked = json.loads(json.dumps(asdict(request)))
    about = folder / "request.json"
    if about.exists() and read(about) == asked:
        return
    if folder.exists():
        for path in folder.iterdir():
            path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    write(about, asked)


def read(path: Path) -> Any:
    """What is kept there."""
    return json.loads(path.read_text())


def write(path: Path, content: Mapping[str, Any] | list[Any]) -> str:
    """Keep `content`; its SHA-256."""
    text = json.dumps(content, indent=1) + "\n"
    beside = path.with_suffix(".tmp")
    beside.write_text(text)
    beside.replace(path)
    return sha256(text.encode()).hexdigest()


def digest(path: Path) -> str:
    """SHA-256 of what is kept there."""
    return sha256(path.read_bytes()).hexdigest()


def file_name(kind: str, case: str) -> str:
    """Of what is kept of a case."""
    return f"{kind}-{''.join(c if c.isalnum() or c == '.' else '-' for c in case)}.json"
