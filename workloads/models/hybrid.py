"""Hybrid: the detector says where to look, the matched filter looks there with the part of its bank that may fit.

A segment whose loudest logit is too low is not filtered, and its score is zero. The others are filtered with the
templates near those that the detector's network heard loudest; their score is the network SNR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import segments
from workloads.models import detector, matched_filter
from workloads.models.matched_filter import CHANNELS, INPUT
from workloads.searching import basis
from workloads.spec import RATE_HZ, WHITEN_HALF_S, Outputs, Program, Progress, Settings
from workloads.training import Course, Taught

if TYPE_CHECKING:
    import torch

LOUDEST = 5
"""Templates of the detector whose neighbours are searched."""
PASSING = 0.03
"""Probability that a segment of pure noise is filtered."""
NOISE_SEGMENTS = 20_000
_CHOICE, _CHOICE_SEED = 10_000, 7_011
_HEARD = basis.CHANNELS * basis.TIMES
_SAMPLES = basis.SAMPLES


class Hybrid:
    """A segment's score is the largest network SNR over the templates searched, or zero."""

    name = "hybrid"
    task = "search"
    unit = segments.strain_unit(INPUT / RATE_HZ + 2 * WHITEN_HALF_S)
    outcome = "trigger"
    runtimes = ("torch",)
    tries = (10_000, 200)
    limits = (
        "What the detector does not hear is not searched; see its limits.",
        "A segment that is searched takes many times as long as one that is not: a queue must expect both.",
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """The detector's features, then the whitened signal channels, flat: shape (batch, number)."""
        heard = basis.features(basis.spectra(units[..., -_SAMPLES:]))
        white = matched_filter.WORKLOAD.prepare(units)
        return np.concatenate([heard.reshape(len(units), -1), white.reshape(len(units), -1)], axis=1)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> Outputs:
        """Trigger where the network SNR exceeds the threshold."""
        return matched_filter.WORKLOAD.decide(raw, rows, units, settings)

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Windows of noise, signals and glitches."""
        return segments.examples(self.unit, n, seed)

    def module(self) -> torch.nn.Module:
        """Network and filter: flat rows to (row, [network SNR or zero, time offset in s])."""
        return _both()

    def teach(self, course: Course) -> Taught:
        """Nothing to learn: the shipped detector and bank, which of it is near what, and when to filter."""
        from workloads import decisions, runtime, spec
        from workloads.searching import narrowing

        course.from_scratch_only(self.name, "its parts are the shipped detector and matched filter; train those")
        network = runtime.stored(spec.get("detector"))
        bank = runtime.stored(spec.get("matched-filter"))["bank"]
        course.progress(0.1, "which templates are near which")
        coarse = (network["mixer.real"] + 1j * network["mixer.imaginary"]).astype(np.complex64)
        near = narrowing.near(coarse, bank)
        quiet = decisions.noise_outputs(spec.load("detector"), _CHOICE, _CHOICE_SEED, course.progress).score
        weights = {f"network.{k}": v for k, v in network.items()}
        weights |= {"bank": bank, "near": near, "least": np.array(np.quantile(quiet, 1 - PASSING), np.float32)}
        held_out = {
            "data": "templates near one of the detector's, as a fraction of the bank",
            "n": len(near),
            "near_mean": round(float(near.mean()), 4),
            "near_most": round(float(near.mean(axis=1).max()), 4),
        }
        return Taught(weights, held_out)

    def settle(
        self, program: Program, tries: int | None, progress: Progress
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A threshold for the common false-alarm probability."""
        return segments.false_alarm_threshold(program, tries or NOISE_SEGMENTS, progress)


def _both() -> torch.nn.Module:
    import torch

    class Both(torch.nn.Module):
        bank: torch.Tensor
        near: torch.Tensor
        least: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            n = matched_filter.TEMPLATES
            self.network = detector.WORKLOAD.module()
            self.register_buffer("bank", torch.zeros(n, 3, dtype=torch.float64))
            self.register_buffer("near", torch.zeros(detector.TEMPLATES, n, dtype=torch.bool))
            self.register_buffer("least", torch.tensor(torch.inf))
            self._templates: torch.Tensor | None = None

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            heard = rows[:, :_HEARD].reshape(-1, basis.CHANNELS, basis.TIMES)
            white = rows[:, _HEARD:].reshape(-1, CHANNELS, INPUT)
            found = torch.zeros(len(rows), 2)
            for row in torch.nonzero(self.network(heard).amax(1) > self.least).flatten().tolist():
                found[row] = matched_filter.loudest(white[row], self.chosen(heard[row : row + 1]))
            return found

        def chosen(self, heard: torch.Tensor) -> torch.Tensor:
            """Templates (template, 1, frequency) near those that are loudest in one segment's features."""
            if self._templates is None:
                self._templates = torch.from_numpy(matched_filter.templates_of(self.bank.numpy()))
            loudest = self.network.loudest(heard, LOUDEST)[0]  # type: ignore[operator]
            return self._templates[self.near[loudest].any(0)]

    return Both()


WORKLOAD = Hybrid()
