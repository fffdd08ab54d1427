"""The kernel's bookkeeping: event heap, free lists, areas under curves, rows out. Decides nothing."""

from __future__ import annotations

import numpy as np

from twin.kernel.compiled import compiled, rare, small, view
from twin.kernel.state import (
    BIN_LOW_S,
    BINS,
    DONE,
    FLUSH_ROWS,
    FLUSH_TRACE,
    GROW_BATCHES,
    GROW_BUCKETS,
    GROW_HEAP,
    GROW_JOBS,
    GROW_MEETINGS,
    GROW_WAITERS,
    JOB,
    POOL,
    ROW,
    SERVER,
    SUB_BITS,
    TASK,
    TOKEN_MASK,
    TRACE,
)

_LOWEST = int(np.float64(BIN_LOW_S).view(np.int64)) >> (52 - SUB_BITS)


@compiled
def room(w, margin):
    """DONE when every growing array takes `margin` more; else which one does not."""
    if w["job_free_n"] < margin:
        return GROW_JOBS
    if w["heap_n"] + margin > w["heap_size"]:
        return GROW_HEAP
    if w["row_n"] + margin > w["row_size"]:
        return FLUSH_ROWS
    if w["meeting_free_n"] < margin * w["stage_n"]:  # word of what will not come may reach every stage
        return GROW_MEETINGS
    if w["meeting_size"] - w["meeting_free_n"] > w["bucket_size"]:
        return GROW_BUCKETS
    released = margin - w["spawn_margin"]  # by verdicts that one event may give
    if w["waiter_free_n"] < w["spawn_margin"] * w["wait_n"] + released * w["wait_again_n"]:
        return GROW_WAITERS
    if w["batch_free_n"] == 0:
        return GROW_BATCHES
    if w["trace_on"] > 0 and w["trace_n"] + margin > w["trace_size"]:
        return FLUSH_TRACE
    return DONE


@small
def later(w, kind, stage, ref, segment):
    """What follows at once, before anything that was put off earlier."""
    tasks = view(w["tasks"], TASK)
    task = tasks[w["task_n"]]
    w["task_n"] += 1
    task["kind"] = kind
    task["stage"] = stage
    task["ref"] = ref
    task["segment"] = segment


@small
def new_job(w):
    """A free job's number; the driver keeps at least `spawn_margin` of them free."""
    jobs = view(w["jobs"], JOB)
    j = w["job_free"]
    w["job_free"] = jobs[j]["next"]
    w["job_free_n"] -= 1
    return j


@small
def free(w, j):
    """Job `j` has ended; events that still name it no longer mean it."""
    jobs = view(w["jobs"], JOB)
    forget_events(w, j)
    jobs[j]["next"] = w["job_free"]
    w["job_free"] = j
    w["job_free_n"] += 1


@small
def forget_events(w, j):
    """Events that were scheduled for job `j` no longer mean it."""
    jobs = view(w["jobs"], JOB)
    jobs[j]["token"] = (jobs[j]["token"] + 1) & TOKEN_MASK


@compiled
def copy_job(w, j):
    """A new job with the history of job `j`."""
    jobs = view(w["jobs"], JOB)
    k = new_job(w)
    old = jobs[j]
    new = jobs[k]
    new["entity"] = old["entity"]
    new["segment"] = old["segment"]
    new["stage"] = old["stage"]
    new["site"] = old["site"]
    new["shard"] = old["shard"]
    new["attempt"] = old["attempt"]
    new["pending"] = 0
    new["variant"] = old["variant"]
    new["extra"] = old["extra"]
    new["flag"] = old["flag"]
    new["missing"] = old["missing"]
    new["born_s"] = old["born_s"]
    new["transfer_s"] = old["transfer_s"]
    new["join_s"] = old["join_s"]
    new["queue_s"] = old["queue_s"]
    new["batch_s"] = old["batch_s"]
    new["outage_s"] = old["outage_s"]
    new["load_s"] = old["load_s"]
    new["compute_s"] = old["compute_s"]
    new["timer_s"] = old["timer_s"]
    return k


@small
def settle(w, p):
    """Add pool `p`'s queue, busy and available servers to the time bins up to now, before any of them changes."""
    pools = view(w["pools"], POOL)
    if w["now_s"] > pools[p]["last_s"]:
        _settle(w, p)


@compiled
def _settle(w, p):
    pools = view(w["pools"], POOL)
    pool = pools[p]
    now_s = w["now_s"]
    last_s = pool["last_s"]
    pool["last_s"] = now_s
    available = max(pool["servers"], 0) * pool["up"]
    width_s = w["bin_s"]
    b = pool["bin"]
    while rare(now_s > (b + 1) * width_s) and b < w["bin_n"] - 1:
        _area(w, p, b, pool, available, (b + 1) * width_s - last_s)
        last_s = (b + 1) * width_s
        b += 1
    pool["bin"] = b
    _area(w, p, b, pool, available, now_s - last_s)


@compiled
def _area(w, p, b, pool, available, duration_s):
    bins = view(w["bins"], np.float64)
    first = (p * w["bin_n"] + b) * 3
    bins[first] += pool["queued"] * duration_s
    bins[first + 1] += pool["busy"] * duration_s
    bins[first + 2] += available * duration_s


@small
def histogram_bin(value_s):
    """The log-linear bin that `value_s` falls in."""
    if not value_s > BIN_LOW_S:
        return 0
    b = (np.float64(value_s).view(np.int64) >> (52 - SUB_BITS)) - _LOWEST + 1
    return min(b, BINS - 1)


@small
def touch(w, p):
    """Pool `p` may be able to start something."""
    pools = view(w["pools"], POOL)
    if pools[p]["dirty"] == 0:
        pools[p]["dirty"] = 1
        w["dirty_n"] += 1
        w["dirty_low"] = min(w["dirty_low"], p)


@compiled
def write_row(w, j, outcome):
    """Record how job `j` ended, or what it published."""
    rows = view(w["rows"], ROW)
    jobs = view(w["jobs"], JOB)
    row = rows[w["row_n"]]
    job = jobs[j]
    w["row_n"] += 1
    row["entity"] = job["entity"]
    row["segment"] = job["segment"]
    row["stage"] = job["stage"]
    row["outcome"] = outcome
    row["flag"] = job["flag"]
    row["missing"] = job["missing"]
    row["variant"] = job["variant"]
    row["born_s"] = job["born_s"]
    row["end_s"] = w["now_s"]
    row["transfer_s"] = job["transfer_s"]
    row["join_s"] = job["join_s"]
    row["queue_s"] = job["queue_s"]
    row["batch_s"] = job["batch_s"]
    row["outage_s"] = job["outage_s"]
    row["load_s"] = job["load_s"]
    row["compute_s"] = job["compute_s"]
    row["timer_s"] = job["timer_s"]


@compiled
def write_trace(w, job, batch, s, p):
    """Record one stage completed by one job."""
    trace = view(w["trace"], TRACE)
    servers = view(w["servers"], SERVER)
    row = trace[w["trace_n"]]
    w["trace_n"] += 1
    row["stage"] = s
    row["entity"] = job["entity"]
    row["shard"] = job["shard"]
    row["pool"] = p
    row["server"] = servers[batch["server"]]["number"]
    row["n"] = batch["n"]
    row["variant"] = batch["variant"]
    row["enqueued_s"] = job["enqueued_s"]
    row["start_s"] = batch["start_s"]
    row["end_s"] = w["now_s"]
