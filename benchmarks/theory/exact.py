"""Queueing theory's closed forms: times in s, rates in 1/s, services as inverse CDFs. Knows no simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from benchmarks.theory.services import fine, mean, square
from benchmarks.work import Array


def erlang_b(load: float, servers: int) -> float:
    """Fraction blocked of M/G/c/c offered `load` servers' work (Erlang 1917; any service, Sevastyanov 1957)."""
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked


def erlang_c(load: float, servers: int) -> float:
    """Fraction that waits in M/M/c (Erlang 1917)."""
    blocked = erlang_b(load, servers)
    return servers * blocked / (servers - load * (1 - blocked))


def mmc_sojourn_s(rate_hz: float, mean_s: float, servers: int) -> float:
    """Mean time in M/M/c."""
    load = rate_hz * mean_s
    return erlang_c(load, servers) * mean_s / (servers - load) + mean_s


def mmc_wait_tail(rate_hz: float, mean_s: float, servers: int, than_s: float) -> float:
    """Fraction that waits longer than `than_s` in M/M/c."""
    load = rate_hz * mean_s
    return erlang_c(load, servers) * math.exp(-(servers - load) * than_s / mean_s)


def mmc_wait_quantile_s(rate_hz: float, mean_s: float, servers: int, probability: float) -> float:
    """Quantile of the wait in M/M/c, above the fraction that does not wait."""
    load = rate_hz * mean_s
    return math.log(erlang_c(load, servers) / (1 - probability)) * mean_s / (servers - load)


def pollaczek_khinchine_s(rate_hz: float, table: Array) -> float:
    """Mean time in M/G/1 (Pollaczek 1930, Khinchine 1932)."""
    return rate_hz * square(table) / (2 * (1 - rate_hz * mean(table))) + mean(table)


def bounded(rate_hz: float, mean_s: float, servers: int, places: int) -> tuple[float, float]:
    """M/M/c/K with `places` = K in all: fraction blocked, and mean time of those who got in."""
    load = rate_hz * mean_s
    weights = np.cumprod([1.0, *(load / min(k, servers) for k in range(1, places + 1))])
    p = weights / weights.sum()
    return float(p[-1]), float(p @ np.arange(places + 1) / (rate_hz * (1 - p[-1])))


def impatient(rate_hz: float, mean_s: float, patience_s: float) -> tuple[float, float]:
    """M/M/1 + D: fraction that waits longer than its patience and leaves, and mean wait of the served.

    The density of the wait an arrival is offered is p0 λ e^{-(μ-λ)x} up to the patience, from where only e^{-μx}
    remains (Barrer 1957).
    """
    drift = 1 / mean_s - rate_hz
    left = math.exp(-drift * patience_s)
    inside = rate_hz * (1 - left) / drift
    p0 = 1 / (1 + inside + rate_hz * mean_s * left)
    moment = rate_hz * ((1 - left) / drift - patience_s * left) / drift
    gone = p0 * rate_hz * mean_s * left
    return gone, p0 * moment / (1 - gone)


# --- classes, the most urgent first: (rate, table) ------------------------------------------------------------

Classes = Sequence[tuple[float, Array]]


def cobham_s(classes: Classes) -> list[float]:
    """Mean times in M/G/1 of classes that go before others without interrupting them (Cobham 1954)."""
    residual = sum(rate * square(table) for rate, table in classes) / 2
    before, times = 0.0, []
    for rate, table in classes:
        after = before + rate * mean(table)
        times.append(residual / ((1 - before) * (1 - after)) + mean(table))
        before = after
    return times


def resumed_s(classes: Classes) -> list[float]:
    """Mean times in M/G/1 of classes that interrupt others, who resume later (Jaiswal 1968)."""
    before, residual, times = 0.0, 0.0, []
    for rate, table in classes:
        after = before + rate * mean(table)
        residual += rate * square(table) / 2
        times.append(residual / ((1 - before) * (1 - after)) + mean(table) / (1 - before))
        before = after
    return times


