"""What a unit costs on this machine, for all searches in turn, and what their front ends are made of."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from workloads import host
from workloads.models import early_warning_filter as classical
from workloads.premerger import bands, evidence, stack
from workloads.premerger.stack import Stack
from workloads.spec import Program

_SEED = 60_102


def run(programs: Mapping[str, Program], n: int) -> dict[str, Any]:
    """Wall-clock and processor ms per unit over `n` units; on a busy machine the second is the one to go by."""
    units = next(iter(programs.values())).workload.units(n, _SEED)
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for program in programs.values():
        program(units[:1])
    for k in range(n):
        for name, program in programs.items():
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            program(units[k : k + 1])
            took[name].append((time.perf_counter() - wall_s, time.process_time() - cpu_s))
    split = bands.split(classical.BANDS, classical.SERIES_HZ)
    of = {"early-warning-filter": Stack(stack.place(split), split), "early-warning": evidence.stack()}
    return {
        name: {
            "runtime": programs[name].runtime,
            "units": n,
            "wall_ms_p50": round(1e3 * float(np.median([w for w, _ in times])), 1),
            "cpu_ms_p50": round(1e3 * float(np.median([c for _, c in times])), 1),
            "templates": len(of[name].chirp_mass_msun),
            "filters": len(of[name].filters.band),
            "bands": len(of[name].bands.middle_hz),
            "times": of[name].times,
        }
        for name, times in took.items()
    } | {"machine": host.machine()}
