"""What a program on segments of strain decides: on empty noise, and on events of every class and loudness.

Knows no queue and no profile's file.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from workloads.detectors import TRIANGLE, Detectors
from workloads.drift import NONE, Drift
from workloads.profile import Decisions, Response
from workloads.sky import SIGNALS, power_law
from workloads.spec import LOOKAHEAD_S, SEGMENT_S, Outputs, Program, Progress
from workloads.strain import EVENTS, Injection, Strain

if TYPE_CHECKING:
    from workloads.recording import Recording

SNR_EDGES = (6.0, 8.0, 10.0, 12.0, 16.0, 24.0, 48.0, 100.0)
_SPACING_S = 24.0
"""Events are that far apart: longer than a waveform, so that each segment holds one."""
_BATCH = 16


def decisions(
    program: Program, noise: int, events: int, seed: int, progress: Progress, drift: Drift = NONE
) -> Decisions:
    """How often `program` triggers or flags: in `noise` empty segments and in `events` per class and SNR bin.

    The data have drifted by `drift`.
    """
    share = noise / (noise + events * (len(SNR_EDGES) - 1) * len(EVENTS))
    quiet = noise_outputs(program, noise, seed, lambda done, text: progress(share * done, text), drift)
    classes: dict[str, Response] = {}
    labels = {"none": quiet.label}
    for cls in EVENTS:
        progress(share + (1 - share) * len(classes) / len(EVENTS), f"{program.workload.name}: decisions on {cls}")
        classes[cls], labels[cls] = response(program, cls, events, seed, drift)
    return Decisions(
        outcome=str(program.workload.outcome),
        threshold=program.threshold,
        noise={"n": noise, "count": int(quiet.outcome.sum())},
        snr_edges=SNR_EDGES,
        classes=classes,
        data=f"Gaussian noise of {detectors(program).said}, independent streams; IMRPhenomD binaries of 10-80 "
        f"Msun with aligned spins, simulated glitch families; SNR log-uniform in each bin; seed {seed}",
        confusion=_confusion(labels, events) if quiet.label is not None else None,
    )


def response(
    program: Program, cls: str, events: int, seed: int, drift: Drift = NONE
) -> tuple[Response, list[str] | None]:
    """How often `program` triggers or flags on `events` of class `cls` per SNR bin, and what it calls them."""
    index = EVENTS.index(cls)
    rng = np.random.default_rng([seed, index])
    snr = np.concatenate([power_law(rng.random(events), a, b, -1.0) for a, b in pairwise(SNR_EDGES)])
    result = event_outputs(program, cls, snr, seed + 1 + index, drift=drift)
    counts = result.outcome.reshape(-1, events).sum(axis=1)
    return Response((events,) * len(counts), tuple(counts.tolist())), result.label


def noise_outputs(
    program: Program, n: int, seed: int, progress: Progress = lambda done, text: None, drift: Drift = NONE
) -> Outputs:
    """Outputs of `program` on `n` consecutive segments without any event but what `drift` adds."""
    strain = strain_of(program, seed, (), drift)
    return outputs(program, strain, np.arange(n, dtype=np.float64) * SEGMENT_S, progress)


def event_outputs(
    program: Program,
    cls: str,
    snr: NDArray[np.float64],
    seed: int,
    progress: Progress = lambda done, text: None,
    drift: Drift = NONE,
) -> Outputs:
    """Outputs of `program` on one segment per entry of `snr`, each holding an event of class `cls`."""
    rng = np.random.default_rng([seed, len(snr)])
    starts = _SPACING_S * np.arange(len(snr), dtype=np.float64)
    times = starts + SEGMENT_S * rng.random(len(snr))
    number = detectors(program).streams
    streams = np.full(len(snr), -1) if cls in SIGNALS else rng.integers(number, size=len(snr))
    events = [
        Injection(float(t), cls, float(s), int(d), i)
        for i, (t, s, d) in enumerate(zip(times, snr, streams, strict=True))
    ]
    return outputs(program, strain_of(program, seed, events, drift), starts, progress)


def recorded_outputs(program: Program, recorded: Recording, progress: Progress) -> Outputs:
    """Outputs of `program` on the segments of a recording that it can see whole windows of."""
    strain = Strain(recorded.seed, (), recorded.drift)
    return outputs(program, strain, _segments_of(program, recorded), progress)


def recorded_signals(
    program: Program, recorded: Recording, snr: NDArray[np.float64], progress: Progress
) -> Outputs:
    """Outputs of `program` on one segment of the recording per entry of `snr`, each with a binary put into it.

    The recording is gone through as often as it takes.
    """
    rng = np.random.default_rng([recorded.seed, len(snr)])
    starts = _segments_of(program, recorded)[:: round(_SPACING_S / SEGMENT_S)]
    parts = []
    for first in range(0, len(snr), len(starts)):
        lap = snr[first : first + len(starts)]
        times = starts[: len(lap)] + SEGMENT_S * rng.random(len(lap))
        events = [
            Injection(float(t), SIGNALS[0], float(s), -1, first + i)
            for i, (t, s) in enumerate(zip(times, lap, strict=True))
        ]
        strain = Strain(recorded.seed, events, recorded.drift)
        parts.append(outputs(program, strain, starts[: len(lap)], lambda done, text: None))
        progress(first / len(snr), f"{program.workload.name}: signals in the recording")
    return joined(parts)


def _segments_of(program: Program, recorded: Recording) -> NDArray[np.float64]:
    """Starts of the segments whose windows lie within the recording."""
    first_s = np.ceil(program.workload.unit.duration_s - SEGMENT_S - LOOKAHEAD_S)
    last_s = recorded.duration_s - SEGMENT_S - LOOKAHEAD_S
    return np.arange(first_s, last_s + 1e-9, SEGMENT_S)


def detectors(program: Program) -> Detectors:
    """Those whose strain `program` is for."""
    known: Detectors = getattr(program.workload, "detectors", TRIANGLE)
    return known


def strain_of(program: Program, seed: int, events: Sequence[Injection] = (), drift: Drift = NONE) -> Strain:
    """Strain for `program`: noise of `seed`, with `events` in it, drifted or not."""
    return Strain(seed, events, drift, detectors(program))


def window(program: Program, strain: Strain, start_s: float) -> NDArray[np.float64]:
    """What `program` wants to see of the segment that starts at `start_s`, shape (detector, sample)."""
    return strain.window(start_s + SEGMENT_S + LOOKAHEAD_S, program.workload.unit.duration_s)


def headline(measured: Decisions) -> str:
    """The decisions in a sentence: what was found (or flagged) of signals, glitches and noise, with 95 % CI."""
    verb = "found" if measured.outcome == "trigger" else "flagged"
    signal = measured.classes[SIGNALS[0]]
    parts = []
    for low in (8.0, 12.0):
        k = measured.snr_edges.index(low) if low in measured.snr_edges else 0
        bin_ = f"SNR {measured.snr_edges[k]:g}-{measured.snr_edges[k + 1]:g}"
        parts.append(f"{_percent(signal.count[k], signal.n[k])} of signals of {bin_}")
    loud = [r for cls, r in measured.classes.items() if cls not in SIGNALS]
    parts.append(f"{_percent(sum(sum(r.count) for r in loud), sum(sum(r.n) for r in loud))} of glitches")
    parts.append(f"{_percent(measured.noise['count'], measured.noise['n'])} of noise")
    return f"{verb} {', '.join(parts)}"


def interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of a probability of which `count` of `n` tries succeeded."""
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(beta.ppf(tail, count, n - count + 1))
    high = 1.0 if count == n else float(beta.ppf(1 - tail, count + 1, n - count))
    return low, high


