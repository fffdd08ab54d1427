"""Detector, large: the detector with its veto deepened by a residual network as deep as ResNet-34.

It begins as the shipped detector, whose templates, evidence and veto it keeps learning from; what is added is
depth, at the width of a ResNet-34: seven million parameters, stored in four bits each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.models.detector import TEMPLATES, WIDTH, Detector
from workloads.training import Course, Taught

if TYPE_CHECKING:
    import torch

    from workloads.searching.basis import Complex

WIDTHS = (64, 128, 256, 512)
"""Channels of the four stages."""
STEPS, RATE = 3_000, 1.5e-3


class DetectorLarge(Detector):
    """A segment's score is its largest logit, as the detector's is."""

    name = "detector-large"
    stored_bits = 4
    limits = (
        "Signals that the small detector misses: at one false alarm a day it finds 99.2 % of what the matched "
        "filter finds above SNR 10, the small one 99.3 %. Depth pays on glitches: 8 of 1,000 loud ones trigger "
        "it, not 21 (benchmarks/search.json).",
        *Detector.limits,
    )

    def module(self) -> torch.nn.Module:
        """The untrained network: (row, basis.CHANNELS, basis.TIMES) to (row, logit)."""
        from workloads.searching import network, residual

        seen = TEMPLATES + network.BANDS
        veto = residual.deepened(network.veto(seen, WIDTH), residual.residual(seen, WIDTHS))
        return network.detector(TEMPLATES, veto)

    def teach(self, course: Course) -> Taught:
        """Taught as the detector is, from the shipped detector on."""
        from workloads import runtime, spec
        from workloads.searching import course as searching
        from workloads.searching import network

        small = {k.replace("veto.", "veto.first."): v for k, v in runtime.stored(spec.get("detector")).items()}

        def begin(module: torch.nn.Module, binaries: Complex) -> torch.nn.Module:
            return network.taken(module, small)

        return searching.teach(course, self.module, begin, STEPS, RATE, self.stored_bits)


WORKLOAD = DetectorLarge()
