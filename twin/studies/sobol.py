"""Sobol indices of a run's quantities over the ranges of its inputs, by SALib. Part of the kind `sensitivity`.

First order: the share of the variance that an input causes by itself; total: with all that it does together
with others (Sobol' 1993; Saltelli et al. 2010). Inputs are independent and uniform over their range, or over
its logarithm where the range is a factor. An index is uncertain for two reasons, and its interval holds both:
few samples of the inputs (SALib's bootstrap) and few replicas (a jackknife over them, whose skies are the same
for all points).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from SALib.analyze import sobol as analysed
from SALib.sample import sobol as sampled
from scipy import stats

from twin import words
from twin.estimates import CONFIDENCE
from twin.studies.asking import Ledger, by_name, made
from twin.studies.evaluation import Outcome, Point
from twin.studies.kinds import Asked, Found
from twin.studies.quantities import titled
from twin.studies.ranges import Range

BAND = (0.05, 0.5, 0.95)
"""Quantiles of a quantity over the ranges of the inputs."""
_RESAMPLES = 200
Floats = NDArray[np.float64]


def indices(asked: Asked, ask: Ledger, over: Sequence[Range], names: Sequence[str]) -> Found:
    """Tables `sobol` (a row per quantity and input) and `band` (a row per quantity), and what they say.

    `sobol`: quantity, text, key, at_low, at_high, first, first_low, first_high, total, total_low, total_high,
    samples, replicas. `band`: quantity, text, unit, low, median, high, noise (share of the variance between points
    that is left of chance), interactions (share that no input causes alone), points, reason.
    """
    section = asked.section.sobol
    problem = {"num_vars": len(over), "names": [r.key for r in over], "bounds": [[0.0, 1.0]] * len(over)}
    shares: Floats = sampled.sample(problem, section.samples, calc_second_order=False, seed=asked.seed)
    points = [_point(asked, over, row, k) for k, row in enumerate(shares)]
    outcomes = ask(points, range(asked.replicas))
    rows: list[dict[str, Any]] = []
    bands: list[dict[str, Any]] = []
    for name, text in zip(names, ask.called(names), strict=True):
        values, unit, reason = _values(outcomes, name)
        head = {"quantity": name, "text": text}
        band = {
            **head,
            "unit": unit,
            **dict.fromkeys(("low", "median", "high", "noise", "interactions"), math.nan),
        }
        if reason:
            bands.append(band | {"points": len(points), "reason": reason})
            continue
        first, total = estimated(problem, values, asked.seed)
        rows += [
            head
            | {"key": r.key, "at_low": r.text(r.low), "at_high": r.text(r.high)}
            | dict(zip(("first", "first_low", "first_high"), first[k], strict=True))
            | dict(zip(("total", "total_low", "total_high"), total[k], strict=True))
            | {"samples": section.samples, "replicas": asked.replicas}
            for k, r in enumerate(over)
        ]
        low, median, high = np.quantile(_plain(values.mean(axis=1), len(over)), BAND)
        band |= {"low": low, "median": median, "high": high, "noise": noise(values)}
        bands.append(band | {"interactions": 1.0 - first[:, 0].sum(), "points": len(points), "reason": ""})
    tables = {"sobol": pd.DataFrame(rows), "band": pd.DataFrame(bands)}
    return Found((), (), (), tuple(_answer(tables["sobol"], tables["band"])), tables)


def estimated(problem: dict[str, Any], values: Floats, seed: int) -> tuple[Floats, Floats]:
    """First-order and total indices of `values` (point, replica) in SALib's order: each (input, 3), with
    interval."""
    found = analysed.analyze(
        problem,
        values.mean(axis=1),
        calc_second_order=False,
        num_resamples=_RESAMPLES,
        conf_level=CONFIDENCE,
        seed=seed,
    )
    replicas, apart = values.shape[1], np.zeros((2, problem["num_vars"]))
    if replicas > 1:
        without = [_raw(np.delete(values, k, axis=1).mean(axis=1), problem["num_vars"]) for k in range(replicas)]
        spread = np.std(without, axis=0) * math.sqrt(replicas - 1)
        apart = float(stats.t.ppf(0.5 + CONFIDENCE / 2.0, replicas - 1)) * spread
    both = []
    for k, order in enumerate(("S1", "ST")):
        half = np.hypot(np.nan_to_num(found[f"{order}_conf"]), apart[k])
        both.append(np.column_stack([found[order], found[order] - half, found[order] + half]))
    return both[0], both[1]


def noise(values: Floats) -> float:
    """Of the variance between the points of `values` (point, replica), the share that is chance left over.

    What a replica does to all points alike is no noise between them.
    """
    between = float(values.mean(axis=1).var(ddof=1))
    if values.shape[1] < 2 or between == 0.0:
        return math.nan
    rest = values - values.mean(axis=0)
    within = float(rest.var(axis=1, ddof=1).mean())
    return within / int(values.shape[1]) / between


def _point(asked: Asked, over: Sequence[Range], shares: Floats, k: int) -> Point:
    changes = {r.key: r.at(float(share)) for r, share in zip(over, shares, strict=True)}
    return made(asked.scenario, changes, f"sobol-{k:05d}")


def _values(outcomes: Sequence[Outcome], name: str) -> tuple[Floats, str, str]:
    """The quantity (point, replica), its unit, and why there is no index of it."""
    found, unit = [], ""
    for outcome in outcomes:
        quantity = by_name(outcome).get(name)
        if outcome.failure is not None or quantity is None:
            return np.zeros((0, 0)), unit, f"{outcome.name} failed: {outcome.failure or 'it is not told'}"
        unit = quantity.unit
        if outcome.saturated and unit == "s":
            return np.zeros((0, 0)), unit, f"{outcome.name} is saturated: narrow the ranges"
        if not np.isfinite(quantity.values).all():
            return np.zeros((0, 0)), unit, f"{outcome.name} has too few events: give it a longer horizon"
        found.append(quantity.values)
    return np.array(found), unit, ""


def _plain(values: Floats, inputs: int) -> Floats:
    """Of points in SALib's order, those that are independent draws of all inputs: its matrices A and B."""
    step = inputs + 2
    return np.concatenate([values[0::step], values[step - 1 :: step]])


def _raw(values: Floats, inputs: int) -> Floats:
    """First-order and total indices (2, input) by the formulas of SALib, from values in its order."""
    values = (values - values.mean()) / (values.std() or 1.0)
    step = inputs + 2
    a, b = values[0::step], values[step - 1 :: step]
    changed = [values[k + 1 :: step] for k in range(inputs)]
    return np.array(
        [
            [float(analysed.first_order(a, one, b)) for one in changed],
            [float(analysed.total_order(a, one, b)) for one in changed],
        ]
    )


def _answer(table: pd.DataFrame, bands: pd.DataFrame) -> list[str]:
    told = []
    for _, band in bands.iterrows():
        name, unit = str(band["quantity"]), str(band["unit"])
        title = titled(name, str(band["text"]))
        if band["reason"]:
            told.append(f"{title}: no Sobol indices, {band['reason']}.")
            continue
        own = table[table["quantity"] == name].sort_values("total", ascending=False, kind="stable")
        first = own.iloc[0]
        low, high = max(0.0, float(first["total_low"])), min(1.0, float(first["total_high"]))
        share = f"{words.share(float(first['total']))} ({words.shares(low, high)})"
        span = " and ".join(words.amount(float(band[end]), unit) for end in ("low", "high"))
        told.append(
            f"{title}: {first['key']} causes {share} of its variance; it lies between {span} in 90 % of the "
            "ranges' combinations."
        )
    return told
