"""How well sky maps are calibrated, and how large they are: where simulated sources lie in them."""

from __future__ import annotations

import numpy as np
from scipy.stats import kstest

from workloads.inference import posteriors, skymap
from workloads.inference.prior import Array
from workloads.spec import Program, Progress, Quality

SNR_BANDS = ((8, 16), (16, 32), (32, 64))


def judge(program: Program, n: int, seed: int, progress: Progress) -> Quality:
    """Searched probability and area of `n` simulated sources, from strain's spectra to the map."""
    units, truth = posteriors.simulated(n, seed, lambda done, text: progress(0.7 * done, text))
    found, searched_deg2, areas = [], [], []
    for i, unit in enumerate(units):
        result = program(unit[None])
        probability, area = skymap.searched(result.density_per_sr[0], truth.cos_theta[i], truth.azimuth[i])
        found.append(probability)
        searched_deg2.append(area)
        areas.append((result.area_50_deg2[0], result.area_90_deg2[0]))
        progress(0.7 + 0.3 * (i + 1) / n, f"{i + 1} of {n} maps")
    test = kstest(found, "uniform")
    area_50, area_90 = np.array(areas).T
    inside = float(np.mean(np.array(found) < 0.9))
    return Quality(
        f"KS {test.statistic:.3f} (p={test.pvalue:.2f}) of the searched probability, median 90 % area "
        f"{np.median(area_90):.0f} square degrees (n={n})",
        {
            "n": n, "ks": round(float(test.statistic), 4), "p": round(float(test.pvalue), 4),
            "in_90_percent_region": round(inside, 4),
            "area_50_deg2": _by_snr(area_50, truth.snr), "area_90_deg2": _by_snr(area_90, truth.snr),
            "searched_deg2": _by_snr(np.array(searched_deg2), truth.snr),
            "whole_sky_deg2": round(skymap.SQUARE_DEGREES),
        },
    )  # fmt: skip


def _by_snr(area: Array, snr: Array) -> dict[str, list[float]]:
    """Quantiles 5, 50 and 95 % of all events, and of those in each band of SNR."""
    bands = {"8-64": np.full(snr.size, True)}
    bands |= {f"{low}-{high}": (snr >= low) & (snr < high) for low, high in SNR_BANDS}
    return {
        name: np.quantile(area[inside], (0.05, 0.5, 0.95)).round().tolist()
        for name, inside in bands.items()
        if inside.any()
    }
