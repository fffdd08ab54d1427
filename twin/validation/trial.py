"""A validation: measure the profile, then say and show every case, and write it all down at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twin.farm.bench import Bench
from twin.farm.contention import Contention, verdict
from twin.farm.occupied import measure
from twin.validation import kept
from twin.validation.cases import CASES
from twin.validation.foretold import Known
from twin.validation.goals import FLOORS, GOALS, QUANTILES
from twin.validation.request import Request as Request
from twin.validation.tries import Tries
from twin.validation.watched import Watched
from workloads import host
from workloads.occupancy import TERMS, read
from workloads.profile import Service

SCHEMA_VERSION = 1
BATCHES = (1, 2, 4, 8)
SERVERS = max(case.servers for case in CASES)
_PROFILE, _FALLBACK, _ALONE = 0.15, 0.3, 0.2
"""Shares of the whole for the profile, of that for the fallback's, and of each for the program without a farm."""
Progress = Callable[[float, str], None]


def validate(
    request: Request,
    out: Path,
    progress: Progress = lambda done, text: None,
    watched: Watched | None = None,
) -> dict[str, Any]:
    """What was said and what happened, in every case; also written into the new folder `out`, all at once.

    An interrupted validation with the same request goes on from what it left beside `out`. `watched` tells how it
    goes, where somebody wants to know. FarmError when workers cannot do their work, FileExistsError when there is
    an `out` already.
    """
    if out.exists():
        raise FileExistsError(f"{out}: exists already; choose another folder or remove it")
    folder = out.with_name(out.name + ".partial")
    kept.begin(folder, request)
    if watched is not None:
        watched.begins(request.title, len(request.chosen), request.repeats)
    begun_s, began = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    with Bench(request.programs, SERVERS) as bench:
        known, unfit = _known(folder, request, bench, _part(progress, 0.0, _PROFILE))
        cases: list[dict[str, Any]] = []
        each = (1.0 - _PROFILE) / len(request.chosen)
        for k, case in enumerate(request.chosen):
            path = folder / kept.file_name("case", case.name)
            if not path.exists():
                tries = Tries(case, request, bench, known, unfit, watched)
                say = _part(progress, _PROFILE + k * each, each, f"{case.name}: ")
                kept.write(path, tries.judged(folder, say))
            rows = kept.read(path)
            cases += rows
            if watched is not None:
                watched.judged(rows)
    result = {
        "schema_version": SCHEMA_VERSION,
        **{name: value for name, value in asdict(request).items() if name != "cases"},
        "began": began,
        "seconds": round(time.monotonic() - begun_s, 1),
        "machine": {
            "machine": host.machine(),
            "os": host.operating_system(),
            "cores": len(os.sched_getaffinity(0)),
        },
        "versions": host.versions(("et-twin", "numpy", "numba", "onnxruntime", "torch")),
        "goals": {**GOALS, "floors": FLOORS},
        "profile": {"restart_s": known[0].occupancy.restart_s, "sha256": kept.digest(folder / "profile.json")},
        "cases": cases,
        "ablation": _ablation(cases),
    }
    kept.write(folder / "validation.json", result)
    folder.rename(out)
    return result


def _known(
    folder: Path, request: Request, bench: Bench, progress: Progress
) -> tuple[tuple[Known, Known], str | None]:
    """The profiles of the program and of its fallback, measured now or when this validation began.

    And why nothing may be concluded from them, if so.
    """
    path = folder / "profile.json"
    if not path.exists():
        watch = Contention()
        watch.start(bench.processes())
        shares = (1.0 - _FALLBACK, _FALLBACK)
        profiles = [
            _profile(bench, k, share * request.profile_s, _part(progress, k * shares[0], share))
            for k, share in enumerate(shares)
        ]
        kept.write(path, {"profiles": profiles, "contention": watch.stop(bench.processes()).as_dict()})
    content = kept.read(path)
    primary, fallback = (
        Known(
            tuple(Service(**{**s, "quantiles_s": tuple(s["quantiles_s"])}) for s in one["service"]),
            read(one["occupancy"]),
        )
        for one in content["profiles"]
    )
    used = content["contention"]
    return (primary, fallback), verdict(used["other_cores"], used["steal_cores"])


def _profile(bench: Bench, k: int, seconds: float, progress: Progress) -> dict[str, Any]:
    """The bench's program number `k` without a farm, and on one."""
    from workloads.measure import service_times
    from workloads.spec import load

    name, runtime, threads = bench.programs[k]
    progress(0.0, f"the profile on {runtime}: the program alone")
    program = load(name, runtime, threads)
    service = bench.elsewhere(lambda: service_times(program, BATCHES, _ALONE * seconds))
    say = _part(progress, _ALONE, 1.0 - _ALONE, f"the profile on {runtime}: ")
    occupancy = measure(bench, BATCHES, (1.0 - _ALONE) * seconds, k, say)
    return {"service": [asdict(s) for s in service], "occupancy": asdict(occupancy)}


def _part(progress: Progress, first: float, share: float, about: str = "") -> Progress:
    """The progress of a part that begins at `first` and has this `share` of the whole."""
    return lambda done, text: progress(first + share * done, about + text)


def _ablation(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each term is worth: errors of every case with all terms, then without each."""
    names = [f"{name}_error" for name in QUANTILES]
    full = [{"name": case["name"], **{name: case[name] for name in names}} for case in cases]
    return [{"without": "nothing", "cases": full}] + [
        {"without": term, "cases": [{"name": case["name"], **case["without"][term]} for case in cases]}
        for term in TERMS
    ]
