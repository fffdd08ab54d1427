"""The witness model's network: what a group's channels say of a disturbance, and whether it is one that couples.

A noisy-or of groups: 1 - P = (1 - p0) Π (1 - p_g). In group g, p_g is the probability that its subsystem was
disturbed (a sum of evidence over its channels) times that so loud a disturbance couples into the strain (from the
loudness its witnesses agree on). Cost and size are a fixed amount per channel, and it says which group it blames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.dataquality.plant import GROUP

if TYPE_CHECKING:
    import torch

KNOTS = (1.65, 2.1, 2.7)
"""Log loudness at which a channel's evidence may change its slope; from the first on it shows something."""
_SHARP = 10.0
_LARGEST = -1e-6
"""Log of the largest probability that is spoken of, so that its odds stay finite."""


def network(channels: int) -> torch.nn.Module:
    """The untrained network: (row, channel) loudness to (row, [log odds of a glitch, log p_g group by group…])."""
    import torch
    from torch import nn

    size = min(GROUP, channels)
    groups = channels // size

    class NoisyOr(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.slopes = nn.Parameter(torch.full((len(KNOTS), channels), 0.3))
            self.presence = nn.Parameter(torch.full((channels,), 0.3))
            self.trust = nn.Parameter(torch.zeros(channels))
            self.disturbed = nn.Parameter(torch.full((groups,), -5.0))
            self.coupling = nn.Parameter(torch.tensor([[-1.0], [2.0]]).repeat(1, groups))
            self.unseen = nn.Parameter(torch.tensor(-5.0))

        def forward(self, loudness: torch.Tensor) -> torch.Tensor:
            """Log odds of a glitch, then ln of each group's probability (row, 1 + group), of (row, channel)."""
            log = torch.log(loudness.clamp(1.0, 1e4))
            over = [nn.functional.relu(log - knot) for knot in KNOTS]
            shown = torch.sigmoid(_SHARP * (log - KNOTS[0] - 2 / _SHARP))
            evidence = shown * self.presence
            for part, slope in zip(over, self.slopes, strict=True):
                evidence = evidence + part * slope
            trust = shown * torch.exp(self.trust)
            loud = _grouped(trust * over[0]) / (_grouped(trust) + 1e-2)
            disturbed = self.disturbed + _grouped(evidence)
            couples = self.coupling[0] + self.coupling[1] * loud
            # Not logsigmoid: exported, it takes the log of a sigmoid that ONNX Runtime rounds to 0 below -18.
            log_p = -nn.functional.softplus(-disturbed) - nn.functional.softplus(-couples)
            spared = torch.log1p(-torch.exp(log_p.clamp(max=_LARGEST))).sum(1)
            spared = (spared - nn.functional.softplus(self.unseen)).clamp(max=_LARGEST)
            odds = torch.log(-torch.expm1(spared)) - spared
            return torch.cat([odds[:, None], log_p], 1)

    def _grouped(x: torch.Tensor) -> torch.Tensor:
        # A product, not a sum: OpenVINO 2026.4 is wrong where something is added to a sum over the last axis.
        return torch.matmul(x.reshape(-1, groups, size), torch.ones(size, 1)).squeeze(2)

    return NoisyOr()
