"""The network of the noise subtraction: a few long filters of the witnesses, and products of filtered witnesses.

Like DeepClean (Ormiston et al. 2020, arXiv:2005.06534) it predicts the noise from the witnesses alone, so what
they do not see, a signal above all, stays as it is. Products are what modulated noise is made of; a linear filter,
however good (Wiener's), cannot make them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.dataquality.coupling import WITNESSES

if TYPE_CHECKING:
    import torch

TAPS = 193
"""Length of the filters: three quarters of a second, half of it after the sample that is predicted."""
EDGE = (TAPS - 1) // 2
PRODUCTS = 2


def network() -> torch.nn.Module:
    """The untrained network: strain and witnesses (row, 1 + witness, sample) to strain less noise (row, sample).

    EDGE samples are lost at either end.
    """
    from torch import nn

    class Cleaner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Conv1d(len(WITNESSES), 1, TAPS)
            self.one = nn.Conv1d(len(WITNESSES), PRODUCTS, TAPS)
            self.other = nn.Conv1d(len(WITNESSES), PRODUCTS, TAPS)
            nn.init.zeros_(self.linear.weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            witnesses = x[:, 1:]
            product = (self.one(witnesses) * self.other(witnesses)).sum(1)
            clean: torch.Tensor = x[:, 0, EDGE:-EDGE] - self.linear(witnesses)[:, 0] - product
            return clean

    return Cleaner()
