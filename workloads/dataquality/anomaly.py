"""The anomaly detector's network: tiles of a triangle's channels against what noise and signals would put there.

Two questions are asked of every tile of time and frequency. *Is it coherent?* The null stream may hold noise and
what miscalibrated streams leak of a signal, and nothing else. *Is it familiar?* An autoencoder that knows only
binaries redraws the energy of the signal channels through a narrow neck; what it cannot redraw is unfamiliar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workloads.dataquality.triangle import rotation
from workloads.spec import RATE_HZ, RINGDOWN_S, SEGMENT_S

if TYPE_CHECKING:
    import torch

BINS = 32
TIMES = 128
"""Tiles of a window: frequencies times moments."""
LOW_HZ, HIGH_HZ, SPLIT_HZ = 20.0, 850.0, 130.0
QUALITY = 5.0
STEP, _TAPS = 32, (512, 128)
"""Samples between moments, and length of the wavelets below and above SPLIT_HZ."""
SAMPLES = TIMES * STEP
_END = TIMES - round(RINGDOWN_S * RATE_HZ / STEP)
SEARCHED = slice(_END - round(SEGMENT_S * RATE_HZ / STEP), _END)
"""Moments of a window that lie in its searched second."""
_FINE = 4
"""Above SPLIT_HZ so many energies are averaged per moment: their wavelets are shorter than a step."""
POOLS = ((1, 1), (3, 3), (1, 9), (7, 1), (5, 9), (3, 31), (13, 5), (31, 3))
"""Shapes of the clusters (frequencies, times) in which excess is looked for; all odd."""
NECK = 24
"""Numbers through which a window's energy must pass to be redrawn."""
_ROBUST = 10.0
_LARGEST = 30.0
"""Log of the largest energy that is redrawn."""
_NOTHING = 4.0
"""Energy in the signal channels up to which nothing is expected to leak: noise gets there."""


def frequencies_hz() -> NDArray[np.float64]:
    """Centre of each row of tiles, shape (BINS,)."""
    return np.geomspace(LOW_HZ, HIGH_HZ, BINS)


def wavelets(frequency_hz: NDArray[np.float64], taps: int) -> NDArray[np.float32]:
    """Cosine, then sine wavelets of QUALITY, shape (2 * frequency, 1, taps), unit norm."""
    t = (np.arange(taps) - (taps - 1) / 2) / RATE_HZ
    phase = 2 * np.pi * frequency_hz[:, None] * t
    envelope = np.exp(-0.5 * (phase / QUALITY) ** 2)
    pair = np.concatenate([envelope * np.cos(phase), envelope * np.sin(phase)])
    return np.asarray((pair / np.linalg.norm(pair, axis=1, keepdims=True))[:, None], dtype=np.float32)


