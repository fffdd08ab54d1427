"""What drifted data do to a workload that was made for others: its decisions, and what its score still means.

Everything is measured: the real program runs on data that have drifted by a stated amount. Knows no retraining.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from workloads import decisions
from workloads.drift import LADDER, Drift
from workloads.profile import Aged
from workloads.sky import CLASSES
from workloads.spec import Program, Progress

CLAIMED = (0.1, 0.03, 0.01, 0.003)
"""False-alarm probabilities per segment whose thresholds, set on the data of old, are tried on drifted noise."""


def ageing(
    program: Program,
    noise: int,
    events: int,
    seed: int,
    progress: Progress,
    ladder: Sequence[Drift] = LADDER,
    among: Sequence[str] = CLASSES,
) -> tuple[Aged, ...]:
    """Responses of `program` to each drift of `ladder`: `noise` segments, `events` per class and SNR bin.

    All drifts see the same events in the same noise, so that differences are those of the drift.
    """
    thresholds = _thresholds(decisions.noise_outputs(program, noise, seed).score)
    found = []
    for k, drift in enumerate(ladder):
        progress(k / len(ladder), f"{program.workload.name}: drift {drift}")
        quiet = decisions.noise_outputs(program, noise, seed + 1, drift=drift)
        classes = {cls: decisions.response(program, cls, events, seed, drift)[0] for cls in among}
        found.append(
            Aged(
                drift={name: amount for name, amount in asdict(drift).items() if amount},
                noise={"n": noise, "count": int(quiet.outcome.sum())},
                snr_edges=decisions.SNR_EDGES,
                classes=classes,
                claimed=CLAIMED,
                raised=tuple(int(np.sum(quiet.score > threshold)) for threshold in thresholds),
            )
        )
    return tuple(found)


def _thresholds(score: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.quantile(score, 1 - np.array(CLAIMED)))
