"""How well an estimator's posteriors are calibrated, and how sharp they are, over events whose truth is known.

Calibration alone proves nothing: a posterior equal to the prior passes it. So what is learned (nats over the
prior, widths against the prior's) and what is left to learn (widths against the exact posterior's, sample
efficiency) are always reported with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import combine_pvalues, kstest

from workloads import curves
from workloads.drift import NONE, Drift
from workloads.inference import basis, likelihood, prior
from workloads.inference.estimated import estimated
from workloads.inference.prior import PARAMETERS, Array
from workloads.spec import Network, Progress, Quality

if TYPE_CHECKING:
    from workloads.spec import Program

EVENTS = 1000
SNR_BANDS = ((8, 12), (12, 20), (20, 36), (36, 64))
CHIRP_BANDS_MSUN = ((8, 12), (12, 18), (18, 27), (27, 70))


@dataclass(frozen=True, eq=False)
class Trial:
    """One event: truth (5,), ranks of it in the flow's and in the weighted draws (5,), widths of both (5,).

    `gain` is ln of posterior over prior at the truth, for the exact posterior; `shortfall` how far the flow is
    from that one, as KL(exact || flow). Both in nats.
    """

    snr: float
    truth: Array
    rank: Array
    weighted_rank: Array
    width: Array
    weighted_width: Array
    gain: float
    shortfall: float
    efficiency: float


def trials(flow: Network, n: int, seed: int, progress: Progress, drift: Drift = NONE) -> list[Trial]:
    """`n` events of the prior through trigger, flow and importance sampling, in Gaussian noise that may drift."""
    found: list[Trial] = []
    for i in range(n):
        found.append(trial(flow, [seed, i], drift))
        progress((i + 1) / n, f"{i + 1} of {n} events")
    return found


def trial(flow: Network, seed: list[int], drift: Drift = NONE) -> Trial:
    """One event of a seed."""
    one = estimated(flow, np.random.default_rng(seed), drift)
    truth, exact = one.source.theta[0], one.posterior
    below = exact.theta < truth
    mean = exact.weight @ exact.theta
    return Trial(
        snr=float(one.source.snr[0]),
        truth=truth,
        rank=below.mean(axis=0),
        weighted_rank=exact.weight @ below,
        width=exact.theta.std(axis=0),
        weighted_width=np.sqrt(exact.weight @ (exact.theta - mean) ** 2),
        gain=float(likelihood.log_likelihood(one.event, truth[None], basis.load())[0]) - exact.log_evidence,
        shortfall=float(np.sum(exact.weight * np.log(np.maximum(exact.weight * exact.weight.size, 1e-300)))),
        efficiency=exact.efficiency,
    )


def summary(found: list[Trial]) -> dict[str, Any]:
    """Calibration of flow and weighted draws, what was learned and what was left, as numbers for a card."""
    efficiency = np.array([t.efficiency for t in found])
    middle = curves.median(efficiency)
    snr = np.array([t.snr for t in found])
    wide = prior.draw(20_000, np.random.default_rng(1)).std(axis=0)
    width, weighted = (np.array([getattr(t, k) for t in found]) for k in ("width", "weighted_width"))
    bands = {f"{a}-{b}": (snr >= a) & (snr < b) for a, b in SNR_BANDS}
    chirp = np.exp([t.truth[0] for t in found])
    masses = {f"{a}-{b}": (chirp >= a) & (chirp < b) for a, b in CHIRP_BANDS_MSUN}
    return {
        "n": len(found),
        "flow": _calibration(np.array([t.rank for t in found])),
        "weighted": _calibration(np.array([t.weighted_rank for t in found])),
        "exact_gain_over_prior_nats": round(float(np.mean([t.gain for t in found])), 3),
        "flow_gain_over_prior_nats": round(float(np.mean([t.gain - t.shortfall for t in found])), 3),
        "width_over_prior": _by_parameter(np.median(width / wide, axis=0)),
        "width_over_weighted": _by_parameter(np.median(width / weighted, axis=0)),
        "efficiency": {
            "quantiles": {
                str(q): round(float(np.quantile(efficiency, q)), 4) for q in (0.05, 0.25, 0.5, 0.75, 0.95)
            },
            "median_95ci": [round(x, 4) for x in (middle.low, middle.high)],
            "above_0.01": round(float(np.mean(efficiency > 0.01)), 4),
            "median_by_snr": _medians(efficiency, bands),
            "median_by_chirp_mass_msun": _medians(efficiency, masses),
        },
    }


def judge(program: Program, effort: float, seed: int, progress: Progress, reweighted: bool) -> Quality:
    """Quality of a flow's program, or of its weighted draws, over EVENTS times `effort` events."""
    found = trials(program.network, max(8, round(EVENTS * effort)), seed, progress)
    figures = summary(found) | {"curves": _curves(found, reweighted)}
    worst = figures["weighted" if reweighted else "flow"]["largest_ks"]
    gain, n = figures["flow_gain_over_prior_nats"], figures["n"]
    if not reweighted:
        return Quality(f"largest KS {worst:.3f} of 5 parameters, {gain:.1f} nats over the prior (n={n})", figures)
    low, high = figures["efficiency"]["median_95ci"]
    half = figures["efficiency"]["quantiles"]["0.5"]
    return Quality(
        f"median sample efficiency {100 * half:.0f} % ({100 * low:.0f}-{100 * high:.0f} %), "
        f"largest KS {worst:.3f} (n={n})",
        figures,
    )


def _curves(found: list[Trial], reweighted: bool) -> list[dict[str, Any]]:
    """P–P of the flow's or the weighted draws; of weighted ones, also how many count, by SNR and chirp mass."""
    rank = np.array([t.weighted_rank if reweighted else t.rank for t in found])
    shown = [curves.ranks(dict(zip(PARAMETERS, rank.T, strict=True)))]
    if reweighted:
        snr, percent = np.array([t.snr for t in found]), np.array([100 * t.efficiency for t in found])
        chirp = np.exp([t.truth[0] for t in found])
        for x, values, bands in (("SNR", snr, SNR_BANDS), ("chirp mass in solar masses", chirp, CHIRP_BANDS_MSUN)):
            median = {"median": curves.medians(values, percent, bands)}
            shown.append(curves.curve(f"n={len(found)}", x, "sample efficiency in %", median, log=(True, False)))
    return shown


def _calibration(rank: Array) -> dict[str, Any]:
    tests = [kstest(r, "uniform") for r in rank.T]
    return {
        "ks": _by_parameter(np.array([t.statistic for t in tests])),
        "p": _by_parameter(np.array([t.pvalue for t in tests])),
        "largest_ks": round(float(max(t.statistic for t in tests)), 4),
        "combined_p": round(float(combine_pvalues([t.pvalue for t in tests]).pvalue), 4),
    }


def _by_parameter(values: NDArray[np.floating[Any]]) -> dict[str, float]:
    return {name: round(float(v), 4) for name, v in zip(PARAMETERS, values, strict=True)}


def _medians(x: Array, parts: dict[str, NDArray[np.bool_]]) -> dict[str, float]:
    return {name: round(float(np.median(x[inside])), 4) for name, inside in parts.items() if inside.any()}
