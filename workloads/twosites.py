"""The matched filter for two L-shaped detectors at two sites, with the bank of the one for the triangle.

Each stream is filtered by itself, with templates for its own noise curve. A wave reaches one site before the
other: a template's network SNR at a time is that of one stream then, and of the other at its loudest within the
time that light takes between them. A live run has no such strain.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import psd, segments, waveform
from workloads.detectors import TWO_L
from workloads.models import matched_filter
from workloads.models.matched_filter import INPUT, SERIES_HZ, TEMPLATE_S, MatchedFilter
from workloads.spec import BAND_HZ, RATE_HZ, RINGDOWN_S, WHITEN_HALF_S

if TYPE_CHECKING:
    import torch

LAGS = int(np.ceil(TWO_L.travel_s * SERIES_HZ))
"""Samples of an SNR series between the two sites, at most."""


class TwoSites(MatchedFilter):
    """A segment's score is the largest network SNR over templates, times, and delays from site to site."""

    detectors = TWO_L
    unit = segments.strain_unit(INPUT / RATE_HZ + 2 * WHITEN_HALF_S, TWO_L.streams - 1, TWO_L.streams)
    runtimes = ("torch",)

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Whitened streams, shape (batch, stream, INPUT)."""
        return psd.filter_valid(np.asarray(units, np.float64), kernel()).astype(np.float32)

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Windows of noise, signals and glitches."""
        return segments.examples(self.unit, n, seed, self.detectors)

    def module(self) -> torch.nn.Module:
        """The filter with an empty bank: (row, stream, INPUT) to (row, [network SNR, time offset in s])."""
        return matched_filter.bank_filter(templates_of, loudest)


@cache
def kernel() -> NDArray[np.float64]:
    """The zero-phase filter that whitens the noise of the two; WHITEN_HALF_S long on either side."""
    return psd.load(TWO_L.curve).whitening(RATE_HZ, WHITEN_HALF_S, BAND_HZ)


def templates_of(bank: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Templates of `bank` (mass_1, mass_2, spin of both) for their noise curve, (template, 1, frequency)."""
    transfer = psd.response(kernel(), waveform.SAMPLES)
    power = psd.load(TWO_L.curve).filtered(kernel(), RATE_HZ, INPUT)
    rows = [
        matched_filter.whitened_template(
            waveform.Binary(m1, m2, spin, spin), transfer, INPUT, TEMPLATE_S - RINGDOWN_S, RINGDOWN_S
        )
        for m1, m2, spin in bank
    ]
    return matched_filter.normalised(np.array(rows), power, INPUT)[:, None]


def loudest(whitened: torch.Tensor, templates: torch.Tensor) -> torch.Tensor:
    """[network SNR, time offset in s at the first site] of one row (stream, sample)."""
    import torch

    n = whitened.shape[-1]
    points = n * SERIES_HZ // RATE_HZ
    data = torch.fft.rfft(whitened)[..., : templates.shape[-1]] * (2 * points / n)
    where = matched_filter.searched(n)
    wide = slice(where.start - LAGS, where.stop + LAGS)
    best = torch.zeros(where.stop - where.start)
    for block in torch.split(templates, matched_filter.BLOCK):
        z = torch.fft.ifft(data * block, points)[..., wide]
        power = z.real**2 + z.imag**2
        other = torch.nn.functional.max_pool1d(power[:, 1:], 2 * LAGS + 1, stride=1)[:, 0]
        best = torch.maximum(best, (power[:, 0, LAGS:-LAGS] + other).amax(0))
    top, at = best.max(0)
    return torch.stack([top.sqrt(), at / SERIES_HZ])


WORKLOAD = TwoSites()
