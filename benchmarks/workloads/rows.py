"""One row per workload, runtime and batch: times, rate, share of the core's peak, quality. Prints nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle
from typing import Any, cast

import numpy as np

from benchmarks.workloads import operations
from workloads import decisions, export, runtime, spec, timing
from workloads.profile import SHIPPED, Service, load
from workloads.spec import Judged, OnSegments, Program

_SEED = 30_011
_POOL = 4
_NETWORK_CALLS = 30


def rows(
    name: str, batches: Sequence[int], budget_s: float, effort: float, peak: Callable[[], float]
) -> Iterator[dict[str, Any]]:
    """The rows of workload `name`, on every runtime that is installed, `budget_s` for each; all take turns.

    `peak` measures the core's operations a second, before and after. `effort` is that of a quality nobody measured
    before. A slow workload has batches within its reach only. Runtimes whose results agree with the default one's
    share its quality.
    """
    workload = spec.get(name)
    needed = operations.count(workload)
    batches = spec.within_reach(workload, batches)
    pool = workload.units(_POOL * max(batches), _SEED)
    programs = {r: spec.load(name, r) for r in workload.runtimes if runtime.installed(r)}
    fastest = peak()
    service = _timed(programs, pool, batches, budget_s)
    network_s = {(r, b): _network_s(p, pool[:b], budget_s) for r, p in programs.items() for b in batches}
    fastest = max(fastest, peak())
    told = _qualities(programs, pool, effort)
    for (r, b), s in service.items():
        per_s, flops = b / s.p50_s, needed.per_unit
        yield {
            "workload": name, "task": workload.task, "runtime": r, "default": r == workload.runtimes[0],
            "batch": b, "n": s.n, "settled": s.settled, "p50_ms": 1e3 * s.p50_s, "p99_ms": 1e3 * s.p99_s,
            "units_per_s": per_s, "network_ms": 1e3 * network_s[r, b],
            "flop_per_unit": flops, "flop_counted": needed.how, "core_flop_per_s": fastest,
            "of_peak": None if flops is None else flops * per_s / fastest,
            "network_of_peak": None if flops is None else flops * b / network_s[r, b] / fastest,
            "quality": told[r], "weights_sha256": programs[r].weights_sha256,
        }  # fmt: skip


def ratios(table: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per workload and batch, the median time of the default runtime over the best one's (any precision)."""
    found = []
    for name, batch in dict.fromkeys((row["workload"], row["batch"]) for row in table):
        here = [row for row in table if (row["workload"], row["batch"]) == (name, batch)]
        default = next(row for row in here if row["default"])
        best = min(here, key=lambda row: row["p50_ms"])
        same = min((row for row in here if row["runtime"] not in runtime.REDUCED), key=lambda row: row["p50_ms"])
        found.append(
            {
                "workload": name, "batch": batch, "default": default["runtime"], "best": best["runtime"],
                "default_over_best": default["p50_ms"] / best["p50_ms"], "best_in_full_precision": same["runtime"],
                "default_over_best_in_full_precision": default["p50_ms"] / same["p50_ms"],
            }
        )  # fmt: skip
    return found


def _timed(
    programs: Mapping[str, Program], pool: Any, batches: Sequence[int], budget_s: float
) -> dict[tuple[str, int], Service]:
    """Service times of every runtime and batch, whose blocks take turns: a slow spell of the machine hits all."""
    keys = [(r, b) for r in programs for b in batches]
    calls: dict[int, Callable[[], object]] = {}
    for index, (r, b) in enumerate(keys):
        chunks = cycle([pool[i : i + b] for i in range(0, _POOL * b, b)])
        calls[index] = partial(_next, programs[r], chunks)
    timed = timing.measure(calls, budget_s * len(programs), time.perf_counter)
    return dict(zip(keys, timed, strict=True))


def _qualities(programs: Mapping[str, Program], pool: Any, effort: float) -> dict[str, str]:
    """What is said of each runtime's quality; those that agree with the first say the same."""
    first = next(iter(programs.values()))
    expected, shared = first(pool), quality(first, effort)
    return {
        r: shared if export.difference(p(pool), expected) <= export.TOLERANCE else quality(p, effort)
        for r, p in programs.items()
    }


def quality(program: Program, effort: float) -> str:
    """What a shipped profile of these weights on this runtime says, or else a measurement of `effort` here."""
    for path in sorted(SHIPPED.glob(f"*/{program.workload.name}-{program.runtime}.json")):
        profile = load(path)
        if profile.passport.get("weights_sha256") == program.weights_sha256:
            if profile.decisions is not None:
                return decisions.headline(profile.decisions)
            if profile.quality is not None:
                return str(profile.quality["headline"])
    if program.workload.outcome is None:
        return cast("Judged", program.workload).judge(program, effort, _SEED, _silent).headline
    noise, events = (max(1, round(effort * n)) for n in cast("OnSegments", program.workload).tries)
    return decisions.headline(decisions.decisions(program, noise, events, _SEED, _silent))


def _next(program: Program, chunks: Iterator[Any]) -> Any:
    return program(next(chunks))


def _network_s(program: Program, units: Any, budget_s: float) -> float:
    """Median seconds of the network alone, on prepared rows; of fewer calls if they exceed `budget_s`."""
    prepared = program.workload.prepare(units)
    times: list[float] = []
    while not times or (len(times) < _NETWORK_CALLS and sum(times) < budget_s):
        start_s = time.perf_counter()
        program.network(prepared)
        times.append(time.perf_counter() - start_s)
    return float(np.median(times))


def _silent(done: float, text: str) -> None:
    """Nobody listens."""
