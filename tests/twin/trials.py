"""Farms that are made up: queues with known errors, as trials of twin.validation."""

from __future__ import annotations

import heapq

import numpy as np

from twin.validation.observed import Observed
from twin.validation.tried import Trial

KINDS = {"exponential": lambda rng, n: rng.exponential(1.0, n), "constant": lambda rng, n: np.ones(n)}


def served(arrival_s, service_s, servers=1, batch=1, down_s=None, kind=None):
    """Jobs first come, first served: the k-th batch takes `service_s[k]`, whatever its size; none starts in
    `down_s`, and servers that come back do so one clock tick after the other."""
    free = [(0.0, k) for k in range(servers)]
    start_s, end_s = np.empty_like(arrival_s), np.empty_like(arrival_s)
    first = order = 0
    while first < len(arrival_s):
        at_s, server = heapq.heappop(free)
        at_s = max(at_s, arrival_s[first])
        if down_s is not None and down_s[0] <= at_s < down_s[1]:
            at_s = down_s[1] + 1e-6 * server
        beyond = first + 1
        while beyond < min(first + batch, len(arrival_s)) and arrival_s[beyond] <= at_s:
            beyond += 1
        start_s[first:beyond], end_s[first:beyond] = at_s, at_s + service_s[order]
        heapq.heappush(free, (at_s + service_s[order], server))
        first, order = beyond, order + 1
    return Observed(np.zeros(len(arrival_s), int) if kind is None else kind, arrival_s, start_s, end_s)


def trial(
    rho,
    n=4000,
    servers=1,
    batch=1,
    slow=1.0,
    overhead=1.0,
    repeats=3,
    draws=5,
    service="exponential",
    down_s=None,
    seed=1,
    regular=False,
    name="made-up",
):
    """A case at `rho` on servers that need 1 s per batch on average: the profile thinks that they need `slow` s,
    the programs' own clock that they need 1 s / `overhead`. Arrivals are Poisson, or `regular`."""
    rng = np.random.default_rng(seed)
    offered_per_s = rho * servers * batch
    gaps = np.ones(n) if regular else rng.exponential(1.0, n)
    arrival_s = np.cumsum(gaps) / offered_per_s
    draw = KINDS[service]
    own = [draw(rng, n) for _ in range(repeats)]

    def run(service_s):
        return served(arrival_s, service_s, servers, batch, down_s)

    return Trial(
        name,
        rho,
        servers,
        offered_per_s,
        0,
        None,
        down_s,
        tuple(run(times) for times in own),
        tuple(run(slow * draw(rng, n)) for _ in range(draws)),
        tuple(run(times / overhead) for times in own),
    )


def as_late_as(latency_s, arrival_s=None, kind=None):
    """Jobs that start when they arrive and end `latency_s` later."""
    arrival_s = np.arange(len(latency_s), dtype=float) if arrival_s is None else arrival_s
    kind = np.zeros(len(latency_s), int) if kind is None else kind
    return Observed(kind, arrival_s, arrival_s, arrival_s + latency_s)
