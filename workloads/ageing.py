"""What drifted data do to a workload that was made for others: to its decisions and its score, or its quality.

Everything is measured: the real program runs on data that have drifted by a stated amount. Knows no retraining.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from workloads import decisions
from workloads.drift import LADDER, Drift
from workloads.profile import Aged, Drifted, Figure
from workloads.sky import CLASSES
from workloads.spec import Program, Progress, UnderDrift

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
                drift=drift.amounts,
                noise={"n": noise, "count": int(quiet.outcome.sum())},
                snr_edges=decisions.SNR_EDGES,
                classes=classes,
                claimed=CLAIMED,
                raised=tuple(int(np.sum(quiet.score > threshold)) for threshold in thresholds),
            )
        )
    return tuple(found)


def judged(program: Program, effort: float, seed: int, progress: Progress) -> tuple[Drifted, ...]:
    """The figures of a judged workload at each drift that it states; all drifts see the same events and noise."""
    workload, found = cast("UnderDrift", program.workload), []
    for k, drift in enumerate(workload.drifts):

        def said(done: float, text: str, k: int = k) -> None:
            progress((k + done) / len(workload.drifts), text)

        said(0.0, f"{program.workload.name}: drift {dict(drift) or 'none'}")
        found.append(Drifted(dict(drift), dict(workload.judge_drifted(program, drift, effort, seed, said))))
    return tuple(found)


def share(count: int, n: int) -> Figure:
    """The share `count` of `n`."""
    return Figure(count / n, *decisions.interval(count, n), n)


def mean(x: NDArray[Any]) -> Figure:
    """The mean of independent `x` (n,)."""
    middle, half = float(np.mean(x)), float(1.96 * np.std(x, ddof=1) / np.sqrt(len(x)))
    return Figure(middle, middle - half, middle + half, len(x))


def _thresholds(score: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.quantile(score, 1 - np.array(CLAIMED)))
