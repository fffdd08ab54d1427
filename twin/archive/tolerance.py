"""How far two executions of one model may lie apart, as `python -m benchmarks.crosscheck` measured. Executes none.

The same runtime on the same hardware with the same versions has to give the same bits. Between runtimes the
allowed difference is a quantile of those that were measured; between machines none was measured, and the largest
of those between runtimes of the same precision stands in for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workloads.runtime import DISTRIBUTION, PACKAGE, REDUCED
from workloads.spec import SERVED

FILE = Path(__file__).with_name("tolerances.json")
_ALWAYS = ("et-twin", "python", "numpy", "scipy")
"""Packages that have a say in every score."""


@dataclass(frozen=True)
class Execution:
    """A runtime, with its threads, on hardware, with versions of packages (`twin.archive.origin`)."""

    runtime: str
    threads: int
    hardware: Mapping[str, str] | None
    versions: Mapping[str, str | None] | None

    def is_like(self, other: Execution) -> bool:
        """Whether both have to give the same bits; a server's own ways are not known."""
        if self.runtime != other.runtime or self.threads != other.threads or self.runtime == SERVED:
            return False
        if self.hardware is None or self.versions is None or other.versions is None:
            return False
        package = PACKAGE.get(self.runtime)
        names = [*_ALWAYS, *([] if package is None else [DISTRIBUTION.get(package, package)])]
        same = all(self.versions.get(name) == other.versions.get(name) for name in names)
        return same and self.hardware == other.hardware


@dataclass(frozen=True)
class Tolerance:
    """The largest `difference` that agrees, and a sentence on where it comes from."""

    allowed: float
    why: str


def difference(a: float, b: float) -> float:
    """Of two scores, relative to 1 or to the larger one if that is larger."""
    return abs(a - b) / max(1.0, abs(a), abs(b))


def pair(a: str, b: str) -> str:
    """What a pair of runtimes is called."""
    return " ".join(sorted((a, b)))


def between(workload: str, then: Execution, now: Execution) -> Tolerance | None:
    """How far apart the scores of `then` and `now` may lie; None where nothing was measured."""
    if then.is_like(now):
        return Tolerance(0.0, "same runtime, hardware and versions: the same bits")
    known = _measured()
    found = known["workloads"].get(workload, {}).get("pairs", {})
    told = f"quantile {known['quantile']:g} of {known['windows']} windows"
    if then.runtime != now.runtime:
        measured = found.get(pair(then.runtime, now.runtime))
        if measured is None:
            return None
        return Tolerance(measured["tolerance"], f"{then.runtime} and {now.runtime}: {told}")
    if then.runtime in REDUCED:
        near = [p for name, p in found.items() if then.runtime in name.split()]
    else:
        near = [p for name, p in found.items() if not set(name.split()) & set(REDUCED)]
    if not near or not any(then.runtime in name.split() for name in found):
        return None
    allowed = max(p["tolerance"] for p in near)
    return Tolerance(allowed, f"other hardware, versions or threads: as between runtimes, {told}")


@cache
def _measured() -> Any:
    return json.loads(FILE.read_text(encoding="utf-8"))
