"""Dispatch of the kernel: what a pool starts next, and what has to make way for it. Compiled.

The rules are those of twin.kernel.
"""

from __future__ import annotations

import numpy as np

from twin.kernel.batches import (
    attempt,
    form,
    free_batch,
    list_running,
    schedule,
    service_s,
    stop,
    suspend,
    take_suspended,
)
from twin.kernel.compiled import compiled, inlined, rare, view
from twin.kernel.graph import follow
from twin.kernel.heap import push
from twin.kernel.memory import room, settle
from twin.kernel.queues import close_holds, expire, put_back
from twin.kernel.servers import cool, make_ready, take_server
from twin.kernel.state import (
    BATCH,
    BREAKING,
    DONE,
    JOB,
    KEPT,
    LIVE,
    POOL,
    QUEUE,
    RANK_TIMER,
    RESUMED,
    SERVER,
    STAGE,
)

_NO_ROOM = -2


@compiled
def dispatch(w):
    """The first pool that may start something starts all it can; DONE, or why it has to be called again."""
    pools = view(w["pools"], POOL)
    p = w["turn"]
    if p < 0:
        p = w["dirty_low"]
        while pools[p]["dirty"] == 0:
            p += 1
        w["turn"] = p
        pools[p]["dirty"] = 0  # touched again during its turn, it gets another
        w["dirty_n"] -= 1
        w["dirty_low"] = p
        if rare(pools[p]["holds"] > 0):
            close_holds(w, p)
    while pools[p]["up"] > 0 and pools[p]["servers"] > 0:
        if pools[p]["queued"] == 0 or (pools[p]["free"] < 0 and pools[p]["watchful"] == 0):
            break
        if rare(w["batch_free_n"] == 0 or w["heap_n"] + w["spawn_margin"] > w["heap_size"]):
            return room(w, w["spawn_margin"])
        q = _next(w, p)
        if rare(q == _NO_ROOM):
            return room(w, w["spawn_margin"])
        if rare(q < 0) or (rare(pools[p]["free"] < 0) and not _make_way(w, p, q)):
            break
        w["budget"] -= 1
        if rare(_start(w, p, q) == LIVE):
            return LIVE
    if rare(pools[p]["holds"] > 0):
        _open_holds(w, p)
    if w["dirty_n"] == 0:
        w["dirty_low"] = w["pool_n"]
    w["turn"] = -1
    return DONE


@inlined
def _next(w, p):
    """The queue of pool `p` whose work comes next, -1 none; _NO_ROOM: the driver is needed first."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    pool_queues = view(w["pool_queues"], np.int64)
    best = -1
    for i in range(pools[p]["queue_start"], pools[p]["queue_stop"]):
        q = pool_queues[i]
        while rare(pools[p]["watchful"] > 0) and stages[queues[q]["stage"]]["ages"] > 0 and expire(w, q):
            follow(w)
            if room(w, w["spawn_margin"]) != DONE:
                return _NO_ROOM
        if not rare(queues[q]["suspended"] >= 0) and (queues[q]["length"] == 0 or not _ready(w, q)):
            continue
        if best < 0 or _before(w, q, best):
            best = q
    return best


@inlined
def _ready(w, q):
    """Whether queue `q` may start a batch now; if it must wait for more jobs, its deadline is set."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    jobs = view(w["jobs"], JOB)
    stage = stages[queues[q]["stage"]]
    if rare(stage["variant"] < 0):
        return False
    if not rare(stage["max_wait_s"] > 0.0) or queues[q]["length"] >= stage["max_batch"]:
        return True
    deadline_s = jobs[queues[q]["head"]]["enqueued_s"] + stage["max_wait_s"]
    if w["now_s"] >= deadline_s:
        return True
    if queues[q]["timer_s"] != deadline_s:
        queues[q]["timer_s"] = deadline_s
        push(w, deadline_s, RANK_TIMER, queues[q]["pool"])
    return False


