"""Importance-sampled NPE: the flow's draws weighted with the exact likelihood, and how much they are worth.

Runs the network of `npe` as it is shipped, and stores no other; what it adds is the likelihood, and with it an
evidence and a verdict on the flow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.inference import candidates, drifted, network
from workloads.inference.candidates import WeightedPosterior
from workloads.profile import Figure
from workloads.spec import Network, Program, Progress, Quality, Settings
from workloads.training import Course, Taught


class NpeImportance:
    """Weighted draws from the exact posterior."""

    name = "npe-importance"
    task = "inference"
    unit = candidates.UNIT
    outcome = None
    runtimes = ("numpy",)
    drifts = drifted.DRIFTS
    limits = (
        *candidates.LIMITS,
        "Few effective draws where the flow is poor, of light binaries above all: each result says how many.",
        "It is not trained: its flow is that of `npe`, on ONNX Runtime, and another one of those is refused.",
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Each unit's trigger, and its data projected on the reduced basis there."""
        return candidates.rows(units)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> WeightedPosterior:
        """The flow's draws, weighted with prior times likelihood over the flow's density."""
        from workloads.inference import basis, importance

        draws = raw.astype(np.float64)
        found = [
            importance.weighted(e, d[:, :5], d[:, 5], basis.load())
            for e, d in zip(network.events_of(rows), draws, strict=True)
        ]
        return WeightedPosterior(
            **candidates.columns([f.theta for f in found]),
            trigger_snr=candidates.trigger_snr(rows),
            weight=np.array([f.weight for f in found]),
            log_evidence=np.array([f.log_evidence for f in found]),
            efficiency=np.array([f.efficiency for f in found]),
        )

    def in_numpy(self, weights: Mapping[str, NDArray[Any]]) -> Network:
        """The flow of `npe`, as long as it is the one that the weights name."""
        from workloads import spec
        from workloads.card import WeightsError

        wanted, flow = bytes(weights["npe_sha256"]).hex(), spec.load("npe")
        if flow.weights_sha256 != wanted:
            raise WeightsError(
                f"npe-importance was made for npe {wanted[:12]}…, but {flow.weights_sha256[:12]}… is shipped. "
                f"Run 'ettwin train npe-importance'"
            )
        return flow.network

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Windows around signals, loud and quiet."""
        return candidates.examples(n, seed)

    def teach(self, course: Course) -> Taught:
        """Nothing but which `npe` it is that its draws come from."""
        from workloads import card

        course.from_scratch_only(self.name, "its flow is that of npe; refine that one")
        about = card.read("npe")
        digest = np.frombuffer(bytes.fromhex(about["weights_sha256"]), np.uint8)
        return Taught({"npe_sha256": digest}, {**about["held_out"], "flow": "that of npe"})

    def settle(self, program: Program, tries: int | None, progress: Progress) -> tuple[Settings, dict[str, Any]]:
        """No settings: an estimator decides nothing."""
        return {}, {}

    def judge(self, program: Program, effort: float, seed: int, progress: Progress) -> Quality:
        """Sample efficiency, calibration and sharpness over held-out events."""
        from workloads.inference import calibration

        return calibration.judge(program, effort, seed, progress, reweighted=True)

    def judge_drifted(
        self, program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
    ) -> dict[str, Figure]:
        """Sample efficiency and calibration where the likelihood is no longer that of the data."""
        return drifted.judge(program, drift, effort, seed, progress, reweighted=True)


WORKLOAD = NpeImportance()
