"""The kernel's bookkeeping: event heap, free lists, areas under curves, rows out. Decides nothing."""

from __future__ import annotations

import numpy as np

from twin.compiled import compiled, view
from twin.state import BIN_LOW_S, BINS, HEAP, JOB, POOL, RANK_SHIFT, ROW, SUB_BITS, TRACE

_LOWEST = int(np.float64(BIN_LOW_S).view(np.int64)) >> (52 - SUB_BITS)


@compiled
def push(w, time_s, rank, ref):
    """Schedule an event; among equals in time and rank, the one pushed first comes first."""
    heap = view(w["heap"], HEAP)
    w["seq"] += 1
    key = (np.int64(rank) << RANK_SHIFT) | w["seq"]
    i = w["heap_n"]
    w["heap_n"] = i + 1
    while i > 0:
        parent = (i - 1) >> 1
        if heap[parent]["time_s"] < time_s or (heap[parent]["time_s"] == time_s and heap[parent]["key"] < key):
            break
        _move(heap, parent, i)
        i = parent
    heap[i]["time_s"] = time_s
    heap[i]["key"] = key
    heap[i]["ref"] = ref


@compiled
def pop(w):
    """Remove the first event."""
    heap = view(w["heap"], HEAP)
    n = w["heap_n"] - 1
    w["heap_n"] = n
    time_s = heap[n]["time_s"]
    key = heap[n]["key"]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        if child + 1 < n and (
            heap[child + 1]["time_s"] < heap[child]["time_s"]
            or (heap[child + 1]["time_s"] == heap[child]["time_s"] and heap[child + 1]["key"] < heap[child]["key"])
        ):
            child += 1
        if time_s < heap[child]["time_s"] or (time_s == heap[child]["time_s"] and key < heap[child]["key"]):
            break
        _move(heap, child, i)
        i = child
    if n > 0:
        _move(heap, n, i)


@compiled
def _move(heap, source, target):
    heap[target]["time_s"] = heap[source]["time_s"]
    heap[target]["key"] = heap[source]["key"]
    heap[target]["ref"] = heap[source]["ref"]


@compiled
def allocate(w):
    """A free job's number; the driver keeps at least `spawn_margin` of them free."""
    jobs = view(w["jobs"], JOB)
    j = w["job_free"]
    w["job_free"] = jobs[j]["next"]
    w["job_free_n"] -= 1
    return j


@compiled
def free(w, j):
    """Job `j` has ended."""
    jobs = view(w["jobs"], JOB)
    jobs[j]["next"] = w["job_free"]
    w["job_free"] = j
    w["job_free_n"] += 1


@compiled
def copy_job(w, j):
    """A new job with the history of job `j`."""
    jobs = view(w["jobs"], JOB)
    k = allocate(w)
    jobs[k]["entity"] = jobs[j]["entity"]
    jobs[k]["segment"] = jobs[j]["segment"]
    jobs[k]["site"] = jobs[j]["site"]
    jobs[k]["flag"] = jobs[j]["flag"]
    jobs[k]["variant"] = jobs[j]["variant"]
    jobs[k]["extra"] = jobs[j]["extra"]
    jobs[k]["born_s"] = jobs[j]["born_s"]
    jobs[k]["transfer_s"] = jobs[j]["transfer_s"]
    jobs[k]["wait_s"] = jobs[j]["wait_s"]
    jobs[k]["compute_s"] = jobs[j]["compute_s"]
    return k


@compiled
def settle(w, p):
    """Add pool `p`'s queue, busy and available servers to the time bins up to now, before any of them changes."""
    pools = view(w["pools"], POOL)
    pool = pools[p]
    now_s = w["now_s"]
    last_s = pool["last_s"]
    if now_s <= last_s:
        return
    pool["last_s"] = now_s
    available = pool["servers"] * pool["up"]
    width_s = w["bin_s"]
    b = pool["bin"]
    while b < w["bin_n"] - 1 and now_s > (b + 1) * width_s:
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


@compiled
def histogram_bin(value_s):
    """The log-linear bin of a duration: octave from the exponent, slice from the first bits of the mantissa."""
    if value_s <= BIN_LOW_S:
        return 0
    slices = np.float64(value_s).view(np.int64) >> (52 - SUB_BITS)
    return min(1 + slices - _LOWEST, BINS - 1)


@compiled
def write_row(w, job, outcome):
    """Record how a job ended."""
    rows = view(w["rows"], ROW)
    row = rows[w["row_n"]]
    w["row_n"] += 1
    row["entity"] = job["entity"]
    row["segment"] = job["segment"]
    row["stage"] = job["stage"]
    row["outcome"] = outcome
    row["flag"] = job["flag"]
    row["variant"] = job["variant"]
    row["born_s"] = job["born_s"]
    row["end_s"] = w["now_s"]
    row["transfer_s"] = job["transfer_s"]
    row["wait_s"] = job["wait_s"]
    row["compute_s"] = job["compute_s"]


@compiled
def write_trace(w, job, batch, s, p):
    """Record one stage completed by one job."""
    trace = view(w["trace"], TRACE)
    row = trace[w["trace_n"]]
    w["trace_n"] += 1
    row["stage"] = s
    row["entity"] = job["entity"]
    row["pool"] = p
    row["n"] = batch["n"]
    row["variant"] = batch["variant"]
    row["enqueued_s"] = job["enqueued_s"]
    row["start_s"] = batch["start_s"]
    row["end_s"] = w["now_s"]
