"""A deep veto: a residual network as deep as ResNet-34 (He et al., CVPR 2016, 770), of convolutions in time.

Without normalisation: each block begins as the identity, its last convolution zero, which trains as well
(Zhang et al., ICLR 2019, arXiv:1901.09321) and leaves nothing to fold. Knows no strain.
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
    """(row, inputs, LOGITS) to what is taken off (row, 1, LOGITS), by stages `widths` channels wide.

    It is never negative and begins near zero. Every place in the last stage says what to take off in its
    part of the second.
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
            nn.init.zeros_(self.second.weight)
            nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.past(x) + self.second(torch.relu(self.first(x))))

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
            nn.init.constant_(self.head.bias, -4.0)  # type: ignore[arg-type]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            parts = self.head(self.blocks(torch.relu(self.stem(x.unsqueeze(2))))).squeeze(2)
            return nn.functional.softplus(parts.transpose(1, 2).reshape(-1, 1, LOGITS))

    return Residual()


def both(first: torch.nn.Module, second: torch.nn.Module) -> torch.nn.Module:
    """Two vetoes of the same input, added."""
    from torch import nn

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = first, second

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            taken: torch.Tensor = self.first(x) + self.second(x)
            return taken

    return Both()
