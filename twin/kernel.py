"""The dispatch kernel: one compiled state machine that decides what starts where and when.

It never sleeps, executes a model or reads a clock; three drivers feed it (replay, live, farm). It works on
the plain arrays of twin.state and knows nothing else.

Specification (the SimPy reference in the tests says the same in another way, to the bit)

- An event has a time, a rank and a sequence number, and is handled in that order. Ranks at equal time:
  batch completed (2), job arrived after a transfer (3), source arrival (4), batch deadline (5). Control
  actions at time t come before all of them. Sequence numbers count pushes.
- Only when no event is left at the present time do pools start work: those whose state changed, in order of
  their number. A batch of zero length completes before the next pool starts.
- A job sent to a stage picks a queue at that instant: the nearest pool, the first, or the least loaded
  ((queued + in transit + busy) / servers), among pools that are up and have servers; ties and "none up" go
  to the first listed. A positive delay is a transfer, none is immediate.
- A pool with a free server looks through its queues by priority, then by the longest-waiting head, then by
  number. Stale heads are dropped. A queue is ready when it holds a full batch, has no batch wait, or its
  head has waited that long. A batch takes jobs from the head up to its maximum or the next stale one.
- A service time is the inverse CDF of (queue, variant, batch size) at the stage's random number for the
  first job in the batch, linear between points; or, for a live stage, what the driver measured.
- At the end of a batch its jobs are handled in order. A flag stage flags its segment, a trigger stage sends
  one candidate per event found to each successor and ends the segment's job, any other sends copies to all
  successors but the last and itself to that one. A segment without events is flagged, or triggers once, as
  pure noise does; with events, their measured responses hold that noise already.
- A flagged job reaching a gate ends as vetoed.

Return codes say why the kernel came back: DONE, LIVE (execute `core.live_batch`, put the seconds into
`core.live_service_s`, call again), or an array is too small or full (grow or flush it, call again).
"""

from __future__ import annotations

import numpy as np

from twin.chance import uniform
from twin.compiled import compiled, view
from twin.memory import allocate, copy_job, free, histogram_bin, pop, push, settle, write_row, write_trace
from twin.queues import dispatch, enqueue, send, touch
from twin.state import (
    BATCH,
    BINS,
    DONE,
    FLAG,
    FLUSH_ROWS,
    FLUSH_TRACE,
    GROW_HEAP,
    GROW_JOBS,
    HEAP,
    JOB,
    POOL,
    PUBLISHED,
    QUEUE,
    RANK_ARRIVE,
    RANK_COMPLETE,
    RANK_SHIFT,
    RANK_STREAM,
    STAGE,
    STREAM,
    TRIGGER,
)
from workloads.sky import EVENT


@compiled
def advance(world, until_s):
    """Handle every event before `until_s`, set the clock to it and return DONE; or return early, see above."""
    w = world[0]
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    heap = view(w["heap"], HEAP)
    if w["live_batch"] >= 0:
        batch = w["live_batch"]
        w["live_batch"] = -1
        push(w, w["now_s"] + w["live_service_s"], RANK_COMPLETE, batch)
    margin = w["spawn_margin"]
    while True:
        if w["job_free_n"] < margin:
            return GROW_JOBS
        if w["heap_n"] + margin > w["heap_size"]:
            return GROW_HEAP
        if w["row_n"] + margin > w["row_size"]:
            return FLUSH_ROWS
        if w["trace_n"] + margin > w["trace_size"]:
            return FLUSH_TRACE
        due = w["heap_n"] > 0 and heap[0]["time_s"] < until_s
        if due and (w["dirty_n"] == 0 or heap[0]["time_s"] <= w["now_s"]):
            rank = heap[0]["key"] >> RANK_SHIFT
            ref = heap[0]["ref"]
            w["now_s"] = heap[0]["time_s"]
            pop(w)
            if rank == RANK_COMPLETE:
                _complete(w, ref)
            elif rank == RANK_ARRIVE:
                stages[jobs[ref]["stage"]]["transit"] -= 1
                pools[queues[jobs[ref]["queue"]]["pool"]]["transit"] -= 1
                enqueue(w, ref)
            elif rank == RANK_STREAM:
                _arrive(w, ref)
            else:
                touch(w, ref)
        elif w["dirty_n"] > 0 and w["now_s"] < until_s:
            code = dispatch(w)
            if code != DONE:
                return code
        else:
            break
    if until_s < np.inf:
        w["now_s"] = until_s
    return DONE


# --- events -------------------------------------------------------------------------------------------


@compiled
def _arrive(w, m):
    """Stream `m` delivers its next job; the one after it is scheduled."""
    jobs = view(w["jobs"], JOB)
    streams = view(w["streams"], STREAM)
    stream = streams[m]
    n = stream["next"]
    stream["next"] = n + 1
    schedule_arrival(w, m)
    j = allocate(w)
    job = jobs[j]
    job["entity"] = n
    job["segment"] = n
    job["site"] = stream["site"]
    job["flag"] = 0
    job["variant"] = 0
    job["extra"] = 0
    job["born_s"] = w["now_s"]
    job["transfer_s"] = 0.0
    job["wait_s"] = 0.0
    job["compute_s"] = 0.0
    send(w, j, stream["stage"])


