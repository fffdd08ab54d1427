"""Answers that are the numerical equilibrium of a Markov chain. Knows no simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from scipy import sparse, stats
from scipy.sparse.linalg import spsolve

from benchmarks.work import Array

State = tuple[int, ...]
Moves = Callable[[State], Iterable[tuple[float, State]]]


def equilibrium(start: State, moves: Moves, most: int) -> dict[State, float]:
    """Probability of every state reached from `start`, whose first number is kept at `most` or below.

    ValueError when that cuts off more than 1e-9.
    """
    states, found = {start: 0}, [start]
    rows, columns, rates = [], [], []
    for state in found:
        for rate, after in moves(state):
            if rate <= 0.0 or after[0] > most:
                continue
            if after not in states:
                states[after] = len(found)
                found.append(after)
            i, j = states[state], states[after]
            rows += [j, i]
            columns += [i, i]
            rates += [rate, -rate]
    p = _balance(sparse.coo_matrix((rates, (rows, columns)), shape=(len(found), len(found))))
    edge = sum(p[i] for state, i in states.items() if state[0] == most)
    if edge > 1e-9:
        raise ValueError(f"a probability of {edge:.2g} lies at {most}, where the chain is cut off: allow more")
    return {state: float(p[i]) for state, i in states.items()}


def _balance(generator: sparse.coo_matrix) -> Array:
    """The distribution in which as much flows into each state as out of it."""
    balance = generator.tolil()
    balance[0, :] = 1.0
    right = np.zeros(generator.shape[0])
    right[0] = 1.0
    solved: Array = spsolve(balance.tocsc(), right)
    return solved


def mean(p: dict[State, float]) -> float:
    """Mean of the first number of a state."""
    return sum(state[0] * q for state, q in p.items())


def mdc(rate_hz: float, service_s: float, servers: int, most: int = 400) -> tuple[float, float]:
    """M/D/c: fraction that waits, and mean time in s (Crommelin 1932).

    Whoever is served now is gone after one service time, whoever waits is not: seen every service time, the number
    in system is a Markov chain with Poisson steps. Its equilibrium is that at any time.
    """
    n = np.arange(most + 1)
    left = np.maximum(n - servers, 0)
    step = stats.poisson(rate_hz * service_s).pmf(n[None, :] - left[:, None])
    step[:, -1] += 1 - step.sum(axis=1)
    balance = np.vstack([(step.T - np.eye(n.size))[1:], np.ones(n.size)])
    p = np.linalg.solve(balance, np.eye(n.size)[-1])
    return float(p[servers:].sum()), float(p @ n / rate_hz)


def bulk(rate_hz: float, mean_s: float, most_at_once: int) -> tuple[float, float]:
    """M/M/1 whose server takes all that wait, up to so many, together (Bailey 1954): mean time, utilisation."""

    def moves(state: State) -> Iterable[tuple[float, State]]:
        waiting, busy = state
        yield rate_hz, (waiting + 1, 1) if busy else (0, 1)
        if busy:
            taken = min(waiting, most_at_once)
            yield 1 / mean_s, (waiting - taken, int(taken > 0))

    p = equilibrium((0, 0), moves, 400)
    return mean(p) / rate_hz + mean_s, 1 - p[0, 0]


def breaking_s(rate_hz: float, mean_s: float, servers: int, fails_hz: float, repairs_hz: float) -> float:
    """Mean time in M/M/c whose servers fail, busy or not, finish what they do, and are repaired one by one.

    State: jobs; servers that are up; servers that are not but still finish (White and Christie 1958 for c = 1 and
    work that is interrupted; here it is not).
    """

    def moves(state: State) -> Iterable[tuple[float, State]]:
        jobs, up, finishing = state
        busy = min(up, jobs - finishing)
        yield rate_hz, (jobs + 1, up, finishing)
        yield busy / mean_s, (jobs - 1, up, finishing)
        yield finishing / mean_s, (jobs - 1, up, finishing - 1)
        yield busy * fails_hz, (jobs, up - 1, finishing + 1)
        yield (up - busy) * fails_hz, (jobs, up - 1, finishing)
        yield finishing * repairs_hz, (jobs, up + 1, finishing - 1)
        yield (servers - up - finishing) * repairs_hz, (jobs, up + 1, finishing)

    return mean(equilibrium((0, servers, 0), moves, 400)) / rate_hz


def shortest_queue_s(rate_hz: float, mean_s: float) -> float:
    """Mean time in two M/M/1 when everybody joins the shorter queue (Kingman 1961)."""

    def moves(state: State) -> Iterable[tuple[float, State]]:
        longer, shorter = state
        join = (longer, shorter + 1)
        yield rate_hz, (max(join), min(join))
        yield float(longer > 0) / mean_s, (max(longer - 1, shorter), min(longer - 1, shorter))
        yield float(shorter > 0) / mean_s, (longer, shorter - 1)

    p = equilibrium((0, 0), moves, 60)
    return sum(sum(state) * q for state, q in p.items()) / rate_hz
