"""What a search coherent over the whole window would take, and find: calculated, beside one FFT that is timed.

The calculation wants the same chirp masses and times as the searches, and Gaussian noise; mass ratio and spins,
which a coherent bank needs as well, are left out: it is a lower bound of the cost.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.optimize import brentq

from workloads import psd
from workloads.premerger import examples, inspiral, quality, sources
from workloads.premerger.bands import LONGEST_S, SHORTEST_S
from workloads.premerger.stack import CHIRP_MASS_MSUN
from workloads.premerger.window import BAND_HZ, CHANNELS, EDGE_S, SEARCHED_S
from workloads.waveform import Binary

MINIMAL_MATCH = 0.95
"""Fraction of the SNR that the nearest template finds at least."""
_POINTS = 1 << 17
"""Of the FFT of a template: 1424 s of 51 Hz, padded to a power of two."""


def run() -> dict[str, Any]:
    """Templates, ms per unit, the SNR a threshold would need, and the final SNR from which half are warned of."""
    log_mass = np.log(np.geomspace(*CHIRP_MASS_MSUN, 400))
    density = [np.sqrt(_metric(float(np.exp(m)))) for m in log_mass]
    templates = int(np.trapezoid(density, log_mass) / (2 * np.sqrt(1 - MINIMAL_MATCH)))
    trials = templates * (LONGEST_S - SHORTEST_S) * (BAND_HZ[1] - BAND_HZ[0])
    threshold = float(
        brentq(lambda r: np.log(trials) - r**2 / 2 + np.log1p(r**2 / 2) - np.log(quality.FALSE_ALARM), 4, 20)
    )
    half = {
        f"{ahead_s:g}": round(threshold / sources.gathered(Binary(1.4, 1.4), ahead_s + EDGE_S, SEARCHED_S), 1)
        for ahead_s in examples.AHEAD_S
    }
    each_ms = _fft_ms() * CHANNELS
    return {
        "standing": "calculated, but for the time of one FFT",
        "minimal_match": MINIMAL_MATCH,
        "templates": templates,
        "fft_cpu_ms_per_template": round(each_ms, 2),
        "cpu_s_per_unit": round(each_ms * templates / 1e3, 1),
        "threshold_snr": round(threshold, 2),
        "snr_half_warned_1.4+1.4": half,
    }


def _metric(chirp_mass_msun: float) -> float:
    """Fraction of SNR lost per squared difference in log chirp mass, over phase and time, SHORTEST_S ahead."""
    edges = inspiral.frequency_hz(np.array([SHORTEST_S + SEARCHED_S, SHORTEST_S]), chirp_mass_msun)
    low, high = np.clip(edges, *BAND_HZ)
    if high < 1.02 * low:
        return 0.0
    f = np.linspace(low, high, 20_000)
    weight: NDArray[np.float64] = f ** (-7 / 3) / psd.load().at(f)
    weight /= weight.sum()
    step = 1e-4
    ahead, behind = (inspiral.before_merger_s(f, chirp_mass_msun * np.exp(s)) for s in (step, -step))
    slope = 2 * np.pi * np.cumsum((ahead - behind) / (2 * step)) * (f[1] - f[0])
    basis = np.stack([np.ones_like(f), f])
    fit = np.linalg.solve((basis * weight) @ basis.T, (basis * weight) @ slope)
    return float(np.sum(weight * (slope - fit @ basis) ** 2) / 2)


def _fft_ms(tries: int = 15) -> float:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((_POINTS, 2)).astype(np.float32).view(np.complex64)[:, 0]
    took = []
    for _ in range(tries):
        begun = time.process_time()
        scipy.fft.ifft(x)
        took.append(time.process_time() - begun)
    return float(1e3 * np.median(took))
