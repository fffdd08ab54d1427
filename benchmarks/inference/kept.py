"""Rows of a long measurement in a file, one JSON object a line, so that an interrupted one goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Kept:
    """Rows that were measured `about` the same; those of another measurement are dropped."""

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self._path, self._about = path, json.loads(json.dumps(dict(about)))
        self._rows: list[Row] = []
        lines = path.read_text().splitlines() if path.is_file() else []
        whole = [line for line in lines if line.endswith("}")]
        if whole and json.loads(whole[0]) == self._about:
            self._rows = [json.loads(line) for line in whole[1:]]

    def rows(self, n: int, measure: Callable[[int], Row]) -> list[Row]:
        """`n` rows, each of them `measure` of its number unless it was kept."""
        for i in range(len(self._rows), n):
            self._rows.append(measure(i))
            if i % 10 == 9 or i == n - 1:
                content = "\n".join(json.dumps(row) for row in [self._about, *self._rows])
                self._path.write_text(content + "\n")
                print(f"{i + 1} of {n}", flush=True)
        return self._rows[:n]

    def forget(self) -> None:
        """Drop the file: the results hold all of it."""
        self._path.unlink(missing_ok=True)
