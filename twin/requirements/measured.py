"""What a program takes for one unit, and what it took to make it, from measured profiles and model cards.

Core-seconds: a profile of one thread on one core. The range of a mean is that of its n timed calls (spread over
the root of n, by Student's t), and says nothing of other machines. Which programs do the same work stands here
too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin import phrases
from twin.requirements.pools import RequirementsError
from twin.requirements.uncertain import Chance, Uncertain
from workloads import card, profile, spec
from workloads.profile import Profile, Service
from workloads.spec import STREAMS

COUNTERPART: Mapping[str, str] = {
    "detector": "matched-filter",
    "detector-large": "matched-filter",
    "hybrid": "matched-filter",
    "early-warning": "early-warning-filter",
    "npe": "likelihood-sampler",
    "npe-importance": "likelihood-sampler",
}
"""ML workloads and the classical program that does the same work."""
WITHOUT: Mapping[str, str] = {
    "anomaly-detector": "no classical detector of anomalies is shipped",
    "domain-guard": "it guards models, and without models there is nothing to guard",
    "glitch-classifier": "no classical classifier of glitches is shipped",
    "noise-subtraction": "Wiener's filter judges it, but is no workload and was not timed",
    "witness": "no classical program on auxiliary channels is shipped",
    "calibration-check": "it is classical itself",
    "sky-map": "it is classical itself",
    "source-classes": "it is classical itself",
}
"""Workloads that are compared with nothing, and why."""
PARTS_OF: Mapping[str, tuple[str, ...]] = {"hybrid": ("detector", "matched-filter"), "npe-importance": ("npe",)}
"""Programs that hold others, which have to be made first."""
UNITS_PER_CALL_S = {"search": 1.0, "early-warning": 16.0}
"""Seconds of data from one unit to the next: a segment of 1 s, and the stride of the pre-merger search."""
_LESS_EXACT = ("bf16", "oip")


@dataclass(frozen=True, eq=False)
class Cost:
    """Core-seconds of one unit of `workload`, on its fastest measured runtime."""

    workload: str
    runtime: str
    hardware: str
    per_unit_s: Uncertain
    n: int


def cost(
    workload: str,
    chance: Chance,
    hardware: str = "epyc-core",
    folders: Sequence[Path] = (),
    runtime: str | None = None,
) -> Cost:
    """What `workload` takes for one unit, one at a time, on one core of `hardware`.

    By default on the fastest of its measured runtimes (not those of reduced precision, nor a server elsewhere).
    RequirementsError for a workload, or a runtime of it, that there is not, and where nothing was measured on one
    thread of that hardware.
    """
    _check(workload, runtime)
    known = list(_measured(workload, hardware, folders))
    wanted = [p for p in known if p.runtime == runtime or (runtime is None and not _less_exact(p.runtime))]
    if not wanted:
        have = ", ".join(sorted(p.runtime for p in known)) or "nothing"
        raise RequirementsError(
            f"workload '{workload}' was not measured on one thread of '{hardware}'"
            + (f" with runtime '{runtime}'" if runtime else "")
            + f"; measured there: {have}. Run '{profile.command(workload, '--times', hardware, 1)}'"
        )
    best = min(wanted, key=lambda p: _one(p).mean_s)
    service, about = _one(best), best.passport
    spread = float(np.std(np.asarray(service.quantiles_s))) / max(service.n, 1) ** 0.5
    source = f"{best.runtime} on {about['machine']}, {about['date']}, one unit a call, n={service.n}"
    key = f"{hardware}.{workload}.unit_s"
    seconds = chance.measured(
        key, "core-s", service.mean_s, spread, service.n, str(about["standing"]), about.get("source", source)
    )
    return Cost(workload, best.runtime, hardware, seconds, service.n)


@dataclass(frozen=True)
class Training:
    """What making a workload took once: core-seconds, energy in J, and how far these are known."""

    cpu_s: float
    energy_j: float
    energy_standing: str
    source: str


def training(workload: str, folder: Path | None = None) -> Training:
    """What `workload` and what it holds took to make, from their cards; searches for its design are not in it."""
    _check(workload, None)
    names = (*PARTS_OF.get(workload, ()), workload)
    costs = [card.read(name, folder)["cost"] for name in names]
    standings = {str(c["energy_standing"]) for c in costs}
    return Training(
        sum(float(c["cpu_s"]) for c in costs),
        sum(float(c["energy_j"]) for c in costs),
        "assumed" if "assumed" in standings else "measured",
        f"cards of {', '.join(names)}",
    )


def _check(workload: str, runtime: str | None) -> None:
    """RequirementsError for what nobody could measure, because it is not there."""
    if workload not in spec.names():
        raise RequirementsError(phrases.unknown("workload", workload, spec.names()))
    known = spec.runtimes(spec.get(workload))
    if runtime is not None and runtime not in known:
        raise RequirementsError(f"{phrases.unknown('runtime', runtime, known)}, of workload '{workload}'")


def _measured(workload: str, hardware: str, folders: Sequence[Path]) -> Iterator[Profile]:
    """Profiles of one thread, each runtime's first in the order of the folders; the shipped ones come last."""
    seen: set[str] = set()
    for folder in (*folders, profile.SHIPPED):
        for path in sorted((folder / hardware).glob(f"{workload}-*.json")):
            found = profile.load(path)
            usual = found.workload == workload and (found.threads, found.streams) == (1, STREAMS)
            if usual and found.runtime not in seen:
                seen.add(found.runtime)
                yield found


def _one(found: Profile) -> Service:
    return next(service for service in found.service if service.batch == 1)


def _less_exact(runtime: str) -> bool:
    return any(word in runtime for word in _LESS_EXACT)
