"""Queues of the kernel: who waits where, for how long and because of what; and how work ends early. Compiled.

The rules are those of twin.kernel.
"""

from __future__ import annotations

import numpy as np

from twin.kernel.chance import uniform
from twin.kernel.compiled import compiled, rare, small, view
from twin.kernel.meetings import find
from twin.kernel.memory import free, later, settle, touch, write_row
from twin.kernel.state import (
    APPEND,
    EXPIRED,
    JOB,
    MEETING,
    OLDEST,
    POOL,
    QUEUE,
    REJECTED,
    SHED,
    STAGE,
    STALE,
    TELL,
    TELL_SHARD,
    VETOED,
)


@compiled
def drop(w, j, outcome):
    """Job `j` ends early; whoever waits for what would have come of it is told."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    s = jobs[j]["stage"]
    stages[s]["ended"][outcome] += 1
    write_row(w, j, outcome)
    if stages[s]["shards"] > 1 and outcome != VETOED:
        if rare(stages[s]["whole"] > 0):
            _give_up(w, j, s, outcome)
        later(w, TELL_SHARD, s, jobs[j]["entity"], jobs[j]["segment"])
    elif stages[s]["tells"] > 0:
        later(w, TELL, s, jobs[j]["entity"], jobs[j]["segment"])
    free(w, j)


@small
def enqueue(w, j):
    """Job `j` has reached its queue: it is shed, turned away, takes another's place, or joins."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    q = jobs[j]["queue"]
    stage = stages[jobs[j]["stage"]]
    if rare(stage["admit_wait_s"] < np.inf):
        pool = pools[queues[q]["pool"]]
        if pool["queued"] * queues[q]["mean_s"] / max(pool["servers"], 1) > stage["admit_wait_s"]:
            drop(w, j, SHED)
            return
    if rare(queues[q]["length"] >= stage["queue_limit"]):
        if stage["when_full"] == OLDEST:
            later(w, APPEND, 0, j, 0)
            j = dequeue(w, q)
            settle_wait(w, j, q)
        drop(w, j, REJECTED)
        return
    append(w, j)


@small
def append(w, j):
    """Job `j` is the last in its queue."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    q = jobs[j]["queue"]
    p = queues[q]["pool"]
    settle(w, p)
    jobs[j]["enqueued_s"] = w["now_s"]
    jobs[j]["place"] = uniform(stages[jobs[j]["stage"]]["key"], draw(w, j)) * (w["table_width"] - 1)
    mark(w, j, q)
    alone = queues[q]["length"] == 0
    before = j if alone else queues[q]["tail"]
    jobs[before]["next"] = j
    jobs[j]["next"] = -1
    queues[q]["head"] = j if alone else queues[q]["head"]
    queues[q]["tail"] = j
    queues[q]["length"] += 1
    stages[jobs[j]["stage"]]["queued"] += 1
    pools[p]["queued"] += 1
    pools[p]["queue_peak"] = max(pools[p]["queue_peak"], pools[p]["queued"])
    if pools[p]["free"] >= 0 or pools[p]["watchful"] > 0:
        touch(w, p)


@small
def draw(w, j):
    """The number of job `j`'s present attempt in its stage's random streams."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    job = jobs[j]
    stage = stages[job["stage"]]
    return (job["entity"] * stage["shards"] + job["shard"]) * (stage["retries"] + 1) + job["attempt"]


@small
def dequeue(w, q):
    """Take the head of queue `q`."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    settle(w, queues[q]["pool"])
    j = queues[q]["head"]
    queues[q]["head"] = jobs[j]["next"]
    queues[q]["length"] -= 1
    stages[queues[q]["stage"]]["queued"] -= 1
    pools[queues[q]["pool"]]["queued"] -= 1
    return j


@compiled
def put_back(w, q, head, n):
    """`n` linked jobs that were taken from queue `q` are its first again; they wait anew."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    p = queues[q]["pool"]
    settle(w, p)
    j = head
    for k in range(n):
        mark(w, j, q)
        if k < n - 1:
            j = jobs[j]["next"]
    if queues[q]["length"] == 0:
        queues[q]["tail"] = j
        jobs[j]["next"] = -1
    else:
        jobs[j]["next"] = queues[q]["head"]
    queues[q]["head"] = head
    queues[q]["length"] += n
    stages[queues[q]["stage"]]["queued"] += n
    pools[p]["queued"] += n
    pools[p]["queue_peak"] = max(pools[p]["queue_peak"], pools[p]["queued"])


@compiled
def expire(w, q):
    """End the head of queue `q` when it is too old; whether it was."""
    queues = view(w["queues"], QUEUE)
    if queues[q]["length"] == 0:
        return False
    outcome = too_old(w, q)
    if outcome < 0:
        return False
    j = dequeue(w, q)
    settle_wait(w, j, q)
    drop(w, j, outcome)
    return True


