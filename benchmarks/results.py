"""results.json: what was measured, on what, with which versions. Knows no engine's ways."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.peers import load

PATH = Path(__file__).parent / "results.json"
_PACKAGES = ("numba", "numpy", "simpy", "ciw", "salabim", "cimba")


def merge(path: Path, measured: Mapping[str, Any]) -> None:
    """Put `measured` in the place of what the file said about the same."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known |= measured | {"machine": machine(), "versions": versions()}
    path.write_text(json.dumps(known, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """Processor, cores and system."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _cpu() -> str:
    told = Path("/proc/cpuinfo")
    for line in told.read_text().splitlines() if told.exists() else ():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def versions() -> dict[str, str | None]:
    """Of Python and every engine; None for what is not there."""
    found: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    simgrid, _ = load("simgrid")
    return found | {"simgrid": simgrid.version() if simgrid else None, "python": platform.python_version()}
