"""Batches of the kernel: formed from a queue, run on a server, suspended, stopped. Compiled.

The rules are those of twin.kernel.
"""

from __future__ import annotations

import numpy as np

from twin.kernel.chance import uniform
from twin.kernel.compiled import compiled, inlined, rare, small, view
from twin.kernel.heap import push
from twin.kernel.memory import histogram_bin, settle
from twin.kernel.queues import dequeue, draw, mark, settle_wait, take_up, too_old
from twin.kernel.servers import give_server, used
from twin.kernel.state import (
    BATCH,
    BINS,
    JOB,
    MOST_CROWD,
    OUTSIDE,
    POOL,
    QUEUE,
    RANK_COMPLETE,
    SERVER,
    STAGE,
    TOKEN_MASK,
    TOKEN_SHIFT,
)
from workloads.occupancy import IDLE_EDGES_S, WARM_POINTS


@small
def variant_for(w, s, j):
    """The variant of stage `s` that serves job `j`."""
    stages = view(w["stages"], STAGE)
    if rare(stages[s]["guarded"] > 0) and (view(w["jobs"], JOB)[j]["flag"] & OUTSIDE) > 0:
        return stages[s]["guarded"]
    return stages[s]["variant"]


@inlined
def form(w, q, s):
    """A batch of the first jobs in queue `q`: its maximum, or up to one that is too old or for another variant."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    jobs = view(w["jobs"], JOB)
    batches = view(w["batches"], BATCH)
    hist = view(w["hist"], np.int64)
    v = variant_for(w, s, queues[q]["head"])
    b = w["batch_free"]
    batch = batches[b]
    w["batch_free"] = batch["next"]
    w["batch_free_n"] -= 1
    batch["head"] = queues[q]["head"]
    batch["queue"] = q
    batch["variant"] = v
    batch["live"] = stages[s]["live"]
    batch["fails"] = 0
    n = 0
    j = batch["head"]
    while (
        n < stages[s]["max_batch"]
        and queues[q]["length"] > 0
        and (n == 0 or stages[s]["ages"] == 0 or too_old(w, q) < 0)
        and (n == 0 or variant_for(w, s, queues[q]["head"]) == v)
    ):
        j = dequeue(w, q)
        if rare(stages[s]["whole"] > 0):
            take_up(w, q, j)
        wait_s = settle_wait(w, j, q)
        queues[q]["wait_s"][v] += wait_s
        hist[(q * w["variant_n"] + v) * 2 * BINS + histogram_bin(wait_s)] += 1
        n += 1
    jobs[j]["next"] = -1
    batch["n"] = n
    stages[s]["running"] += n
    return b


@compiled
def take_suspended(w, q, s):
    """The batch of queue `q` that was preempted last goes on."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    batches = view(w["batches"], BATCH)
    b = queues[q]["suspended"]
    n = batches[b]["n"]
    queues[q]["suspended"] = batches[b]["next"]
    settle_suspended(w, b)
    stages[s]["queued"] -= n
    stages[s]["running"] += n
    pools[queues[q]["pool"]]["queued"] -= n
    return b


@compiled
def settle_suspended(w, b):
    """The jobs of batch `b` no longer wait to go on."""
    jobs = view(w["jobs"], JOB)
    batches = view(w["batches"], BATCH)
    j = batches[b]["head"]
    for _ in range(batches[b]["n"]):
        settle_wait(w, j, batches[b]["queue"])
        j = jobs[j]["next"]


