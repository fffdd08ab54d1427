"""Holds real servers against the network run here: `python -m benchmarks.serving [SERVER]...`, into serving.json.

On each: the answers are those of ONNX Runtime here, a measurement goes through, and what the way to the server and
back adds to a call is timed, calls here and there taking turns. What else ran on the machine meanwhile is told.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks import results
from benchmarks.serving import servers
from twin.farm.contention import Contention
from workloads import host, measure, profile, spec
from workloads.agreement import pooled
from workloads.measure import Request
from workloads.profile import Decisions
from workloads.serving.address import VARIABLE
from workloads.spec import Network

PATH = results.PATH.with_name("serving.json")
WORKLOAD = "detector"
BATCHES, ROUNDS, CALLS = (1, 8), 15, 20
_SEED = 70_001


def main(arguments: list[str] | None = None) -> None:
    """Check what was asked for, print it, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("servers", nargs="*", help="by default all that are installed")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of calls here and there")
    parser.add_argument("--out", type=Path, default=PATH, help="the file to write")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.servers) - set(servers.STARTS):
        parser.error(f"no server {', '.join(sorted(unknown))}; known: {', '.join(servers.STARTS)}")
    there = [s for s in asked.servers or servers.STARTS if servers.missing(s) is None]
    if absent := [str(servers.missing(s)) for s in asked.servers or servers.STARTS if s not in there]:
        print("\n".join(absent))
    if not there:
        parser.error("no server to check")
    watch = Contention()
    watch.start([os.getpid()])
    rows = [row for server in there for row in check(server, asked.rounds)]
    used = watch.stop([os.getpid()])  # the servers have ended: their time is that of our dead children
    content = {
        "workload": WORKLOAD,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": results.machine(),
        "versions": host.versions(("numpy", "onnxruntime", "grpcio", "protobuf")),
        "contention": used.as_dict() | {"unfit": used.unfit},
        "rows": rows,
    }
    asked.out.write_text(json.dumps(content, indent=1) + "\n")
    if used.unfit:
        print(f"Unfit: {used.unfit}")


def check(server: str, rounds: int) -> list[dict[str, Any]]:
    """What is known of `server`, per batch size; AssertionError when it answers something else."""
    with servers.running(server, WORKLOAD) as address:
        os.environ[VARIABLE] = f"{WORKLOAD}={address}"
        here, there = spec.load(WORKLOAD), spec.load(WORKLOAD, spec.SERVED)
        units = here.workload.units(max(BATCHES), _SEED)
        apart = float(np.max(np.abs(there(units).score - here(units).score)))
        if not apart <= measure.TOLERANCE:
            raise AssertionError(f"{server}: scores differ by {apart:.2g}; allowed: {measure.TOLERANCE:g}")
        about = _measured()
        table = []
        for batch in BATCHES:
            rows = here.workload.prepare(units[:batch])
            row = {
                "server": about["name"],
                "version": about["version"],
                "batch": batch,
                "largest_difference": apart,
            }
            table.append(row | added(here.network, there.network, rows, rounds))
            print(line(table[-1]), flush=True)
    return table


def added(here: Network, there: Network, rows: Any, rounds: int) -> dict[str, Any]:
    """Milliseconds of a call here and there, and what there adds: the median over rounds and its 95 % interval."""
    times: dict[str, list[list[float]]] = {"here": [], "there": []}
    for network in (here, there):
        network(rows)
    for _ in range(rounds):
        times["here"].append(_timed(here, rows))
        times["there"].append(_timed(there, rows))
    medians = {name: np.median(blocks, axis=1) for name, blocks in times.items()}
    differences = 1e3 * (medians["there"] - medians["here"])
    drawn = np.random.default_rng(_SEED).choice(differences, (2000, len(differences)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return {
        "n": rounds * CALLS,
        **{f"{k}_p50_ms": round(1e3 * float(np.median(v)), 3) for k, v in times.items()},
        **{f"{k}_p99_ms": round(1e3 * float(np.quantile(v, 0.99)), 3) for k, v in times.items()},
        "added_ms": round(float(np.median(differences)), 3),
        "added_ms_95": [round(float(low), 3), round(float(high), 3)],
    }


def line(row: dict[str, Any]) -> str:
    """A row as the table of docs/serving.md has it: server, batch, medians here and there, what is added."""
    low, high = row["added_ms_95"]
    return (
        f"| {row['server']} {row['version']} | {row['batch']} | {row['here_p50_ms']:.2f} ms "
        f"| {row['there_p50_ms']:.2f} ms | {row['added_ms']:.2f} ms ({low:.2f} to {high:.2f}) |"
    )


def _timed(network: Network, rows: Any) -> list[float]:
    found = []
    for _ in range(CALLS):
        start_s = time.perf_counter()
        network(rows)
        found.append(time.perf_counter() - start_s)
    return found


def _measured() -> dict[str, Any]:
    """What a short measurement's passport says of the server; it decides as the shipped profile says."""
    with tempfile.TemporaryDirectory() as folder:
        request = Request(WORKLOAD, runtimes=(spec.SERVED,), batches=BATCHES, budget_s=1.0, quick=True)
        (path,) = measure.measure(request, Path(folder), "2026-01-01")
        found = profile.load(path)
    shipped = profile.find(WORKLOAD, "onnxruntime", "epyc-core", ())
    both, probability = pooled(cast("Decisions", found.decisions), cast("Decisions", shipped.decisions))
    if both is None:
        raise AssertionError(
            f"{WORKLOAD} decides otherwise on the server than in ONNX Runtime (p={probability:.2g})"
        )
    return dict(found.passport["server"])


if __name__ == "__main__":
    main()
