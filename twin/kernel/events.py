"""Events of the kernel, one after the other until a given time, and what each of them sets off. Compiled.

The rules are those of twin.kernel.
"""

from __future__ import annotations

import numpy as np

from twin.kernel.batches import executed, free_batch, unlist
from twin.kernel.compiled import compiled, inlined, rare, view
from twin.kernel.decisions import flagged, report
from twin.kernel.dispatch import dispatch
from twin.kernel.graph import follow, give_verdict, hand, hand_on, overdue, shard_done, timed
from twin.kernel.heap import fill_hole, first_event, is_due, push
from twin.kernel.links import arrive, flow_through
from twin.kernel.memory import histogram_bin, later, new_job, room, settle, touch, write_trace
from twin.kernel.queues import drop
from twin.kernel.routes import load, route
from twin.kernel.servers import give_server, used
from twin.kernel.state import (
    ASK,
    BATCH,
    BINS,
    BREAK,
    DONE,
    EXPIRED,
    FAILED,
    FINISH,
    FLAG,
    FLAGGED,
    GOOD,
    HEAP,
    JOB,
    LINK,
    OUTSIDE,
    POOL,
    PRIMARY,
    QUEUE,
    RANK_ARRIVE,
    RANK_COMPLETE,
    RANK_FLOW,
    RANK_OVERDUE,
    RANK_REPORT,
    RANK_RETRY,
    RANK_SHIFT,
    RANK_STREAM,
    STAGE,
    STREAM,
    TOKEN_MASK,
    TOKEN_SHIFT,
    TRIGGER,
)

_SLOT_MASK = (1 << TOKEN_SHIFT) - 1


@compiled
def advance(world, until_s):
    """Handle every event before `until_s`, set the clock to it and return DONE; or return early, see above."""
    w = world[0]
    heap = view(w["heap"], HEAP)
    streams = view(w["streams"], STREAM)
    if w["live_batch"] >= 0:
        executed(w)
    while True:
        if rare(w["budget"] <= 0):
            code = _allow(w)
            if rare(code != DONE):
                return code
        if rare(w["turn"] >= 0):
            code = dispatch(w)
            if rare(code != DONE):
                return code
            continue
        if rare(w["ask_head"] >= 0):
            return ASK
        if w["dirty_n"] > 0 and w["now_s"] < until_s and not rare(_more_now(w)):
            code = dispatch(w)
            if rare(code != DONE):
                return code
            continue
        if w["hole"] >= 0:
            fill_hole(w)
        first = heap[first_event(w)]
        stream_s = streams[w["stream"]]["next_s"] if w["stream"] >= 0 else np.inf
        next_s = min(w["first_s"], stream_s)
        if not next_s < until_s:
            break
        w["budget"] -= 1
        w["now_s"] = next_s
        if stream_s < w["first_s"] or (
            rare(stream_s == w["first_s"]) and first["key"] >> RANK_SHIFT > RANK_STREAM
        ):
            _arrive(w, w["stream"])
        else:
            w["hole"] = first_event(w)
            _handle(w, first["key"] >> RANK_SHIFT, first["ref"] & _SLOT_MASK, first["ref"] >> TOKEN_SHIFT)
        if w["task_n"] > 0:
            follow(w)
    if until_s < np.inf:
        w["now_s"] = until_s
    return DONE


@inlined
def _more_now(w):
    """Whether another event is due at the present time."""
    streams = view(w["streams"], STREAM)
    return is_due(w, w["now_s"]) or (w["stream"] >= 0 and streams[w["stream"]]["next_s"] <= w["now_s"])


