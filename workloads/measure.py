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
from typing import TYPE_CHECKING, Any, cast

from numpy.typing import NDArray

from workloads import ageing, agreement, decisions, export, host, overlapping, runtime, spec, timing
from workloads.premerger import overlapping as ahead
from workloads.profile import SHIPPED, Aged, Decisions, Drifted, Profile, ProfileError, find, load
from workloads.spec import Judged, OnSegments, Program, Progress

if TYPE_CHECKING:
    from workloads.serving.remote import Remote

QUICK = 10
"""A quick measurement makes that many times fewer tries, and adds them to the shipped ones if they agree."""
_SEED, _QUICK_SEED = 30_011, 40_009
"""Data no model, threshold or bank was chosen on; a quick measurement has data of its own."""
TOLERANCE = export.TOLERANCE
"""Runtimes whose results differ by no more, relative to 1 or to the value if larger, decide alike."""
_OVERLAPS = "; overlaps measured "
"""In a passport's note, before the date."""
_DRIFTED = 4
"""At each drift that many times fewer tries are made."""
_COMPARED, _POOL = 40, 8
"""Units that runtimes are compared on, and batches that a timed call goes round."""


@dataclass(frozen=True)
class Request:
    """What to measure of workload `name`, for which hardware kind and number of threads.

    `runtimes` None is every runtime whose package is installed; `budget_s` limits the timing of each. A `quick`
    quality makes QUICK times fewer tries. With `drift`, what drifted data do to it is measured too. The strain is
    that of so many `streams`.
    """

    name: str
    hardware: str = "host"
    runtimes: Sequence[str] | None = None
    batches: Sequence[int] = (1, 2, 4, 8)
    threads: int = 1
    budget_s: float = 60.0
    quick: bool = False
    drift: bool = False
    streams: int = spec.STREAMS

    def programs(self) -> dict[str, Program]:
        """The programs by runtime, the first of which is judged for all."""
        workload = spec.of_streams(spec.get(self.name), self.streams)
        chosen = self.runtimes or filter(runtime.installed, workload.runtimes)
        if self.streams != spec.STREAMS:
            return {r: spec.load(self.name, r, self.threads, streams=self.streams) for r in chosen}
        return {r: spec.load(self.name, r, self.threads) for r in chosen}


@dataclass(frozen=True)
class Found:
    """What one runtime decides, or how well it does; and how that is known."""

    decisions: Decisions | None
    quality: Mapping[str, Any] | None
    note: str
    aged: tuple[Aged, ...] = ()
    drifted: tuple[Drifted, ...] = ()


def silent(done: float, text: str) -> None:
    """Progress that nobody listens to."""


def measure(request: Request, out: Path, now: str, progress: Progress = silent) -> list[Path]:
    """Measure what is asked for and write a profile per runtime below `out`; returns their paths.

    `now` is today's date for the passport. Quality is measured on the first runtime and holds for all whose
    results agree with it; one of reduced precision that differs is measured by itself, any other raises
    ProfileError.
    """
    load_1min, programs = os.getloadavg()[0], _settled(request, progress)
    spread, service, paths = _spread(programs), {}, []
    for index, (r, program) in enumerate(programs.items()):
        progress(0.3 * index / len(programs), f"timing {request.name} on {r}")
        service[r] = service_times(program, request.batches, request.budget_s)
    found = _found(programs, spread, request, lambda done, text: progress(0.3 + 0.7 * done, text))
    for r, program in programs.items():
        what, about = found[r], passport(program, now, found[r].note, load_1min)
        profile = Profile(
            request.name, r, request.hardware, request.threads, about, service[r], what.decisions, what.quality,
            what.aged, what.drifted, streams=request.streams,
        )  # fmt: skip
        paths.append(profile.save(out))
    return paths


def time_again(request: Request, out: Path, now: str, progress: Progress = silent) -> list[Path]:
    """New service times in the profiles below `out`, whose paths are returned; quality stays as it is.

    ProfileError when there is no profile, or one of other weights.
    """
    load_1min, programs, paths = os.getloadavg()[0], _settled(request, progress), []
    for index, (r, program) in enumerate(programs.items()):
        progress(index / len(programs), f"timing {request.name} on {r}")
        kept = _kept(program, request, out, "its quality")
        about = passport(program, now, kept.passport["note"], load_1min)
        service = service_times(program, request.batches, request.budget_s)
        paths.append(replace(kept, passport=about, service=service).save(out))
    return paths


