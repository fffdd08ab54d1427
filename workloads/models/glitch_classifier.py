"""Glitch classifier: a network on constant-Q images of each stream that names what they hold and flags glitches.

The image is made inside the network by fixed filters, so it is exported and timed with it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workloads.sky import GLITCHES, SIGNALS
from workloads.spec import RATE_HZ, RINGDOWN_S, SEGMENT_S, STREAMS, WHITEN_HALF_S, Outputs
from workloads.whitening import whiten

if TYPE_CHECKING:
    import torch

CLASSES = ("none", *SIGNALS, *GLITCHES)
INPUT = round(2.0 * RATE_HZ)
CENTRE_S = (INPUT / RATE_HZ - RINGDOWN_S - SEGMENT_S, INPUT / RATE_HZ - RINGDOWN_S)
"""Where in its input the searched second lies."""
_BINS, _TAPS, _STEP = 48, 512, 32
_QUALITY = 8.0
_GLITCH = slice(1 + len(SIGNALS), None)
_SIGNAL = slice(1, 1 + len(SIGNALS))


class GlitchClassifier:
    """Flags a segment that looks more like a glitch than like a signal.

    The streams vote: each adds its probability of a glitch minus that of a signal, weighted by its probability
    of holding anything at all. A glitch sits in one stream; a signal is heard in at least two and outvotes it.
    """

    name = "glitch-classifier"
    outcome = "flag"
    window_s = INPUT / RATE_HZ + 2 * WHITEN_HALF_S
    runtimes = ("onnxruntime", "torch")

    def prepare(self, strain: NDArray[np.float64]) -> NDArray[np.float32]:
        """Whitened streams one by one, shape (batch * detector, 1, INPUT)."""
        return whiten(strain).reshape(-1, 1, INPUT)

    def decide(self, raw: NDArray[np.float32], batch: int, threshold: float) -> Outputs:
        """Flag above the threshold; the label is that of the stream least likely to hold noise only."""
        p = raw.reshape(batch, STREAMS, len(CLASSES)).astype(np.float64)
        vote = p[..., _GLITCH].sum(axis=2) - p[..., _SIGNAL].sum(axis=2)
        score = ((1 - p[..., 0]) * vote).sum(axis=1)
        stream = p[..., 0].argmin(axis=1)
        label = [CLASSES[c] for c in p[np.arange(batch), stream].argmax(axis=1)]
        return Outputs(score, score > threshold, label, np.full(batch, SEGMENT_S / 2))

    def module(self) -> torch.nn.Module:
        """The untrained network: (row, 1, INPUT) to probabilities of CLASSES."""
        from torch import nn

        widths = (1, 16, 32, 48, 64)
        layers: list[nn.Module] = [_constant_q()]  # 48 frequencies at 128 times, halved four times below
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 5 if a == 1 else 3, stride=2, padding=2 if a == 1 else 1, bias=False)]
            layers += [nn.GroupNorm(8, b), nn.ReLU()]
        head = [nn.MaxPool2d((1, 8)), nn.Flatten(), nn.Linear(3 * widths[-1], len(CLASSES))]
        return nn.Sequential(*layers, *head, nn.Softmax(dim=1))


def filters() -> NDArray[np.float32]:
    """Cosine and sine wavelets of constant quality, 20 to 850 Hz, shape (2 * bins, 1, taps), unit norm."""
    f = np.geomspace(20, 850, _BINS)[:, None]
    t = (np.arange(_TAPS) - (_TAPS - 1) / 2) / RATE_HZ
    envelope = np.exp(-0.5 * (2 * np.pi * f * t / _QUALITY) ** 2) * np.hanning(_TAPS)
    pair = np.concatenate([envelope * np.cos(2 * np.pi * f * t), envelope * np.sin(2 * np.pi * f * t)])
    return np.asarray((pair / np.linalg.norm(pair, axis=1, keepdims=True))[:, None], dtype=np.float32)


def _constant_q() -> torch.nn.Module:
    import torch
    from torch import nn

    class ConstantQ(nn.Module):
        """(row, 1, sample) to log power (row, 1, frequency, time); nothing in it is trained."""

        filters: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("filters", torch.from_numpy(filters()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = nn.functional.conv1d(x, self.filters, stride=_STEP, padding=(_TAPS - _STEP) // 2)
            power = y[:, :_BINS] ** 2 + y[:, _BINS:] ** 2
            return torch.log1p(power).unsqueeze(1)

    return ConstantQ()


WORKLOAD = GlitchClassifier()
