"""Laws that latencies follow, by maximum likelihood, and how well. For twin.latencies; knows no file.

The laws are those a scenario can draw from (twin.schema_times), and only with numbers that it can be given.
Latencies above a limit may count as no more than 'longer than that' (right-censored), which keeps a tail that has
another cause from bending the law. Goodness is the Kolmogorov–Smirnov distance; as the law was fitted to the same
latencies, its probability comes of drawing such samples and fitting them again (Lilliefors 1967).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from twin.controls.laws import Law

Array = NDArray[np.float64]
LAWS = ("exponential", "lognormal", "weibull", "gamma")
NUMBERS = {"exponential": 1, "lognormal": 2, "weibull": 2, "gamma": 2}
"""How many numbers each law is fitted by."""
LEAST = 20
"""Latencies from which on a law is fitted."""
DRAWS, DRAWS_CUT = 199, 99
"""Samples behind a probability and an interval; fewer where some are cut, which is slower."""
_SHAPES = (0.1, 10.0)
"""Of a gamma in a scenario; the others are written by two quantiles, which have no such limits."""
_LEVEL = (0.025, 0.975)


@dataclass(frozen=True)
class Fit:
    """A law of latencies: `n` of them, `beyond` of these above `until_s` and only known to be longer.

    `distance` is Kolmogorov's, `probability` that of one as large or larger if the law is right; `mean_s` and
    `shape` are 95 % intervals of the law's numbers. `rival` is the law that comes next, `behind` by so much in
    Akaike's criterion.
    """

    law: Law
    n: int
    beyond: int
    until_s: float
    distance: float
    probability: float
    mean_s: tuple[float, float]
    shape: tuple[float, float]
    rival: str
    behind: float

    def quantile(self, q: float) -> float:
        """Seconds that a share `q` does not exceed, by the law."""
        return self.law.quantile(q)

    @property
    def fits(self) -> bool:
        """Whether the data do not speak against the law at 5 %."""
        return self.probability >= 0.05


def fitted(seconds: Array, rng: np.random.Generator, until_s: float = math.inf) -> Fit:
    """The likeliest law of latencies (alert,) in s by Akaike's criterion; above `until_s` only that is known.

    Raises ValueError for fewer than LEAST below the limit.
    """
    inside = seconds[seconds <= until_s]
    if inside.size < LEAST:
        raise ValueError(f"it takes {LEAST} latencies, there are {inside.size}")
    if inside.max() == inside.min():
        raise ValueError(f"all {inside.size} latencies are {inside[0]:g} s, which is no law but a constant")
    (best, law), (next_best, rival) = ranked(seconds, until_s)[:2]
    again, distances = _repeated(law, seconds.size, until_s, rng)
    distance = kolmogorov(law, seconds, until_s)
    return Fit(
        law=law,
        n=int(seconds.size),
        beyond=int((seconds > until_s).sum()),
        until_s=until_s,
        distance=distance,
        probability=(1 + sum(d >= distance for d in distances)) / (1 + len(distances)),
        mean_s=_interval([one.mean_s for one in again]),
        shape=_interval([one.shape for one in again]),
        rival=rival.law,
        behind=next_best - best,
    )


def ranked(seconds: Array, until_s: float = math.inf) -> list[tuple[float, Law]]:
    """Every law fitted to the latencies (alert,), the likeliest first, each with Akaike's criterion.

    A gamma that no scenario could be given is left away.
    """
    laws = [fit(name, seconds, until_s) for name in LAWS]
    known = [law for law in laws if law.law != "gamma" or _SHAPES[0] <= law.shape <= _SHAPES[1]]
    return sorted(((_criterion(law, seconds, until_s), law) for law in known), key=lambda pair: pair[0])


def fit(name: str, seconds: Array, until_s: float = math.inf) -> Law:
    """The numbers of the law `name` that make latencies (alert,) in s likeliest."""
    # Logarithms of about 1 are found safely: from one of 0 the search for cut ones would not move.
    scale_s = float(np.exp(np.log(np.minimum(seconds, until_s)).mean() - 1.0))
    inside, beyond = seconds[seconds <= until_s] / scale_s, int((seconds > until_s).sum())
    limit = until_s / scale_s
    if name == "exponential":
        whole = float(inside.sum()) + (beyond * limit if beyond else 0.0)
        return Law(name, scale_s * whole / inside.size)
    if name == "lognormal":
        mu, sigma = stats.norm.fit(_cut(np.log(inside), beyond, math.log(limit)))
        sigma = max(float(sigma), 1e-6)
        return Law(name, scale_s * math.exp(float(mu) + 0.5 * sigma * sigma), sigma)
    if name == "weibull":  # its logarithm is Gumbel's law of minima
        place, spread = stats.gumbel_l.fit(_cut(np.log(inside), beyond, math.log(limit)))
        k = 1.0 / max(float(spread), 1e-6)
        return Law(name, scale_s * math.exp(float(place)) * math.gamma(1.0 + 1.0 / k), k)
    k, _, theta = stats.gamma.fit(_cut(inside, beyond, limit), floc=0.0)
    return Law(name, scale_s * float(k) * float(theta), float(k))


def kolmogorov(law: Law, seconds: Array, until_s: float = math.inf) -> float:
    """The largest distance of the law from the empirical distribution of latencies (alert,), up to the limit."""
    inside = np.sort(seconds[seconds <= until_s])
    steps = np.arange(inside.size + 1) / seconds.size
    below = distribution(law).cdf(inside)
    return float(max((steps[1:] - below).max(), (below - steps[:-1]).max()))


def distribution(law: Law) -> Any:
    """The same law as scipy knows it."""
    k = law.shape
    if law.law == "exponential":
        return stats.expon(scale=law.mean_s)
    if law.law == "lognormal":
        return stats.lognorm(k, scale=law.mean_s * math.exp(-0.5 * k * k))
    if law.law == "weibull":
        return stats.weibull_min(k, scale=law.mean_s / math.gamma(1.0 + 1.0 / k))
    return stats.gamma(k, scale=law.mean_s / k)


def _criterion(law: Law, seconds: Array, until_s: float) -> float:
    """Akaike's: twice the numbers less twice the logarithm of the likelihood."""
    known = distribution(law)
    inside, beyond = seconds[seconds <= until_s], int((seconds > until_s).sum())
    likelihood = float(known.logpdf(inside).sum()) + (beyond * float(known.logsf(until_s)) if beyond else 0.0)
    return 2.0 * NUMBERS[law.law] - 2.0 * likelihood


def _repeated(law: Law, n: int, until_s: float, rng: np.random.Generator) -> tuple[list[Law], list[float]]:
    """Laws fitted to samples of `law`, and the distance of each from its own sample."""
    known, laws, distances = distribution(law), [], []
    for _ in range(DRAWS if math.isinf(until_s) else DRAWS_CUT):
        sample = np.asarray(known.rvs(n, random_state=rng), float)
        if (sample <= until_s).sum() < 2:
            continue
        again = fit(law.law, sample, until_s)
        laws.append(again)
        distances.append(kolmogorov(again, sample, until_s))
    return laws, distances


def _cut(inside: Array, beyond: int, limit: float) -> Any:
    return inside if not beyond else stats.CensoredData(inside, right=np.full(beyond, limit))


def _interval(values: list[float]) -> tuple[float, float]:
    low, high = np.quantile(values, _LEVEL)
    return float(low), float(high)
