"""Profiles of hardware that is not at hand, from published figures: `python -m workloads.published` writes them.

A published time is somebody else's program, not ours; a scaled one is ours, measured elsewhere, times a published
ratio. Neither is ever called measured: standing and source stand in the passport, and in every run that uses it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workloads import profile
from workloads.profile import QUANTILES, SHIPPED, Profile, Service

_PASSPORT: dict[str, Any] = {"versions": {}, "load_1min": None}


@dataclass(frozen=True)
class Scaled:
    """Times measured with (`runtime`, `measured_on`), divided by a published `speed_up`."""

    workload: str
    runtime: str
    hardware: str
    measured_on: str
    speed_up: float
    machine: str
    date: str
    source: str

    def profile(self) -> Profile:
        """The measured profile with its times divided; its decisions hold, for the program is the same."""
        measured = profile.find(self.workload, self.runtime, self.measured_on, ())
        passport = measured.passport
        about = {
            "standing": "scaled",
            "machine": self.machine,
            "date": self.date,
            **_PASSPORT,
            "weights_sha256": passport["weights_sha256"],
            "source": f"{self.source}; times of {passport['machine']}, {passport['date']}, divided by "
            f"{self.speed_up:g}",
            "note": "decisions of the measured profile",
        }
        service = tuple(_divided(s, self.speed_up) for s in measured.service)
        bare = replace(measured, ageing=(), drifted=(), path=None)
        return replace(bare, hardware=self.hardware, passport=about, service=service)


@dataclass(frozen=True)
class Published:
    """One unit in `seconds`, as its authors report for a program of their own that does what `workload` does."""

    workload: str
    runtime: str
    hardware: str
    seconds: float
    machine: str
    date: str
    source: str

    def profile(self) -> Profile:
        """A constant time for one unit at a time: nothing is known of its spread, of batches or of quality."""
        about = {
            "standing": "published",
            "machine": self.machine,
            "date": self.date,
            **_PASSPORT,
            "source": self.source,
            "note": "the authors' program, not the shipped one; its results are not ours",
        }
        times = (self.seconds,) * QUANTILES
        service = Service(1, 0, False, self.seconds, self.seconds, self.seconds, times)
        return Profile(self.workload, self.runtime, self.hardware, 1, about, (service,))


FIGURES: tuple[Scaled | Published, ...] = (
    Scaled(
        "matched-filter",
        "torch",
        "a100",
        "epyc-core",
        169.0,
        "one NVIDIA A100",
        "2024-10",
        "arXiv:2410.16416 (abstract): up to 169x one CPU core, in half precision, for another engine (GstLAL's); "
        "so a lower bound of the time",
    ),
    Published(
        "npe",
        "torch",
        "gpu",
        1.0,
        "one data-centre GPU of the authors",
        "2025",
        "Dax et al., Nature 639 (2025): all parameters of a binary neutron star in one second (DINGO-BNS)",
    ),
    Published(
        "npe-importance",
        "numpy",
        "gpu",
        20.0,
        "one data-centre GPU of the authors",
        "2021",
        "Dax et al., arXiv:2106.12594: 20 s per binary black hole (DINGO with group-equivariant estimation)",
    ),
)


def write(folder: Path = SHIPPED) -> list[Path]:
    """Write every figure's profile below `folder`; returns the paths."""
    return [figure.profile().save(folder) for figure in FIGURES]


def _divided(service: Service, by: float) -> Service:
    return replace(
        service,
        mean_s=service.mean_s / by,
        p50_s=service.p50_s / by,
        p99_s=service.p99_s / by,
        quantiles_s=tuple(q / by for q in service.quantiles_s),
    )


if __name__ == "__main__":
    for path in write():
        sys.stdout.write(f"{path.relative_to(SHIPPED)}\n")
