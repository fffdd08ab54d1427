"""Where a long run keeps what it has, so that it goes on after an interruption. Knows no kernel and no clock.

The folder holds one checkpoint of the replica that is running and the tables of those that are done. It belongs to
one run (`identity`); `remove` it when that run is saved.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa

from twin.checkpoint import Checkpoint, CheckpointError, read

Frames = dict[str, pd.DataFrame]

_OWNER = "run.json"
"""Says which run the folder belongs to."""


class Resume:
    """What an interrupted run left in `folder`; CheckpointError when that was another run."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        owner = folder / _OWNER
        if folder.exists() and not folder.is_dir():
            raise CheckpointError(f"{folder} is a file: a checkpoint needs a folder of its own")
        if owner.is_file():
            if _identity(owner) != identity:
                raise CheckpointError(
                    f"{folder} holds the checkpoint of another run (scenario, seed, profiles or version): "
                    "finish that one, or remove the folder"
                )
        elif folder.exists() and any(path.name != f".{_OWNER}.partial" for path in folder.iterdir()):
            raise CheckpointError(f"{folder} is not empty and holds no checkpoint: choose another folder")
        else:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                beside = folder / f".{_OWNER}.partial"
                beside.write_text(json.dumps(identity))
                beside.rename(owner)
            except OSError as error:
                told = f"{folder}: cannot be written ({error.strerror}): choose another folder"
                raise CheckpointError(told) from None

    def running(self, replica: int, plan_digest: str) -> Checkpoint | None:
        """Where replica number `replica` was interrupted."""
        path = self.folder / f"{replica}.npz"
        return read(path, plan_digest) if path.is_file() else None

    def keep(self, replica: int, checkpoint: Checkpoint) -> None:
        """Remember how far replica number `replica` is."""
        checkpoint.save(self.folder / f"{replica}.npz")

    def done(self, replica: int) -> tuple[Frames, str] | None:
        """The tables and the plan digest of a replica that is done."""
        folder = self.folder / str(replica)
        if not folder.is_dir():
            return None
        try:
            frames = {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
            return frames, (folder / "digest").read_text()
        except (OSError, pa.ArrowException) as error:
            text = " ".join(str(error).split())
            raise CheckpointError(f"{folder} is damaged ({text}): remove it and run again") from error

    def finish(self, replica: int, frames: Frames, plan_digest: str) -> None:
        """Keep the tables of a replica that is done, whole or not at all."""
        beside = self.folder / f".{replica}.partial"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        for name, frame in frames.items():
            frame.to_parquet(beside / f"{name}.parquet", index=False)
        (beside / "digest").write_text(plan_digest)
        beside.rename(self.folder / str(replica))
        (self.folder / f"{replica}.npz").unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Remove what a finished run kept in `folder`, and the folder unless somebody else put something there."""
    for path in folder.iterdir():
        if path.is_dir() and path.name.strip(".").removesuffix(".partial").isdigit():
            shutil.rmtree(path)
        elif path.name in (_OWNER, f".{_OWNER}.partial") or path.suffix in (".npz", ".partial"):
            path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _identity(owner: Path) -> str:
    try:
        return str(json.loads(owner.read_text()))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{owner} is damaged ({error}): remove {owner.parent} and run again") from error
