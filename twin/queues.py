"""Queues and pools of the kernel: where a job goes, what a free server takes next. Compiled.

The rules are those of twin.kernel.
"""

from __future__ import annotations

import numpy as np

from twin.chance import uniform
from twin.compiled import compiled, view
from twin.memory import free, histogram_bin, push, settle, write_row
from twin.state import (
    BATCH,
    BINS,
    DONE,
    FAILOVER,
    FLUSH_ROWS,
    GROW_BATCHES,
    GROW_HEAP,
    JOB,
    LIVE,
    NEAREST,
    POOL,
    QUEUE,
    RANK_ARRIVE,
    RANK_COMPLETE,
    RANK_TIMER,
    STAGE,
    STALE,
    VETOED,
)


@compiled
def send(w, j, s):
    """Job `j` goes to stage `s`: veto at a gate, else choose a queue and travel there."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    delays = view(w["delays"], np.float64)
    job = jobs[j]
    job["stage"] = s
    stages[s]["offered"] += 1
    if stages[s]["gate"] > 0 and job["flag"] > 0:
        stages[s]["vetoed"] += 1
        write_row(w, job, VETOED)
        free(w, j)
        return
    q = _route(w, s, job["site"])
    p = queues[q]["pool"]
    delay_s = delays[q * w["site_n"] + job["site"]]
    moved = view(w["moved"], np.int64)
    moved[q * w["site_n"] + job["site"]] += 1
    job["queue"] = q
    job["site"] = pools[p]["site"]
    if delay_s > 0.0:
        job["transfer_s"] += delay_s
        stages[s]["transit"] += 1
        pools[p]["transit"] += 1
        push(w, w["now_s"] + delay_s, RANK_ARRIVE, j)
    else:
        enqueue(w, j)


@compiled
def _route(w, s, site):
    """The queue that a job at `site` takes for stage `s`."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    delays = view(w["delays"], np.float64)
    best = -1
    best_cost = np.inf
    for q in range(stages[s]["queue_start"], stages[s]["queue_stop"]):
        pool = pools[queues[q]["pool"]]
        if pool["up"] == 0 or pool["servers"] == 0:
            continue
        if stages[s]["route"] == FAILOVER:
            return q
        if stages[s]["route"] == NEAREST:
            cost = delays[q * w["site_n"] + site]
        else:
            cost = (pool["queued"] + pool["transit"] + pool["busy"]) / pool["servers"]
        if cost < best_cost:
            best = q
            best_cost = cost
    return best if best >= 0 else stages[s]["queue_start"]


@compiled
def enqueue(w, j):
    """Job `j` has reached its queue."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    q = jobs[j]["queue"]
    p = queues[q]["pool"]
    settle(w, p)
    jobs[j]["enqueued_s"] = w["now_s"]
    jobs[j]["next"] = -1
    if queues[q]["length"] == 0:
        queues[q]["head"] = j
    else:
        jobs[queues[q]["tail"]]["next"] = j
    queues[q]["tail"] = j
    queues[q]["length"] += 1
    stages[jobs[j]["stage"]]["queued"] += 1
    pools[p]["queued"] += 1
    if pools[p]["queued"] > pools[p]["queue_peak"]:
        pools[p]["queue_peak"] = pools[p]["queued"]
    touch(w, p)


@compiled
def _dequeue(w, q):
    """Take the head of queue `q`."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    j = queues[q]["head"]
    queues[q]["head"] = jobs[j]["next"]
    queues[q]["length"] -= 1
    stages[queues[q]["stage"]]["queued"] -= 1
    pools[queues[q]["pool"]]["queued"] -= 1
    return j


