"""How right the classical sampler is, by its truths' ranks and beside the weighted flow; and what that takes.

Knows the sampler by its output only. It is slow, so events are few.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import combine_pvalues, kstest

from workloads import curves
from workloads.inference import calibration, network, sources
from workloads.inference.estimated import weighted
from workloads.inference.prior import PARAMETERS, Array
from workloads.spec import Program, Progress, Quality

_LEVEL = 0.9


def judge(program: Program, n: int, seed: int, progress: Progress) -> Quality:
    """Quality over `n` events of the prior, from strain's spectra to the draws."""
    from workloads import spec

    flow = spec.load("npe").network
    ranks, apart, error, calls, truth, snr = [], [], [], [], [], []
    for i in range(n):
        event, source = sources.simulated(np.random.default_rng([seed, i]))
        raw = program.network(network.rows([event]))[0].astype(np.float64)
        exact = weighted(flow, event)
        ranks.append((raw[:-3].reshape(-1, len(PARAMETERS)) < source.theta[0]).mean(axis=0))
        apart.append(raw[-3] - exact.log_evidence)
        error.append(np.hypot(raw[-2], exact.log_evidence_error))
        calls.append(raw[-1])
        truth.append(source.theta[0])
        snr.append(source.snr[0])
        progress((i + 1) / n, f"{i + 1} of {n} events")
    figures = {
        "n": n, **_calibration(np.array(ranks)),
        "log_evidence_over_npe_importance": _agreement(np.array(apart), np.array(error)),
        "likelihoods": _spent(np.array(calls), np.array(snr), np.exp(np.array(truth)[:, 0])),
        "curves": _curves(np.array(ranks), np.array(calls), np.exp(np.array(truth)[:, 0])),
    }  # fmt: skip
    evidence, spent = figures["log_evidence_over_npe_importance"], figures["likelihoods"]["quantiles"]
    return Quality(
        f"truths' ranks uniform with p={figures['combined_p']:.2f}, ln evidence {evidence['rms_sigma']:.2f} sigma "
        f"(rms) from npe-importance's, median {spent['0.5']:.0f} likelihoods per event (n={n})",
        figures,
    )


def _calibration(ranks: Array) -> dict[str, Any]:
    """KS tests of the ranks (event, 5), and the share of truths inside the central interval of _LEVEL."""
    p = [float(kstest(r, "uniform").pvalue) for r in ranks.T]
    inside = np.mean(np.abs(ranks - 0.5) < _LEVEL / 2, axis=0)
    return {
        "ks_p": _named(p), "combined_p": round(float(combine_pvalues(p).pvalue), 4),
        f"in_{100 * _LEVEL:.0f}_percent_interval": _named(inside),
    }  # fmt: skip


def _agreement(apart: Array, error: Array) -> dict[str, float]:
    """Differences (event,) of ln evidence, in nats and in standard deviations `error` of both together."""
    return {
        "mean_nats": round(float(apart.mean()), 4),
        "mean_sigma": round(float(np.mean(apart / error) * np.sqrt(apart.size)), 2),
        "rms_sigma": round(float(np.sqrt(np.mean((apart / error) ** 2))), 3),
    }


def _spent(calls: Array, snr: Array, chirp_msun: Array) -> dict[str, Any]:
    """Likelihoods (event,) that were computed: quantiles of all, medians by SNR and chirp mass in Msun."""
    return {
        "quantiles": {str(q): round(float(np.quantile(calls, q))) for q in (0.05, 0.5, 0.95)},
        "median_by_snr": _medians(calls, snr, calibration.SNR_BANDS),
        "median_by_chirp_mass_msun": _medians(calls, chirp_msun, calibration.CHIRP_BANDS_MSUN),
    }


def _curves(ranks: Array, calls: Array, chirp_msun: Array) -> list[dict[str, Any]]:
    """P–P of the ranks (event, 5), and likelihoods (event,) by chirp mass in Msun."""
    return [
        curves.ranks(dict(zip(PARAMETERS, ranks.T, strict=True))),
        curves.curve(
            f"n={calls.size}",
            "chirp mass in solar masses",
            "likelihoods per event",
            {"median": curves.medians(chirp_msun, calls, calibration.CHIRP_BANDS_MSUN)},
            log=(True, True),
        ),
    ]


def _medians(calls: Array, x: Array, bands: tuple[tuple[int, int], ...]) -> dict[str, int]:
    parts = {f"{a}-{b}": calls[(x >= a) & (x < b)] for a, b in bands}
    return {name: round(float(np.median(part))) for name, part in parts.items() if part.size}


def _named(values: NDArray[np.float64] | list[float]) -> dict[str, float]:
    return {name: round(float(v), 4) for name, v in zip(PARAMETERS, values, strict=True)}
