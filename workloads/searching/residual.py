"""A deeper doubt: a residual network as deep as ResNet-34 (He et al., CVPR 2016, 770), of convolutions in time.

Without normalisation: what a block adds is multiplied by a number that is learned and begins at zero (De and
Smith, NeurIPS 2020, arXiv:2002.10444). A convolution that begins at zero instead grows by a learning rate in each
of its thousands of weights at once, and sixteen blocks run away with that. Knows no strain.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from workloads.searching.network import LOGITS

if TYPE_CHECKING:
    import torch

DEPTHS = (3, 4, 6, 3)
"""Blocks of two convolutions in each stage; with the stem and the head that makes 34 layers."""
_SHORTER = 2 ** len(DEPTHS)
"""Stem and stages but the first halve the length."""


def residual(inputs: int, widths: tuple[int, ...]) -> torch.nn.Module:
    """(row, inputs, LOGITS) to a doubt (row, 1, LOGITS) of any sign, zero at first; stages are `widths` wide.

    Every place in the last stage speaks for its part of the second.
    """
    import torch
    from torch import nn

    class Conv(nn.Conv1d):
        """On (row, channel, 1, time): ONNX Runtime has faster kernels for planes than for series."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            stride, padding = (1, self.stride[0]), (0, int(self.padding[0]))
            return nn.functional.conv2d(x, self.weight.unsqueeze(2), self.bias, stride, padding)

    class Block(nn.Module):
        def __init__(self, before: int, width: int, stride: int) -> None:
            super().__init__()
            self.first = Conv(before, width, 3, stride, padding=1)
            self.second = Conv(width, width, 3, padding=1)
            self.past = nn.Identity() if before == width else Conv(before, width, 1, stride)
            self.gain = nn.Parameter(torch.zeros(()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.past(x) + self.gain * self.second(torch.relu(self.first(x))))

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = Conv(inputs, widths[0], 7, 2, padding=3)
            stages = zip(pairwise((widths[0], *widths)), DEPTHS, strict=True)
            self.blocks = nn.Sequential(
                *(
                    Block(width if i else before, width, 1 if i or before == width else 2)
                    for (before, width), depth in stages
                    for i in range(depth)
                )
            )
            self.head = Conv(widths[-1], _SHORTER, 1)
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            parts: torch.Tensor = self.head(self.blocks(torch.relu(self.stem(x.unsqueeze(2))))).squeeze(2)
            return parts.transpose(1, 2).reshape(-1, 1, LOGITS)

    return Residual()


def deepened(veto: torch.nn.Module, deep: torch.nn.Module) -> torch.nn.Module:
    """`veto` (network.veto) whose doubt `deep` adds to.

    A second veto would only add what is taken off, and die: one that is never needed shrinks to where nothing
    brings it back.
    """
    from torch import nn

    class Deepened(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = veto, deep

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            doubt: torch.Tensor = veto.doubt(x) + deep(x)  # type: ignore[operator]
            return nn.functional.softplus(doubt)

    return Deepened()
