"""Writes results.json: `python -m benchmarks [engine] [floor] [scaling] [year]`, or all but the year."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks import et, floor, mm8, network, results, scaling, turns, year

WORKLOADS = (mm8, network, et)
PARTS = ("engine", "floor", "scaling", "year")
SMALLER = 50


def main(arguments: list[str] | None = None) -> None:
    """Measure what was asked for, print it, and put it into the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", default=["engine", "floor", "scaling"], help=", ".join(PARTS))
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it works; needs --out")
    parser.add_argument("--out", type=Path, default=results.PATH, help="the file to write into")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.what) - set(PARTS):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}; allowed: {', '.join(PARTS)}")
    if asked.small and asked.out == results.PATH:
        parser.error("--small measures nothing worth keeping: give --out FILE, another than results.json")
    measured: dict[str, Any] = {}
    if "engine" in asked.what:
        measured["engine"] = engine(asked.small)
    if "floor" in asked.what:
        measured["floor"] = floor.measure(asked.small)
        for name, row in measured["floor"].items():
            print(f"{name:8s}", "  ".join(f"{what} {ns:.0f}" for what, ns in row.items()))
    if "scaling" in asked.what:
        measured["scaling"] = scaling.measure(asked.small)
        for name, rows in measured["scaling"].items():
            print(name, *rows, sep="\n  ")
    if "year" in asked.what:
        segments = year.SEGMENTS // 10_000 if asked.small else year.SEGMENTS
        for name, years in (("year", 1), ("two_years", 2)):
            measured[name] = year.measure(years * segments)
            print(name, measured[name])
    results.merge(asked.out, measured)


def engine(small: bool = False) -> dict[str, Any]:
    """A row per workload."""
    sizes = {name: n // SMALLER if small else n for name, n in turns.COMPLETIONS.items()}
    rows = {}
    for workload in WORKLOADS:
        rows[workload.NAME] = turns.compare(workload, sizes, rounds=2 if small else turns.ROUNDS)
        _show(workload.NAME, rows[workload.NAME])
    return rows


def _show(name: str, row: dict[str, Any]) -> None:
    print(f"{name:8s} {'kernel':12s} {row['kernel_per_s']:12,.0f}/s")
    for peer in turns.PEERS:
        if row[f"{peer}_per_s"] is None:
            print(f"{name:8s} {peer:12s} -  {row[f'{peer}_note']}")
            continue
        times = f"kernel_over_{peer}"
        spread = f"{row[f'{times}_min']:.2f}…{row[f'{times}_max']:.2f}, n={row['rounds']}"
        print(f"{name:8s} {peer:12s} {row[f'{peer}_per_s']:12,.0f}/s   kernel {row[times]:.2f}x ({spread})")


if __name__ == "__main__":
    main()
