"""Queueing theory's exact answers, and the simulated ones to hold against them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from twin.assembly import assemble
from twin.engine import TwinEnvironment
from twin.plan import Geography, PoolSpec, Program, StageSpec, Stream


@dataclass(frozen=True)
class Flow:
    """Poisson jobs of one priority with an inverse-CDF service table, shape (points,), in s."""

    rate_hz: float
    table: np.ndarray
    priority: int = 1


def exponential(mean_s: float, points: int = 8193) -> np.ndarray:
    """Inverse CDF of an exponential, each step with the exact mean of its slice."""
    u = np.linspace(0.0, 1.0, points)
    u[-1] = 1.0 - 0.3 / points
    return -mean_s * np.log1p(-u)


def moments(table: np.ndarray) -> tuple[float, float]:
    """E[S] and E[S^2] of the piecewise linear inverse CDF."""
    a, b = table[:-1], table[1:]
    return float(np.mean((a + b) / 2)), float(np.mean((a * a + a * b + b * b) / 3))


def mean_sojourns(flows: Sequence[Flow], servers: int, seed: int, jobs: int) -> list[float]:
    """Mean time in system of each flow at one pool, the first tenth of the run left out."""
    horizon_s = jobs / sum(f.rate_hz for f in flows)
    rng = np.random.default_rng(seed)
    stages, streams = [], []
    for k, flow in enumerate(flows):
        times_s = np.cumsum(rng.exponential(1 / flow.rate_hz, int(1.2 * flow.rate_hz * horizon_s) + 100))
        program = (Program(flow.table[None]), None)
        key = int(rng.integers(2**63))
        stages.append(StageSpec(f"s{k}", {"pool": program}, priority=flow.priority, key=key))
        streams.append(Stream(f"s{k}", times_s.size, times_s=times_s))
    plan = assemble(
        geography=Geography(("site",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("pool", 0, servers)],
        stages=stages,
        streams=streams,
        horizon_s=horizon_s,
    )
    environment = TwinEnvironment(plan, trace=True)
    environment.run(until=horizon_s)
    trace = environment.traced()
    trace = trace[trace["enqueued_s"] > 0.1 * horizon_s]
    sojourn_s = trace["end_s"] - trace["enqueued_s"]
    return [float(sojourn_s[trace["stage"] == k].mean()) for k in range(len(flows))]


def z_scores(flows: Sequence[Flow], servers: int, exact_s: Sequence[float], seeds: int, jobs: int) -> list[float]:
    """How many standard errors the mean over `seeds` fixed seeds is off the exact answers."""
    runs = np.array([mean_sojourns(flows, servers, seed, jobs) for seed in range(seeds)])
    error = runs.std(axis=0, ddof=1) / math.sqrt(seeds)
    return list((runs.mean(axis=0) - np.asarray(exact_s)) / error)


def critical_z(comparisons: int, seeds: int, risk: float = 0.01) -> float:
    """Two-sided Student limit that a whole table of comparisons passes with probability 1 - risk."""
    return float(stats.t.ppf(1 - risk / comparisons / 2, seeds - 1))


def erlang_c_s(rate_hz: float, mean_s: float, servers: int) -> float:
    """Mean time in system of M/M/c."""
    a = rate_hz * mean_s
    tail = a**servers / math.factorial(servers) * servers / (servers - a)
    wait = tail / (sum(a**k / math.factorial(k) for k in range(servers)) + tail)
    return wait * mean_s / (servers - a) + mean_s


def pollaczek_khinchine_s(flow: Flow) -> float:
    """Mean time in system of M/G/1."""
    mean, square = moments(flow.table)
    return flow.rate_hz * square / (2 * (1 - flow.rate_hz * mean)) + mean


def cobham_s(flows: Sequence[Flow]) -> list[float]:
    """Mean time in system of each class of M/G/1 with head-of-line priorities, `flows` in that order."""
    residual = sum(f.rate_hz * moments(f.table)[1] for f in flows) / 2
    sigma, times = 0.0, []
    for flow in flows:
        before, sigma = sigma, sigma + flow.rate_hz * moments(flow.table)[0]
        times.append(residual / ((1 - before) * (1 - sigma)) + moments(flow.table)[0])
    return times


def cases() -> Mapping[str, tuple[list[Flow], int, list[float]]]:
    """Every system with a known answer: its flows, servers and exact mean times in system."""
    one = exponential(1.0)
    heavy = np.exp(stats.norm.ppf(np.linspace(0.0005, 0.9995, 2049)))
    heavy /= moments(heavy)[0]
    ranked = [Flow(0.2, exponential(1.0), 0), Flow(0.3, np.full(2, 1.0), 1), Flow(0.3, exponential(1.0), 2)]
    return {
        "M/M/1 0.7": ([Flow(0.7, one)], 1, [erlang_c_s(0.7, moments(one)[0], 1)]),
        "M/M/8 0.8": ([Flow(6.4, one)], 8, [erlang_c_s(6.4, moments(one)[0], 8)]),
        "M/G/1 lognormal 0.6": ([Flow(0.6, heavy)], 1, [pollaczek_khinchine_s(Flow(0.6, heavy))]),
        "M/D/1 0.8": ([Flow(0.8, np.full(2, 1.0))], 1, [pollaczek_khinchine_s(Flow(0.8, np.full(2, 1.0)))]),
        "3 priorities 0.8": (ranked, 1, cobham_s(ranked)),
    }
