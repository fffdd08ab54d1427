"""A run held still: everything that decides how it goes on, as plain arrays and numbers. Knows no scenario.

A checkpoint taken from a `TwinEnvironment` starts another one of the same plan at that instant (a fork, in
milliseconds), or is written to a file and read back: what follows is the same to the byte.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from twin import controls
from twin.kernel.state import ROW, TRACE

_VERSION = 6


class CheckpointError(ValueError):
    """A checkpoint is damaged, or belongs to another plan or version."""


@dataclass(frozen=True)
class Checkpoint:
    """The present `now_s`, the kernel's arrays, the plan's controls as they are, and what was written so far."""

    plan_digest: str
    now_s: float
    arrays: Mapping[str, NDArray[Any]]
    controls: Sequence[Any]
    notes: Mapping[str, Any]
    rows: NDArray[np.void]
    trace: NDArray[np.void]

    def save(self, path: Path) -> None:
        """Write the checkpoint to `path`, whole or not at all."""
        about = {
            "version": _VERSION,
            "plan_digest": self.plan_digest,
            "now_s": self.now_s,
            "controls": [controls.to_json(c) for c in self.controls],
            "notes": dict(self.notes),
        }
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        beside = path.with_name(f".{path.name}.partial")
        with beside.open("wb") as file:
            np.savez(file, allow_pickle=False, about=text, ended=self.rows, traced=self.trace, **self.arrays)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)


def read(path: Path, plan_digest: str) -> Checkpoint:
    """The checkpoint kept at `path`; CheckpointError when it is damaged or of another plan."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        about = json.loads(arrays.pop("about").tobytes())
        rows, trace = arrays.pop("ended"), arrays.pop("traced")
        if about["version"] != _VERSION or rows.dtype != ROW or trace.dtype != TRACE:
            raise CheckpointError(f"{path} was written by another version: remove it and run again")
        found = Checkpoint(
            about["plan_digest"],
            about["now_s"],
            arrays,
            tuple(controls.from_json(c) for c in about["controls"]),
            about["notes"],
            rows,
            trace,
        )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path} is damaged ({error}): remove it and run again") from error
    if found.plan_digest != plan_digest:
        raise CheckpointError(
            f"{path} belongs to another run (scenario, seed or profiles): remove it and run again"
        )
    return found