def clusters() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Matrices (pool, BINS, BINS) and (pool, moment, moment) that take the mean in clusters of each shape.

    Between them go the tiles. A mean over a box is one over frequencies and one over moments: two small products
    are several times faster than a sum over the box, and a cluster at the edge counts what is inside alone.
    """
    moments = SEARCHED.stop - SEARCHED.start
    up = np.array([_means(BINS, high) for high, _ in POOLS])
    along = np.array([_means(moments, wide).T for _, wide in POOLS])
    return up, along


def _means(n: int, width: int) -> NDArray[np.float32]:
    """Matrix (n, n) whose rows take the mean of the `width` numbers around each, as far as there are any."""
    near = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= width // 2
    return np.asarray(near / near.sum(axis=1, keepdims=True), dtype=np.float32)


def network() -> torch.nn.Module:
    """The untrained network: (row, stream, SAMPLES) to (row, [incoherence, unfamiliarity]).

    Both are excesses in scales of their own tail: `settle` sets them. Only moments in SEARCHED count.
    """
    import torch
    from torch import nn

    class Anomaly(nn.Module):
        where: torch.Tensor
        scale: torch.Tensor
        up: torch.Tensor
        along: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.tiles = _tiles()
            self.encoder = _encoder()
            self.decoder = _decoder()
            self.floor = nn.Parameter(torch.zeros(2, BINS, 1))
            self.leak = nn.Parameter(torch.full((BINS, 1), -5.0))
            self.register_buffer("where", torch.zeros(2, len(POOLS)))
            self.register_buffer("scale", torch.ones(2, len(POOLS)))
            up, along = clusters()
            self.register_buffer("up", torch.from_numpy(up), persistent=False)
            self.register_buffer("along", torch.from_numpy(along), persistent=False)

        def expected(self, energy: torch.Tensor) -> torch.Tensor:
            """Mean energies (row, [signal, null], frequency, time) if this is noise, or a signal that leaks."""
            signal = energy[:, :1]
            drawn = self.decoder(self.encoder(torch.log1p(signal))).clamp(max=_LARGEST)
            around = nn.functional.max_pool2d(signal, 3, 1, 1).squeeze(1)
            leaks = torch.exp(self.leak) * nn.functional.relu(around - _NOTHING)
            floor = torch.exp(self.floor)
            return torch.stack([floor[0] + torch.expm1(drawn).squeeze(1), floor[1] + leaks], 1)

        def surprise(self, x: torch.Tensor) -> torch.Tensor:
            """Mean negative log likelihood (row, 1) of energies that are exponential about what is expected.

            Of ratios above _ROBUST only the logarithm counts, so that no loud row takes over the training.
            """
            energy = self.tiles(x)
            mean = self.expected(energy)
            ratio = energy / mean
            tamed = torch.where(ratio > _ROBUST, _ROBUST * (1 + torch.log(ratio / _ROBUST)), ratio)
            return (tamed + torch.log(mean)).mean((1, 2, 3))[:, None]

        def excess(self, x: torch.Tensor) -> torch.Tensor:
            """Largest mean excess (row, [null, signal], pool) in clusters of each shape, in raw units."""
            energy = self.tiles(x)
            mean = self.expected(energy)
            blurred = torch.stack([nn.functional.max_pool2d(mean[:, 0], 3, 1, 1), mean[:, 1]], 1)
            ratio = (energy / blurred)[..., SEARCHED]
            means: torch.Tensor = self.up @ ratio[:, :, None] @ self.along
            return means.amax((3, 4)).flip(1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return ((self.excess(x) - self.where) / self.scale).amax(2)

    return Anomaly()


def learner() -> torch.nn.Module:
    """`network` in the shape that training wants: its output is what it is to make small."""
    from torch import nn

    class Learner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner.surprise(x)  # type: ignore[no-any-return, operator]

    return Learner()


def settle(module: torch.nn.Module, excess: NDArray[np.float32]) -> None:
    """Set the scales of `module` from the `excess` (row, 2, pool) of ordinary data, so that all tails agree.

    The result is minus log10 of the fraction of ordinary windows that exceed it, if the tail is exponential.
    """
    import torch

    tenth, thousandth = np.quantile(excess, [0.9, 0.999], axis=0).astype(np.float32)
    scale = np.maximum((thousandth - tenth) / 2, 1e-6)
    module.get_buffer("scale").copy_(torch.from_numpy(scale))
    module.get_buffer("where").copy_(torch.from_numpy(tenth - scale))


def _tiles() -> torch.nn.Module:
    import torch
    from torch import nn

    class Tiles(nn.Module):
        """(row, stream, sample) to mean energies (row, [signal, null], frequency, time); noise has 1."""

        turn: torch.Tensor
        low: torch.Tensor
        high: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            f = frequencies_hz()
            self.register_buffer("turn", torch.from_numpy(rotation().astype(np.float32)))
            self.register_buffer("low", torch.from_numpy(wavelets(f[f < SPLIT_HZ], _TAPS[0])))
            self.register_buffer("high", torch.from_numpy(wavelets(f[f >= SPLIT_HZ], _TAPS[1])))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            channels = torch.einsum("cs,nst->nct", self.turn, x).reshape(-1, SAMPLES)
            low = self._energy(channels, self.low, STEP)
            high = nn.functional.avg_pool1d(self._energy(channels, self.high, STEP // _FINE), _FINE)
            energy = torch.cat([low, high], 1).reshape(-1, 3, BINS, TIMES)
            return torch.stack([energy[:, :2].mean(1), energy[:, 2]], 1)

        def _energy(self, x: torch.Tensor, filters: torch.Tensor, step: int) -> torch.Tensor:
            """Energies (row, frequency, moment) of `x` (row, sample): a stride is a channel, which is faster."""
            taps = filters.shape[-1]
            padded = nn.functional.pad(x, ((taps - step) // 2, (taps - step) // 2))
            strides = padded.reshape(-1, 1, padded.shape[-1] // step, step).permute(0, 3, 1, 2)
            kernels = filters.reshape(-1, 1, taps // step, step).permute(0, 3, 1, 2)
            y = nn.functional.conv2d(strides, kernels)[:, :, 0]
            squared, half = y * y, filters.shape[0] // 2
            return (squared[:, :half] + squared[:, half:]) / 2

    return Tiles()


def _encoder() -> torch.nn.Module:
    from torch import nn

    layers: list[nn.Module] = []
    for a, b in ((1, 12), (12, 24), (24, 32), (32, 32)):
        layers += [nn.Conv2d(a, b, 5 if a == 1 else 3, 2, 2 if a == 1 else 1), nn.GroupNorm(4, b), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * (BINS // 16) * (TIMES // 16), NECK))


def _decoder() -> torch.nn.Module:
    from torch import nn

    wide = nn.Linear(NECK, 32 * (BINS // 16) * (TIMES // 16))
    layers: list[nn.Module] = [wide, nn.Unflatten(1, (32, BINS // 16, TIMES // 16)), nn.ReLU()]
    for a, b in ((32, 32), (32, 24), (24, 16), (16, 8)):
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(a, b, 3, 1, 1), nn.GroupNorm(4, b), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(8, 1, 3, 1, 1), nn.Softplus())