def _percent(count: int, n: int) -> str:
    low, high = interval(count, n)
    return f"{100 * count / n:.3g} % ({100 * low:.3g}-{100 * high:.3g}, n={n})"


def outputs(
    program: Program,
    strain: Strain,
    starts_s: NDArray[np.float64],
    progress: Progress = lambda done, text: None,
) -> Outputs:
    """Outputs of `program` on the segments of `strain` that begin at `starts_s` (segment,)."""
    parts: list[Outputs] = []
    for first in range(0, len(starts_s), _BATCH):
        batch = [window(program, strain, start_s) for start_s in starts_s[first : first + _BATCH]]
        parts.append(program(np.array(batch)))
        progress(first / len(starts_s), f"{program.workload.name}: decisions")
    return joined(parts)


def joined(parts: Sequence[Outputs]) -> Outputs:
    """Outputs of several batches as one."""
    labels = None if parts[0].label is None else [label for part in parts for label in part.label or ()]
    return Outputs(
        np.concatenate([p.score for p in parts]),
        np.concatenate([p.outcome for p in parts]),
        labels,
        np.concatenate([p.time_offset_s for p in parts]),
    )


def _confusion(labels: dict[str, list[str] | None], events: int) -> dict[str, Any]:
    """Counts of what each class (row) is called (column); of those called unknown, by SNR bin of `events` each."""
    names = list(labels)
    rows = [[sum(guess == column for guess in labels[truth] or ()) for column in names] for truth in names]
    return {"classes": names, "counts": rows} | unknown_by_snr(labels, events)


def unknown_by_snr(labels: dict[str, list[str] | None], events: int) -> dict[str, Any]:
    """How many of each class of event are called unknown in each SNR bin of `events`; {} where nothing ever is."""
    said = {
        cls: [guesses[k : k + events].count("unknown") for k in range(0, len(guesses), events)]
        for cls, guesses in labels.items()
        if cls != "none" and guesses
    }
    return {"unknown_by_snr": said} if any(map(any, said.values())) else {}
