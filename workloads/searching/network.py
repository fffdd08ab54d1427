"""The networks of the detectors: basis coefficients mixed into templates, their power vetoed by convolutions.

The first layer is linear and complex, the same for both signal channels, so what follows sees power only: it does
not depend on a signal's phase, and hardly on its polarisation. It is a coarse bank. All that follows it works on
the largest power in every STEP, a quarter of the numbers. Knows no strain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workloads.searching import basis
from workloads.searching.basis import MARGIN, SIZE, TIMES, Complex

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

STEP = 4
"""Coefficients that share one logit: STEP / COEFFICIENT_HZ seconds."""
LOGITS = (TIMES - 2 * MARGIN) // STEP
BANDS = 2 * (len(basis.BANDS_HZ) - 1)
"""Rows of band powers."""
_INSIDE = slice(MARGIN, MARGIN + STEP * LOGITS)
_AFTER = slice(MARGIN + 1, MARGIN + 1 + STEP * LOGITS)
_QUIET, _SHARPNESS = 7.0, 40.0
"""SNR whose logit is about zero at first, and logits per factor of e in SNR."""
_LOUD, _SLOWLY = 20.0, 0.1
"""Logit above which evidence grows by that fraction only."""
_MIDWAY = 1.15
"""What the power of the mean of two neighbouring coefficients lacks, on average, of that midway."""


def chosen(spectra: Complex, n: int) -> Complex:
    """`n` of the unit-SNR `spectra` (m, BINS) as template coefficients (n, SIZE): greedily those that find most.

    What counts is the mean probability that a binary of SNR 8 to 12 exceeds SNR 8 in its best template.
    """
    from scipy.stats import norm

    unit = spectra / np.linalg.norm(spectra, axis=1, keepdims=True)
    matches = np.array([_best_overlaps(one, unit) for one in unit])
    heard = np.zeros(len(unit))
    found: list[int] = []
    snr = np.arange(8.0, 12.1)[:, None, None]
    for _ in range(n):
        gain = norm.sf(8.0 - snr * np.maximum(heard, matches)).mean(axis=(0, 2))
        gain[found] = -1.0
        found.append(int(gain.argmax()))
        heard = np.maximum(heard, matches[found[-1]])
    coefficients = unit[found].conj() @ basis.load().T
    return np.asarray(coefficients / np.linalg.norm(coefficients, axis=1, keepdims=True), dtype=np.complex64)


def _best_overlaps(one: Complex, others: Complex) -> NDArray[np.float32]:
    overlap = np.fft.ifft(one.conj() * others, 2 * basis.BINS, norm="forward")
    return np.asarray(np.abs(overlap).max(axis=1), dtype=np.float32)


def mixer(templates: int) -> torch.nn.Module:
    """Features (row, CHANNELS, TIMES) to ln(SNR² + 1)/2 of each template, and band powers, LOGITS long.

    The first is the largest in each STEP, the second the mean. Templates are placed, not learned: in Gaussian
    noise nothing beats them, and learning them costs as much again.
    """
    import torch
    from torch import nn

    class Mixer(nn.Module):
        real: torch.Tensor
        imaginary: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("real", torch.randn(templates, SIZE) / SIZE**0.5)
            self.register_buffer("imaginary", torch.randn(templates, SIZE) / SIZE**0.5)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            """Loudness (row, template, LOGITS) and band powers (row, BANDS, LOGITS)."""
            rows = torch.cat([self.real, -self.imaginary], 1), torch.cat([self.imaginary, self.real], 1)
            mix = torch.cat(rows)
            parts = [torch.matmul(mix, x[:, first : first + 2 * SIZE]) for first in (0, 2 * SIZE)]
            here = self.power(*(z[..., _INSIDE] for z in parts))
            midway = self.power(*(z[..., _INSIDE] + z[..., _AFTER] for z in parts)) * (0.25 * _MIDWAY)
            largest = nn.functional.max_pool1d(torch.maximum(here, midway), STEP)
            bands = nn.functional.avg_pool1d(x[:, 4 * SIZE :, _INSIDE], STEP)
            return 0.5 * torch.log(largest + 1.0), bands

        def power(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
            """Sum of squares of real and imaginary parts, which lie one below the other, of both channels."""
            square = first * first + second * second
            return square[:, :templates] + square[:, templates:]

    return Mixer()


def evidence(templates: int) -> torch.nn.Module:
    """ln SNR (row, template, time) to one (row, 1, time): a maximum over templates, soft and weighted.

    Beyond _LOUD it grows slowly, so that a loud glitch can be judged by few numbers.
    """
    import torch
    from torch import nn

    class Evidence(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(templates, 1))
            self.sharpness = nn.Parameter(torch.tensor(_SHARPNESS))

        def forward(self, loudness: torch.Tensor) -> torch.Tensor:
            each = self.sharpness * (loudness - float(np.log(_QUIET))) + self.weight
            top = each.amax(1, keepdim=True)
            whole = top + torch.log(torch.exp(each - top).sum(1, keepdim=True))
            return whole - (1 - _SLOWLY) * nn.functional.softplus(whole - _LOUD)

    return Evidence()


def veto(inputs: int, width: int) -> torch.nn.Module:
    """Small convolutions with a view of the whole second: (row, inputs, time) to what is taken off (row, 1, time).

    It is never negative and begins near zero: noise alone has the score of the templates unless training is
    sure of a glitch, so the tail of false alarms stays theirs.
    """
    import torch
    from torch import nn

    class Veto(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv1d(inputs, width, 3, padding=1)
            self.whole = nn.Linear(width, width)
            self.second = nn.Conv1d(width, width, 5, padding=2)
            self.last = nn.Conv1d(width, 1, 5, padding=2)
            nn.init.zeros_(self.last.weight)
            nn.init.constant_(self.last.bias, -4.0)  # type: ignore[arg-type]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.softplus(self.doubt(x))

        def doubt(self, x: torch.Tensor) -> torch.Tensor:
            """The same of any sign, large where a glitch is seen."""
            h = torch.relu(self.first(x))
            h = h + self.whole(h.mean(2)).unsqueeze(2)
            last: torch.Tensor = self.last(torch.relu(self.second(torch.relu(h))))
            return last

    return Veto()


def detector(templates: int, objection: torch.nn.Module) -> torch.nn.Module:
    """Features (row, CHANNELS, TIMES) to (row, LOGITS): evidence of the templates less `objection`, a veto.

    The veto sees (row, templates + BANDS, LOGITS) and gives (row, 1, LOGITS).
    """
    import torch
    from torch import nn

    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mixer, self.evidence, self.veto = mixer(templates), evidence(templates), objection

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            loudness, bands = self.mixer(x)
            logit: torch.Tensor = self.evidence(loudness) - self.veto(self.seen(loudness, bands))
            return logit[:, 0]

        def seen(self, loudness: torch.Tensor, bands: torch.Tensor) -> torch.Tensor:
            """What the veto looks at, about zero in noise."""
            return torch.cat([loudness - 1.0, 0.5 * bands], 1)

        def loudest(self, x: torch.Tensor, n: int) -> torch.Tensor:
            """Indices (row, n) of the templates that are loudest in the searched second."""
            heard: torch.Tensor = self.mixer(x)[0]
            return heard.amax(2).topk(n).indices

    return Detector()


def begun(module: torch.nn.Module, coefficients: Complex) -> torch.nn.Module:
    """`module` with its mixer set to template `coefficients` (template, SIZE)."""
    return taken(module, {"mixer.real": coefficients.real, "mixer.imaginary": coefficients.imag})


def taken(module: torch.nn.Module, weights: Mapping[str, NDArray[np.float32]]) -> torch.nn.Module:
    """`module` with those of its weights that `weights` holds; ValueError when it has no place for one of them."""
    import torch

    given = {k: torch.from_numpy(np.array(v, np.float32)) for k, v in weights.items()}
    if surplus := module.load_state_dict(given, strict=False).unexpected_keys:
        places = ", ".join(module.state_dict())
        raise ValueError(f"weights without a place: {', '.join(surplus)}; places: {places}")
    return module
