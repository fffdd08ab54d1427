"""How long a run will take, from the work that it holds and what earlier runs took for theirs. An estimate.

Knows no Dash.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.app.library import Library, LibraryError
from twin import sources
from twin.scenario import Scenario

START_S = 3.0, 10.0
"""To load everything and to write the result, at least and at most; assumed."""
LIKE = 0.1
"""A run with less than this part of the work says little, as it took its time to begin."""
LOOKED_AT = 12
"""Finished runs, the newest, that are asked."""


@dataclass(frozen=True)
class Effort:
    """Seconds from `low_s` to `high_s`, by `runs` earlier ones, of which `here` are in this folder of results."""

    low_s: float
    high_s: float
    runs: int
    here: int


def jobs(scenario: Scenario) -> float:
    """How many jobs the stages get, in all replicas, on average: of segments, and of events after a trigger."""
    kinds = [scenario.work_of(name) for name, stage in scenario.stages.items() if not stage.instant]
    segments = scenario.horizon / scenario.instrument.stride * kinds.count("segment")
    return scenario.replicas * (segments + sources.expected(scenario) * (1 + kinds.count("candidate")))


def estimate(library: Library, scenario: Scenario) -> Effort | None:
    """How long `scenario` will take; None when no finished run is there to judge by, or it executes programs."""
    if scenario.live:
        return None
    found = [(entry, paced) for entry in library.runs()[:LOOKED_AT] if (paced := _paced(library, entry.id))]
    if not found:
        return None
    work = jobs(scenario)
    enough = min(LIKE * work, max(done for _, (done, _) in found))
    like = [(entry, pace_s) for entry, (done, pace_s) in found if done >= enough]
    own = [pace_s for entry, pace_s in like if not entry.shipped]
    known = own or [pace_s for _, pace_s in like]
    low, high = _spread(known)
    return Effort(START_S[0] + low * work, START_S[1] + high * work, len(known), len(own))


def _paced(library: Library, id: str) -> tuple[float, float] | None:
    """How many jobs a finished run had, and its seconds for each; None where that cannot be told."""
    try:
        record = library.record(id)
        if record.scenario.live or "wall_s" not in record.manifest:
            return None
        done = library.computed(id, "jobs", lambda record: jobs(record.scenario))
        pace_s = float(record.manifest["wall_s"]) / done
    except (LibraryError, ValueError, ZeroDivisionError):
        return None
    return (done, pace_s) if math.isfinite(pace_s) and pace_s > 0.0 else None


def _spread(paces: Sequence[float]) -> tuple[float, float]:
    """From the least to the largest, and at least half as much and twice as much as the middle one."""
    ordered = sorted(paces)
    middle = ordered[len(ordered) // 2]
    return min(ordered[0], middle / 2.0), max(ordered[-1], middle * 2.0)
