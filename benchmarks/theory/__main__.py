"""The command that prints the theory table and writes theory.json: `python -m benchmarks.theory`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import machine, versions
from benchmarks.theory import peer, table
from benchmarks.theory.statistics import RISK, Row, critical_z
from benchmarks.theory.table import Effort
from benchmarks.work import Array

PATH = Path(__file__).parents[1] / "theory.json"
_AT_ONCE = 10
_HEAD = (
    f"{'system':44s} {'quantity':36s} {'expected':>10s} {'mean':>10s} {'± 95 %':>9s} {'n':>5s} {'z':>6s}  source"
)

Runs = dict[tuple[str, str], Array]


def main(arguments: list[str] | None = None) -> int:
    """Simulate, print and write; 1 when a row is off, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.theory", description=__doc__)
    parser.add_argument("--out", type=Path, default=PATH, help="the file to write")
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it works; needs --out")
    asked = parser.parse_args(arguments)
    if asked.small and asked.out == PATH:
        parser.error("--small compares nothing well: give --out FILE, another than theory.json")
    effort = table.SMALL if asked.small else table.FULL
    runs = _simulate(effort)
    exact = [row for name in table.systems() for row in table.rows(name, runs["kernel", name])]
    ciw = [row for who, name in runs if who == "ciw" for row in _beside_ciw(name, runs)]
    limit = [row for name in table.asymptotic() for row in table.rows(name, runs["kernel", name])]
    comparisons = table.comparisons()
    print(_HEAD, *map(_line, exact), "", *map(_line, ciw), "", *map(_line, limit), sep="\n")
    off = [row for row in (*exact, *ciw) if not row.keeps(comparisons)]
    off += [row for row in limit if not abs(row.mean / row.expected - 1) < table.MEAN_FIELD_TOLERANCE]
    worst = max((*exact, *ciw), key=lambda row: abs(row.z) / critical_z(comparisons, row.freedom))
    allowed = f"|z| allowed {critical_z(comparisons, worst.freedom):.2f} at {RISK:.0%} for all"
    print(f"{comparisons} comparisons; the worst |z| is {abs(worst.z):.2f}, {allowed}; off: {len(off)}")
    print(*(f"OFF {row.system}: {row.quantity}, z {row.z:.2f}" for row in off), sep="\n")
    report = _report(effort, exact, ciw, limit)
    asked.out.write_text(json.dumps(report, indent=1) + "\n")
    return 1 if off else 0


def _simulate(effort: Effort) -> Runs:
    """Every system's runs, over all cores; the parts of one system are joined in the order of their seeds."""
    parts: dict[tuple[str, str], list[Array]] = {}
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as workers:
        futures = dict(_submit(workers, effort))
        for count, done in enumerate(as_completed(futures), 1):
            who, name, _ = futures[done]
            print(f"\r{count}/{len(futures)} {who}: {name:60s}", end="", file=sys.stderr)
        print(file=sys.stderr)
        for future, (who, name, _) in futures.items():
            parts.setdefault((who, name), []).append(future.result())
    return {key: np.concatenate(several) for key, several in parts.items()}


def _submit(workers: ProcessPoolExecutor, effort: Effort) -> Iterable[tuple[Future[Array], tuple[str, str, int]]]:
    for name in (*table.systems(), *table.asymptotic()):
        for seeds in _split(effort.seeds):
            yield workers.submit(table.run, name, seeds, effort.jobs), ("kernel", name, seeds[0])
    for name in peer.peers():
        for seeds in _split(effort.peer_seeds):
            yield workers.submit(table.run_peer, name, seeds, effort.peer_jobs), ("ciw", name, seeds[0])


def _split(seeds: range) -> list[range]:
    return [seeds[first : first + _AT_ONCE] for first in range(0, len(seeds), _AT_ONCE)]


def _beside_ciw(name: str, runs: Runs) -> list[Row]:
    return table.peer_rows(name, runs["kernel", name], runs["ciw", name])


def _line(row: Row) -> str:
    n = f"{row.n}/{row.n_peer}" if row.n_peer else str(row.n)
    numbers = f"{row.expected:10.5g} {row.mean:10.5g} {row.half_width_95:9.2g} {n:>5s} {row.z:6.2f}"
    return f"{row.system:44s} {row.quantity:36s} {numbers}  {row.source}"


def _report(effort: Effort, exact: list[Row], ciw: list[Row], limit: list[Row]) -> dict[str, Any]:
    return {
        "risk": RISK,
        "comparisons": len(exact) + len(ciw),
        "seeds": [effort.seeds[0], effort.seeds[-1]],
        "jobs": effort.jobs,
        "ciw_seeds": [effort.peer_seeds[0], effort.peer_seeds[-1]],
        "ciw_jobs": effort.peer_jobs,
        "exact": [_entry(row) for row in exact],
        "ciw": [_entry(row) for row in ciw],
        "asymptotic": [asdict(row) for row in limit],
        "asymptotic_tolerance": table.MEAN_FIELD_TOLERANCE,
        "machine": machine(),
        "versions": versions(),
    }


def _entry(row: Row) -> dict[str, Any]:
    return asdict(row) | {"z_allowed": critical_z(table.comparisons(), row.freedom)}


if __name__ == "__main__":
    sys.exit(main())
