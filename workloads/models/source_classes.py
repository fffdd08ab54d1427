"""Source classes: what kind of binary it was, whether a neutron star was in it, whether it is a signal at all.

From a posterior and from stated rates; knows no strain. The prior of `inference.prior` holds components of 10 Msun
and more in the detectors' frame: neutron stars are among them only where redshift makes them so heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.inference import drifted, posteriors
from workloads.inference.prior import Array
from workloads.profile import Figure
from workloads.spec import Network, Program, Progress, Quality, Settings
from workloads.training import Course, Taught

_SEED, _PRIOR_DRAWS, _EVENTS = 3, 20_000, 1000


@dataclass(frozen=True)
class SourceClasses:
    """Probabilities: `classes` (batch, class) in the order of `inference.classes.CLASSES`, the others (batch,).

    `classes`, `has_ns` and `has_remnant` hold if it is a signal, which `p_astro` is the probability of. Medians of
    distance in Gpc and of the heavier source mass in Msun, (batch,).
    """

    classes: Array
    has_ns: Array
    has_remnant: Array
    p_astro: Array
    distance_gpc: Array
    source_mass_1_msun: Array


class SourceClassifier:
    """Counts draws of masses at the source, with the population's rates in the place of the prior's."""

    name = "source-classes"
    task = "classification"
    unit = posteriors.UNIT
    outcome = None
    runtimes = ("numpy",)
    drifts = drifted.DRIFTS
    limits = (
        "Neutron stars nearby: the prior starts at 10 solar masses in the detectors' frame and makes them only "
        "beyond redshift 2. A class that the prior never makes is never found.",
        "Rates, limits between the classes, and the noise of `p_astro`: these are inputs, most of them assumed.",
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """The posteriors in single precision, (batch, draw, column)."""
        return units.astype(np.float32)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> SourceClasses:
        """What the draws say, with the rates of the settings."""
        from workloads.inference import classes

        population = classes.Population(**settings["population"])
        share, (snr, distance, mass, remnant) = raw[:, :4].astype(np.float64), raw[:, 4:].T.astype(np.float64)
        proposal = np.array(settings["prior_shares"])
        named = np.array([classes.probabilities(s, proposal, population) for s in share])
        has_ns = named[:, [classes.CLASSES.index(c) for c in classes.HAS_NS]].sum(axis=1)
        return SourceClasses(
            named, has_ns, np.minimum(remnant, 1.0) * has_ns, classes.p_astro(snr, population), distance, mass
        )

    def in_numpy(self, weights: Mapping[str, NDArray[Any]]) -> Network:
        """Rows to shares of the classes, SNR, distance, source mass and remnants' share, (batch, 8)."""
        from workloads.inference import classes

        star, hole = (float(x) for x in weights["mass_limits_msun"])
        population = classes.Population(neutron_star_msun=star, black_hole_msun=hole)

        def run(rows: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.array(
                [_counted(*one, population) for one in zip(*posteriors.parts(rows), strict=True)], np.float32
            )

        return run

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Posteriors of simulated events, loud and quiet."""
        return posteriors.examples(n, seed)

    def teach(self, course: Course) -> Taught:
        """The limits between the classes: nothing is learned."""
        from workloads.inference.classes import Population

        course.from_scratch_only(self.name, "it counts, it does not learn")
        limits = np.array([Population.neutron_star_msun, Population.black_hole_msun])
        return Taught({"mass_limits_msun": limits}, {"data": "none: conventional limits between the classes"})

    def settle(self, program: Program, tries: int | None, progress: Progress) -> tuple[Settings, dict[str, Any]]:
        """The population's rates, and each class's share of what the prior makes."""
        from workloads.inference.classes import Population

        n = tries or _PRIOR_DRAWS
        shares = _prior_shares(n, _SEED, Population())
        settings = {"population": asdict(Population()), "prior_shares": [round(float(s), 6) for s in shares]}
        return settings, {"prior_draws": n}

    def judge(self, program: Program, effort: float, seed: int, progress: Progress) -> Quality:
        """Brier score and calibration of the class of simulated binaries under the prior's own rates."""
        from workloads.inference import classquality

        return classquality.judge(program, max(8, round(_EVENTS * effort)), seed, progress)

    def judge_drifted(
        self, program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
    ) -> dict[str, Figure]:
        """Brier score, and how often the class is right, where the data have drifted."""
        from workloads.inference import classquality

        return classquality.judge_drifted(program, drift, max(4, round(drifted.EVENTS * effort)), seed, progress)


def _counted(z: NDArray[np.complex128], face_on_snr: Array, theta: Array, population: Any) -> list[float]:
    from workloads.inference import classes, extrinsics, prior

    drawn = extrinsics.draw(z, face_on_snr, np.random.default_rng(_SEED))
    larger, smaller = (m / (1 + classes.redshift(drawn.distance_gpc)) for m in prior.masses(theta))
    index = classes.class_index(larger, smaller, population)
    star = np.isin(index, [classes.CLASSES.index(c) for c in classes.HAS_NS])
    torn = classes.remnant_msun(larger, smaller, theta[:, 2]) > 0
    remnant = float(torn[star].mean()) if star.any() else 0.0
    middle = [float(np.median(x)) for x in (drawn.snr, drawn.distance_gpc, larger)]
    return [*classes.shares(index), *middle, remnant]


def _prior_shares(n: int, seed: int, population: Any) -> Array:
    from workloads.inference import classes, prior, sources

    made = sources.draw(n, np.random.default_rng(seed))
    larger, smaller = (m / (1 + classes.redshift(made.distance_gpc)) for m in prior.masses(made.theta))
    return classes.shares(classes.class_index(larger, smaller, population))


WORKLOAD = SourceClassifier()