def interrupted_s(
    rate_hz: float, completion: tuple[float, float], stops_hz: float, stop: tuple[float, float]
) -> float:
    """Mean time from arrival to first start in M/G/1 with interruptions (Gaver 1962, Avi-Itzhak and Naor 1963).

    Interruptions come at rate `stops_hz` while there is none, whether the server works or not. `stop` has the
    first two moments of one; `completion` those of the time from a job's first start to when the next may start.
    Who finds nobody may still find an interruption: its residual adds to the wait (Fuhrmann and Cooper 1985).
    """
    queue_s = rate_hz * completion[1] / (2 * (1 - rate_hz * completion[0]))
    return queue_s + stops_hz * stop[1] / (2 * (1 + stops_hz * stop[0]))


def busy_period(rate_hz: float, table: Array) -> tuple[float, float]:
    """First two moments of the busy period of M/G/1 (Kleinrock 1975, 5.8)."""
    idle = 1 - rate_hz * mean(table)
    return mean(table) / idle, square(table) / idle**3


def repeated(table: Array, stops_hz: float, stop: tuple[float, float]) -> tuple[float, float]:
    """First two moments of a job's completion when each interruption makes it start anew, as long (Gaver 1962).

    With service S there are K interruptions, geometric with q = 1 - exp(-rate S), each after U < S and B long.
    """
    _, s = fine(table)
    q = -np.expm1(-stops_hz * s)
    early = 1 / stops_hz - s * (1 - q) / q
    early2 = 2 / stops_hz**2 - (s * s + 2 * s / stops_hz) * (1 - q) / q
    once = early + stop[0]
    once2 = early2 + 2 * early * stop[0] + stop[1]
    n = q / (1 - q)
    first = s + n * once
    second = s * s + 2 * s * n * once + n * once2 + 2 * n * n * once**2
    return float(first.mean()), float(second.mean())


def cut(table: Array, stops_hz: float, stop: tuple[float, float]) -> tuple[float, float, float]:
    """Moments of a job's completion when an interruption ends it, and the fraction ended so."""
    _, s = fine(table)
    q = -np.expm1(-stops_hz * s)
    inside = q / stops_hz - s * (1 - q)  # E[U; U < S]
    inside2 = 2 * inside / stops_hz - s * s * (1 - q)  # E[U^2; U < S]
    first = inside + s * (1 - q) + q * stop[0]
    second = inside2 + s * s * (1 - q) + 2 * inside * stop[0] + q * stop[1]
    return float(first.mean()), float(second.mean()), float(q.mean())


# --- batches, joins, links, choices -----------------------------------------------------------------------------


def gathered(rate_hz: float, most: int, max_wait_s: float) -> tuple[float, float]:
    """Mean wait of a job, and mean size, of batches that start when full or when their first has waited so long.

    Renewal argument: with a server always free, k-th comers wait until the batch starts, and batches follow each
    other as independent cycles that begin with an arrival.
    """
    arrived = stats.poisson(rate_hz * max_wait_s)
    # i jobs wait while i - 1 came after the first: for a time E[min(Gamma_i, w)] - E[min(Gamma_{i-1}, w)].
    lasts_s = [arrived.sf(i - 1) / rate_hz for i in range(1, most)]
    size = sum(arrived.sf(i - 2) for i in range(1, most + 1))
    return float(sum(i * t for i, t in zip(range(1, most), lasts_s, strict=True)) / size), float(size)


def fork_join_s(rate_hz: float, mean_s: float) -> float:
    """Mean time of two M/M/1 fed by the same arrivals until both are done (Flatto and Hahn 1984)."""
    return (12 - rate_hz * mean_s) / 8 * mean_s / (1 - rate_hz * mean_s)


def two_choices_s(load: float) -> float:
    """Mean time, in services, with the shorter of two queues among very many (Mitzenmacher 1996)."""
    return math.fsum(load ** (2**i - 2) for i in range(1, 12))


def attempts(failure: float, most: int) -> float:
    """Mean number of attempts when there are at most so many: geometric, cut off."""
    return (1 - failure**most) / (1 - failure)


def attempts_of_success(failure: float, most: int) -> float:
    """The same of those that succeeded."""
    n = np.arange(1, most + 1)
    p = failure ** (n - 1)
    return float(n @ p / p.sum())
