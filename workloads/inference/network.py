"""The flow that knows the posterior of every event: a residual embedding, then a neural spline coupling flow.

Input is one row of an Event: both data's K coefficients, ln(chirp mass / Msun) and ln SNR of its frame. Output are
unit normals of that frame. `gauge` takes out first what the likelihood does not depend on. Knows no waveform.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workloads.inference import basis as bases
from workloads.inference import gauge
from workloads.inference.frame import Frame
from workloads.inference.likelihood import Event
from workloads.inference.prior import PARAMETERS

if TYPE_CHECKING:
    import torch

SAMPLES = 1024
"""Posterior samples of one event."""
ROW = 4 * bases.SIZE + 2
_WIDTH, _CONTEXT, _BLOCKS = 384, 128, 3


def rows(events: Sequence[Event]) -> NDArray[np.float32]:
    """Events as rows (event, ROW + 1): what the network sees, and the frame's merger time in s."""
    data = np.array([e.data for e in events])
    parts = np.stack([data.real, data.imag], axis=2).reshape(len(events), -1)
    about = np.array([[e.frame.chirp_mass_log, np.log(e.frame.snr), e.frame.merger_s] for e in events])
    return np.concatenate([parts, about], axis=1).astype(np.float32)


def events_of(rows: NDArray[np.float32]) -> list[Event]:
    """The events that `rows` (event, ROW + 1) stand for."""
    parts = rows[:, : ROW - 2].astype(np.float64).reshape(-1, 2, 2, bases.SIZE)
    data = parts[:, :, 0] + 1j * parts[:, :, 1]
    chirp, snr, merger = rows[:, ROW - 2 :].astype(np.float64).T
    return [
        Event(Frame(*about), d)
        for about, d in zip(zip(chirp, merger, np.exp(snr), strict=True), data, strict=True)
    ]


def pupil(gain: NDArray[np.float32]) -> torch.nn.Module:
    """A network under training: rows and their true unit normals (row, ROW + 5) to -ln densities (row, 1)."""
    from torch import nn

    class Pupil(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.posterior = build(gain)

        def forward(self, lesson: torch.Tensor) -> torch.Tensor:
            return -self.posterior.log_density(lesson[:, :ROW], lesson[:, ROW:])[:, None]  # type: ignore[no-any-return, operator]

    return Pupil()


def build(gain: NDArray[np.float32] | None = None) -> torch.nn.Module:
    """The untrained network; `gain` (K,) scales the coefficients to order one."""
    import torch
    import zuko
    from torch import nn

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.LayerNorm(_WIDTH), nn.Linear(_WIDTH, _WIDTH), nn.GELU(), nn.Linear(_WIDTH, _WIDTH)
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.body(x)  # type: ignore[no-any-return]

    class Posterior(nn.Module):
        """Rows to SAMPLES draws and their log density, (row, SAMPLES, 6), always from the same base draws."""

        base: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.gauge = gauge.build(gain)
            self.embed = nn.Sequential(
                nn.Linear(gauge.FEATURES, _WIDTH), *(Residual() for _ in range(_BLOCKS)), nn.LayerNorm(_WIDTH),
                nn.Linear(_WIDTH, _CONTEXT), nn.GELU(),
            )  # fmt: skip
            self.flow = zuko.flows.NSF(
                len(PARAMETERS), _CONTEXT, transforms=6, passes=2, randperm=True, hidden_features=(128, 128)
            )
            self.register_buffer("base", _base())

        def log_density(self, x: torch.Tensor, normal: torch.Tensor) -> torch.Tensor:
            return self.flow(self.embed(self.gauge(x))).log_prob(normal)  # type: ignore[no-any-return]

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            x = rows[:, :ROW]
            context = self.embed(self.gauge(x))[:, None].expand(-1, SAMPLES, -1)
            posterior = self.flow(context)
            base = self.base.expand(x.shape[0], -1, -1)
            normal, ladj = posterior.transform.inv.call_and_ladj(base)
            log = -0.5 * (base**2).sum(-1) - 0.5 * len(PARAMETERS) * np.log(2 * np.pi) - ladj
            return torch.cat([normal, log[..., None]], dim=-1)

    return Posterior()


def _base() -> torch.Tensor:
    """SAMPLES points (SAMPLES, 5) of the unit normal that fill it evenly (scrambled Sobol)."""
    import torch
    from scipy.special import ndtri
    from scipy.stats import qmc

    unit = qmc.Sobol(len(PARAMETERS), rng=np.random.default_rng(7)).random(SAMPLES)
    return torch.from_numpy(gauge.halved(ndtri(np.clip(unit, 1e-7, 1 - 1e-7))))
