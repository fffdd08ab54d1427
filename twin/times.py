"""From how long a scenario says something takes to the inverse CDF that the kernel draws from. Draws nothing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from twin.controls.laws import Law
from twin.schema_times import Time
from workloads.profile import QUANTILES

CUT = 0.0005
"""A law is cut at this quantile and at one minus it: no time is shorter or longer than these."""


def quantiles_s(time: Time) -> NDArray[np.float64]:
    """The time in s at equally spaced probabilities from 0 to 1, (point,): QUANTILES of a law, else 2."""
    if time.value is not None:
        return np.full(2, time.value)
    law = law_of(time)
    return np.array([law.quantile(p) for p in np.clip(np.linspace(0.0, 1.0, QUANTILES), CUT, 1.0 - CUT).tolist()])


def law_of(time: Time) -> Law:
    """The law of a time that varies; ValueError for one that does not."""
    if time.law is None:
        raise ValueError(f"a time of {time.value} s follows no law")
    if time.median is None or time.p90 is None:
        return Law(time.law, time.mean or 0.0, time.shape or 0.0)
    stretch = math.log(time.p90 / time.median)
    if time.law == "lognormal":
        sigma = stretch / float(ndtri(0.9))
        return Law("lognormal", time.median * math.exp(0.5 * sigma * sigma), sigma)
    k = math.log(math.log(10.0) / math.log(2.0)) / stretch
    scale_s = time.median / math.log(2.0) ** (1.0 / k)
    return Law("weibull", scale_s * math.gamma(1.0 + 1.0 / k), k)
