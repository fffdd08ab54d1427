"""Matched filter: correlates the two channels that hold every signal with a bank of IMRPhenomD templates by FFT.

Templates are built when the workload is loaded; what is stored is the bank's parameters. The core,
`normalised` and `correlate`, knows neither the shipped noise curve nor the number of channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from workloads import segments, waveform
from workloads.searching.channels import signal_channels
from workloads.spec import (
    RATE_HZ,
    RINGDOWN_S,
    SEGMENT_S,
    STREAMS,
    WHITEN_HALF_S,
    Network,
    Outputs,
    Program,
    Progress,
    Settings,
    Workload,
)
from workloads.training import Course, Taught
from workloads.whitening import noise_power, transfer, whiten

if TYPE_CHECKING:
    import torch

TEMPLATES = 1705
"""Of the shipped bank; a bank of another size loads as well."""
CHANNELS = STREAMS - 1
NOISE_SEGMENTS, _NOISE_SEED, _BINARIES = 4_000, 7_021, 1_000
INPUT = round(4.0 * RATE_HZ)
TOP_HZ = 512.0
"""Templates end here; the SNR series therefore needs only SERIES_HZ samples a second."""
SERIES_HZ = 1024
TEMPLATE_S = INPUT / RATE_HZ - SEGMENT_S
"""Length of a template, RINGDOWN_S of it after the merger: in the searched second nothing wraps around."""
BLOCK = 32
"""Templates correlated at a time, so that the work stays in the processor's cache."""


