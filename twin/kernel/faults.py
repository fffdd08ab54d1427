"""What control processes do to pools and links, at the present time. Compiled; called by twin.engine.

The caller sees to it that the arrays have room. The rules are those of twin.kernel.
"""

from __future__ import annotations

import numpy as np

from twin.kernel.batches import free_batch, settle_suspended, stop
from twin.kernel.compiled import compiled, view
from twin.kernel.graph import follow
from twin.kernel.links import catch_up, reschedule
from twin.kernel.memory import settle, touch
from twin.kernel.queues import close_holds, dequeue, drop, note_outage, note_still, put_back, settle_wait
from twin.kernel.routes import route
from twin.kernel.servers import forget, free_server, unlist_server
from twin.kernel.state import (
    BATCH,
    BREAKING,
    BROKEN,
    BUSY,
    DRAIN,
    FREE,
    GONE,
    JOB,
    LINK,
    LOSE,
    LOST,
    POOL,
    PRIMARY,
    QUEUE,
    SERVER,
    STAGE,
)


@compiled
def _settle_all(w, p):
    """Add up what pool `p` was until now, before its servers or their state change."""
    settle(w, p)
    close_holds(w, p)


@compiled
def _reconsider(w, p):
    """After they changed, pool `p` may be out, or may start something."""
    note_outage(w, p)
    touch(w, p)


@compiled
def set_up(w, p, up):
    """Pool `p` starts nothing new (0) or works again (1)."""
    pools = view(w["pools"], POOL)
    _settle_all(w, p)
    pools[p]["up"] = up
    note_outage(w, p)
    if up > 0:
        touch(w, p)


@compiled
def kill(w, p, mode, server_n):
    """End everything that runs at pool `p`, or was preempted there: requeued or lost. Its servers forget all."""
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    servers = view(w["servers"], SERVER)
    batches = view(w["batches"], BATCH)
    pool_queues = view(w["pool_queues"], np.int64)
    for i in range(pools[p]["queue_start"], pools[p]["queue_stop"]):
        q = pool_queues[i]
        while batches[q]["older"] != q:
            _kill_running(w, batches[q]["older"], mode)
        while queues[q]["suspended"] >= 0:
            _kill_suspended(w, q, mode)
    for x in range(server_n):
        if servers[x]["pool"] == p:
            forget(w, x)


@compiled
def _kill_running(w, b, mode):
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    batches = view(w["batches"], BATCH)
    jobs = view(w["jobs"], JOB)
    pools[queues[batches[b]["queue"]]["pool"]]["killed"] += 1
    stop(w, b)
    ran_s = w["now_s"] - batches[b]["start_s"]
    j = batches[b]["head"]
    for _ in range(batches[b]["n"]):
        jobs[j]["outage_s"] += ran_s
        j = jobs[j]["next"]
    _end(w, b, mode)


@compiled
def _kill_suspended(w, q, mode):
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    batches = view(w["batches"], BATCH)
    p = queues[q]["pool"]
    b = queues[q]["suspended"]
    queues[q]["suspended"] = batches[b]["next"]
    settle(w, p)
    settle_suspended(w, b)
    stages[queues[q]["stage"]]["queued"] -= batches[b]["n"]
    pools[p]["queued"] -= batches[b]["n"]
    _end(w, b, mode)


@compiled
def _end(w, b, mode):
    """The jobs of killed batch `b` go back to the head of their queue, or are lost."""
    batches = view(w["batches"], BATCH)
    jobs = view(w["jobs"], JOB)
    j = batches[b]["head"]
    n = batches[b]["n"]
    q = batches[b]["queue"]
    free_batch(w, b)
    if mode != LOSE:
        put_back(w, q, j, n)
        return
    for _ in range(n):
        after = jobs[j]["next"]
        drop(w, j, LOST)
        follow(w)
        j = after