def judge_again(request: Request, out: Path, now: str, progress: Progress = silent) -> list[Path]:
    """New decisions or another new quality in the profiles below `out`; service times stay as they are.

    What drifted data do stays too unless `drift` is asked for. ProfileError as from `time_again` and `measure`.
    """
    programs, paths = _settled(request, progress), []
    kept = {r: _kept(program, request, out, "its times") for r, program in programs.items()}
    for r, what in _found(programs, _spread(programs), request, progress).items():
        about = {**kept[r].passport, "note": f"{what.note}; {now}"}
        new = replace(kept[r], passport=about, decisions=what.decisions, quality=what.quality)
        if request.drift:
            new = replace(new, ageing=what.aged, drifted=what.drifted)
        paths.append(new.save(out))
    return paths


def overlaps_again(request: Request, out: Path, now: str, progress: Progress = silent) -> list[Path]:
    """What signals close to each other do to a search, into the profiles below `out`; all else stays as it is.

    Of a search that warns of mergers, what another one in its data does. Measured on the first runtime for all
    whose results agree with it. ValueError for what is no search, ProfileError as from `time_again` and `measure`.
    """
    programs, paths = _settled(request, progress), []
    kept = {r: _kept(program, request, out, "all of it") for r, program in programs.items()}
    spread, first = _spread(programs), next(iter(programs))
    alone = [r for r in programs if r != first and spread[r] > TOLERANCE]
    seed, fewer = (_QUICK_SEED, QUICK) if request.quick else (_SEED, 1)
    found: dict[str, dict[str, Any]] = {}
    for index, r in enumerate((first, *alone)):

        def said(done: float, text: str, index: int = index) -> None:
            progress((index + done) / (1 + len(alone)), text)

        found[r] = _overlaps(programs[r], seed, fewer, said)
    for r, profile in kept.items():
        note = f"{str(profile.passport['note']).partition(_OVERLAPS)[0]}{_OVERLAPS}{now}"
        about = {**profile.passport, "note": note}
        paths.append(replace(profile, passport=about, **found.get(r, found[first])).save(out))
    return paths


