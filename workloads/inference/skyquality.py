"""How well sky maps are calibrated, and how large they are: where simulated sources lie in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import kstest

from workloads import ageing, curves
from workloads.drift import NONE, Drift
from workloads.inference import posteriors, skymap
from workloads.inference.prior import Array
from workloads.profile import Figure
from workloads.spec import Program, Progress, Quality

SNR_BANDS = ((8, 16), (16, 32), (32, 64))


@dataclass(frozen=True, eq=False)
class Mapped:
    """Of each source (n,): its SNR, the map's areas in square degrees, and what is searched before it is found."""

    snr: Array
    area_50_deg2: Array
    area_90_deg2: Array
    searched: Array
    searched_deg2: Array


def judge(program: Program, n: int, seed: int, progress: Progress) -> Quality:
    """Searched probability and area of `n` simulated sources, from strain's spectra to the map."""
    found = _mapped(program, n, seed, progress)
    test = kstest(found.searched, "uniform")
    return Quality(
        f"KS {test.statistic:.3f} (p={test.pvalue:.2f}) of the searched probability, median 90 % area "
        f"{np.median(found.area_90_deg2):.0f} square degrees (n={n})",
        {
            "n": n, "ks": round(float(test.statistic), 4), "p": round(float(test.pvalue), 4),
            "in_90_percent_region": round(float(np.mean(found.searched < 0.9)), 4),
            "area_50_deg2": _by_snr(found.area_50_deg2, found.snr),
            "area_90_deg2": _by_snr(found.area_90_deg2, found.snr),
            "searched_deg2": _by_snr(found.searched_deg2, found.snr),
            "whole_sky_deg2": round(skymap.SQUARE_DEGREES),
            "curves": _curves(found),
        },
    )  # fmt: skip


def judge_drifted(
    program: Program, drift: Mapping[str, float], n: int, seed: int, progress: Progress
) -> dict[str, Figure]:
    """Sources that lie in their 90 % regions, and the area searched before they are found, on drifted data."""
    found = _mapped(program, n, seed, progress, Drift(**drift))
    return {
        "sources in the 90 % region": ageing.share(int((found.searched < 0.9).sum()), n),
        "median searched area in deg²": curves.median(found.searched_deg2),
    }


def _mapped(program: Program, n: int, seed: int, progress: Progress, drift: Drift = NONE) -> Mapped:
    units, truth = posteriors.simulated(n, seed, lambda done, text: progress(0.7 * done, text), drift)
    rows = []
    for i, unit in enumerate(units):
        result = program(unit[None])
        searched = skymap.searched(result.density_per_sr[0], truth.cos_theta[i], truth.azimuth[i])
        rows.append((truth.snr[i], result.area_50_deg2[0], result.area_90_deg2[0], *searched))
        progress(0.7 + 0.3 * (i + 1) / n, f"{i + 1} of {n} maps")
    return Mapped(*np.array(rows).T)


def _curves(found: Mapped) -> list[dict[str, Any]]:
    """P–P of the searched probability, and areas by SNR."""
    areas = {"90 % region": found.area_90_deg2, "50 % region": found.area_50_deg2, "searched": found.searched_deg2}
    series = {name: curves.medians(found.snr, area, SNR_BANDS) for name, area in areas.items()}
    return [
        curves.ranks({"searched probability": found.searched}),
        curves.curve(f"n={found.snr.size}", "SNR", "median area in deg²", series, log=(True, True)),
    ]


def _by_snr(area: Array, snr: Array) -> dict[str, list[float]]:
    """Quantiles 5, 50 and 95 % of all events, and of those in each band of SNR."""
    bands = {"8-64": np.full(snr.size, True)}
    bands |= {f"{low}-{high}": (snr >= low) & (snr < high) for low, high in SNR_BANDS}
    return {
        name: np.quantile(area[inside], (0.05, 0.5, 0.95)).round().tolist()
        for name, inside in bands.items()
        if inside.any()
    }
