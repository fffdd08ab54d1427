"""results.json: what was measured, on what, with which versions. Knows no engine's ways."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers import load
from workloads import host

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
        "cpu": host.processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str | None]:
    """Of Python and every engine; None for what is not there."""
    simgrid, _ = load("simgrid")
    return host.versions(_PACKAGES) | {
        "simgrid": simgrid.version() if simgrid else None,
        "python": platform.python_version(),
    }
