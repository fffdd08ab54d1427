"""Units with an inspiral in them and units of noise, drawn from a seed, for both early-warning searches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workloads import waveform
from workloads.premerger import sources
from workloads.premerger.window import noise

AHEAD_S = (10.0, 30.0, 60.0, 120.0, 300.0)
"""Times before the merger at which the searches are asked."""
SNR = (12.0, 20.0, 32.0, 50.0, 80.0)
"""SNRs that the signals have in the end, over all frequencies and the three streams."""
HOPELESS = 0.02
"""Of a signal that has gathered a smaller fraction of its SNR there is nothing to see yet."""


def inspiral(cls: str, snr: float, merger_in_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """The strain (detector, sample) of a random binary of `cls` from a random direction."""
    shape = sources.spectrum(sources.draw_binary(cls, rng))
    return sources.strain(shape, waveform.draw_antenna(rng), snr, merger_in_s)


def units(n: int, seed: int) -> NDArray[np.float64]:
    """`n` units: in turn noise and an inspiral of each class, loud and quiet, soon to merge and not so soon."""
    rng = np.random.default_rng([seed, n])
    made = noise(n, rng)
    kinds = ("none", *sources.CLASSES)
    for k in range(n):
        cls = kinds[k % len(kinds)]
        snr, ahead_s = rng.choice(SNR), rng.choice(AHEAD_S[:3])
        if cls != "none":
            made[k] += inspiral(cls, float(snr), float(ahead_s), rng)
    return made


def asked(cls: str) -> Sequence[float]:
    """Those of AHEAD_S at which the typical binary of `cls` has gathered more than HOPELESS of its SNR."""
    typical = sources.typical(cls)
    return [s for s in AHEAD_S if sources.gathered(typical, s) > HOPELESS]
