"""Detector: a small residual network that looks for compact binaries in whitened strain, in overlapping windows.

It knows the published noise curve only through the whitening, and nothing of other workloads.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workloads.spec import RATE_HZ, SEGMENT_S, STREAMS, WHITEN_HALF_S, Outputs
from workloads.whitening import whiten

if TYPE_CHECKING:
    import torch

INPUT = round(1.5 * RATE_HZ)
WINDOWS = 4
HOP_S = SEGMENT_S / WINDOWS
MERGER_S = (1.1875, 1.4375)
"""Where in a window the mergers it answers for lie; the last one leaves RINGDOWN_S after it."""


class Detector:
    """A segment's score is the largest logit of its four windows, each answering for a quarter of the second."""

    name = "detector"
    outcome = "trigger"
    window_s = INPUT / RATE_HZ + (WINDOWS - 1) * HOP_S + 2 * WHITEN_HALF_S
    runtimes = ("onnxruntime", "torch")

    def prepare(self, strain: NDArray[np.float64]) -> NDArray[np.float32]:
        """Overlapping whitened windows, shape (batch * WINDOWS, detector, INPUT)."""
        hop = round(HOP_S * RATE_HZ)
        windows = np.lib.stride_tricks.sliding_window_view(whiten(strain), INPUT, axis=-1)[..., ::hop, :]
        return np.ascontiguousarray(windows.swapaxes(1, 2)).reshape(-1, STREAMS, INPUT)

    def decide(self, raw: NDArray[np.float32], batch: int, threshold: float) -> Outputs:
        """Trigger where the largest logit exceeds the threshold; time is the middle of that window's quarter."""
        logits = raw.reshape(batch, WINDOWS).astype(np.float64)
        score = logits.max(axis=1)
        return Outputs(score, score > threshold, None, (logits.argmax(axis=1) + 0.5) * HOP_S)

    def module(self) -> torch.nn.Module:
        """The untrained network: (row, detector, INPUT) to one logit each."""
        from torch import nn

        widths = (24, 32, 48, 64, 64)
        stem = [nn.Conv1d(STREAMS, widths[0], 15, stride=4, padding=7), nn.GroupNorm(8, widths[0]), nn.ReLU()]
        blocks = [_residual(a, b) for a, b in pairwise(widths)]
        return nn.Sequential(*stem, *blocks, nn.MaxPool1d(48), nn.Flatten(), nn.Linear(widths[-1], 1))


def _residual(width_in: int, width_out: int) -> torch.nn.Module:
    from torch import nn

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv1d(width_in, width_out, 7, stride=2, padding=3, bias=False),
                nn.GroupNorm(8, width_out),
                nn.ReLU(),
                nn.Conv1d(width_out, width_out, 5, padding=2, bias=False),
                nn.GroupNorm(8, width_out),
            )
            self.skip = nn.Conv1d(width_in, width_out, 1, stride=2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.relu(self.body(x) + self.skip(x))

    return Residual()


WORKLOAD = Detector()
