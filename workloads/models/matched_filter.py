"""Matched filter: correlates whitened strain with a bank of IMRPhenomD templates by FFT.

Templates are built when the workload is loaded; what is stored is the bank's parameters. The core,
`normalised` and `correlate`, knows neither the shipped noise curve nor the number of streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from workloads import waveform
from workloads.spec import RATE_HZ, RINGDOWN_S, SEGMENT_S, WHITEN_HALF_S, Outputs
from workloads.whitening import noise_power, transfer, whiten

if TYPE_CHECKING:
    import torch

TEMPLATES = 640
INPUT = round(4.0 * RATE_HZ)
TOP_HZ = 512.0
"""Templates end here; the SNR series therefore needs only SERIES_HZ samples a second."""
SERIES_HZ = 1024
TEMPLATE_S = INPUT / RATE_HZ - SEGMENT_S
"""Length of a template, RINGDOWN_S of it after the merger: in the searched second nothing wraps around."""
_BLOCK = 32
"""Templates correlated at a time, so that the work stays in the processor's cache."""


class MatchedFilter:
    """A segment's score is the largest network SNR, sqrt(sum of |z|² over streams), over templates and time."""

    name = "matched-filter"
    outcome = "trigger"
    window_s = INPUT / RATE_HZ + 2 * WHITEN_HALF_S
    runtimes = ("torch", "numpy")

    def prepare(self, strain: NDArray[np.float64]) -> NDArray[np.float32]:
        """Whitened strain, shape (batch, detector, INPUT)."""
        return whiten(strain)

    def decide(self, raw: NDArray[np.float32], batch: int, threshold: float) -> Outputs:
        """Trigger where the network SNR exceeds the threshold."""
        score = raw.reshape(batch, 2).astype(np.float64)
        return Outputs(score[:, 0], score[:, 0] > threshold, None, score[:, 1])

    def module(self) -> torch.nn.Module:
        """The filter with an empty bank: (row, detector, INPUT) to (row, [network SNR, time offset in s])."""
        return _filter()


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
    """Templates of `bank` (mass_1, mass_2, spin of both) for the shipped noise curve, (template, 1, frequency)."""
    rows = [template(waveform.Binary(m1, m2, spin, spin)) for m1, m2, spin in bank]
    return np.array(rows)[:, None]


def template(binary: waveform.Binary) -> NDArray[np.complex64]:
    """The template of `binary` for the shipped noise curve, shape (frequency,)."""
    before_s = TEMPLATE_S - RINGDOWN_S
    row = whitened_template(binary, transfer(waveform.SAMPLES), INPUT, before_s, RINGDOWN_S)
    return normalised(row, noise_power(INPUT), INPUT)


def searched(n: int) -> slice:
    """Samples of an SNR series, of a window of `n` samples, that lie in its searched seconds."""
    end = (n - round(RINGDOWN_S * RATE_HZ)) * SERIES_HZ // RATE_HZ
    return slice(end - (n - INPUT + round(SEGMENT_S * RATE_HZ)) * SERIES_HZ // RATE_HZ, end)


def _filter() -> torch.nn.Module:
    import torch

    class Filter(torch.nn.Module):
        bank: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("bank", torch.zeros(TEMPLATES, 3, dtype=torch.float64))
            self._templates: torch.Tensor | None = None

        def templates(self) -> torch.Tensor:
            if self._templates is None:
                self._templates = torch.from_numpy(templates_of(self.bank.numpy()))
            return self._templates

        def forward(self, whitened: torch.Tensor) -> torch.Tensor:
            return torch.stack([self._one(row) for row in whitened])

        def _one(self, whitened: torch.Tensor) -> torch.Tensor:
            n, templates = whitened.shape[-1], self.templates()
            points = n * SERIES_HZ // RATE_HZ
            data = torch.fft.rfft(whitened)[..., : templates.shape[-1]] * (2 * points / n)
            where = searched(n)
            best = torch.zeros(where.stop - where.start)
            for block in torch.split(templates, _BLOCK):
                z = torch.fft.ifft(data * block, points)[..., where]
                best = torch.maximum(best, (z.real**2 + z.imag**2).sum(1).amax(0))
            power, at = best.max(0)
            return torch.stack([power.sqrt(), at / SERIES_HZ])

        def in_numpy(self, whitened: NDArray[np.float32]) -> NDArray[np.float32]:
            """What `forward` gives, without torch: loudest SNR and its time per row, shape (batch, 2)."""
            where, templates = searched(whitened.shape[-1]), self.templates().numpy()
            rows = []
            for row in whitened:
                best = np.zeros(where.stop - where.start, np.float32)
                for first in range(0, len(templates), _BLOCK):
                    power = correlate(row, templates[first : first + _BLOCK])[..., where]
                    best = np.maximum(best, power.sum(1).max(0))
                rows.append([np.sqrt(best.max()), best.argmax() / SERIES_HZ])
            return np.array(rows, np.float32)

    return Filter()


WORKLOAD = MatchedFilter()
