"""Sky map: where on the detectors' sky an event may lie, from its posterior. Knows no strain.

The result's flat map is turned into a multi-order one by `inference.skymap.multi_order`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.inference import drifted, posteriors
from workloads.inference.prior import Array
from workloads.profile import Figure
from workloads.spec import STREAMS, Network, Program, Progress, Quality, Settings
from workloads.training import Course, Taught

USED = 4
"""Draws whose maps are averaged: they differ little, the amplitudes' direction being the data's."""
_EVENTS = 300


@dataclass(frozen=True)
class SkyMap:
    """Probability per steradian (batch, pixel) on nested HEALPix pixels; areas in square degrees (batch,)."""

    density_per_sr: Array
    area_50_deg2: Array
    area_90_deg2: Array


class SkyMapper:
    """Integrates orientation, phase and distance out, pixel by pixel."""

    name = "sky-map"
    task = "sky-map"
    unit = posteriors.UNIT
    streams = STREAMS  # of the triangle whose amplitudes a posterior holds
    outcome = None
    runtimes = ("numpy",)
    drifts = drifted.DRIFTS
    limits = (
        "Pointing a telescope: a co-located triangle alone leaves thousands of square degrees, eight images.",
        "Right ascension: maps are in the detectors' coordinates, which a site and a time turn into the sky's.",
        "Detectors apart from each other: travel times are not in it.",
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Matched filters of USED draws, shape (batch, USED, 4)."""
        z = posteriors.parts(units[:, :: posteriors.DRAWS // USED])[0]
        return np.ascontiguousarray(z).view(np.float64).astype(np.float32)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> SkyMap:
        """The maps, and how much sky they cover."""
        from workloads.inference.skymap import credible_area

        density = raw.astype(np.float64)
        areas = [np.array([credible_area(d, level) for d in density]) for level in (0.5, 0.9)]
        return SkyMap(density, *areas)

    def in_numpy(self, weights: Mapping[str, NDArray[Any]]) -> Network:
        """Rows to densities (batch, pixel), with the stored table of the prior's loudness."""
        from workloads.inference import skymap

        table = np.asarray(weights["loudness"], np.float64)

        def run(rows: NDArray[np.float32]) -> NDArray[np.float32]:
            z = np.ascontiguousarray(rows, np.float64).view(np.complex128)
            return np.array([skymap.density(one, table) for one in z], np.float32)

        return run

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Posteriors of simulated events, loud and quiet."""
        return posteriors.examples(n, seed)

    def teach(self, course: Course) -> Taught:
        """The prior's loudness, as a table: nothing is learned."""
        from workloads.inference import skymap

        course.from_scratch_only(self.name, "it integrates, it does not learn")
        return Taught({"loudness": skymap.loudness_table()}, {"data": "none: an integral over the prior"})

    def settle(self, program: Program, tries: int | None, progress: Progress) -> tuple[Settings, dict[str, Any]]:
        """No settings: a map decides nothing."""
        return {}, {}

    def judge(self, program: Program, effort: float, seed: int, progress: Progress) -> Quality:
        """Whether sources lie in p-credible regions in a fraction p of events, and how large the regions are."""
        from workloads.inference import skyquality

        return skyquality.judge(program, max(8, round(_EVENTS * effort)), seed, progress)

    def judge_drifted(
        self, program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
    ) -> dict[str, Figure]:
        """How often sources lie in 90 % regions, and how much sky is searched, where the data have drifted."""
        from workloads.inference import skyquality

        return skyquality.judge_drifted(program, drift, max(4, round(_EVENTS * effort)), seed, progress)


WORKLOAD = SkyMapper()
