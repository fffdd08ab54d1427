"""Measuring a workload on this machine: service times on real strain, and decisions against SNR, as profiles.

Knows no queue. Timing wants a quiet machine; decisions only want patience.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads import agreement, spec, timing
from workloads.profile import SHIPPED, Decisions, Profile, ProfileError, Response, load
from workloads.sky import CLASSES, SIGNALS, power_law
from workloads.spec import LOOKAHEAD_S, SEGMENT_S, STREAMS, Outputs, Program, Progress
from workloads.strain import Injection, Strain

SNR_EDGES = (6.0, 8.0, 10.0, 12.0, 16.0, 24.0, 48.0, 100.0)
TRIES = {"detector": (10_000, 200), "glitch-classifier": (10_000, 200), "matched-filter": (3_000, 60)}
"""Segments of pure noise, and events per class and SNR bin, that decisions are measured on."""
QUICK = 10
"""A quick measurement makes that many times fewer tries, and adds them to the shipped ones if they agree."""
_SEED, _QUICK_SEED = 30_011, 40_009
"""Data no model, threshold or bank was chosen on; a quick measurement has data of its own."""
TOLERANCE = 1e-3
"""Runtimes whose scores (of order 1 to 10 near a threshold) differ by no more decide alike."""
_SPACING_S = 24.0
"""Events are that far apart: longer than a waveform, so that each segment holds one."""
_BATCH = 16


def measure(
    name: str,
    out: Path,
    now: str,
    hardware: str = "host",
    runtimes: Sequence[str] | None = None,
    batches: Sequence[int] = (1, 2, 4, 8),
    threads: int = 1,
    budget_s: float = 60.0,
    quick: bool = False,
    progress: Progress = lambda done, text: None,
) -> list[Path]:
    """Measure workload `name` on each of `runtimes` and write a profile each below `out`; returns their paths.

    `now` is today's date for the passport; `budget_s` limits the timing of one runtime. Decisions are measured
    once, on the first runtime, and hold for the others: ProfileError is raised unless their scores agree.
    """
    chosen = tuple(runtimes or spec.get(name).runtimes)
    load_1min = os.getloadavg()[0]
    programs = {runtime: spec.load(name, runtime, threads) for runtime in chosen}
    first = programs[chosen[0]]
    spread = _spread(programs)
    service = {}
    for index, (runtime, program) in enumerate(programs.items()):
        progress(0.3 * index / len(chosen), f"timing {name} on {runtime}")
        service[runtime] = service_times(program, batches, budget_s)
    noise, events = (max(1, n // (QUICK if quick else 1)) for n in TRIES[name])
    seed = _QUICK_SEED if quick else _SEED
    outcome = decisions(first, noise, events, seed, lambda done, text: progress(0.3 + 0.7 * done, text))
    outcome, how = _with_shipped(first, outcome) if quick else (outcome, "measured here")
    paths = []
    for runtime, program in programs.items():
        note = f"decisions {how} on {chosen[0]}; scores differ from it by at most {spread[runtime]:.1e}"
        about = passport(program, now, note, load_1min)
        paths.append(Profile(name, runtime, hardware, threads, about, service[runtime], outcome).save(out))
    return paths


def _with_shipped(program: Program, here: Decisions) -> tuple[Decisions, str]:
    """The decisions measured here, added to the shipped ones of the same weights; and how that came about."""
    for path in sorted(SHIPPED.glob(f"*/{program.workload.name}-{program.runtime}.json")):
        shipped = load(path)
        if shipped.decisions is None or shipped.passport.get("weights_sha256") != program.weights_sha256:
            continue
        both, probability = agreement.pooled(here, shipped.decisions)
        if both is None:
            return here, f"measured here (n={here.noise['n']}); they differ from those on {shipped.hardware}"
        return (
            both,
            f"measured here (n={here.noise['n']}) and on {shipped.hardware} agree (p={probability:.2g}), added up",
        )
    return here, f"measured here (n={here.noise['n']})"


def service_times(program: Program, batches: Sequence[int], budget_s: float) -> tuple[Any, ...]:
    """Wall-clock service times of `program` on real strain, whitening included."""
    calls = {batch: _call(program, _pool(program, batch)) for batch in sorted(set(batches))}
    return timing.measure(calls, budget_s, time.perf_counter)


def decisions(program: Program, noise: int, events: int, seed: int, progress: Progress) -> Decisions:
    """How often `program` triggers or flags: in `noise` empty segments and in `events` per class and SNR bin."""
    bins = list(pairwise(SNR_EDGES))
    share = noise / (noise + events * len(bins) * len(CLASSES))
    quiet = noise_outputs(program, noise, seed, lambda done, text: progress(share * done, text))
    labels = {"none": quiet.label}
    classes = {}
    for index, cls in enumerate(CLASSES):
        rng = np.random.default_rng([seed, index])
        snr = np.concatenate([power_law(rng.random(events), a, b, -1.0) for a, b in bins])
        done = share + (1 - share) * index / len(CLASSES)
        progress(done, f"{program.workload.name}: decisions on {cls}")
        result = event_outputs(program, cls, snr, seed + 1 + index)
        counts = result.outcome.reshape(len(bins), events).sum(axis=1)
        classes[cls] = Response((events,) * len(bins), tuple(counts.tolist()))
        labels[cls] = result.label
    return Decisions(
        outcome=program.workload.outcome,
        threshold=program.threshold,
        noise={"n": noise, "count": int(quiet.outcome.sum())},
        snr_edges=SNR_EDGES,
        classes=classes,
        data=f"Gaussian noise of the ET 10 km cryogenic curve, independent streams; IMRPhenomD binaries of 10-80 "
        f"Msun with aligned spins, simulated glitch families; SNR log-uniform in each bin; seed {seed}",
        confusion=_confusion(labels) if quiet.label is not None else None,
    )


def noise_outputs(program: Program, n: int, seed: int, progress: Progress = lambda done, text: None) -> Outputs:
    """Outputs of `program` on `n` consecutive segments without any signal or glitch."""
    strain = Strain(seed)
    return _outputs(program, strain, np.arange(n, dtype=np.float64) * SEGMENT_S, progress)


def event_outputs(
    program: Program,
    cls: str,
    snr: NDArray[np.float64],
    seed: int,
    progress: Progress = lambda done, text: None,
) -> Outputs:
    """Outputs of `program` on one segment per entry of `snr`, each holding an event of class `cls`."""
    rng = np.random.default_rng([seed, len(snr)])
    starts = _SPACING_S * np.arange(len(snr), dtype=np.float64)
    times = starts + SEGMENT_S * rng.random(len(snr))
    streams = np.full(len(snr), -1) if cls in SIGNALS else rng.integers(STREAMS, size=len(snr))
    events = [
        Injection(float(t), cls, float(s), int(d), i)
        for i, (t, s, d) in enumerate(zip(times, snr, streams, strict=True))
    ]
    return _outputs(program, Strain(seed, events), starts, progress)


def passport(program: Program, now: str, note: str, load_1min: float) -> dict[str, Any]:
    """Where the numbers come from: machine, versions, weights, date, and the machine's load beforehand."""
    packages = ("numpy", "scipy", "torch") + (("onnxruntime",) if program.runtime == "onnxruntime" else ())
    return {
        "standing": "measured",
        "machine": machine(),
        "os": operating_system(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
        "weights_sha256": program.weights_sha256,
        "date": now,
        "load_1min": round(load_1min, 2),
        "note": note,
    }


def machine() -> str:
    """The processor's own name and the number of its logical cores in view."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    return f"{name}, {os.cpu_count()} logical cores"


def operating_system() -> str:
    """Its name and major.minor release, without the name of a build."""
    return f"{platform.system()} {'.'.join(re.findall(r'[0-9]+', platform.release())[:2])}"


def _outputs(program: Program, strain: Strain, starts_s: NDArray[np.float64], progress: Progress) -> Outputs:
    parts = []
    for first in range(0, len(starts_s), _BATCH):
        batch = [window(program, strain, start_s) for start_s in starts_s[first : first + _BATCH]]
        parts.append(program(np.array(batch)))
        progress(first / len(starts_s), f"{program.workload.name}: decisions")
    labels = None if parts[0].label is None else [label for part in parts for label in part.label or ()]
    return Outputs(
        np.concatenate([p.score for p in parts]),
        np.concatenate([p.outcome for p in parts]),
        labels,
        np.concatenate([p.time_offset_s for p in parts]),
    )


def window(program: Program, strain: Strain, start_s: float) -> NDArray[np.float64]:
    """What `program` wants to see of the segment that starts at `start_s`, shape (detector, sample)."""
    return strain.window(start_s + SEGMENT_S + LOOKAHEAD_S, program.workload.window_s)


def _confusion(labels: dict[str, list[str] | None]) -> dict[str, Any]:
    names = list(labels)
    rows = [[sum(guess == column for guess in labels[truth] or ()) for column in names] for truth in names]
    return {"classes": names, "counts": rows}


def _pool(program: Program, batch: int) -> list[NDArray[np.float64]]:
    strain = Strain(_SEED)
    return [
        np.array([window(program, strain, float(8 * batch + i)) for i in range(first, first + batch)])
        for first in range(0, 8 * batch, batch)
    ]


def _call(program: Program, pool: list[NDArray[np.float64]]) -> Callable[[], Outputs]:
    inputs: Iterator[NDArray[np.float64]] = cycle(pool)
    return lambda: program(next(inputs))


def _spread(programs: Mapping[str, Program]) -> dict[str, float]:
    """By how much the scores of each runtime differ from the first one's; ProfileError above TOLERANCE."""
    scores = {runtime: _some_scores(program) for runtime, program in programs.items()}
    first, *_ = scores
    spread = {runtime: float(np.abs(s - scores[first]).max()) for runtime, s in scores.items()}
    apart = [f"{runtime} from {first} by {d:.2g}" for runtime, d in spread.items() if not d <= TOLERANCE]
    if apart:
        name = programs[first].workload.name
        raise ProfileError(
            f"{name}: scores of the same strain differ, {', '.join(apart)}; allowed: {TOLERANCE:g}. "
            f"Decisions of one runtime do not hold for the other: make the exported model again with "
            f"'ettwin train {name}', or measure one runtime at a time with --runtime"
        )
    return spread


def _some_scores(program: Program) -> NDArray[np.float64]:
    """Scores on a few segments of pure noise, with signals and with glitches, of every loudness."""
    events = [event_outputs(program, cls, np.array(SNR_EDGES), _SEED) for cls in ("bbh", "blip")]
    return np.concatenate([out.score for out in (noise_outputs(program, _BATCH, _SEED), *events)])