@compiled
def schedule_arrival(w, m):
    """Push the next arrival of stream `m`, if any is left."""
    streams = view(w["streams"], STREAM)
    arrivals = view(w["arrivals"], np.float64)
    stream = streams[m]
    n = stream["next"]
    if n >= stream["count"]:
        return
    if stream["stride_s"] > 0.0:
        time_s = stream["phase_s"] + n * stream["stride_s"]
    else:
        time_s = arrivals[stream["first"] + n]
    push(w, time_s, RANK_STREAM, m)


@compiled
def _complete(w, b):
    """Batch `b` ends: its server is free and each of its jobs goes on."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    batches = view(w["batches"], BATCH)
    hist = view(w["hist"], np.int64)
    batch = batches[b]
    q = batch["queue"]
    p = queues[q]["pool"]
    s = queues[q]["stage"]
    v = batch["variant"]
    service_s = w["now_s"] - batch["start_s"]
    settle(w, p)
    pools[p]["busy"] -= 1
    touch(w, p)
    j = batch["head"]
    for _ in range(batch["n"]):
        after = jobs[j]["next"]
        job = jobs[j]
        job["compute_s"] += service_s
        stages[s]["running"] -= 1
        stages[s]["done"] += 1
        queues[q]["done"][v] += 1
        queues[q]["service_s"][v] += service_s
        hist[((q * 2 + v) * 2 + 1) * BINS + histogram_bin(service_s)] += 1
        if w["trace_on"] > 0:
            write_trace(w, job, batch, s, p)
        if stages[s]["role"] == FLAG:
            d = queues[q]["decide"][v]
            job["flag"] |= _flagged(w, job, batch["live"], d)
        if stages[s]["role"] == TRIGGER:
            _trigger(w, batch, j, s)
        else:
            _hand_on(w, j, s)
        j = after
    batches[b]["next"] = w["batch_free"]
    batches[b]["token"] += 1
    w["batch_free"] = b
    w["batch_free_n"] += 1


@compiled
def _trigger(w, batch, j, s):
    """Segment job `j` was searched: a candidate for every event found and for a noise trigger; the job ends."""
    queues = view(w["queues"], QUEUE)
    jobs = view(w["jobs"], JOB)
    event_segment = view(w["event_segment"], np.int64)
    events = view(w["events"], EVENT)
    noise = view(w["noise"], np.float64)
    found = view(w["found"], np.int8)
    segment = jobs[j]["segment"]
    d = queues[batch["queue"]]["decide"][batch["variant"]]
    jobs[j]["variant"] = batch["variant"]
    i = _first_event(w, segment)
    eventful = i < w["event_n"] and event_segment[i] == segment
    while i < w["event_n"] and event_segment[i] == segment:
        if batch["live"] > 0:
            hit = found[i] > 0
        else:
            hit = events[i]["u_trigger"] < _probability(w, i, d)
        if hit:
            _spawn(w, j, s, i)
        i += 1
    if batch["live"] > 0:
        hit = jobs[j]["extra"] > 0
    else:
        hit = not eventful and uniform(w["noise_key"], 2 * segment) < noise[d]
    if hit:
        _spawn(w, j, s, -segment - 1)
    free(w, j)


@compiled
def _spawn(w, j, s, entity):
    """Send a candidate, heir of segment job `j`, to each successor of stage `s`."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    children = view(w["children"], np.int64)
    for c in range(stages[s]["child_start"], stages[s]["child_stop"]):
        k = copy_job(w, j)
        jobs[k]["entity"] = entity
        send(w, k, children[c])


@compiled
def _hand_on(w, j, s):
    """Job `j` is done with stage `s`: publish, and go to every successor."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    children = view(w["children"], np.int64)
    if stages[s]["publishes"] > 0:
        write_row(w, jobs[j], PUBLISHED)
    first = stages[s]["child_start"]
    last = stages[s]["child_stop"] - 1
    if last < first:
        free(w, j)
        return
    for c in range(first, last):
        k = copy_job(w, j)
        send(w, k, children[c])
    send(w, j, children[last])


# --- decisions ----------------------------------------------------------------------------------------


@compiled
def _first_event(w, segment):
    """The first event in this segment or after it."""
    event_segment = view(w["event_segment"], np.int64)
    low = 0
    high = w["event_n"]
    while low < high:
        middle = (low + high) >> 1
        if event_segment[middle] < segment:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _probability(w, i, d):
    """Measured chance that table `d`'s program reacts to event `i`."""
    events = view(w["events"], EVENT)
    edges = view(w["edges"], np.float64)
    responses = view(w["responses"], np.float64)
    snr = events[i]["snr"]
    b = 0
    bins = w["snr_bin_n"]
    while b + 1 < bins and snr >= edges[d * (bins + 1) + b + 1]:
        b += 1
    return responses[(d * w["class_n"] + events[i]["cls"]) * bins + b]


@compiled
def _flagged(w, job, live, d):
    """1 when data quality flags the segment of `job`."""
    event_segment = view(w["event_segment"], np.int64)
    events = view(w["events"], EVENT)
    noise = view(w["noise"], np.float64)
    if live > 0:
        return job["extra"]
    segment = job["segment"]
    i = _first_event(w, segment)
    if i == w["event_n"] or event_segment[i] != segment:
        return 1 if uniform(w["noise_key"], 2 * segment + 1) < noise[d] else 0
    while i < w["event_n"] and event_segment[i] == segment:
        if events[i]["u_flag"] < _probability(w, i, d):
            return 1
        i += 1
    return 0