@compiled
def fail(w, p, x, mode):
    """Server `x` of pool `p` fails; whether it was there to fail."""
    pools = view(w["pools"], POOL)
    servers = view(w["servers"], SERVER)
    state = servers[x]["state"]
    if state != FREE and state != BUSY:
        return False
    _settle_all(w, p)
    pools[p]["servers"] -= 1
    if state == FREE:
        unlist_server(w, p, x)
        servers[x]["state"] = BROKEN
        forget(w, x)
    else:
        servers[x]["state"] = BREAKING
        if mode != DRAIN:
            _kill_running(w, servers[x]["batch"], mode)
    _reconsider(w, p)
    return True


@compiled
def repair(w, p, x):
    """Server `x` of pool `p` works again; whether it was broken."""
    pools = view(w["pools"], POOL)
    servers = view(w["servers"], SERVER)
    state = servers[x]["state"]
    if state != BROKEN and state != BREAKING:
        return False
    _settle_all(w, p)
    pools[p]["servers"] += 1
    if state == BREAKING:
        servers[x]["state"] = BUSY
    else:
        free_server(w, p, x)
    _reconsider(w, p)
    return True


@compiled
def remove_servers(w, p, n):
    """Take `n` servers away from pool `p`: free ones now, the others as they finish."""
    pools = view(w["pools"], POOL)
    servers = view(w["servers"], SERVER)
    _settle_all(w, p)
    pools[p]["servers"] -= n
    while n > 0 and pools[p]["free"] >= 0:
        x = pools[p]["free"]
        unlist_server(w, p, x)
        servers[x]["state"] = GONE
        forget(w, x)
        n -= 1
    pools[p]["surplus"] += n
    _reconsider(w, p)


@compiled
def add_servers(w, p, n):
    """Pool `p` has `n` more servers: some that were about to leave; the caller frees the others."""
    pools = view(w["pools"], POOL)
    _settle_all(w, p)
    pools[p]["servers"] += n
    pools[p]["surplus"] -= min(n, pools[p]["surplus"])
    _reconsider(w, p)


@compiled
def evacuate(w, p):
    """What waits at pool `p` for a stage that has other pools chooses again."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    pools = view(w["pools"], POOL)
    jobs = view(w["jobs"], JOB)
    pool_queues = view(w["pool_queues"], np.int64)
    for i in range(pools[p]["queue_start"], pools[p]["queue_stop"]):
        q = pool_queues[i]
        stage = stages[queues[q]["stage"]]
        n = queues[q]["length"]
        if stage["queue_stop"] - stage["queue_start"] < 2 or n == 0:
            continue
        head = queues[q]["head"]
        for _ in range(n):
            settle_wait(w, dequeue(w, q), q)
        j = head
        for _ in range(n):
            after = jobs[j]["next"]
            route(w, j)
            follow(w)
            j = after


@compiled
def set_out(w, s, v, out):
    """Variant `v` of stage `s` is out of service (1) or there again (0); the first that is there serves."""
    stages = view(w["stages"], STAGE)
    queues = view(w["queues"], QUEUE)
    stage = stages[s]
    for q in range(stage["queue_start"], stage["queue_stop"]):
        queues[q]["out"][v] = out
    queue = queues[stage["queue_start"]]
    still = stage["variant"] < 0
    stage["variant"] = -1
    fallback = -1
    for k in range(w["variant_n"] - 1, -1, -1):
        if queue["table"][k] >= 0 and queue["out"][k] == 0:
            stage["variant"] = k
            fallback = k if k != PRIMARY else fallback
    if stage["guarded"] != 0:
        stage["guarded"] = fallback
    if still == (stage["variant"] < 0):
        return
    for q in range(stage["queue_start"], stage["queue_stop"]):
        close_holds(w, queues[q]["pool"])
        note_still(w, q)
        touch(w, queues[q]["pool"])


@compiled
def set_share(w, k, share):
    """Link `k` has this share of its bandwidth from now on: 0 down, 1 all."""
    links = view(w["links"], LINK)
    catch_up(w, k)
    links[k]["share"] = share
    reschedule(w, k)
