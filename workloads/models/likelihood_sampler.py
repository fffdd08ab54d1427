"""Likelihood sampler: classical nested sampling of each event, on the likelihood that the flow is weighted with.

The baseline of parameter estimation: right by construction, and slow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.inference import candidates, network
from workloads.inference.candidates import SampledPosterior
from workloads.inference.prior import PARAMETERS
from workloads.spec import Network, Program, Progress, Quality, Settings
from workloads.training import Course, Taught

SAMPLES = network.SAMPLES
_SEED, _EVENTS = 5, 40
_BRISK = 12
"""Live points at which an event takes a quarter of a second: its evidence is good to e, its posterior ragged."""


class LikelihoodSampler:
    """Draws from the exact posterior, by dynesty: ten thousand waveforms and more per event."""

    name = "likelihood-sampler"
    task = "inference"
    unit = candidates.UNIT
    outcome = None
    runtimes = ("numpy",)
    few = 3
    limits = (
        *candidates.LIMITS,
        "Whoever is in a hurry: seconds per event, more of them the lighter the binary is.",
        "More than one event at a time: a batch takes as long as its events one by one.",
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Each unit's trigger, and its data projected on the reduced basis there."""
        return candidates.rows(units)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> SampledPosterior:
        """The draws as parameters, the evidence, and what it took."""
        draws, (evidence, error, calls) = raw[:, :-3].astype(np.float64), raw[:, -3:].T.astype(np.float64)
        return SampledPosterior(
            **candidates.columns(draws.reshape(len(raw), SAMPLES, len(PARAMETERS))),
            trigger_snr=candidates.trigger_snr(rows),
            log_evidence=evidence, log_evidence_error=error, likelihoods=calls,
        )  # fmt: skip

    def in_numpy(self, weights: Mapping[str, NDArray[Any]]) -> Network:
        """Rows to SAMPLES equally likely parameters, ln evidence, its error and likelihoods, (row, 5 SAMPLES + 3).

        The weights are the number of live points.
        """
        from workloads.inference import basis, sampler

        live = int(weights["live_points"].item())

        def run(rows: NDArray[np.float32]) -> NDArray[np.float32]:
            found = []
            for event in network.events_of(rows):
                rng = np.random.default_rng(_SEED)
                one = sampler.run(event, basis.load(), rng, live)
                draws = one.posterior.resampled(SAMPLES, rng).ravel()
                found.append([*draws, one.posterior.log_evidence, one.log_evidence_error, one.calls])
            return np.array(found, np.float32)

        return run

    def brisk(self, program: Program) -> Program:
        """With so few live points that nobody would trust it."""
        return replace(program, network=self.in_numpy({"live_points": np.array(_BRISK)}))

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Windows around signals, loud and quiet."""
        return candidates.examples(n, seed)

    def teach(self, course: Course) -> Taught:
        """The number of live points: nothing is learned."""
        from workloads.inference.sampler import LIVE_POINTS, STOP_LOG_EVIDENCE

        course.from_scratch_only(self.name, "it samples, it does not learn")
        held_out = {"data": "none: the likelihood itself", "stop_log_evidence": STOP_LOG_EVIDENCE}
        return Taught({"live_points": np.array([LIVE_POINTS])}, held_out)

    def settle(self, program: Program, tries: int | None, progress: Progress) -> tuple[Settings, dict[str, Any]]:
        """No settings: an estimator decides nothing."""
        return {}, {}

    def judge(self, program: Program, effort: float, seed: int, progress: Progress) -> Quality:
        """Calibration, agreement with `npe-importance`, and likelihoods by SNR and mass, over a few events."""
        from workloads.inference import samplerquality

        return samplerquality.judge(program, max(3, round(_EVENTS * effort)), seed, progress)


WORKLOAD = LikelihoodSampler()