@compiled
def _before(w, q, other):
    """Whether queue `q` goes before queue `other`, which comes first at equal standing."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    a = stages[queues[q]["stage"]]["priority"]
    b = stages[queues[other]["stage"]]["priority"]
    if a != b:
        return a < b
    return _oldest_s(w, q) < _oldest_s(w, other)


@compiled
def _oldest_s(w, q):
    """When the work that queue `q` would start next came."""
    queues = view(w["queues"], QUEUE)
    jobs = view(w["jobs"], JOB)
    j = queues[q]["head"]
    if rare(queues[q]["suspended"] >= 0):
        j = view(w["batches"], BATCH)[queues[q]["suspended"]]["head"]
    return jobs[j]["enqueued_s"]


@compiled
def _open_holds(w, p):
    """From now on free servers of pool `p` may be held for batches that are not full yet."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    pool_queues = view(w["pool_queues"], np.int64)
    if pools[p]["up"] == 0 or pools[p]["servers"] <= 0 or pools[p]["free"] < 0:
        return
    for i in range(pools[p]["queue_start"], pools[p]["queue_stop"]):
        queue = queues[pool_queues[i]]
        stage = stages[queue["stage"]]
        if queue["length"] > 0 and stage["max_wait_s"] > 0.0 and stage["variant"] >= 0:
            queue["hold_since_s"] = w["now_s"]


# --- starting --------------------------------------------------------------------------------------------


@inlined
def _start(w, p, q):
    """Start the next batch of queue `q` on a free server; LIVE when the driver has to execute it."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    batches = view(w["batches"], BATCH)
    servers = view(w["servers"], SERVER)
    s = queues[q]["stage"]
    settle(w, p)
    fresh = not rare(queues[q]["suspended"] >= 0)
    b = form(w, q, s) if fresh else take_suspended(w, q, s)
    batch = batches[b]
    x = take_server(w, p, q, batch["variant"])
    if rare(w["warm_on"] > 0):
        cool(w, x)
    servers[x]["batch"] = b
    batch["server"] = x
    batch["start_s"] = w["now_s"]
    batch["load_s"] = make_ready(w, p, x, q, batch["variant"])
    pools[p]["busy"] += 1
    list_running(w, b, q)
    if fresh:
        if rare(stages[s]["live"] > 0):
            w["live_batch"] = b
            return LIVE
        attempt(w, b, service_s(w, b, s, p, x))
    else:
        schedule(w, b, batch["left_s"])
    return DONE


# --- making way ------------------------------------------------------------------------------------------


@compiled
def _make_way(w, p, q):
    """Preempt a batch of pool `p` for queue `q`, which has a higher priority; whether there was one."""
    b = _victim(w, p, q)
    if b < 0:
        return False
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    batches = view(w["batches"], BATCH)
    jobs = view(w["jobs"], JOB)
    batch = batches[b]
    v = batch["queue"]
    stage = stages[queues[v]["stage"]]
    pools[p]["preempted"] += 1
    stop(w, b)
    ran_s = w["now_s"] - batch["start_s"]
    loaded_s = min(ran_s, batch["load_s"])
    resumes = stage["preempt"] == RESUMED
    j = batch["head"]
    for _ in range(batch["n"]):
        if resumes:
            jobs[j]["load_s"] += loaded_s
            jobs[j]["compute_s"] += ran_s - loaded_s
        else:
            jobs[j]["queue_s"] += ran_s
        j = jobs[j]["next"]
    if resumes:
        batch["left_s"] -= ran_s - loaded_s
        suspend(w, b)
    else:
        put_back(w, v, batch["head"], batch["n"])
        free_batch(w, b)
    return True


@compiled
def _victim(w, p, q):
    """The most recently started batch of lowest priority that may be preempted for queue `q`, -1 none."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    batches = view(w["batches"], BATCH)
    servers = view(w["servers"], SERVER)
    pool_queues = view(w["pool_queues"], np.int64)
    if pools[p]["surplus"] > 0:
        return -1
    mine = stages[queues[q]["stage"]]["priority"]
    for i in range(pools[p]["queue_stop"] - 1, pools[p]["queue_start"] - 1, -1):
        q = pool_queues[i]
        stage = stages[queues[q]["stage"]]
        if stage["priority"] <= mine:
            return -1
        if stage["preempt"] == KEPT:
            continue
        b = batches[q]["older"]
        while b != q and servers[batches[b]["server"]]["state"] == BREAKING:
            b = batches[b]["older"]
        if b != q:
            return b
    return -1
