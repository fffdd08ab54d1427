"""Links of the kernel: how a job gets to its pool. Compiled.

A link is a fluid: the flows on it share its bandwidth equally at every instant. `progress` counts the bytes that a
flow present all the time has moved; a flow is through when it reaches the progress at its start plus its size, so
that one number per link, and not one per flow, changes with time. The rules are those of twin.kernel.
"""

from __future__ import annotations

from twin.kernel.compiled import compiled, rare, small, view
from twin.kernel.heap import push
from twin.kernel.queues import enqueue
from twin.kernel.state import (
    JOB,
    LINK,
    POOL,
    QUEUE,
    RANK_ARRIVE,
    RANK_FLOW,
    STAGE,
    TOKEN_MASK,
    TOKEN_SHIFT,
)


@small
def travel(w, j, q):
    """Job `j` goes to queue `q`, over a link when that is at another site."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    links = view(w["links"], LINK)
    job = jobs[j]
    p = queues[q]["pool"]
    source = job["site"]
    target = pools[p]["site"]
    job["queue"] = q
    job["site"] = target
    job["since_s"] = w["now_s"]
    if source == target:
        enqueue(w, j)
        return
    stages[job["stage"]]["transit"] += 1
    pools[p]["transit"] += 1
    k = source * w["site_n"] + target
    if rare(stages[job["stage"]]["payload_bytes"] > 0.0):
        _begin(w, j, k)
    elif links[k]["latency_s"] > 0.0:
        links[k]["sent"] += 1
        push(w, w["now_s"] + links[k]["latency_s"], RANK_ARRIVE, j)
    else:
        links[k]["sent"] += 1
        arrive(w, j)


@compiled
def arrive(w, j):
    """Job `j` has come over its link."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    job = jobs[j]
    stages[job["stage"]]["transit"] -= 1
    pools[queues[job["queue"]]["pool"]]["transit"] -= 1
    job["transfer_s"] += w["now_s"] - job["since_s"]
    enqueue(w, j)


@compiled
def _begin(w, j, k):
    """Job `j`'s data start to flow over link `k`."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    links = view(w["links"], LINK)
    link = links[k]
    catch_up(w, k)
    job = jobs[j]
    job["finish"] = link["progress"] + stages[job["stage"]]["payload_bytes"]
    job["order"] = link["order"]
    link["order"] += 1
    link["flows"] += 1
    job["left"] = -1
    job["right"] = -1
    link["top"] = _merge(w, link["top"], j)
    reschedule(w, k)


@compiled
def flow_through(w, k):
    """The first flow on link `k` has moved all its data; what is left is the latency."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    links = view(w["links"], LINK)
    link = links[k]
    catch_up(w, k)
    j = link["top"]
    link["progress"] = jobs[j]["finish"]
    link["top"] = _merge(w, jobs[j]["left"], jobs[j]["right"])
    link["flows"] -= 1
    link["sent"] += 1
    link["bytes"] += stages[jobs[j]["stage"]]["payload_bytes"]
    if link["flows"] == 0:
        link["progress"] = 0.0
    reschedule(w, k)
    if link["latency_s"] > 0.0:
        push(w, w["now_s"] + link["latency_s"], RANK_ARRIVE, j)
    else:
        arrive(w, j)


@compiled
def catch_up(w, k):
    """Move the flows on link `k` up to now."""
    links = view(w["links"], LINK)
    link = links[k]
    if link["flows"] > 0:
        elapsed_s = w["now_s"] - link["last_s"]
        link["progress"] += elapsed_s * (link["bandwidth"] * link["share"] / link["flows"])
        link["busy_s"] += elapsed_s
    link["last_s"] = w["now_s"]


@compiled
def reschedule(w, k):
    """Set the event at which the first flow on link `k` is through, after flows or bandwidth changed."""
    jobs = view(w["jobs"], JOB)
    links = view(w["links"], LINK)
    link = links[k]
    link["token"] = (link["token"] + 1) & TOKEN_MASK
    if link["flows"] > 0 and link["share"] > 0.0:
        rate = link["bandwidth"] * link["share"] / link["flows"]
        left_s = max(0.0, jobs[link["top"]]["finish"] - link["progress"]) / rate
        push(w, w["now_s"] + left_s, RANK_FLOW, k | (link["token"] << TOKEN_SHIFT))


@compiled
def _merge(w, a, b):
    """The top of two skew heaps of flows made one (Sleator and Tarjan 1986), -1 empty."""
    jobs = view(w["jobs"], JOB)
    top = -1
    above = -1
    while a >= 0 and b >= 0:
        if jobs[b]["finish"] < jobs[a]["finish"] or (
            jobs[b]["finish"] == jobs[a]["finish"] and jobs[b]["order"] < jobs[a]["order"]
        ):
            a, b = b, a
        if above < 0:
            top = a
        else:
            jobs[above]["left"] = a
        right = jobs[a]["right"]
        jobs[a]["right"] = jobs[a]["left"]
        above = a
        a = right
    rest = a if a >= 0 else b
    if above < 0:
        return rest
    jobs[above]["left"] = rest
    return top