@compiled
def dispatch(w):
    """The first pool that may start something starts all it can."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    pool_queues = view(w["pool_queues"], np.int64)
    p = 0
    while pools[p]["dirty"] == 0:
        p += 1
    while pools[p]["up"] > 0 and pools[p]["busy"] < pools[p]["servers"]:
        if w["heap_n"] + pools[p]["queue_stop"] - pools[p]["queue_start"] + 1 > w["heap_size"]:
            return GROW_HEAP
        if w["batch_free_n"] == 0:
            return GROW_BATCHES
        best = -1
        for i in range(pools[p]["queue_start"], pools[p]["queue_stop"]):
            q = pool_queues[i]
            s = queues[q]["stage"]
            while queues[q]["length"] > 0 and _stale(w, s, queues[q]["head"]):
                if w["row_n"] >= w["row_size"]:
                    return FLUSH_ROWS
                settle(w, p)
                j = _dequeue(w, q)
                stages[s]["stale"] += 1
                write_row(w, jobs[j], STALE)
                free(w, j)
            if queues[q]["length"] == 0 or not _ready(w, q):
                continue
            if best < 0 or _before(w, q, best):
                best = q
        if best < 0:
            break
        if _start(w, best) == LIVE:
            return LIVE
    pools[p]["dirty"] = 0
    w["dirty_n"] -= 1
    return DONE


@compiled
def _ready(w, q):
    """Whether queue `q` may start a batch now; if it must wait for more jobs, its deadline is set."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    jobs = view(w["jobs"], JOB)
    stage = stages[queues[q]["stage"]]
    if stage["max_wait_s"] == 0.0 or queues[q]["length"] >= stage["max_batch"]:
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
    """Whether queue `q` goes before queue `other`, which has the lower number at equal standing."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    jobs = view(w["jobs"], JOB)
    a = stages[queues[q]["stage"]]["priority"]
    b = stages[queues[other]["stage"]]["priority"]
    if a != b:
        return a < b
    return jobs[queues[q]["head"]]["enqueued_s"] < jobs[queues[other]["head"]]["enqueued_s"]


@compiled
def _stale(w, s, j):
    """Whether job `j` is past the shelf life that stage `s` allows."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    return w["now_s"] - jobs[j]["born_s"] > stages[s]["shelf_life_s"]


@compiled
def _start(w, q):
    """Start a batch from queue `q`; LIVE when the driver has to execute it."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    batches = view(w["batches"], BATCH)
    hist = view(w["hist"], np.int64)
    s = queues[q]["stage"]
    p = queues[q]["pool"]
    v = stages[s]["variant"]
    settle(w, p)
    b = w["batch_free"]
    w["batch_free"] = batches[b]["next"]
    w["batch_free_n"] -= 1
    lead = queues[q]["head"]
    n = 0
    j = lead
    while n < stages[s]["max_batch"] and queues[q]["length"] > 0:
        if _stale(w, s, queues[q]["head"]):
            break
        j = _dequeue(w, q)
        wait_s = w["now_s"] - jobs[j]["enqueued_s"]
        jobs[j]["wait_s"] += wait_s
        queues[q]["wait_s"][v] += wait_s
        hist[(q * 2 + v) * 2 * BINS + histogram_bin(wait_s)] += 1
        stages[s]["running"] += 1
        n += 1
    jobs[j]["next"] = -1
    batch = batches[b]
    batch["head"] = lead
    batch["queue"] = q
    batch["n"] = n
    batch["variant"] = v
    batch["live"] = stages[s]["live"]
    batch["start_s"] = w["now_s"]
    pools[p]["busy"] += 1
    if stages[s]["live"] > 0:
        w["live_batch"] = b
        return LIVE
    u = uniform(stages[s]["key"], jobs[lead]["entity"])
    service_s = _inverse_cdf(w, queues[q]["table"][v] + n - 1, u)
    push(w, w["now_s"] + service_s, RANK_COMPLETE, b)
    return DONE


@compiled
def _inverse_cdf(w, row, u):
    """Service time at probability `u`, linear between the points of `row`."""
    tables = view(w["tables"], np.float64)
    x = u * (w["table_width"] - 1)
    i = int(x)
    first = row * w["table_width"] + i
    return tables[first] + (x - i) * (tables[first + 1] - tables[first])


@compiled
def touch(w, p):
    """Pool `p` may be able to start something."""
    pools = view(w["pools"], POOL)
    if pools[p]["dirty"] == 0:
        pools[p]["dirty"] = 1
        w["dirty_n"] += 1
