"""The matched filter over long stretches of noise: 16 s at half its sampling, then itself where it is loud.

Filtering 13 s at a time costs a fifth of filtering second by second. A segment whose coarse maximum stays below
LEAST keeps it. Sampled half as finely, a peak is some per cent lower and at most a tenth: scores above SURE are
exact, and of those a little below it nearly all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workloads import runtime, waveform
from workloads.models import matched_filter as mf
from workloads.searching.channels import signal_channels
from workloads.spec import LOOKAHEAD_S, RATE_HZ, RINGDOWN_S, SEGMENT_S, WHITEN_HALF_S, Program
from workloads.strain import Strain
from workloads.whitening import noise_power, transfer, whiten

LEAST = 6.1
SURE = LEAST / 0.9
LONG_S = 16
HZ = 512
SECONDS = LONG_S - round(mf.TEMPLATE_S)
"""Segments that one long window answers for."""
_BLOCK = 8


class Scan:
    """Scores of the shipped matched filter, `program`, on consecutive seconds."""

    def __init__(self, program: Program) -> None:
        import torch

        self.program = program
        n, before_s = LONG_S * RATE_HZ, mf.TEMPLATE_S - RINGDOWN_S
        bank = runtime.stored(self.program.workload)["bank"]
        rows = np.empty((len(bank), round(mf.TOP_HZ * LONG_S)), np.complex64)
        power, whitening = noise_power(n), transfer(waveform.SAMPLES)
        for row, (m1, m2, spin) in zip(rows, bank, strict=True):
            cut = mf.whitened_template(waveform.Binary(m1, m2, spin, spin), whitening, n, before_s, RINGDOWN_S)
            row[:] = mf.normalised(cut, power, n)
        self.templates = torch.from_numpy(rows[:, None])

    def coarse(self, strain: NDArray[np.float64]) -> NDArray[np.float64]:
        """Loudest network SNR (SECONDS,) at HZ in each second of strain (detector, LONG_S and whitening)."""
        import torch

        white = torch.from_numpy(whiten(np.asarray(signal_channels(strain[None])[0], np.float64)))
        points = LONG_S * HZ
        data = torch.fft.rfft(white)[:, : self.templates.shape[-1]] * (2 * points / white.shape[-1])
        end = points - round(RINGDOWN_S * HZ)
        best = torch.zeros(SECONDS * HZ)
        with torch.inference_mode():
            for block in torch.split(self.templates, _BLOCK):
                z = torch.fft.ifft(data * block, points)[..., end - SECONDS * HZ : end]
                best = torch.maximum(best, (z.real**2 + z.imag**2).sum(1).amax(0))
        return np.sqrt(best.reshape(SECONDS, HZ).amax(1).numpy().astype(np.float64))

    def scores(self, strain: Strain, first_s: float) -> NDArray[np.float64]:
        """Scores (SECONDS,) of the segments that begin at `first_s`."""
        end_s = first_s + SECONDS * SEGMENT_S + LOOKAHEAD_S
        found = self.coarse(strain.window(end_s, LONG_S + 2 * WHITEN_HALF_S))
        for i in np.flatnonzero(found > LEAST):
            end_s = first_s + (i + 1) * SEGMENT_S + LOOKAHEAD_S
            found[i] = self.program(strain.window(end_s, self.program.workload.unit.duration_s)[None]).score[0]
        return found
