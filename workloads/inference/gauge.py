"""What a network sees of an event: features that do not depend on the signal's phase and handedness.

The data are turned to the direction and phase in which a plain chirp of the frame's chirp mass is loudest, at the
loudest of some lags. Knows no posterior, and no waveform but that chirp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads.inference import basis as bases
from workloads.inference.frame import Frame

if TYPE_CHECKING:
    import torch

_LAGS = 21
FEATURES = 2 * bases.SIZE + _LAGS + 3
_MERGER_HZ_MSUN = 7000.0
"""Chirp mass times frequency at which a waveform ends."""
_UNIT = 1e-23
"""Brings strain into the range of half precision."""


def build(gain: NDArray[np.float32] | None) -> torch.nn.Module:
    """A module from rows (row, 4 K + 2) to features (row, FEATURES); `gain` (K,) scales coefficients."""
    import torch
    from torch import nn

    class Gauge(nn.Module):
        inner_real: torch.Tensor
        inner_imag: torch.Tensor
        node_hz: torch.Tensor
        chirp: torch.Tensor
        lag_rad: torch.Tensor
        gain: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            for name, value in _buffers(gain).items():
                self.register_buffer(name, torch.from_numpy(value))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Features (row, FEATURES) of rows (row, 4 K + 2)."""
            chirp, snr = x[:, -2].exp(), x[:, -1].exp()
            real, imag = x[:, :-2].reshape(-1, 2, 2, bases.SIZE).unbind(2)
            at_real = real @ self.inner_real + imag @ self.inner_imag
            at_imag = imag @ self.inner_real - real @ self.inner_imag
            cut = self.chirp / (1 + (chirp[:, None] * self.node_hz / _MERGER_HZ_MSUN) ** 8)
            turn = self.lag_rad * (8 / snr[:, None, None]) ** 0.7
            c, s = cut[:, None] * turn.cos(), cut[:, None] * turn.sin()
            z_real = at_real @ c.mT - at_imag @ s.mT
            z_imag = at_imag @ c.mT + at_real @ s.mT
            power = (z_real**2 + z_imag**2).sum(1)
            peak, where = power.max(1, keepdim=True)
            pick = where[:, None].expand(-1, 2, 1)
            a, b = (z.gather(2, pick) / peak[:, None].sqrt() for z in (z_real, z_imag))
            loud = torch.cat([(a * real + b * imag).sum(1), (a * imag - b * real).sum(1)], dim=1)
            loud = loud * self.gain / snr[:, None]
            lag = 2 * where / (_LAGS - 1) - 1
            about = torch.cat([lag, x[:, -2:-1] - 3.2, x[:, -1:] - 3.0], dim=1)
            return torch.cat([loud, (power / peak).sqrt(), about], dim=1)

    return Gauge()


def halved(value: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """`value` rounded to what half precision holds, which is how weights are stored."""
    return value.astype(np.float16).astype(np.float32)


def _buffers(gain: NDArray[np.float32] | None) -> dict[str, NDArray[np.float32]]:
    basis = bases.load()
    lag_s = np.linspace(-1, 1, _LAGS) * Frame(np.array(3.0), np.array(0.0), np.array(8.0)).time_half_s()
    scale = np.ones(bases.SIZE) if gain is None else gain
    buffers = {
        "inner_real": basis.interpolate.real * _UNIT, "inner_imag": basis.interpolate.imag * _UNIT,
        "node_hz": basis.node_hz, "chirp": (basis.node_hz / 50.0) ** (-7 / 6),
        "lag_rad": 2 * np.pi * lag_s[:, None] * basis.node_hz, "gain": np.concatenate([scale, scale]),
    }  # fmt: skip
    return {name: halved(value) for name, value in buffers.items()}
