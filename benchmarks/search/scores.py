"""Scores of a search on noise and on events, kept in files so that a long run can be broken off and gone on with.

All searches see the same noise and the same events. Files lie under the digest of the weights that made them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.scan import SECONDS, Scan
from workloads import decisions
from workloads.sky import GLITCHES, power_law
from workloads.spec import SEGMENT_S, Program
from workloads.strain import Strain

SNR_EDGES = (6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 14.0, 17.0, 21.0, 30.0)
LOUD = (8.0, 100.0)
"""SNR of the glitches, in their own stream."""
CHUNK = 77 * SECONDS
"""Segments of noise in a file."""
NOISE_SEED, SIGNAL_SEED, GLITCH_SEED = 910_000, 900_001, 900_101
"""Chunk `k` of the noise has the first plus `k`: data no model, threshold or bank was chosen on."""
Array = NDArray[np.float64]


@dataclass
class Kept:
    """The scores of `program`, made when they are asked for first, in `folder`."""

    program: Program
    folder: Path
    said: Callable[[str], None] = print
    _scan: list[Scan] = field(default_factory=list)

    def noise(self, segments: int) -> Array:
        """Scores of the first chunks of noise that hold at least `segments`."""
        chunks = -(-segments // CHUNK)
        return np.concatenate([self._once(f"noise-{k:04d}", lambda k=k: self._noise(k)) for k in range(chunks)])

    def signals(self, each: int) -> Array:
        """Scores (bin, each) of binaries, SNR log-uniform in each bin of SNR_EDGES."""
        snr = loudness(list(pairwise(SNR_EDGES)), each, SIGNAL_SEED)
        return self._once(f"bbh-{each}", lambda: self._events("bbh", snr, SIGNAL_SEED)).reshape(-1, each)

    def glitches(self, each: int) -> dict[str, Array]:
        """Scores (each,) of loud glitches of each family."""
        return {
            family: self._once(
                f"{family}-{each}",
                lambda f=family, s=GLITCH_SEED + k: self._events(f, loudness([LOUD], each, s), s),
            )
            for k, family in enumerate(GLITCHES)
        }

    def _events(self, cls: str, snr: Array, seed: int) -> Array:
        return decisions.event_outputs(self.program, cls, snr, seed).score

    def _noise(self, k: int) -> Array:
        if self.program.workload.name != "matched-filter":
            return decisions.noise_outputs(self.program, CHUNK, NOISE_SEED + k).score
        if not self._scan:
            self._scan.append(Scan(self.program))
        strain, firsts = Strain(NOISE_SEED + k), range(0, CHUNK, SECONDS)
        return np.concatenate([self._scan[0].scores(strain, first * SEGMENT_S) for first in firsts])

    def _once(self, what: str, make: Callable[[], Array]) -> Array:
        name = self.program.workload.name
        path = self.folder / f"{name}-{self.program.weights_sha256[:12]}" / f"{what}.npy"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".part.npy")
            np.save(beside, make())
            beside.replace(path)
            self.said(f"{name}: {what}")
        return np.asarray(np.load(path), dtype=np.float64)


def loudness(bins: list[tuple[float, float]], each: int, seed: int) -> Array:
    """SNRs of `each` events per bin, log-uniform, one bin after the other."""
    rng = np.random.default_rng([seed, 1])
    return np.concatenate([power_law(rng.random(each), low, high, -1.0) for low, high in bins])