class MatchedFilter:
    """A segment's score is the largest network SNR, sqrt(sum of |z|² over channels), over templates and time."""

    name = "matched-filter"
    task = "search"
    unit = segments.strain_unit(INPUT / RATE_HZ + 2 * WHITEN_HALF_S, may_miss=STREAMS - 1)
    outcome = "trigger"
    runtimes: tuple[str, ...] = ("torch", "numpy")
    tries = (3_000, 60)
    limits = (
        "Glitches: it has no signal-based veto, so loud ones trigger.",
        "Binaries outside 10 to 80 solar masses (detector frame) or with precession: the bank does not hold them.",
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Whitened signal channels, shape (batch, CHANNELS, INPUT)."""
        return whiten(np.asarray(signal_channels(units), dtype=np.float64))

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> Outputs:
        """Trigger where the network SNR exceeds the threshold."""
        score = raw.astype(np.float64)
        return Outputs(score[:, 0], score[:, 0] > settings["threshold"], None, score[:, 1])

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Windows of noise, signals and glitches."""
        return segments.examples(self.unit, n, seed)

    def of_streams(self, number: int) -> Workload:
        """That for two L-shaped detectors; ValueError for any other number of streams."""
        from workloads import detectors, twosites

        detectors.of(number)
        return cast("Workload", twosites.WORKLOAD)

    def operations(self) -> float:
        """Floating-point operations per unit: 5 n log2(n) per complex FFT, half that per real one, and |z|²."""
        points = INPUT * SERIES_HZ // RATE_HZ
        forward = 2.5 * INPUT * np.log2(INPUT)
        each = 5 * points * np.log2(points) + 6 * TOP_HZ * INPUT / RATE_HZ + 4 * SEGMENT_S * SERIES_HZ
        return float(CHANNELS * (forward + TEMPLATES * each))

    def teach(self, course: Course) -> Taught:
        """A bank placed at random in the range of masses and spins, and how well it fits unseen binaries."""
        from workloads import bank as banks

        course.from_scratch_only(self.name, "its templates are placed, not learned")
        placed = banks.place(progress=lambda tried, kept: course.progress(0.5, f"{kept} of {tried} proposals"))
        rng = np.random.default_rng([course.seed, 1])
        fit = banks.fitting_factors(placed.points, [waveform.draw_binary(rng) for _ in range(_BINARIES)])
        held_out = {
            "data": "fraction of the SNR in 4 s that the best template recovers, for random binaries with spins",
            "n": len(fit),
            "templates": len(placed.points),
            "minimal_match": placed.minimal_match,
            "proposals": placed.proposals,
            "covered": placed.covered,
            "fitting_factor_mean": round(float(fit.mean()), 4),
            "fitting_factor_p5": round(float(np.quantile(fit, 0.05)), 4),
            "fitting_factor_worst": round(float(fit.min()), 4),
            "below_minimal_match": round(float(np.mean(fit < placed.minimal_match)), 4),
        }
        return Taught({"bank": placed.points}, held_out)

    def settle(
        self, program: Program, tries: int | None, progress: Progress
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A threshold for the common false-alarm probability, from the tail of its scores on noise."""
        from workloads import decisions
        from workloads.searching import tails

        quiet = decisions.noise_outputs(program, tries or NOISE_SEGMENTS, _NOISE_SEED, progress).score
        found = tails.threshold(quiet, segments.FALSE_ALARM, np.square, np.sqrt)
        return {"threshold": found.score}, {
            "false_alarm_per_segment": segments.FALSE_ALARM,
            "noise_segments": found.segments,
            "threshold_95": [round(found.low, 4), round(found.high, 4)],
            "extrapolated": found.extrapolated,
        }

    def in_numpy(self, weights: Mapping[str, NDArray[Any]]) -> Network:
        """What the network gives, without torch: loudest SNR and its time per row, shape (batch, 2)."""
        templates = templates_of(weights["bank"])

        def run(whitened: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.array([_loudest(row, templates) for row in whitened], np.float32)

        return run

    def module(self) -> torch.nn.Module:
        """The filter with an empty bank: (row, channel, INPUT) to (row, [network SNR, time offset in s])."""
        return bank_filter(templates_of, loudest)


def whitened_template(
    binary: waveform.Binary, whitening: NDArray[np.float64], n: int, before_s: float, after_s: float
) -> NDArray[np.complex128]:
    """Spectrum up to TOP_HZ, on the grid of `n` samples, of a whitened waveform that merges at sample zero.

    `whitening` is the transfer function on the grid of waveform.SAMPLES. The waveform is cut to
    [-before_s, after_s], with a short ramp at its start.
    """
    series = np.fft.irfft(waveform.spectrum(binary) * whitening)
    before, after, ramp = round(before_s * RATE_HZ), round(after_s * RATE_HZ), round(0.1 * RATE_HZ)
    cut = np.zeros(n)
    cut[:after] = series[:after]
    cut[n - before :] = series[-before:]
    cut[n - before : n - before + ramp] *= np.sin(np.linspace(0, np.pi / 2, ramp)) ** 2
    return np.asarray(np.fft.rfft(cut)[: round(TOP_HZ * n / RATE_HZ)])


def normalised(templates: NDArray[np.complex128], power: NDArray[np.float64], n: int) -> NDArray[np.complex64]:
    """`templates` (…, frequency), conjugate and scaled so that `correlate` gives SNR in noise of that `power`.

    `power` is the whitened noise's, on the rfft grid of `n` samples (1 where whitening is perfect).
    """
    norm = np.sqrt(2 / n * np.sum(np.abs(templates) ** 2 * power[: templates.shape[-1]], axis=-1, keepdims=True))
    return np.asarray(np.conj(templates) / norm, dtype=np.complex64)


def correlate(whitened: NDArray[np.float32], templates: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Squared SNR (template, stream, time at SERIES_HZ) of whitened data (stream, sample), circular in time.

    `templates` has shape (template, stream or 1, frequency).
    """
    data = scipy.fft.rfft(whitened)[..., : templates.shape[-1]]
    points = whitened.shape[-1] * SERIES_HZ // RATE_HZ
    scale = 2 * points / whitened.shape[-1]
    z = scipy.fft.ifft(data * templates, points, overwrite_x=True)
    return np.asarray(scale**2 * (z.real**2 + z.imag**2), dtype=np.float32)


def templates_of(bank: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Templates of `bank` (mass_1, mass_2, spin of both) for the shipped noise curve, (template, 1, frequency).

    Those of the last bank are kept: building them takes seconds, and every program on the bank wants them.
    """
    return _templates_of(np.ascontiguousarray(bank, np.float64).tobytes())


@lru_cache(maxsize=1)
def _templates_of(bank: bytes) -> NDArray[np.complex64]:
    points = np.frombuffer(bank).reshape(-1, 3)
    return np.array([template(waveform.Binary(m1, m2, spin, spin)) for m1, m2, spin in points])[:, None]


def template(binary: waveform.Binary) -> NDArray[np.complex64]:
    """The template of `binary` for the shipped noise curve, shape (frequency,)."""
    before_s = TEMPLATE_S - RINGDOWN_S
    row = whitened_template(binary, transfer(waveform.SAMPLES), INPUT, before_s, RINGDOWN_S)
    return normalised(row, noise_power(INPUT), INPUT)


def searched(n: int) -> slice:
    """Samples of an SNR series, of a window of `n` samples, that lie in its searched seconds."""
    end = (n - round(RINGDOWN_S * RATE_HZ)) * SERIES_HZ // RATE_HZ
    return slice(end - (n - INPUT + round(SEGMENT_S * RATE_HZ)) * SERIES_HZ // RATE_HZ, end)


def _loudest(whitened: NDArray[np.float32], templates: NDArray[np.complex64]) -> tuple[float, float]:
    """The largest network SNR of one row (channel, sample), and when in s after the searched second's start."""
    where = searched(whitened.shape[-1])
    best = np.zeros(where.stop - where.start, np.float32)
    for first in range(0, len(templates), BLOCK):
        power = correlate(whitened, templates[first : first + BLOCK])[..., where]
        best = np.maximum(best, power.sum(1).max(0))
    return float(np.sqrt(best.max())), float(best.argmax() / SERIES_HZ)


def loudest(whitened: torch.Tensor, templates: torch.Tensor) -> torch.Tensor:
    """[network SNR, time offset in s] of one row (channel, sample) for `templates` (template, 1, frequency)."""
    import torch

    n = whitened.shape[-1]
    points = n * SERIES_HZ // RATE_HZ
    data = torch.fft.rfft(whitened)[..., : templates.shape[-1]] * (2 * points / n)
    where = searched(n)
    best = torch.zeros(where.stop - where.start)
    for block in torch.split(templates, BLOCK):
        z = torch.fft.ifft(data * block, points)[..., where]
        best = torch.maximum(best, (z.real**2 + z.imag**2).sum(1).amax(0))
    power, at = best.max(0)
    return torch.stack([power.sqrt(), at / SERIES_HZ])


def bank_filter(
    build: Callable[[NDArray[np.float64]], NDArray[np.complex64]],
    search: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.nn.Module:
    """A module that holds a bank: what `search` finds in each row with the templates that `build` makes of it."""
    import torch

    class Filter(torch.nn.Module):
        bank: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("bank", torch.zeros(TEMPLATES, 3, dtype=torch.float64))
            self._templates: torch.Tensor | None = None

        def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
            self.bank = torch.zeros_like(state[f"{prefix}bank"])
            super()._load_from_state_dict(state, prefix, *rest)

        def forward(self, whitened: torch.Tensor) -> torch.Tensor:
            if self._templates is None:
                self._templates = torch.from_numpy(build(self.bank.numpy()))
            return torch.stack([search(row, self._templates) for row in whitened])

    return Filter()


WORKLOAD = MatchedFilter()