@compiled
def too_old(w, q):
    """How the head of queue `q` has to end because of its age, -1 it may stay."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    jobs = view(w["jobs"], JOB)
    stage = stages[queues[q]["stage"]]
    age_s = w["now_s"] - jobs[queues[q]["head"]]["born_s"]
    if age_s > stage["deadline_s"]:
        return EXPIRED
    if rare(stage["whole"] > 0):
        return _too_old_together(w, q, age_s)
    return STALE if age_s > stage["shelf_life_s"] else -1


# --- shards that become stale together -------------------------------------------------------------------


@compiled
def _too_old_together(w, q, age_s):
    """How the head of queue `q` has to end with the other shards of its work, -1 it may stay.

    As the first of them that ended early; or stale, unless this queue has taken up one of them before.
    """
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    meetings = view(w["meetings"], MEETING)
    s = queues[q]["stage"]
    row = meetings[_shards(w, queues[q]["head"], s)]
    if row["gone"] > 0:
        return row["gone"] - 1
    begun = row["begun"] & (np.int64(1) << (q - stages[s]["queue_start"]))
    return STALE if age_s > stages[s]["shelf_life_s"] and begun == 0 else -1


@compiled
def take_up(w, q, j):
    """Queue `q` has taken up job `j`, a shard: the others of its work that come there go on as well."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    meetings = view(w["meetings"], MEETING)
    s = queues[q]["stage"]
    meetings[_shards(w, j, s)]["begun"] |= np.int64(1) << (q - stages[s]["queue_start"])


@compiled
def _give_up(w, j, s, outcome):
    """Job `j`, a shard of stage `s`, ends early: so will the others that no server has taken yet."""
    meetings = view(w["meetings"], MEETING)
    row = meetings[_shards(w, j, s)]
    if row["gone"] == 0:
        row["gone"] = outcome + 1


@compiled
def _shards(w, j, s):
    """The meeting of all shards of job `j` at stage `s`, there since it was split."""
    jobs = view(w["jobs"], JOB)
    return find(w, w["stage_n"] + s, jobs[j]["entity"])


# --- why it waited --------------------------------------------------------------------------------------


@small
def mark(w, j, q):
    """Job `j` starts to wait in queue `q`."""
    jobs = view(w["jobs"], JOB)
    jobs[j]["since_s"] = w["now_s"]
    jobs[j]["outage_mark_s"] = _outage_clock(w, q)
    jobs[j]["hold_mark_s"] = _hold_clock(w, q)


@small
def settle_wait(w, j, q):
    """Job `j` no longer waits in queue `q`: the time goes to outage, batch and queue; it is returned in s."""
    jobs = view(w["jobs"], JOB)
    job = jobs[j]
    waited_s = w["now_s"] - job["since_s"]
    outage_s = _outage_clock(w, q) - job["outage_mark_s"]
    held_s = _hold_clock(w, q) - job["hold_mark_s"]
    job["outage_s"] += outage_s
    job["batch_s"] += held_s
    job["queue_s"] += waited_s - outage_s - held_s
    return waited_s


@small
def _outage_clock(w, q):
    """Time so far in which nothing could start work of queue `q`: its pool was out, or no variant was there."""
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    queue = queues[q]
    pool = pools[queue["pool"]]
    since_s = pool["outage_since_s"]
    out_s = pool["outage_s"] + (w["now_s"] - since_s if since_s >= 0.0 else 0.0)
    since_s = queue["still_since_s"]
    return out_s + (queue["still_s"] + (w["now_s"] - since_s if since_s >= 0.0 else 0.0))


@small
def _hold_clock(w, q):
    """Time so far in which a free server waited for queue `q` to fill a batch."""
    queues = view(w["queues"], QUEUE)
    since_s = queues[q]["hold_since_s"]
    return queues[q]["hold_s"] + (w["now_s"] - since_s if since_s >= 0.0 else 0.0)


@compiled
def note_outage(w, p):
    """Start or stop the outage clock of pool `p`, after its servers or their state changed."""
    pools = view(w["pools"], POOL)
    pool_queues = view(w["pool_queues"], np.int64)
    pool = pools[p]
    out = pool["up"] == 0 or pool["servers"] <= 0
    if out and pool["outage_since_s"] < 0.0:
        pool["outage_since_s"] = w["now_s"]
    elif not out and pool["outage_since_s"] >= 0.0:
        pool["outage_s"] += w["now_s"] - pool["outage_since_s"]
        pool["outage_since_s"] = -1.0
    for i in range(pool["queue_start"], pool["queue_stop"]):
        note_still(w, pool_queues[i])


@compiled
def note_still(w, q):
    """Start or stop the clock of queue `q` for its stage standing still, after that or its pool changed."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    queue = queues[q]
    still = stages[queue["stage"]]["variant"] < 0 and pools[queue["pool"]]["outage_since_s"] < 0.0
    if still and queue["still_since_s"] < 0.0:
        queue["still_since_s"] = w["now_s"]
    elif not still and queue["still_since_s"] >= 0.0:
        queue["still_s"] += w["now_s"] - queue["still_since_s"]
        queue["still_since_s"] = -1.0


@compiled
def close_holds(w, p):
    """Nobody holds a server of pool `p` free for a batch any longer."""
    pools = view(w["pools"], POOL)
    queues = view(w["queues"], QUEUE)
    pool_queues = view(w["pool_queues"], np.int64)
    for i in range(pools[p]["queue_start"], pools[p]["queue_stop"]):
        queue = queues[pool_queues[i]]
        if queue["hold_since_s"] >= 0.0:
            queue["hold_s"] += w["now_s"] - queue["hold_since_s"]
            queue["hold_since_s"] = -1.0
