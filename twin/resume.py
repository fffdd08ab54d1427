"""Where a long run keeps what it has, so that it goes on after an interruption. Knows no kernel and no clock.

The folder holds one checkpoint of the replica that is running and the tables of those that are done. It belongs to
one run (`identity`) and is removed when that is finished.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd

from twin.checkpoint import Checkpoint, CheckpointError, read

Frames = dict[str, pd.DataFrame]


class Resume:
    """What an interrupted run left in `folder`; CheckpointError when that was another run."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        owner = folder / "run.json"
        if owner.is_file():
            if json.loads(owner.read_text()) != identity:
                raise CheckpointError(
                    f"{folder} holds the checkpoint of another run (scenario, seed, profiles or version): "
                    "finish that one, or remove the folder"
                )
        elif folder.exists() and any(folder.iterdir()):
            raise CheckpointError(f"{folder} is not empty and holds no checkpoint: choose another folder")
        folder.mkdir(parents=True, exist_ok=True)
        owner.write_text(json.dumps(identity))

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
        frames = {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
        return frames, (folder / "digest").read_text()

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

    def remove(self) -> None:
        """The run is finished."""
        shutil.rmtree(self.folder, ignore_errors=True)
