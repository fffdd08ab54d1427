"""NPE: amortised estimates of a binary's masses, spins and merger time by a neural spline coupling flow.

One network for every event; seconds of classical sampling become one pass. Its draws are as good as its training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads.inference import candidates, drifted, network
from workloads.inference.candidates import Posterior
from workloads.profile import Figure
from workloads.spec import Program, Progress, Quality, Settings
from workloads.training import Course, Taught

if TYPE_CHECKING:
    import torch


class Npe:
    """Draws from the posterior that the flow gives, without a look at the likelihood."""

    name = "npe"
    task = "inference"
    unit = candidates.UNIT
    outcome = None
    runtimes = ("onnxruntime", "torch", "openvino")
    stored_bits = 16
    drifts = drifted.DRIFTS
    limits = (
        *candidates.LIMITS,
        "Its posteriors are the flow's, too wide for many light and loud binaries; `npe-importance` weights them.",
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Each unit's trigger, and its data projected on the reduced basis there."""
        return candidates.rows(units)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> Posterior:
        """The flow's draws as parameters."""
        events = network.events_of(rows)
        theta = [e.frame.from_normal(r[:, :5].astype(np.float64)) for e, r in zip(events, raw, strict=True)]
        return Posterior(**candidates.columns(theta), trigger_snr=candidates.trigger_snr(rows))

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Windows around signals, loud and quiet."""
        return candidates.examples(n, seed)

    def module(self) -> torch.nn.Module:
        """The untrained network."""
        return network.build()

    def teach(self, course: Course) -> Taught:
        """Taught on binaries of the prior, with all else drawn afresh at each step."""
        from workloads.inference import teach

        fitted, loss = teach.fit(course)
        return fitted.taught(
            {
                "data": "unseen binaries of the prior in Gaussian noise, windows placed at random",
                "loss": "mean of -ln q at the truth in nats, in unit normals of the prior's window",
                "held_out_loss": round(loss, 4),
                "loss_of_the_prior": round(teach.PRIOR_LOSS, 4),
            }
        )

    def settle(self, program: Program, tries: int | None, progress: Progress) -> tuple[Settings, dict[str, Any]]:
        """No settings: an estimator decides nothing."""
        return {}, {}

    def judge(self, program: Program, effort: float, seed: int, progress: Progress) -> Quality:
        """Calibration and sharpness over held-out events."""
        from workloads.inference import calibration

        return calibration.judge(program, effort, seed, progress, reweighted=False)

    def judge_drifted(
        self, program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
    ) -> dict[str, Figure]:
        """Calibration where the data are no longer those it was taught on."""
        return drifted.judge(program, drift, effort, seed, progress, reweighted=False)


WORKLOAD = Npe()
