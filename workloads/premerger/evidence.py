"""What the network of the early warning sees, and the network: evidence on a map of chirp mass and time to merger.

The front end is that of the filter, coherent in narrower bands and therefore cheap; its sums over groups of bands
are left for the network to weigh and to fit together. The network gives each point of the map a logit, so that the
exponentials of all of them sum to the odds that there is an inspiral.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workloads.premerger import bands as pieces
from workloads.premerger.bands import SHORTEST_S
from workloads.premerger.stack import Stack, place
from workloads.premerger.window import CHANNELS

if TYPE_CHECKING:
    import torch

BANDS, SERIES_HZ = 128, 2
GROUPS = 4
"""Groups of neighbouring bands, each summed by itself."""
INPUTS = GROUPS + 1
MATCH = 0.7
"""Minimal match of the map's chirp masses, of power: coarse, since the network looks at neighbours as well."""
LOUDEST = 1e4
"""Sums are held at that many standard deviations: enough for any signal, and no number grows too large."""
_WIDTH, _KERNEL, _PRIOR = 8, 5, -14.0
_SCALE = np.sqrt(4 * CHANNELS * BANDS / GROUPS)
Map = NDArray[np.float32]


@cache
def stack() -> Stack:
    """The bank and bands behind the map."""
    bands = pieces.split(BANDS, SERIES_HZ)
    return Stack(place(bands, MATCH), bands)


def shape() -> tuple[int, int, int]:
    """Of one map: INPUTS, chirp masses, times to merger."""
    return INPUTS, len(stack().chirp_mass_msun), stack().times


def evidence(spectra: NDArray[np.complex64], templates: slice = slice(None)) -> Map:
    """The map (INPUTS, template, time) of channels with rfft `spectra` (channel, bin), zero if missing."""
    there = spectra[spectra.any(axis=-1)]
    return mapped(pieces.power(there, stack().filters, stack().bands), len(there), templates)


def mapped(power: NDArray[np.float32], channels: int, templates: slice = slice(None)) -> Map:
    """The map (INPUTS, template, time) of the `power` (filter, point) of so many channels.

    The power in each group of bands, less its mean in noise, in standard deviations of a whole group; then the
    share of all bands that have been crossed within the window.
    """
    bank = stack()
    excess = power - np.float32(2 * channels)
    group = bank.filters.band * GROUPS // BANDS
    tracks = bank.tracks[templates]
    out = np.zeros((INPUTS, len(tracks), bank.times), np.float32)
    for t, track in ((t, track) for t, mine in enumerate(tracks) for track in mine):
        begin, end = track.sample + track.first, track.sample + track.last
        out[group[track.row], t, track.first : track.last] += excess[track.row, begin:end]
    out[:GROUPS] = np.minimum(out[:GROUPS] / np.float32(_SCALE), LOUDEST)
    out[GROUPS] = bank.counts[templates] / BANDS
    return out


def place_of(chirp_mass_msun: float, merger_in_s: float) -> tuple[int, int]:
    """The point of the map nearest to an inspiral."""
    nearest = int(np.abs(np.log(stack().chirp_mass_msun / chirp_mass_msun)).argmin())
    return nearest, round((merger_in_s - SHORTEST_S) * SERIES_HZ)


def logits() -> torch.nn.Module:
    """The untrained part that is trained: maps (row, INPUTS, template, time) to logits (row, template, time)."""
    from torch import nn

    net = nn.Sequential(
        nn.Conv2d(INPUTS, _WIDTH, _KERNEL, padding=_KERNEL // 2),
        nn.ReLU(),
        nn.Conv2d(_WIDTH, _WIDTH, 1),
        nn.ReLU(),
        nn.Conv2d(_WIDTH, 1, 1),
        nn.Flatten(1, 2),
    )
    nn.init.constant_(net[4].bias, _PRIOR)  # type: ignore[arg-type]
    return net


def network() -> torch.nn.Module:
    """Maps (row, *shape()) to (row, [largest logit, time to merger in s, log chirp mass]), the last two as means.

    The largest logit, not that of all odds, since its tail in noise is exponential from early on.
    """
    import torch

    class Evidence(torch.nn.Module):
        time_s: torch.Tensor
        log_mass: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.logits = logits()
            time_s = SHORTEST_S + torch.arange(stack().times, dtype=torch.float32) / SERIES_HZ
            self.register_buffer("time_s", time_s)
            log_mass = torch.from_numpy(np.log(stack().chirp_mass_msun).astype(np.float32))
            self.register_buffer("log_mass", log_mass)

        def forward(self, maps: torch.Tensor) -> torch.Tensor:
            logit = self.logits(maps)
            top = logit.amax((1, 2), keepdim=True)
            odds = torch.exp(logit - top)
            total = odds.sum((1, 2))
            time_s = (odds.sum(1) @ self.time_s) / total
            log_mass = (odds.sum(2) @ self.log_mass) / total
            return torch.stack([top[:, 0, 0], time_s, log_mass], dim=1)

    return Evidence()
