"""What workloads on segments of strain share: their unit, realistic examples, the thresholds they are set to.

One unit is a window of all streams that ends LOOKAHEAD_S after the searched second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads.detectors import TRIANGLE, Detectors
from workloads.sky import CLASSES, SIGNALS
from workloads.spec import LOOKAHEAD_S, RATE_HZ, SEGMENT_S, STREAMS, Program, Progress
from workloads.strain import Injection, Strain
from workloads.unit import Unit

if TYPE_CHECKING:
    from workloads.recording import Recording

FALSE_ALARM = 1e-3
"""Probability that a segment of pure noise triggers: the same for every search, so that they compare."""
_NOISE_SEED, _FLAG_SEED = 7001, 7002
_SPACING_S = 24.0
"""Examples are that far apart: longer than a waveform, so that each window holds one event."""
_LOUDNESS = (8.0, 60.0)


def strain_unit(window_s: float, may_miss: int = 0, streams: int = STREAMS) -> Unit:
    """A window of strain, `window_s` long; up to `may_miss` streams of it may be missing."""
    return Unit(
        "strain",
        f"calibrated strain of the {streams} streams, ending {LOOKAHEAD_S:g} s after the searched second",
        ("detector", "sample"),
        (streams, round(window_s * RATE_HZ)),
        float(RATE_HZ),
        longest_repeat=8,
        may_miss=may_miss,
        advice="Cut the window with Strain.window",
    )


def examples(unit: Unit, n: int, seed: int, detectors: Detectors = TRIANGLE) -> NDArray[np.float64]:
    """`n` windows (n, detector, sample) that hold, in turn, noise and every class of event, loud and quiet."""
    rng = np.random.default_rng([seed, n])
    starts = _SPACING_S * np.arange(1, n + 1)
    low, high = _LOUDNESS
    snr = low * (high / low) ** rng.random(n)
    kinds = [("none", *CLASSES)[i % (1 + len(CLASSES))] for i in range(n)]
    streams = [
        -1 if cls in SIGNALS else int(d)
        for cls, d in zip(kinds, rng.integers(detectors.streams, size=n), strict=True)
    ]
    events = [
        Injection(float(start + SEGMENT_S * rng.random()), cls, float(s), stream, i)
        for i, (start, cls, s, stream) in enumerate(zip(starts, kinds, snr, streams, strict=True))
        if cls != "none"
    ]
    strain = Strain(seed, events, detectors=detectors)
    return np.array([strain.window(t + SEGMENT_S + LOOKAHEAD_S, unit.duration_s) for t in starts])


def false_alarm_threshold(
    program: Program, n: int, progress: Progress, recorded: Recording | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The score that FALSE_ALARM of `n` segments of pure noise exceed, or of those that were `recorded`."""
    from workloads import decisions

    if recorded is None:
        scores = decisions.noise_outputs(program, n, _NOISE_SEED, progress).score
    else:
        scores = decisions.recorded_outputs(program, recorded, progress).score
        n = len(scores)
    threshold = float(np.quantile(scores, 1 - FALSE_ALARM))
    return {"threshold": threshold}, {"false_alarm_per_segment": FALSE_ALARM, "noise_segments": n}


def flag_threshold(
    program: Program,
    n: int,
    false_flag: float,
    false_dismissal: float,
    progress: Progress,
    recorded: Recording | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The lowest score that `false_flag` of `n` noise segments, `false_dismissal` of `n`/2 signals at most exceed.

    Signals have SNR 8 to 100, log-uniform. With `recorded` noise, its segments are taken, and signals put there.
    """
    from workloads import decisions
    from workloads.training import log_uniform

    snr = log_uniform(8.0, 100.0, n // 2, np.random.default_rng(_FLAG_SEED)).astype(np.float64)
    if recorded is None:
        quiet = decisions.noise_outputs(program, n, _NOISE_SEED, progress).score
        heard = decisions.event_outputs(program, "bbh", snr, _FLAG_SEED, progress).score
    else:
        quiet = decisions.recorded_outputs(program, recorded, progress).score
        heard = decisions.recorded_signals(program, recorded, snr, progress).score
        n = len(quiet)
    threshold = float(max(np.quantile(quiet, 1 - false_flag), np.quantile(heard, 1 - false_dismissal)))
    return {"threshold": threshold}, {
        "noise_segments": n,
        "noise_flagged": round(float(np.mean(quiet > threshold)), 4),
        "signals": len(heard),
        "signal_snr": [8.0, 100.0],
        "signals_flagged": round(float(np.mean(heard > threshold)), 4),
    }
