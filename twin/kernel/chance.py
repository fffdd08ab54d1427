"""Chance as a pure function: the n-th number of a named stream, the same in any engine and any process.

The generator is SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"):
its n-th output is a hash of key + n * GAMMA, so no state is kept and what-ifs share their random numbers.
"""

from __future__ import annotations

import numpy as np

from twin.kernel.compiled import small

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_UNIT = 1.0 / (1 << 53)


def stream_key(seed: int, replica: int, name: str) -> int:
    """The 64-bit key of the stream called `name` in one replica."""
    return int(np.random.SeedSequence([seed, replica, *name.encode()]).generate_state(1, np.uint64)[0])


@small
def uniform(key: np.uint64, n: np.int64) -> float:
    """The `n`-th number of stream `key`, in [0, 1)."""
    z = key + np.uint64(n) * _GAMMA
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * _UNIT
