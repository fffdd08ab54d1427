"""Measuring a workload on this machine: service times, and decisions or another quality, as profiles.

Knows no queue. Timing wants a quiet machine; decisions only want patience.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any, cast

from numpy.typing import NDArray

from workloads import ageing, agreement, decisions, export, host, runtime, spec, timing
from workloads.profile import SHIPPED, Aged, Decisions, Profile, ProfileError, find, load
from workloads.spec import Judged, OnSegments, Program, Progress, Quality

QUICK = 10
"""A quick measurement makes that many times fewer tries, and adds them to the shipped ones if they agree."""
_SEED, _QUICK_SEED = 30_011, 40_009
"""Data no model, threshold or bank was chosen on; a quick measurement has data of its own."""
TOLERANCE = export.TOLERANCE
"""Runtimes whose results differ by no more, relative to 1 or to the value if larger, decide alike."""
_DRIFTED = 4
"""At each drift that many times fewer tries are made."""
_COMPARED, _POOL = 40, 8
"""Units that runtimes are compared on, and batches that a timed call goes round."""


@dataclass(frozen=True)
class Found:
    """What one runtime decides, or how well it does; and how that is known."""

    decisions: Decisions | None
    quality: Quality | None
    note: str
    aged: tuple[Aged, ...] = ()


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
    drift: bool = False,
    progress: Progress = lambda done, text: None,
) -> list[Path]:
    """Measure workload `name` on each of `runtimes` and write a profile each below `out`; returns their paths.

    By default that is every runtime whose package is installed. `now` is today's date for the passport;
    `budget_s` limits the timing of one runtime. Quality is measured on the first runtime and holds for all whose
    results agree with it; one of reduced precision that differs is measured by itself, any other raises
    ProfileError. With `drift`, what drifted data do to the decisions is measured too.
    """
    chosen = tuple(runtimes or filter(runtime.installed, spec.get(name).runtimes))
    load_1min = os.getloadavg()[0]
    programs = {r: spec.load(name, r, threads) for r in chosen}
    spread = _spread(programs)
    service = {}
    for index, (r, program) in enumerate(programs.items()):
        progress(0.3 * index / len(chosen), f"timing {name} on {r}")
        service[r] = service_times(program, batches, budget_s)
    found = _found(programs, [r for r in chosen[1:] if spread[r] > TOLERANCE], quick, drift, progress)
    paths = []
    for r, program in programs.items():
        what, note = found.get(r, found[chosen[0]]), found[chosen[0]].note
        shared = f"{note} on {chosen[0]}; scores differ from it by at most {spread[r]:.1e}"
        about = passport(program, now, what.note if spread[r] > TOLERANCE else shared, load_1min)
        quality = None if what.quality is None else {"headline": what.quality.headline, **what.quality.figures}
        profile = Profile(name, r, hardware, threads, about, service[r], what.decisions, quality, what.aged)
        paths.append(profile.save(out))
    return paths


def time_again(
    name: str,
    out: Path,
    now: str,
    hardware: str = "host",
    runtimes: Sequence[str] | None = None,
    batches: Sequence[int] = (1, 2, 4, 8),
    threads: int = 1,
    budget_s: float = 60.0,
    progress: Progress = lambda done, text: None,
) -> list[Path]:
    """New service times in the profiles of `name` below `out`, whose paths are returned; quality stays as it is.

    ProfileError when there is no profile, or one of other weights.
    """
    chosen = tuple(runtimes or filter(runtime.installed, spec.get(name).runtimes))
    load_1min, paths = os.getloadavg()[0], []
    for index, r in enumerate(chosen):
        progress(index / len(chosen), f"timing {name} on {r}")
        program, kept = spec.load(name, r, threads), find(name, r, hardware, (out,), threads)
        if kept.passport.get("weights_sha256") != program.weights_sha256:
            raise ProfileError(f"{kept.path}: of other weights than the shipped ones; measure its quality as well")
        about = passport(program, now, kept.passport["note"], load_1min)
        paths.append(replace(kept, passport=about, service=service_times(program, batches, budget_s)).save(out))
    return paths


def _found(
    programs: Mapping[str, Program], alone: Sequence[str], quick: bool, drift: bool, progress: Progress
) -> dict[str, Found]:
    """What the first runtime and those that stand `alone` decide, by name."""
    found = {}
    share = 0.7 / (1 + len(alone))
    for index, r in enumerate((next(iter(programs)), *alone)):

        def said(done: float, text: str, begun: float = 0.3 + share * index) -> None:
            progress(begun + share * done, text)

        found[r] = _quality(programs[r], quick, said)
        if drift and index == 0 and programs[r].workload.outcome is not None:
            found[r] = replace(found[r], aged=_aged(programs[r], quick, said))
    return found


def _quality(program: Program, quick: bool, progress: Progress) -> Found:
    """What `program` decides, or its quality, on data of a quick or of a full measurement."""
    seed, fewer = (_QUICK_SEED, QUICK) if quick else (_SEED, 1)
    if program.workload.outcome is None:
        judged = cast("Judged", program.workload).judge(program, 1 / fewer, seed, progress)
        return Found(None, judged, "quality measured here")
    noise, events = (max(1, n // fewer) for n in cast("OnSegments", program.workload).tries)
    outcome = decisions.decisions(program, noise, events, seed, progress)
    outcome, how = _with_shipped(program, outcome) if quick else (outcome, "measured here")
    return Found(outcome, None, f"decisions {how}")


def _aged(program: Program, quick: bool, progress: Progress) -> tuple[Aged, ...]:
    """What drifted data do to the decisions of `program`, with fewer tries at each drift than without any."""
    seed, fewer = (_QUICK_SEED, QUICK) if quick else (_SEED, 1)
    noise, events = (max(1, n // (_DRIFTED * fewer)) for n in cast("OnSegments", program.workload).tries)
    return ageing.ageing(program, noise, events, seed, progress)


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
    """Wall-clock service times of `program` on realistic units, checks and preparation included."""
    pool = program.workload.units(_POOL * max(batches), _SEED)
    calls = {batch: _call(program, pool, batch) for batch in sorted(set(batches))}
    return timing.measure(calls, budget_s, time.perf_counter)


def passport(program: Program, now: str, note: str, load_1min: float) -> dict[str, Any]:
    """Where the numbers come from: machine, versions, weights, date, and the machine's load beforehand."""
    packages = ("numpy", "scipy", *{runtime.PACKAGE.get(program.runtime): None})
    return {
        "standing": "measured",
        "machine": host.machine() if program.runtime not in runtime.PRECISION else host.accelerator(),
        "os": host.operating_system(),
        "python": platform.python_version(),
        "versions": host.versions(package for package in packages if package),
        "weights_sha256": program.weights_sha256,
        "date": now,
        "load_1min": round(load_1min, 2),
        "note": note,
    }


def _call(program: Program, pool: NDArray[Any], batch: int) -> Callable[[], Any]:
    inputs = cycle([pool[i : i + batch] for i in range(0, _POOL * batch, batch)])
    return lambda: program(next(inputs))


def _spread(programs: Mapping[str, Program]) -> dict[str, float]:
    """By how much the results of each runtime differ from the first one's; ProfileError above TOLERANCE.

    Runtimes of reduced precision may differ by more.
    """
    first, *_ = programs
    units = programs[first].workload.units(_COMPARED, _SEED)
    results = {r: program(units) for r, program in programs.items()}
    spread = {r: export.difference(result, results[first]) for r, result in results.items()}
    reduced = first in runtime.REDUCED
    apart = [
        f"{r} from {first} by {d:.2g}"
        for r, d in spread.items()
        if not d <= TOLERANCE and r not in runtime.REDUCED and not reduced
    ]
    if apart:
        name = programs[first].workload.name
        raise ProfileError(
            f"{name}: scores of the same input differ, {', '.join(apart)}; allowed: {TOLERANCE:g}. "
            f"Decisions of one runtime do not hold for the other: make the exported model again with "
            f"'ettwin train {name}', or measure one runtime at a time with --runtime"
        )
    return spread
