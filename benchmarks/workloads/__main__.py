"""Writes workloads.json and prints it: `python -m benchmarks.workloads [NAME]...`, or all workloads."""

from __future__ import annotations

import argparse
import json
import os
import platform
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.workloads import operations
from benchmarks.workloads.rows import ratios, rows
from workloads import host, spec

PATH = results.PATH.with_name("workloads.json")
_PACKAGES = ("numpy", "scipy", "torch", "onnxruntime", "openvino")


def main(arguments: list[str] | None = None) -> None:
    """Measure what was asked for, print it, and put it into the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workloads", description=__doc__)
    parser.add_argument("names", nargs="*", help="by default all workloads")
    parser.add_argument("--batch", type=int, action="append", help="batch sizes; by default 1, 8 and 32")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of timing per workload and runtime")
    parser.add_argument("--effort", type=float, default=0.1, help="of a quality that no profile holds: 1 is all")
    parser.add_argument("--quick", action="store_true", help="a second each, to see that it works; needs --out")
    parser.add_argument("--out", type=Path, default=PATH, help="the file to write into")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(spec.names()):
        parser.error(f"no workload {', '.join(sorted(unknown))}; known: {', '.join(spec.names())}")
    if asked.quick and asked.out == PATH:
        parser.error("--quick measures nothing worth keeping: give --out FILE, another than workloads.json")
    batches = sorted({1, *(asked.batch or ((4,) if asked.quick else (8, 32)))})
    budget_s, effort = (0.3, 0.002) if asked.quick else (asked.budget, asked.effort)
    peak = partial(operations.peak_per_s, 0.02 if asked.quick else 1.0)
    table: list[dict[str, Any]] = []
    print(HEAD)
    for name in asked.names or spec.names():
        for row in rows(name, batches, budget_s, effort, peak):
            table.append(row)
            print(line(row), flush=True)
    print("\nquality")
    for told in dict.fromkeys(f"{row['workload']:22s}{row['runtime']:15s}{row['quality']}" for row in table):
        print(told)
    best = ratios(table)
    print("\ndefault runtime over the best one, median time")
    for row in best:
        print(f"{row['workload']:22s}{row['batch']:>4}  {row['default_over_best']:5.2f}  best: {row['best']}")
    write(asked.out, table, best)


HEAD = (
    f"{'workload':22s}{'runtime':15s}{'batch':>5}{'p50':>11}{'p99':>11}{'units/s':>9}{'MFLOP':>10}{'of peak':>9}"
)


def line(row: dict[str, Any]) -> str:
    """A row of the table as text."""
    counted = row["flop_per_unit"]
    flop, share = ("-", "-") if counted is None else (f"{counted / 1e6:.4g}", f"{100 * row['of_peak']:.1f} %")
    mark = "" if row["settled"] else "*"
    return (
        f"{row['workload']:22s}{row['runtime']:15s}{row['batch']:>5}{row['p50_ms']:>8.2f} ms"
        f"{row['p99_ms']:>8.2f}{mark or ' '}ms{row['units_per_s']:>9.0f}{flop:>10s}{share:>9s}"
    )


def write(path: Path, table: list[dict[str, Any]], best: list[dict[str, Any]]) -> None:
    """Put the rows in the place of what the file said about the same workloads."""
    known = json.loads(path.read_text()) if path.exists() else {"rows": [], "ratios": []}
    measured = {row["workload"] for row in table}
    here = {"machine": results.machine(), "versions": versions(), "load_1min": round(os.getloadavg()[0], 2)}
    content = {
        "rows": [row for row in known["rows"] if row["workload"] not in measured] + [here | row for row in table],
        "ratios": [row for row in known["ratios"] if row["workload"] not in measured] + best,
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def versions() -> dict[str, str | None]:
    """Of Python and of what executes networks; None for what is not there."""
    return {"python": platform.python_version(), **host.versions(_PACKAGES)}


if __name__ == "__main__":
    main()
