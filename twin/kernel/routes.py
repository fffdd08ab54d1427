"""Routes of the kernel: which pool a job goes to. Compiled. The rules are those of twin.kernel."""

from __future__ import annotations

import numpy as np

from twin.kernel.chance import uniform
from twin.kernel.compiled import compiled, rare, small, view
from twin.kernel.links import travel
from twin.kernel.queues import draw, drop
from twin.kernel.state import (
    ASKED,
    DATA_LOCAL,
    FAILOVER,
    JOB,
    LEAST_LOADED,
    LINK,
    NEAREST,
    POOL,
    QUEUE,
    SHED,
    STAGE,
    TWO_CHOICES,
)


@small
def route(w, j):
    """Job `j` chooses a queue of its stage and travels there; or waits until a Python function has chosen."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    s = jobs[j]["stage"]
    stage = stages[s]
    kind = stage["route"]
    first = stage["queue_start"]
    if rare(kind == ASKED):
        _ask(w, j)
    elif stage["queue_stop"] == first + 1:
        travel(w, j, first)
    elif rare(kind == TWO_CHOICES):
        travel(w, j, _two_choices(w, j, stage))
    else:
        travel(w, j, _cheapest(w, j, stage))


@compiled
def _ask(w, j):
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    stages[jobs[j]["stage"]]["asked"] += 1
    jobs[j]["since_s"] = w["now_s"]
    jobs[j]["next"] = -1
    if w["ask_head"] < 0:
        w["ask_head"] = j
    else:
        jobs[w["ask_tail"]]["next"] = j
    w["ask_tail"] = j


@compiled
def _cheapest(w, j, stage):
    """The eligible queue of least delay or load, by the stage's rule; the first listed when there is none."""
    queues = view(w["queues"], QUEUE)
    jobs = view(w["jobs"], JOB)
    delays = view(w["delays"], np.float64)
    kind = stage["route"]
    site = jobs[j]["site"]
    if rare(kind == DATA_LOCAL):
        q = _least_loaded(w, stage, site, True)
        if q >= 0 and load(w, queues[q]["pool"]) < stage["spill"]:
            return q
        kind = LEAST_LOADED
    if kind == LEAST_LOADED:
        q = _least_loaded(w, stage, site, False)
        return q if q >= 0 else stage["queue_start"]
    pools = view(w["pools"], POOL)
    best = -1
    best_cost = np.inf
    for q in range(stage["queue_start"], stage["queue_stop"]):
        if not eligible(w, q, stage, site):
            continue
        if kind == FAILOVER:
            return q
        cost = delays[q * w["site_n"] + site] if kind == NEAREST else pools[queues[q]["pool"]]["seen_load"]
        if best < 0 or cost < best_cost:
            best = q
            best_cost = cost
    return best if best >= 0 else stage["queue_start"]


@compiled
def _least_loaded(w, stage, site, local):
    """The least loaded eligible queue, at this site only when `local`; -1 none."""
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    best = -1
    best_load = np.inf
    for q in range(stage["queue_start"], stage["queue_stop"]):
        p = queues[q]["pool"]
        if (rare(local) and pools[p]["site"] != site) or rare(not eligible(w, q, stage, site)):
            continue
        cost = load(w, p)
        if best < 0 or cost < best_load:
            best = q
            best_load = cost
    return best


@compiled
def _two_choices(w, j, stage):
    """The less loaded of two eligible queues drawn at random."""
    queues = view(w["queues"], QUEUE)
    jobs = view(w["jobs"], JOB)
    site = jobs[j]["site"]
    m = 0
    for q in range(stage["queue_start"], stage["queue_stop"]):
        m += eligible(w, q, stage, site)
    if m == 0:
        return stage["queue_start"]
    n = draw(w, j)
    i = int(uniform(stage["route_key"], 2 * n) * m)
    a = _nth_eligible(w, stage, site, i)
    if m == 1:
        return a
    k = int(uniform(stage["route_key"], 2 * n + 1) * (m - 1))
    b = _nth_eligible(w, stage, site, k + 1 if k >= i else k)
    return b if load(w, queues[b]["pool"]) < load(w, queues[a]["pool"]) else a


@compiled
def _nth_eligible(w, stage, site, n):
    for q in range(stage["queue_start"], stage["queue_stop"]):
        if eligible(w, q, stage, site):
            if n == 0:
                return q
            n -= 1
    return stage["queue_start"]


@compiled
def eligible(w, q, stage, site):
    """Whether a job at `site` may choose queue `q`: its pool and the way there are open, and it has room."""
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    links = view(w["links"], LINK)
    pool = pools[queues[q]["pool"]]
    return (
        pool["open"] > 0
        and pool["servers"] > 0
        and queues[q]["length"] < stage["queue_limit"]
        and (pool["site"] == site or links[site * w["site_n"] + pool["site"]]["open"] > 0)
    )


@compiled
def load(w, p):
    """Work at pool `p` and on its way there, per server."""
    pools = view(w["pools"], POOL)
    pool = pools[p]
    return (pool["queued"] + pool["transit"] + pool["busy"]) / pool["servers"] if pool["servers"] > 0 else np.inf


@compiled
def answer(w, q):
    """The first job that asked goes to queue `q`; -1: it is turned away."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    j = w["ask_head"]
    w["ask_head"] = jobs[j]["next"]
    stages[jobs[j]["stage"]]["asked"] -= 1
    if q < 0:
        drop(w, j, SHED)
    else:
        travel(w, j, q)