def _overlaps(program: Program, seed: int, fewer: int, progress: Progress) -> dict[str, Any]:
    """What other signals do to `program`, by its field of a profile, from so many times `fewer` tries."""
    if program.workload.task == "early-warning":
        return {"overlaps_ahead": ahead.overlaps(program, seed, progress, max(1, ahead.TRIES // fewer))}
    return {"overlaps": overlapping.overlaps(program, seed, progress, max(1, overlapping.EVENTS // fewer))}


def _settled(request: Request, progress: Progress) -> dict[str, Program]:
    """The programs by runtime, with a threshold from data of their own where they are for other detectors."""
    programs = request.programs()
    first = next(iter(programs.values()))
    if first.workload is spec.get(request.name):
        return programs
    progress(0.0, f"settling the threshold of {request.name} on {request.streams} streams")
    settings, _ = first.workload.settle(first, None, lambda done, text: progress(0.3 * done, text))
    return {r: replace(program, settings=settings) for r, program in programs.items()}


def _kept(program: Program, request: Request, out: Path, missing: str) -> Profile:
    """The profile there is of `program`; ProfileError when it is of other weights, for `missing` is of those."""
    kept = find(request.name, program.runtime, request.hardware, (out,), request.threads, request.streams)
    if kept.passport.get("weights_sha256") != program.weights_sha256:
        raise ProfileError(f"{kept.path}: of other weights than the shipped ones; measure {missing} as well")
    return kept


def _found(
    programs: Mapping[str, Program], spread: Mapping[str, float], request: Request, progress: Progress
) -> dict[str, Found]:
    """What each runtime decides, by name: the first one's, or its own where results are `spread` apart."""
    first = next(iter(programs))
    alone = [r for r in programs if r != first and spread[r] > TOLERANCE]
    found: dict[str, Found] = {}
    for index, r in enumerate((first, *alone)):

        def said(done: float, text: str, index: int = index) -> None:
            progress((index + done) / (1 + len(alone)), text)

        found[r] = _quality(programs[r], request.quick, said)
        if request.drift and r == first:
            found[r] = _on_drifted(programs[r], found[r], request.quick, said)
    note = f"{found[first].note} on {first}; scores differ from it by at most"
    shared = {r: replace(found[first], note=f"{note} {spread[r]:.1e}") for r in programs if r not in alone}
    return {r: shared.get(r) or found[r] for r in programs}


def _quality(program: Program, quick: bool, progress: Progress) -> Found:
    """What `program` decides, or its quality, on data of a quick or of a full measurement."""
    seed, fewer = (_QUICK_SEED, QUICK) if quick else (_SEED, 1)
    if program.workload.outcome is None:
        judged = cast("Judged", program.workload).judge(program, 1 / fewer, seed, progress)
        return Found(None, {"headline": judged.headline, **judged.figures}, "quality measured here")
    noise, events = (max(1, n // fewer) for n in cast("OnSegments", program.workload).tries)
    outcome = decisions.decisions(program, noise, events, seed, progress)
    outcome, how = _with_shipped(program, outcome) if quick else (outcome, "measured here")
    return Found(outcome, None, f"decisions {how}")


def _on_drifted(program: Program, found: Found, quick: bool, progress: Progress) -> Found:
    """`found`, and what drifted data do to it if they can: with fewer tries at each drift than without any."""
    seed, fewer = (_QUICK_SEED, QUICK) if quick else (_SEED, 1)
    if program.workload.outcome is not None:
        noise, events = (max(1, n // (_DRIFTED * fewer)) for n in cast("OnSegments", program.workload).tries)
        return replace(found, aged=ageing.ageing(program, noise, events, seed, progress))
    if hasattr(program.workload, "drifts"):
        return replace(found, drifted=ageing.judged(program, 1 / (_DRIFTED * fewer), seed, progress))
    return found


def _with_shipped(program: Program, here: Decisions) -> tuple[Decisions, str]:
    """The decisions measured here, added to the shipped ones of the same weights; and how that came about."""
    other = "" if (n := spec.streams(program.workload)) in (None, spec.STREAMS) else f"-{n}streams"
    for path in sorted(SHIPPED.glob(f"*/{program.workload.name}-{program.runtime}{other}.json")):
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
    """Wall-clock service times of `program` on realistic units, checks and preparation included.

    Of a slow workload, batches within its reach only.
    """
    sizes = spec.within_reach(program.workload, batches)
    pool = program.workload.units(_POOL * max(sizes), _SEED)
    calls = {batch: _call(program, pool, batch) for batch in sizes}
    return timing.measure(calls, budget_s, time.perf_counter)


def passport(program: Program, now: str, note: str, load_1min: float) -> dict[str, Any]:
    """Where the numbers come from: machine, versions, weights, date, and the machine's load beforehand."""
    package = runtime.PACKAGE.get(program.runtime)
    packages = ("numpy", "scipy", runtime.DISTRIBUTION.get(str(package), package))
    return {
        "standing": "measured",
        "machine": _machine(program.runtime),
        "os": host.operating_system(),
        "python": platform.python_version(),
        "versions": host.versions(package for package in packages if package),
        "weights_sha256": program.weights_sha256,
        "date": now,
        "load_1min": round(load_1min, 2),
        "note": note,
        **({"server": cast("Remote", program.network).about} if program.runtime == spec.SERVED else {}),
    }


def _machine(name: str) -> str:
    """What runtime `name` computes on; a server does not say what it runs on."""
    if name == spec.SERVED:
        return f"a server's own, asked from {host.machine()}"
    return host.accelerator() if name in runtime.PRECISION else host.machine()


def _call(program: Program, pool: NDArray[Any], batch: int) -> Callable[[], Any]:
    inputs = cycle([pool[i : i + batch] for i in range(0, _POOL * batch, batch)])
    return lambda: program(next(inputs))


def _spread(programs: Mapping[str, Program]) -> dict[str, float]:
    """By how much the results of each runtime differ from the first one's; ProfileError above TOLERANCE.

    Runtimes of reduced precision may differ by more.
    """
    first, *others = programs
    if not others:
        return {first: 0.0}
    units = programs[first].workload.units(spec.few(programs[first].workload, _COMPARED), _SEED)
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
