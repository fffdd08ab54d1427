"""How well classes are told: probabilities against what simulated binaries were, under the prior's own rates.

If the classes are right, probabilities average to the prior's shares, and truths scatter about probabilities. The
truths of a test may by chance be some sigma from those shares, so both are held against them as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from workloads import ageing, curves
from workloads.drift import NONE, Drift
from workloads.inference import classes, posteriors, prior
from workloads.inference.prior import Array
from workloads.inference.sources import Sources
from workloads.profile import Figure
from workloads.spec import Program, Progress, Quality

_BINS = (0.0, 0.1, 0.3, 0.7, 0.9, 1.0)
_LEAST = 5


def judge(program: Program, n: int, seed: int, progress: Progress) -> Quality:
    """Brier score and calibration of the classes over `n` binaries of the prior, and how often they are right."""
    result, hot, truth = _told(program, n, seed, progress)
    brier, base = _brier(result.classes, hot), _brier(hot.mean(0), hot)
    right = float(np.mean(result.classes.argmax(axis=1) == hot.argmax(axis=1)))
    most = float(hot.mean(0).max())
    within = float(np.mean(np.abs(np.log(result.distance_gpc / truth.distance_gpc)) < np.log(2)))
    has_ns = [classes.CLASSES.index(c) for c in classes.HAS_NS]
    star, shares = hot[:, has_ns].sum(axis=1), np.array(program.settings["prior_shares"])
    together = joint_p(result.classes, hot)
    return Quality(
        f"Brier score {brier:.3f} ({base:.3f} without data), calibrated with p={together:.2f}, class right in "
        f"{100 * right:.0f} % ({100 * most:.0f} % without data; n={n})",
        {
            "n": n, "brier": round(brier, 4), "brier_of_shares": round(base, 4),
            "brier_if_calibrated": round(float(np.mean(1 - np.sum(result.classes**2, axis=1))), 4),
            "joint_p": round(together, 4),
            "right": round(right, 4), "right_by_largest_share": round(most, 4),
            "true_shares": dict(zip(classes.CLASSES, hot.mean(0).round(4).tolist(), strict=True)),
            "calibration": {
                name: _calibration(result.classes[:, k], hot[:, k], shares[k])
                for k, name in enumerate(classes.CLASSES)
            },
            "calibration_has_ns": _calibration(result.has_ns, star, shares[has_ns].sum()),
            "distance_within_factor_2": round(within, 4),
            "curves": [_reliability(result.classes, hot)],
        },
    )  # fmt: skip


def judge_drifted(
    program: Program, drift: Mapping[str, float], n: int, seed: int, progress: Progress
) -> dict[str, Figure]:
    """Brier score over `n` binaries of the prior whose data have drifted, and how often their class is right."""
    result, hot, _ = _told(program, n, seed, progress, Drift(**drift))
    right = int((result.classes.argmax(axis=1) == hot.argmax(axis=1)).sum())
    return {
        "Brier score": ageing.mean(np.sum((result.classes - hot) ** 2, axis=1)),
        "class right": ageing.share(right, n),
    }


def _told(
    program: Program, n: int, seed: int, progress: Progress, drift: Drift = NONE
) -> tuple[Any, Array, Sources]:
    """What is told of `n` binaries under the prior's own rates, which class each is of (n, class), and they."""
    units, truth = posteriors.simulated(n, seed, progress, drift)
    settings = dict(program.settings)
    # Rates in the proportion of the prior's shares leave the prior as it is.
    settings["population"] = {**settings["population"], "rate_per_year": settings["prior_shares"]}
    population = classes.Population(**settings["population"])
    masses = [m / (1 + classes.redshift(truth.distance_gpc)) for m in prior.masses(truth.theta)]
    hot = np.eye(len(classes.CLASSES))[classes.class_index(masses[0], masses[1], population)]
    return replace(program, settings=settings)(units), hot, truth


def _reliability(probability: Array, hot: Array) -> dict[str, Any]:
    """How often a class was true that was given a probability, by class and bin; the diagonal is expected.

    Bins of fewer than _LEAST binaries are left out.
    """
    series = {}
    for name, p, true in zip(classes.CLASSES, probability.T, hot.T, strict=True):
        inside = [_inside(p, a, b) for a, b in pairwise(_BINS)]
        told = {float(p[i].mean()): (int(true[i].sum()), int(i.sum())) for i in inside if i.sum() >= _LEAST}
        series[name] = curves.shares(told)
    return curves.curve(f"n={len(hot)}", "probability said", "happened", series, expected=curves.DIAGONAL)


def _brier(probability: Array, hot: Array) -> float:
    return float(np.mean(np.sum((probability - hot) ** 2, axis=1)))


def joint_p(probability: Array, hot: Array) -> float:
    """How often chance puts the classes' true numbers that far from the expected ones (chi-squared).

    The commonest class is left out, for they add up, and so are those expected less than _LEAST times; 1 if none
    remains.
    """
    expected = probability.sum(axis=0)
    told = [k for k in np.argsort(expected)[:-1] if expected[k] >= _LEAST]
    if not told:
        return 1.0
    p = probability[:, told]
    apart = (hot[:, told] - p).sum(axis=0)
    return float(chi2.sf(apart @ np.linalg.solve(np.diag(expected[told]) - p.T @ p, apart), len(told)))


def _calibration(probability: Array, true: Array, share: float) -> dict[str, Any]:
    """Expected and true number of events, how many standard deviations apart they are, and both by probability.

    And how far either is from the prior's `share`, in standard deviations of a mean of as many.
    """
    n = probability.size
    spread = np.sqrt(np.sum(probability * (1 - probability)))
    return {
        "expected": round(float(probability.sum()), 1),
        "true": int(true.sum()),
        "deviation_sigma": _sigma(true.sum() - probability.sum(), spread),
        "expected_from_prior_sigma": _sigma(probability.mean() - share, probability.std() / np.sqrt(n)),
        "true_from_prior_sigma": _sigma(true.mean() - share, np.sqrt(share * (1 - share) / n)),
        "bins": {
            f"{a:g}-{b:g}": [int(i.sum()), round(float(probability[i].sum()), 1), int(true[i].sum())]
            for a, b in pairwise(_BINS)
            for i in [_inside(probability, a, b)]
            if i.any()
        },
    }


def _sigma(apart: float, spread: float) -> float | None:
    return round(float(apart / spread), 2) if spread > 0 else None


def _inside(probability: Array, low: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((probability >= low) & ((probability < high) | (high == _BINS[-1])))
