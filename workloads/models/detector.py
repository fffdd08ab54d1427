"""Detector: a small network on a reduced basis that looks for compact binaries in one second of three streams.

The data are filtered with the basis by FFT; the network mixes its coefficients into some dozens of templates,
weighs their power and takes off what looks like a glitch, to which the null stream bears witness. It knows the
published noise curve through the whitening.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import segments
from workloads.searching import basis
from workloads.spec import NETWORK, SEGMENT_S, Outputs, Program, Progress, Settings
from workloads.training import Course, Taught

if TYPE_CHECKING:
    import torch

    from workloads.recording import Recording

TEMPLATES, WIDTH = 80, 32
STEPS, RATE, NOISE_SEGMENTS = 6_000, 2e-3, 20_000


class Detector:
    """A segment's score is its largest logit; there is one for every 1/64 s."""

    name = "detector"
    task = "search"
    unit = segments.strain_unit(basis.WINDOW_S)
    outcome = "trigger"
    runtimes = NETWORK
    tries = (10_000, 200)
    from_recordings = True
    limits: tuple[str, ...] = (
        "Binaries outside 10 to 80 solar masses (detector frame), precession, real noise: it never saw any.",
        "Signals below SNR 9 in the network: the matched filter finds more of them (benchmarks/search.json).",
        "A noise curve other than the shipped one: basis and whitening are made for it.",
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Coefficients and power in bands, shape (batch, basis.CHANNELS, basis.TIMES)."""
        return basis.features(basis.spectra(units))

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> Outputs:
        """Trigger where the largest logit exceeds the threshold; time is the middle of its step."""
        logits = raw.astype(np.float64)
        score = logits.max(axis=1)
        offset_s = (logits.argmax(axis=1) + 0.5) * SEGMENT_S / logits.shape[1]
        return Outputs(score, score > settings["threshold"], None, offset_s)

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Windows of noise, signals and glitches."""
        return segments.examples(self.unit, n, seed)

    def module(self) -> torch.nn.Module:
        """The untrained network: (row, basis.CHANNELS, basis.TIMES) to (row, logit)."""
        from workloads.searching import network

        return network.detector(TEMPLATES, network.veto(TEMPLATES + network.BANDS, WIDTH))

    def teach(self, course: Course) -> Taught:
        """Taught on noise, binaries and glitches, all drawn afresh at each step."""
        from workloads.searching import course as searching
        from workloads.searching import network

        def begin(module: torch.nn.Module, binaries: basis.Complex) -> torch.nn.Module:
            return network.begun(module, network.chosen(binaries, TEMPLATES))

        return searching.teach(course, self.module, begin, STEPS, RATE)

    def settle(
        self, program: Program, tries: int | None, progress: Progress, recorded: Recording | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A threshold for the common false-alarm probability."""
        return segments.false_alarm_threshold(program, tries or NOISE_SEGMENTS, progress, recorded)


WORKLOAD = Detector()