@inlined
def service_s(w, b, s, p, x):
    """The service time that batch `b` draws from its table, on server `x`."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    batches = view(w["batches"], BATCH)
    tables = view(w["tables"], np.float64)
    batch = batches[b]
    queue = queues[batch["queue"]]
    v = batch["variant"]
    place = jobs[batch["head"]]["place"]
    i = int(place)
    row = queue["table"][v] + batch["n"] - 1
    if rare(queue["idle_rows"][v] > 0):
        row += idle_class(w["now_s"] - view(w["servers"], SERVER)[x]["freed_s"]) * queue["idle_rows"][v]
    first = row * w["table_width"] + i
    service_s = tables[first] + (place - i) * (tables[first + 1] - tables[first])
    if rare(pools[p]["slowness"] != 1.0):
        service_s *= pools[p]["slowness"]
    if rare(queue["warm"][v] >= 0):
        service_s *= warmed(w, queue["warm"][v], view(w["servers"], SERVER)[x]["warm"])
    if rare(queue["crowd"][v] >= 0):
        crowd = min(pools[p]["busy"], MOST_CROWD) - 1
        service_s *= view(w["crowding"], np.float64)[queue["crowd"][v] * MOST_CROWD + crowd]
    if rare(pools[p]["tempo_n"] > 0):
        beat = int(w["now_s"] / pools[p]["tempo_s"]) % pools[p]["tempo_n"]
        service_s *= view(w["tempo"], np.float64)[pools[p]["tempo"] + beat]
    if rare(stages[s]["failure"] > 0.0):
        n = draw(w, batch["head"])
        if uniform(stages[s]["failure_key"], n) < stages[s]["failure"]:
            batch["fails"] = 1
    return service_s


@compiled
def idle_class(idle_s):
    """How many of the idle edges `idle_s` exceeds."""
    number = 0
    for edge_s in IDLE_EDGES_S:
        number += idle_s > edge_s
    return number


@compiled
def warmed(w, row, warm):
    """By what a server that is so `warm` multiplies times: linear between the points of this row of `warmth`."""
    warmth = view(w["warmth"], np.float64)
    place = warm * (WARM_POINTS - 1)
    i = min(int(place), WARM_POINTS - 2)
    first = row * WARM_POINTS + i
    return warmth[first] + (place - i) * (warmth[first + 1] - warmth[first])


@small
def attempt(w, b, service_s):
    """Batch `b` starts to be served: it will take `service_s`, or fail when its time is out."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    batches = view(w["batches"], BATCH)
    batch = batches[b]
    timeout_s = stages[queues[batch["queue"]]["stage"]]["timeout_s"]
    if rare(service_s > timeout_s):
        service_s = timeout_s
        batch["fails"] = 1
    schedule(w, b, service_s)


@compiled
def executed(w):
    """The driver has executed the live batch, or does so meanwhile and tells its end later, by `finish`."""
    b = w["live_batch"]
    w["live_batch"] = -1
    if w["live_service_s"] < np.inf:
        attempt(w, b, w["live_service_s"])


@compiled
def finish(w, b):
    """Batch `b`, whose end nobody knew, ends now."""
    batches = view(w["batches"], BATCH)
    push(w, w["now_s"], RANK_COMPLETE, b | (batches[b]["token"] << TOKEN_SHIFT))


@small
def schedule(w, b, left_s):
    """Batch `b`, just started, will end after its loading and `left_s` of its service."""
    batches = view(w["batches"], BATCH)
    batch = batches[b]
    batch["left_s"] = left_s
    end_s = w["now_s"] + batch["load_s"] + left_s
    push(w, end_s, RANK_COMPLETE, b | (batch["token"] << TOKEN_SHIFT))


@compiled
def suspend(w, b):
    """Batch `b` waits to go on."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    batches = view(w["batches"], BATCH)
    jobs = view(w["jobs"], JOB)
    batch = batches[b]
    queue = queues[batch["queue"]]
    batch["next"] = queue["suspended"]
    queue["suspended"] = b
    stages[queue["stage"]]["queued"] += batch["n"]
    pool = pools[queue["pool"]]
    pool["queued"] += batch["n"]
    pool["queue_peak"] = max(pool["queue_peak"], pool["queued"])
    j = batch["head"]
    for _ in range(batch["n"]):
        mark(w, j, batch["queue"])
        j = jobs[j]["next"]


@compiled
def stop(w, b):
    """Batch `b` no longer runs: its server is free, and its end will not come."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    batches = view(w["batches"], BATCH)
    batch = batches[b]
    q = batch["queue"]
    p = queues[q]["pool"]
    settle(w, p)
    pools[p]["busy"] -= 1
    stages[queues[q]["stage"]]["running"] -= batch["n"]
    batch["token"] = (batch["token"] + 1) & TOKEN_MASK
    unlist(w, b)
    used(w, p, batch["server"], q, batch["variant"])
    give_server(w, p, batch["server"])


@small
def list_running(w, b, q):
    """Batch `b` is the last of queue `q` that was started."""
    batches = view(w["batches"], BATCH)
    last = batches[q]["older"]
    batches[b]["older"] = last
    batches[b]["newer"] = q
    batches[last]["newer"] = b
    batches[q]["older"] = b


@small
def unlist(w, b):
    """Batch `b` is not among the running of its queue any more."""
    batches = view(w["batches"], BATCH)
    older = batches[b]["older"]
    newer = batches[b]["newer"]
    batches[newer]["older"] = older
    batches[older]["newer"] = newer


@inlined
def free_batch(w, b):
    """Batch `b` is over."""
    batches = view(w["batches"], BATCH)
    batches[b]["next"] = w["batch_free"]
    w["batch_free"] = b
    w["batch_free_n"] += 1
