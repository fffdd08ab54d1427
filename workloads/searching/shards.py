"""A template bank in parts: a segment's templates filtered by several workers, whose maxima combine exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def split(bank: NDArray[np.float64], parts: int) -> list[NDArray[np.float64]]:
    """`bank` (template, 3) dealt out in turn to `parts` shards, which therefore cost the same but for one."""
    if not 1 <= parts <= len(bank):
        raise ValueError(f"{parts} shards of a bank of {len(bank)} templates; allowed: 1 to {len(bank)}")
    return [bank[first::parts] for first in range(parts)]


def combined(outputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """What the whole bank gives, from each shard's (batch, [network SNR, time offset in s]) on the same batch."""
    stacked = np.stack(outputs)
    loudest = stacked[:, :, :1].argmax(axis=0)[None]
    return np.asarray(np.take_along_axis(stacked, loudest, axis=0)[0])
