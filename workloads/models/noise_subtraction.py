"""Noise subtraction: predicts from witness sensors what they say of the strain's noise, and takes it off, online.

Conditioning before a search, on a simulated coupling. What it leaves is compared with Wiener's filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import ageing, curves, training
from workloads.dataquality import cleaner, coupling, wiener
from workloads.dataquality.cleaner import EDGE
from workloads.dataquality.coupling import BAND_HZ, SAMPLE_HZ, WITNESSES, Change, Stretch
from workloads.drift import one_at_a_time
from workloads.profile import Figure
from workloads.runtime import REDUCED
from workloads.spec import NETWORK, Program, Progress, Quality, Settings
from workloads.training import Batch, Course, Taught
from workloads.unit import Unit

if TYPE_CHECKING:
    import torch

SAMPLES = 8 * SAMPLE_HZ
STEPS = 1500
_BATCH, _HELD_OUT = 16, 128
_JUDGED = 2_000
_SIGNAL_SNR = 20.0
_BANDS, _PARTS, _T_95 = 20, 5, 2.776
"""Bands and parts of the noise's spectrum, and the two-sided 95 % point of Student's t for that many parts."""


@dataclass(frozen=True)
class Cleaned:
    """`strain` (batch, sample), EDGE shorter at either end, and the `removed` fraction (batch,) of power."""

    strain: NDArray[np.float64]
    removed: NDArray[np.float64]


class NoiseSubtraction:
    """The prediction sees the witnesses only: what they do not see stays as it is, to the last bit of rounding."""

    name = "noise-subtraction"
    task = "conditioning"
    unit = Unit(
        "strain and witnesses",
        f"whitened strain, then the witnesses {', '.join(WITNESSES)} in units of their usual RMS",
        ("channel", "sample"),
        (1 + len(WITNESSES), SAMPLES),
        float(SAMPLE_HZ),
        longest_repeat=8,
    )
    outcome = None
    runtimes = tuple(r for r in NETWORK if r not in REDUCED)
    """In bf16 single samples are off by up to 0.3 of the floor's deviation: it subtracts large numbers."""
    drifts = one_at_a_time(
        coupling=(-0.2, -0.1, 0.1, 0.2, 0.5), resonance=(-0.05, -0.02, 0.02, 0.05), sensors=(1.0, 4.0, 9.0)
    )

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """The channels as they are, shape (batch, channel, SAMPLES)."""
        return np.asarray(units, np.float32)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> Cleaned:
        """The cleaned series, and how much of its power is gone."""
        before = np.mean(rows[:, 0, EDGE:-EDGE].astype(np.float64) ** 2, axis=1)
        after = raw.astype(np.float64)
        return Cleaned(after, 1 - np.mean(after**2, axis=1) / before)

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Stretches of noise with all couplings."""
        return _channels(coupling.draw(n, SAMPLES, np.random.default_rng([seed, n]))).astype(np.float64)

    def module(self) -> torch.nn.Module:
        """The untrained network: (row, channel, SAMPLES) to the cleaned strain (row, SAMPLES - 2 EDGE)."""
        return cleaner.network()

    def teach(self, course: Course) -> Taught:
        """Taught to leave as little power as it can, on noise drawn afresh at each step."""
        held_out = _batch(_HELD_OUT, np.random.default_rng([course.seed, 2]))

        def batch(done: float, rng: np.random.Generator) -> Batch:
            return _batch(_BATCH, rng)

        fitted = training.fit(course, self.module, batch, _power, held_out, STEPS, 4e-3)
        left = float(np.mean(training.apply(fitted.module, held_out[0]) ** 2))
        return fitted.taught(
            {
                "data": "stretches of 8 s with simulated couplings; the same stretches chose the checkpoint",
                "n": _HELD_OUT,
                "power_before": round(float(np.mean(held_out[0][:, 0] ** 2)), 3),
                "power_after": round(left, 4),
                "power_of_floor": 1.0,
            }
        )

    def settle(
        self, program: Program, tries: int | None, progress: Progress
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Nothing to set."""
        return {}, {}

    def judge(self, program: Program, effort: float, seed: int, progress: Progress) -> Quality:
        """Residual noise beside the best linear filters, and what becomes of a signal's SNR."""
        n = max(40, round(effort * _JUDGED))
        rng = np.random.default_rng(seed)
        seen = coupling.draw(n, SAMPLES, rng)
        cut, band = slice(EDGE, -EDGE), _band()
        clean = _cleaned(program, _channels(seen), progress)
        floor = wiener.power(seen.floor[:, cut])
        left = {
            "raw": wiener.power(seen.strain[:, cut]),
            "network": wiener.power(clean),
            "wiener": wiener.residual(seen.strain[:, cut], wiener.inputs(seen, product=False)[..., cut]),
            "wiener_with_product": wiener.residual(
                seen.strain[:, cut], wiener.inputs(seen, product=True)[..., cut]
            ),
        }
        ratio = {k: np.sqrt(v / floor)[band] for k, v in left.items()}
        signal, leak = _signal_ratios(program, seen, clean, left["network"], band, rng)
        about = {k: {"mean": float(r.mean()), "largest": float(r.max())} for k, r in ratio.items()}
        return Quality(
            f"noise {about['raw']['mean']:.2f} -> {about['network']['mean']:.3f} times the floor in "
            f"{BAND_HZ[0]:g}-{BAND_HZ[1]:g} Hz (best linear filter {about['wiener']['mean']:.2f}, told of the "
            f"product {about['wiener_with_product']['mean']:.3f}; n={n} stretches); signals keep "
            f"{signal['mean']:.4f} +- {signal['ci95']:.4f} of their SNR",
            {
                "stretches": n, "asd_over_floor": about, "signal_snr": signal, "signal_snr_unsafe_witness": leak,
                "curves": [_spectrum(seen, clean)],
            },
        )  # fmt: skip

    def judge_drifted(
        self, program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
    ) -> dict[str, Figure]:
        """Noise before and after, over the floor, where the couplings have changed since it learned them."""
        n = max(40, round(effort * _JUDGED))
        seen = coupling.draw(n, SAMPLES, np.random.default_rng(seed), Change(**drift))
        clean = _cleaned(program, _channels(seen), progress)
        return {
            "noise before, over the floor": _over_floor(seen.strain[:, EDGE:-EDGE]),
            "noise after, over the floor": _over_floor(clean),
        }


