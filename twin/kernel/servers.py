"""Servers of the kernel: which one takes a batch, what programs it holds, what becomes of it. Compiled.

The rules are those of twin.kernel.
"""

from __future__ import annotations

import math

import numpy as np

from twin.kernel.compiled import compiled, inlined, rare, small, view
from twin.kernel.state import BREAKING, BROKEN, BUSY, FREE, GONE, POOL, QUEUE, SERVER
from workloads.occupancy import WARM_S


@inlined
def take_server(w, p, q, v):
    """A free server of pool `p`: the last freed that holds variant `v` of queue `q`, else the last freed."""
    pools = view(w["pools"], POOL)
    servers = view(w["servers"], SERVER)
    x = pools[p]["free"]
    if rare(pools[p]["resident"] > 0):
        before = -1
        here = x
        while here >= 0 and not _holds(w, p, here, q, v):
            before = here
            here = servers[here]["next"]
        if here >= 0 and before >= 0:
            servers[before]["next"] = servers[here]["next"]
            servers[here]["state"] = BUSY
            return here
    pools[p]["free"] = servers[x]["next"]
    servers[x]["state"] = BUSY
    return x


@compiled
def cool(w, x):
    """Server `x`, just taken, is as warm as it is after idling."""
    servers = view(w["servers"], SERVER)
    servers[x]["warm"] *= math.exp((servers[x]["freed_s"] - w["now_s"]) / WARM_S)
    servers[x]["taken_s"] = w["now_s"]


@small
def give_server(w, p, x):
    """Server `x` has finished: it is free, or leaves if it broke or is one too many."""
    pools = view(w["pools"], POOL)
    servers = view(w["servers"], SERVER)
    servers[x]["batch"] = -1
    if rare(w["warm_on"] > 0):
        cold = math.exp((servers[x]["taken_s"] - w["now_s"]) / WARM_S)
        servers[x]["warm"] = 1.0 - (1.0 - servers[x]["warm"]) * cold
    servers[x]["freed_s"] = w["now_s"]
    if rare(servers[x]["state"] == BREAKING):
        servers[x]["state"] = BROKEN
        forget(w, x)
    elif rare(pools[p]["surplus"] > 0):
        pools[p]["surplus"] -= 1
        servers[x]["state"] = GONE
        forget(w, x)
    else:
        free_server(w, p, x)


@small
def free_server(w, p, x):
    """Server `x` is the next that pool `p` uses."""
    pools = view(w["pools"], POOL)
    servers = view(w["servers"], SERVER)
    servers[x]["state"] = FREE
    servers[x]["next"] = pools[p]["free"]
    pools[p]["free"] = x


@compiled
def unlist_server(w, p, x):
    """Free server `x` is not used any more."""
    pools = view(w["pools"], POOL)
    servers = view(w["servers"], SERVER)
    if pools[p]["free"] == x:
        pools[p]["free"] = servers[x]["next"]
        return
    before = pools[p]["free"]
    while servers[before]["next"] != x:
        before = servers[before]["next"]
    servers[before]["next"] = servers[x]["next"]


# --- programs that a server holds ------------------------------------------------------------------------


@compiled
def _holds(w, p, x, q, v):
    """Whether server `x` has variant `v` of queue `q` ready."""
    pools = view(w["pools"], POOL)
    queues = view(w["queues"], QUEUE)
    resident = view(w["resident"], np.float64)
    used_s = resident[x * w["slot_n"] + queues[q]["slot"] + v]
    return used_s >= 0.0 and w["now_s"] - used_s <= pools[p]["keep_warm_s"]


@inlined
def make_ready(w, p, x, q, v):
    """Seconds until server `x` has variant `v` of queue `q` ready; what has no room beside it is given up."""
    pools = view(w["pools"], POOL)
    if pools[p]["resident"] == 0:
        return 0.0
    queues = view(w["queues"], QUEUE)
    servers = view(w["servers"], SERVER)
    resident = view(w["resident"], np.float64)
    slot = x * w["slot_n"] + queues[q]["slot"] + v
    load_s = 0.0
    if not _holds(w, p, x, q, v):
        load_s = queues[q]["load_time_s"][v]
        pools[p]["swaps"] += 1
        if resident[slot] < 0.0:
            servers[x]["used_bytes"] += queues[q]["memory_bytes"][v]
            _make_room(w, p, x, slot)
    resident[slot] = w["now_s"]
    return load_s


@compiled
def _make_room(w, p, x, keep):
    """Give up programs of server `x`, least recently used first but never slot `keep`, until the rest fits."""
    pools = view(w["pools"], POOL)
    queues = view(w["queues"], QUEUE)
    servers = view(w["servers"], SERVER)
    pool_queues = view(w["pool_queues"], np.int64)
    resident = view(w["resident"], np.float64)
    while servers[x]["used_bytes"] > pools[p]["memory_bytes"]:
        oldest = -1
        oldest_bytes = 0.0
        for i in range(pools[p]["queue_start"], pools[p]["queue_stop"]):
            queue = queues[pool_queues[i]]
            for v in range(w["variant_n"]):
                slot = x * w["slot_n"] + queue["slot"] + v
                if slot == keep or resident[slot] < 0.0:
                    continue
                earlier = oldest < 0 or resident[slot] < resident[oldest]
                if earlier or (resident[slot] == resident[oldest] and slot < oldest):
                    oldest = slot
                    oldest_bytes = queue["memory_bytes"][v]
        if oldest < 0:
            return
        resident[oldest] = -1.0
        servers[x]["used_bytes"] -= oldest_bytes


@small
def used(w, p, x, q, v):
    """Server `x` has just used variant `v` of queue `q`."""
    pools = view(w["pools"], POOL)
    if rare(pools[p]["resident"] > 0):
        queues = view(w["queues"], QUEUE)
        resident = view(w["resident"], np.float64)
        resident[x * w["slot_n"] + queues[q]["slot"] + v] = w["now_s"]


@compiled
def forget(w, x):
    """Server `x` holds no program any more."""
    servers = view(w["servers"], SERVER)
    resident = view(w["resident"], np.float64)
    servers[x]["used_bytes"] = 0.0
    servers[x]["freed_s"] = -np.inf
    for slot in range(x * w["slot_n"], (x + 1) * w["slot_n"]):
        resident[slot] = -1.0
