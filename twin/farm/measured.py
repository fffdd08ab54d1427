"""The occupancy of a program added to its profile, measured on a farm of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from twin.farm.bench import Bench
from twin.farm.contention import Contention
from twin.farm.occupied import Progress, measure
from workloads import host, spec
from workloads.measure import Request
from workloads.profile import Profile, ProfileError, find

MOST_SERVERS = 4
"""Servers that are crowded together, if there are as many cores: with more, a client saturates before they do."""


def occupy(request: Request, out: Path, now: str, progress: Progress) -> list[Path]:
    """Occupancies in the profiles below `out`, whose paths are returned; all else there stays as it is.

    ProfileError when there is no profile, or one of other weights; FarmError when no worker comes up.
    """
    servers = min(MOST_SERVERS, len(os.sched_getaffinity(0)))
    programs, paths = request.programs(), []
    for index, runtime in enumerate(programs):
        kept = find(request.name, runtime, request.hardware, (out,), request.threads)
        if kept.passport.get("weights_sha256") != programs[runtime].weights_sha256:
            raise ProfileError(f"{kept.path}: of other weights than the shipped ones; measure its times as well")

        def said(done: float, text: str, index: int = index, runtime: str = runtime) -> None:
            progress((index + done) / len(programs), f"{request.name} on {runtime}: {text}")

        sizes = spec.within_reach(programs[runtime].workload, request.batches)
        paths.append(_occupied(kept, servers, sizes, request.budget_s, now, said).save(out))
    return paths


def _occupied(
    kept: Profile, servers: int, batches: Sequence[int], seconds: float, now: str, progress: Progress
) -> Profile:
    load_1min, watch = os.getloadavg()[0], Contention()
    with Bench([(kept.workload, kept.runtime, kept.threads)], servers) as bench:
        watch.start(bench.processes())
        found = measure(bench, batches, seconds, 0, progress)
        used = watch.stop(bench.processes())
    about = {
        "standing": "measured",
        "machine": host.machine(),
        "date": now,
        "load_1min": round(load_1min, 2),
        "other_cores": round(used.other_cores, 3),
        "servers": servers,
    }
    return replace(kept, occupancy=replace(found, passport=about))