def _band() -> NDArray[np.bool_]:
    """Which frequencies of a cleaned stretch lie in BAND_HZ."""
    f = np.fft.rfftfreq(SAMPLES - 2 * EDGE, 1 / SAMPLE_HZ)
    return np.asarray((f >= BAND_HZ[0]) & (f <= BAND_HZ[1]))


def _spectrum(seen: Stretch, clean: NDArray[np.float64]) -> dict[str, Any]:
    """Amplitude of the noise over the floor's in _BANDS bands, before and after, and beside linear filters.

    Intervals are those of the mean over _PARTS parts of the stretches, each with filters of its own.
    """
    parts = np.array_split(np.arange(len(clean)), _PARTS)
    each = [_banded(Stretch(seen.floor[p], seen.coupled[p], seen.witnesses[p]), clean[p]) for p in parts]
    half = {k: _T_95 * np.std([e[k] for e in each], axis=0, ddof=1) / np.sqrt(_PARTS) for k in each[0]}
    middle = {k: np.mean([e[k] for e in each], axis=0) for k in each[0]}
    edges = np.linspace(*BAND_HZ, _BANDS + 1)
    centre = (edges[1:] + edges[:-1]) / 2
    return curves.curve(
        f"stretches of {SAMPLES / SAMPLE_HZ:g} s, n={len(clean)}",
        "frequency in Hz",
        "amplitude of noise over the floor's",
        {
            k: [
                (float(f), Figure(m, m - h, m + h, len(clean)))
                for f, m, h in zip(centre, middle[k].tolist(), half[k].tolist(), strict=True)
            ]
            for k in middle
        },
        log=(False, True),
        expected=[(f, Figure(1.0, 1.0, 1.0, 0)) for f in BAND_HZ],
    )