@compiled
def _allow(w):
    """Count how many events the room in every growing array is enough for; DONE, or which one is too full."""
    margin = w["spawn_margin"] + (w["waiter_size"] - w["waiter_free_n"]) * w["hand_margin"]
    code = room(w, margin)
    if code == DONE:
        least = min(w["job_free_n"], w["heap_size"] - w["heap_n"], w["row_size"] - w["row_n"])
        least = min(least, w["meeting_free_n"] // w["stage_n"], w["waiter_free_n"])
        if rare(w["trace_on"] > 0):
            least = min(least, w["trace_size"] - w["trace_n"])
        w["budget"] = least // margin
    return code


@inlined
def _handle(w, rank, slot, token):
    """One event; those of work that was stopped, or of a slot that was used again, mean nothing."""
    if rank == RANK_COMPLETE:
        if view(w["batches"], BATCH)[slot]["token"] == token:
            _complete(w, slot)
    elif rank == RANK_ARRIVE:
        arrive(w, slot)
    else:
        _handle_rest(w, rank, slot, token)


@compiled
def _handle_rest(w, rank, slot, token):
    """Events that are rarer than the end of a batch and the arrival over a link."""
    jobs = view(w["jobs"], JOB)
    if rank == RANK_FLOW:
        if view(w["links"], LINK)[slot]["token"] == token:
            flow_through(w, slot)
    elif rank == RANK_RETRY:
        _paused(w, slot)
    elif rank == RANK_OVERDUE:
        if jobs[slot]["token"] == token:
            overdue(w, slot)
    elif rank == RANK_REPORT:
        _report_loads(w)
    else:
        touch(w, slot)


@compiled
def _paused(w, j):
    """The pause of job `j` is over: that before another attempt, or a stage that only takes time."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    stage = stages[jobs[j]["stage"]]
    if stage["timer"] >= 0:
        timed(w, j)
        return
    stage["backoff"] -= 1
    jobs[j]["outage_s"] += w["now_s"] - jobs[j]["since_s"]
    route(w, j)


@inlined
def _arrive(w, m):
    """Stream `m` delivers its next job; the one after it is scheduled."""
    jobs = view(w["jobs"], JOB)
    streams = view(w["streams"], STREAM)
    stream = streams[m]
    n = stream["next"]
    stream["next"] = n + 1
    schedule_arrival(w, m)
    j = new_job(w)
    job = jobs[j]
    job["entity"] = n * stream["span"]
    job["segment"] = n * stream["span"]
    job["site"] = stream["site"]
    job["pending"] = 0
    job["flag"] = 0
    job["missing"] = 0
    job["variant"] = 0
    job["extra"] = 0
    job["born_s"] = w["now_s"]
    job["transfer_s"] = 0.0
    job["join_s"] = 0.0
    job["queue_s"] = 0.0
    job["batch_s"] = 0.0
    job["outage_s"] = 0.0
    job["load_s"] = 0.0
    job["compute_s"] = 0.0
    job["timer_s"] = 0.0
    hand(w, j, stream["stage"])


@compiled
def schedule_arrival(w, m):
    """Set the next arrival of stream `m`, if any is left, and find the stream that comes first."""
    streams = view(w["streams"], STREAM)
    stream = streams[m]
    if rare(stream["break"] < stream["break_stop"]):
        _pass_breaks(w, stream)
    n = stream["next"]
    w["seq"] += 1
    stream["seq"] = w["seq"]
    if rare(n >= stream["count"]):
        stream["next_s"] = np.inf
    elif stream["stride_s"] > 0.0:
        stream["next_s"] = stream["phase_s"] + n * stream["stride_s"]
        if rare(stream["frame_s"] > 0.0 or stream["lag_s"] > 0.0 or stream["break_stop"] > 0):
            stream["next_s"] = _delivered(w, stream, n)
    else:
        stream["next_s"] = view(w["arrivals"], np.float64)[stream["first"] + n]
    first = 0
    for k in range(1, w["stream_n"]):
        sooner = streams[k]["next_s"] < streams[first]["next_s"]
        if sooner or (
            streams[k]["next_s"] == streams[first]["next_s"] and streams[k]["seq"] < streams[first]["seq"]
        ):
            first = k
    w["stream"] = first if streams[first]["next_s"] < np.inf else -1


@compiled
def _pass_breaks(w, stream):
    """The stream is not regular at its next job: others come later, or never."""
    breaks = view(w["breaks"], BREAK)
    while stream["break"] < stream["break_stop"] and stream["next"] >= breaks[stream["break"]]["at"]:
        row = breaks[stream["break"]]
        stream["next"] = max(stream["next"], row["next"])
        stream["lag_s"] = row["lag_s"]
        stream["break"] += 1


@compiled
def _delivered(w, stream, n):
    """When job `n` of a stream with frames or breaks comes: never before the one before it."""
    data_s = stream["phase_s"] + n * stream["stride_s"]
    if stream["frame_s"] > 0.0:
        data_s = np.ceil(data_s / stream["frame_s"] - 1e-9) * stream["frame_s"]
    return max(data_s + stream["lag_s"], w["now_s"])


@compiled
def _report_loads(w):
    """Every pool tells its load, for routes that do not know better; the next report is scheduled."""
    pools = view(w["pools"], POOL)
    push(w, w["now_s"] + w["report_s"], RANK_REPORT, 0)
    for p in range(w["pool_n"]):
        pools[p]["seen_load"] = load(w, p)


@inlined
def _complete(w, b):
    """Batch `b` ends: its server is free and each of its jobs goes on, or tries again."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    batches = view(w["batches"], BATCH)
    batch = batches[b]
    q = batch["queue"]
    s = queues[q]["stage"]
    p = queues[q]["pool"]
    settle(w, p)
    pools[p]["busy"] -= 1
    unlist(w, b)
    used(w, p, batch["server"], q, batch["variant"])
    give_server(w, p, batch["server"])
    if pools[p]["queued"] > 0:
        touch(w, p)
    stages[s]["running"] -= batch["n"]
    batch["token"] = (batch["token"] + 1) & TOKEN_MASK
    j = batch["head"]
    for _ in range(batch["n"]):
        after = jobs[j]["next"]
        if rare(batch["fails"] > 0):
            _try_again(w, j, s, w["now_s"] - batch["start_s"])
        else:
            _done(w, batch, j, q, s, p)
        if w["task_n"] > 0:
            follow(w)
        j = after
    free_batch(w, b)


@compiled
def _try_again(w, j, s, elapsed_s):
    """An attempt of job `j` failed: another after a pause, or the end."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    job = jobs[j]
    job["outage_s"] += elapsed_s
    if job["attempt"] >= stages[s]["retries"]:
        drop(w, j, FAILED)
        return
    job["attempt"] += 1
    job["since_s"] = w["now_s"]
    stages[s]["backoff"] += 1
    push(w, w["now_s"] + stages[s]["backoff_s"], RANK_RETRY, j)


@inlined
def _done(w, batch, j, q, s, p):
    """Job `j` is through stage `s`; when all its shards are, what the stage decides follows."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    jobs = view(w["jobs"], JOB)
    hist = view(w["hist"], np.int64)
    stage = stages[s]
    job = jobs[j]
    v = batch["variant"]
    ran_s = w["now_s"] - batch["start_s"]
    job["load_s"] += batch["load_s"]
    job["compute_s"] += ran_s - batch["load_s"]
    if rare(w["now_s"] - job["born_s"] > stage["deadline_s"]):
        drop(w, j, EXPIRED)
        return
    stage["done"] += 1
    queues[q]["done"][v] += 1
    queues[q]["service_s"][v] += ran_s
    hist[((q * w["variant_n"] + v) * 2 + 1) * BINS + histogram_bin(ran_s)] += 1
    if rare(stage["guarded"] != 0 and v != PRIMARY and (job["flag"] & OUTSIDE) > 0):
        stage["outside"] += 1
        stage["outside_s"] += ran_s / batch["n"]
    if rare(w["trace_on"] > 0):
        write_trace(w, job, batch, s, p)
    if stage["shards"] > 1 and not shard_done(w, j, s):
        return
    job["shard"] = 0
    if stage["role"] == TRIGGER:
        report(w, j, s, queues[q]["decide"][v], batch["live"], v)
        return
    if stage["role"] == FLAG:
        flag = flagged(w, j, s, queues[q]["decide"][v], batch["live"])
        job["flag"] |= flag * stage["mark"]
        if stage["verdict"] >= 0:
            later(w, FINISH, s, j, 0)
            give_verdict(w, s, job["segment"], FLAGGED if flag > 0 else GOOD)
            return
    hand_on(w, j, s)
