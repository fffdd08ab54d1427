"""The channels that searches look into: from three streams to two that hold every signal, and the null stream.

The two are orthonormal combinations of the three, so their noises are independent again and an optimal search
needs to filter two channels, not three. With a stream missing, those that are left are the channels themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.dataquality.triangle import NULL, rotation


def signal_channels(streams: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Two channels (batch, 2, sample) with the whole signal, from streams (batch, detector, sample).

    A stream that is zero throughout is missing; the channels then are the others, and zero for want of any.
    """
    channels = np.matmul(rotation()[:NULL].astype(streams.dtype), streams)
    for unit in np.flatnonzero(~streams[..., ::97].any(axis=-1).all(axis=-1)):
        there = streams[unit][streams[unit].any(axis=-1)]
        if len(there) <= NULL:
            channels[unit] = 0.0
            channels[unit, : len(there)] = there
    return np.asarray(channels)
