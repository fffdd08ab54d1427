"""Early-warning filter: finds an inspiral before it merges, by templates that are coherent band by band.

Classical: what is stored is the bank's chirp masses; filters and tracks are built when the workload is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from workloads.premerger import bands, drifted, examples, quality, slides, sources, stack, window
from workloads.premerger.bands import Bands
from workloads.premerger.level import levelled
from workloads.premerger.quality import EarlyWarning
from workloads.premerger.stack import Stack
from workloads.profile import Figure
from workloads.spec import Network, Program, Progress, Quality, Settings
from workloads.training import Course, Taught

BANDS, SERIES_HZ = 32, 8
"""The fewer bands, the more sensitive and the more costly: it takes more filters, templates and times."""
LOOKS, _FITTED = 4_000, 100


class EarlyWarningFilter:
    """A unit's score is the largest normal deviate of the power summed along the tracks of all templates.

    The power is counted in units of the noise that the unit itself has in each band and channel.
    """

    name = "early-warning-filter"
    task = "early-warning"
    unit = window.UNIT
    outcome = None
    runtimes = ("numpy",)
    drifts = drifted.DRIFTS
    limits = (
        quality.LIMIT,
        drifted.LIMIT,
        "Glitches: it has no veto. A binary that has merged within the unit may be warned of as well.",
        "It is coherent within a band only: a coherent bank would hear fainter signals, at a far higher cost.",
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Whitened signal channels, shape (batch, channel, sample)."""
        return window.whitened(units)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> EarlyWarning:
        """Warn where the score exceeds the threshold."""
        score, merger_in_s, mass = raw.T.astype(np.float64)
        return EarlyWarning(score, score > settings["threshold"], merger_in_s, mass)

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Noise and inspirals of every class."""
        return examples.units(n, seed)

    def operations(self) -> float:
        """Floating-point operations per unit of the shipped bank."""
        return Stack(stack.place(_bands()), _bands()).operations()

    def teach(self, course: Course) -> Taught:
        """A bank along the chirp mass, and how much of an inspiral's power it finds."""
        course.from_scratch_only(self.name, "its templates are placed, not learned")
        bank = Stack(stack.place(_bands()), _bands())
        rng = np.random.default_rng([course.seed, 1])
        found = np.array([_fraction_found(bank, rng, course, k) for k in range(_FITTED)])
        held_out = {
            "data": "fraction of the power in the window that the search finds, for random binaries of all "
            "classes with spins, 10 to 30 s before the merger, without noise",
            "n": _FITTED,
            "templates": len(bank.chirp_mass_msun),
            "filters": len(bank.filters.band),
            "bands": len(bank.bands.middle_hz),
            "minimal_match_of_power": stack.MINIMAL_MATCH,
            "power_found_mean": round(float(found.mean()), 3),
            "power_found_p5": round(float(np.quantile(found, 0.05)), 3),
            "power_found_worst": round(float(found.min()), 3),
        }
        return Taught({"bank": bank.chirp_mass_msun}, held_out)

    def settle(
        self, program: Program, tries: int | None, progress: Progress
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A threshold for the common false-alarm probability; the square of a deviate has an exponential tail."""
        bank = Stack(stack.place(_bands()), _bands())

        def score(power: NDArray[np.float32]) -> float:
            return bank.loudest_of(power, window.CHANNELS).deviate

        scores = slides.scores(score, bank.filters, bank.bands, tries or LOOKS, progress)
        return quality.settle(scores, np.square, np.sqrt)

    def judge(self, program: Program, effort: float, seed: int, progress: Progress) -> Quality:
        """How long before the merger it warns, by class and final SNR."""
        return quality.judge(program, effort, seed, progress)

    def judge_drifted(
        self, program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
    ) -> dict[str, Figure]:
        """What it warns of in noise that has drifted, and of inspirals in it."""
        return drifted.judge(program, drift, effort, seed, progress)

    def in_numpy(self, weights: Mapping[str, NDArray[Any]]) -> Network:
        """Rows (row, channel, sample) to [deviate, time to merger, chirp mass] of the loudest template."""
        bank = Stack(weights["bank"], _bands())

        def run(whitened: NDArray[np.float32]) -> NDArray[np.float32]:
            found = [bank.loudest(levelled(scipy.fft.rfft(row))) for row in whitened]
            return np.array([[f.deviate, f.merger_in_s, f.chirp_mass_msun] for f in found], np.float32)

        return run


def _bands() -> Bands:
    return bands.split(BANDS, SERIES_HZ)


def _fraction_found(bank: Stack, rng: np.random.Generator, course: Course, k: int) -> float:
    cls = list(sources.CLASSES)[k % len(sources.CLASSES)]
    wave = examples.inspiral(cls, 1000.0, float(rng.uniform(10, 30)), rng)
    white = window.whitened(wave[None])[0]
    loudest = bank.loudest(scipy.fft.rfft(white))
    course.progress(k / _FITTED, "power found")
    return stack.power_of(loudest.deviate, 2 * window.CHANNELS * loudest.bands) / float(np.sum(white**2))


WORKLOAD = EarlyWarningFilter()