def _banded(seen: Stretch, clean: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Root of the mean power over the floor's (_BANDS,) of what is left, by what left it."""
    cut = slice(EDGE, -EDGE)
    strain = seen.strain[:, cut]
    left = {
        "strain": wiener.power(strain),
        "best linear filter": wiener.residual(strain, wiener.inputs(seen, product=False)[..., cut]),
        "linear, told of the product": wiener.residual(strain, wiener.inputs(seen, product=True)[..., cut]),
        "network": wiener.power(clean),
    }
    f = np.fft.rfftfreq(strain.shape[-1], 1 / SAMPLE_HZ)
    band = np.digitize(f[_band()], np.linspace(*BAND_HZ, _BANDS + 1)[1:-1])
    floor = np.bincount(band, wiener.power(seen.floor[:, cut])[_band()], _BANDS)
    return {k: np.sqrt(np.bincount(band, p[_band()], _BANDS) / floor) for k, p in left.items()}


def _over_floor(series: NDArray[np.floating]) -> Figure:
    """Root of the mean power in BAND_HZ of stretches (n, sample) in units of the floor's."""
    power = ageing.mean(np.array([wiener.power(row[None])[_band()].mean() for row in series]))
    value, low, high = np.sqrt(np.maximum([power.value, power.low, power.high], 0.0)).tolist()
    return Figure(value, low, high, power.n)


def _channels(stretch: Stretch) -> NDArray[np.float32]:
    return np.concatenate([stretch.strain[:, None], stretch.witnesses], axis=1)


def _batch(n: int, rng: np.random.Generator) -> Batch:
    return _channels(coupling.draw(n, SAMPLES, rng)), np.zeros(n, np.float32)


def _power(left: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return (left**2).mean()


def _cleaned(program: Program, channels: NDArray[np.float32], progress: Progress) -> NDArray[np.float64]:
    parts = []
    for first in range(0, len(channels), 50):
        parts.append(program(channels[first : first + 50].astype(np.float64)).strain)
        progress(first / len(channels), f"{program.workload.name}: stretches")
    return np.concatenate(parts)


def _signal_ratios(
    program: Program,
    seen: Stretch,
    clean: NDArray[np.float64],
    power: NDArray[np.float64],
    band: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[dict[str, float], dict[str, float]]:
    """SNR recovered over SNR put in, of chirps in cleaned noise; and where the floor's sensor hears 5 % of them.

    The SNR is that of a matched filter in the noise that is left; its own scatter averages out over stretches.
    """
    chirps = np.array([_chirp(rng) for _ in range(len(clean))])
    strength = _SIGNAL_SNR / np.sqrt(_inner(chirps, chirps, power, band))
    chirps *= strength[:, None]
    both = []
    for heard in (0.0, 0.05):
        channels = _channels(seen)
        channels[:, 0, EDGE:-EDGE] += chirps.astype(np.float32)
        channels[:, 1, EDGE:-EDGE] += (heard * chirps).astype(np.float32)
        found = _cleaned(program, channels, lambda done, text: None)
        ratios = _inner(found, chirps, power, band) / _inner(chirps, chirps, power, band)
        both.append({"mean": float(ratios.mean()), "ci95": float(1.96 * ratios.std() / np.sqrt(len(ratios)))})
    return both[0], both[1]


def _chirp(rng: np.random.Generator) -> NDArray[np.float64]:
    """A Newtonian chirp (sample,) from 20 Hz up to 110 Hz, of a random chirp mass of 15 to 40 Msun."""
    samples = SAMPLES - 2 * EDGE
    mass_s = rng.uniform(15.0, 40.0) * 4.925491e-6
    before_s = rng.uniform(0.6, 0.95) * samples / SAMPLE_HZ - np.arange(samples) / SAMPLE_HZ
    tau = np.maximum(before_s, 1e-3)
    f = (5 / (256 * tau)) ** 0.375 * mass_s**-0.625 / np.pi
    phase = -2 * (tau / (5 * mass_s)) ** 0.625 + rng.uniform(0, 2 * np.pi)
    return np.asarray(np.where((f > BAND_HZ[0]) & (f < BAND_HZ[1]), f ** (2 / 3) * np.cos(phase), 0.0))


def _inner(
    a: NDArray[np.float64], b: NDArray[np.float64], power: NDArray[np.float64], band: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Noise-weighted product (n,) of series (n, sample) in noise of that `power`."""
    product = np.fft.rfft(a) * np.fft.rfft(b).conj()
    return np.asarray(2 / a.shape[-1] * np.sum((product.real / power)[:, band], axis=1))


WORKLOAD = NoiseSubtraction()
