"""The kernel's memory: what each plain array holds. Knows no scenario and no clock.

Constant during a run (the plan's side) and changing (the state's side) share a row where they describe the
same thing: a pool's row holds its servers and how many are busy. Arrays that grow (jobs, heap, batches, rows …)
are ordinary one-dimensional arrays, doubled by the driver when the kernel asks for it.
"""

from __future__ import annotations

import numpy as np

from twin.kernel.queue_rows import queue_row

# Roles of a stage: what its end decides.
PLAIN, FLAG, TRIGGER = range(3)
ROLES = ("plain", "flag", "trigger")
# How a stage chooses among the pools it may run on.
NEAREST, FAILOVER, LEAST_LOADED, STALE_LOADED, TWO_CHOICES, DATA_LOCAL, ASKED = range(7)
ROUTES = ("nearest", "failover", "least-loaded", "stale-least-loaded", "two-choices", "data-local", "python")
# What becomes of a running batch when work of higher priority finds no free server.
KEPT, RESUMED, RESTARTED = range(3)
PREEMPTIONS = ("none", "resume", "restart")
# Whom a full queue turns away.
NEWEST, OLDEST = range(2)
WHEN_FULL = ("drop-newest", "drop-oldest")
# What becomes of running work when its server fails.
DRAIN, REQUEUE, LOSE = range(3)
MODES = ("drain", "requeue", "lose")
# Variants of a stage's program, its ladder: the first of them that is there serves.
PRIMARY, FALLBACK = range(2)
VARIANTS = ("primary", "fallback", "fallback-2", "fallback-3")
NOBODY = "none"
"""How it is told that no variant serves."""
# How a job may end (`ROW.outcome`).
PUBLISHED, VETOED, STALE, EXPIRED, REJECTED, SHED, FAILED, LOST = range(8)
OUTCOMES = ("published", "vetoed", "stale", "expired", "rejected", "shed", "failed", "lost")
# What the data-quality stages said about a segment (`verdicts`).
UNKNOWN, GOOD, FLAGGED, ABSENT = range(4)
# What a flag means: bits of `JOB.flag`.
BAD, OUTSIDE = 1, 2
# What a server is doing.
FREE, BUSY, BREAKING, BROKEN, GONE = range(5)

# Why the kernel returns.
(
    DONE, LIVE, ASK, GROW_JOBS, GROW_HEAP, GROW_BATCHES, GROW_MEETINGS, GROW_BUCKETS, GROW_WAITERS, FLUSH_ROWS,
    FLUSH_TRACE,
) = range(11)  # fmt: skip

# Order of kinds at equal time: part of the specification (see twin.kernel).
(
    RANK_COMPLETE, RANK_FLOW, RANK_ARRIVE, RANK_STREAM, RANK_RETRY, RANK_OVERDUE, RANK_TIMER, RANK_REPORT,
) = range(2, 10)  # fmt: skip
RANK_SHIFT = 56
TOKEN_SHIFT = 32
TOKEN_MASK = (1 << 30) - 1
"""An event names a slot and the token the slot had: a slot that was used again no longer answers to it."""

SUB_BITS = 6
"""Histogram bins per octave: 2**6, linear in the mantissa, so a quantile read from them is within 0.8 %."""
BIN_LOW_S = 2.0**-20
BINS = (48 << SUB_BITS) + 1
"""One bin for everything up to BIN_LOW_S (a microsecond), then 48 octaves up to 2**28 s."""

MOST_CROWD = 16
"""Busy servers of a pool up to which their number slows each other down differently."""

PARTS = ("transfer_s", "join_s", "queue_s", "batch_s", "outage_s", "load_s", "compute_s", "timer_s")
"""Where a job's time goes, from its birth to its end: they add up to it."""

ARRAYS = (
    "stages", "queues", "pools", "servers", "resident", "jobs", "heap", "batches", "streams", "arrivals",
    "children", "pool_queues", "tables", "delays", "links", "meetings", "buckets", "waiters", "verdicts",
    "tasks", "event_segment", "events", "edges", "responses", "noise", "warmth", "crowding", "tempo", "breaks",
    "found", "hist", "bins", "rows", "trace",
)  # fmt: skip
"""The arrays whose addresses the world holds, row-major."""

WORLD = np.dtype(
    [
        *((name, "i8") for name in ARRAYS),
        *((f"{name}_size", "i8") for name in ("heap", "row", "trace", "meeting", "bucket", "waiter")),
        *(
            (f"{name}_n", "i8")
            for name in ("stage", "pool", "stream", "site", "segment", "event", "class", "snr_bin", "bin")
        ),
        ("variant_n", "i8"),  # of a stage at most
        ("slot_n", "i8"),  # programs that a server may hold at most: columns of `resident`
        ("table_width", "i8"),
        ("now_s", "f8"),
        ("seq", "i8"),  # events pushed so far: the last word at equal time and rank
        ("heap_n", "i8"),
        ("first_s", "f8"),  # when the first event is due, inf when there is none
        ("places", "i8"),  # in the heap, a power of two
        ("place_free", "i8"),
        ("hole", "i8"),  # place of the event that is being handled, -1 when another has come there
        ("stream", "i8"),  # the stream that delivers next, -1 none
        ("budget", "i8"),  # events that may be handled before the arrays' room is looked at again
        *((f"{name}_{end}", "i8") for name in ("job", "batch", "meeting", "waiter") for end in ("free", "free_n")),
        ("dirty_n", "i8"),  # pools that may be able to start something
        ("dirty_low", "i8"),  # no pool below this one is dirty
        ("row_n", "i8"),
        ("trace_n", "i8"),
        ("trace_on", "i8"),
        ("ask_head", "i8"),  # jobs whose route a Python function decides, first to last; -1 none
        ("ask_tail", "i8"),
        ("turn", "i8"),  # pool whose turn is not over, -1 none
        ("task_n", "i8"),
        ("live_batch", "i8"),  # batch waiting for its real execution, -1 none
        ("live_service_s", "f8"),
        ("spawn_margin", "i8"),  # jobs, rows, events, meetings or waiters that one event may add at most
        ("hand_margin", "i8"),  # those that one job may add that a verdict lets go on
        ("wait_n", "i8"),  # verdicts that one job may wait for at most
        ("wait_again_n", "i8"),  # those that one may wait for after it waited for others, 1 at least
        ("report_s", "f8"),  # how often pools tell their load
        ("bin_s", "f8"),
        ("warm_on", "i8"),  # whether any program asks how warm a server is
        ("noise_key", "u8"),
    ]
)

STAGE = np.dtype(
    [
        ("role", "i8"),
        ("gate", "i8"),  # 1: flagged jobs end here as vetoed
        ("publishes", "i8"),
        ("needs", "i8"),  # how many branches meet here for every entity
        ("any", "i8"),  # 1: the first of them goes on, 0: the last
        ("shards", "i8"),
        ("awaits", "i8"),  # flag stage whose verdict a job waits for, -1 none
        ("await_span", "i8"),  # on so many segments, the job's own the last
        ("await_timeout_s", "f8"),
        ("mark", "i8"),  # of a flag stage: what its flag means
        ("guarded", "i8"),  # variant that serves jobs marked as OUTSIDE; 0: no guard, -1: no fallback is there
        ("outside", "i8"),  # those that it has done
        ("outside_s", "f8"),  # and the servers' time that they took
        ("whole", "i8"),  # 1: its shards become stale together
        ("verdict", "i8"),  # row of `verdicts` it writes, -1 none
        ("tells", "i8"),  # 1: somebody waits for its end, or for that of a stage after it
        ("priority", "i8"),  # lower goes first
        ("preempt", "i8"),
        ("max_batch", "i8"),
        ("max_wait_s", "f8"),
        ("shelf_life_s", "f8"),
        ("deadline_s", "f8"),
        ("ages", "i8"),  # 1: a job may become too old for it
        ("timeout_s", "f8"),  # an attempt that takes longer has failed
        ("failure", "f8"),  # probability that an attempt fails at its end
        ("retries", "i8"),
        ("backoff_s", "f8"),
        ("queue_limit", "i8"),
        ("when_full", "i8"),
        ("admit_wait_s", "f8"),
        ("route", "i8"),
        ("spill", "f8"),  # data-local: load from which other sites are looked at
        ("payload_bytes", "f8"),
        ("live", "i8"),
        ("timer", "i8"),  # row of `tables`: how long a stage without queues takes, -1 no time
        ("span", "i8"),  # segments that one of its jobs is about: its own and those after it
        ("queue_start", "i8"),  # its queues: rows of QUEUE, in order of preference; none: the stage is instant
        ("queue_stop", "i8"),
        ("child_start", "i8"),  # its successors: entries of `children`
        ("child_stop", "i8"),
        ("key", "u8"),  # streams of its service times, failures and choices
        ("failure_key", "u8"),
        ("route_key", "u8"),
        ("variant", "i8"),  # that serves, -1 none: it stands still
        ("offered", "i8"),  # jobs that came here; every one of them is in exactly one of the following
        ("waiting", "i8"),  # for a verdict, or for a timer
        ("asked", "i8"),
        ("transit", "i8"),
        ("queued", "i8"),
        ("running", "i8"),
        ("backoff", "i8"),
        ("done", "i8"),
        ("ended", "i8", (len(OUTCOMES),)),  # published counts besides done
    ]
)

QUEUE = np.dtype(  # one per (stage, pool): what its plan says, and what only a run knows
    [
        *queue_row(len(VARIANTS)).descr,
        ("out", "i8", (len(VARIANTS),)),  # 1: this variant is out of service
        ("still_s", "f8"),  # time in which its pool was there and no variant was
        ("still_since_s", "f8"),  # since when that is so now, -1 it is not
    ]
)

POOL = np.dtype(
    [
        ("site", "i8"),
        ("servers", "i8"),  # neither gone nor broken
        ("busy", "i8"),
        ("surplus", "i8"),  # servers that leave as soon as they finish
        ("up", "i8"),
        ("open", "i8"),  # 0: routes avoid it
        ("dirty", "i8"),
        ("queued", "i8"),
        ("transit", "i8"),
        ("seen_load", "f8"),  # at the last report
        ("slowness", "f8"),  # multiplies service times
        ("tempo", "i8"),  # so do its entries of `tempo`, from this one on, one after the other and over again
        ("tempo_n", "i8"),
        ("tempo_s", "f8"),  # how long each holds
        ("memory_bytes", "f8"),  # of one server
        ("keep_warm_s", "f8"),  # an idle program is given up after this
        ("resident", "i8"),  # 1: servers remember what they hold
        ("holds", "i8"),  # 1: a free server may wait for a batch to fill
        ("watchful", "i8"),  # 1: looks at its queues even when no server is free
        ("free", "i8"),  # servers that are free, last freed first; -1 none
        ("queue_start", "i8"),  # its queues by priority: entries of `pool_queues`
        ("queue_stop", "i8"),
        ("last_s", "f8"),
        ("bin", "i8"),  # the time bin last_s lies in
        ("queue_peak", "i8"),
        ("outage_s", "f8"),  # time in which no server was there to start anything
        ("outage_since_s", "f8"),  # since when there is none, -1 there is one
        ("swaps", "i8"),  # programs loaded
        ("killed", "i8"),  # batches killed
        ("preempted", "i8"),
    ]
)

SERVER = np.dtype(
    [
        ("pool", "i8"),
        ("number", "i8"),  # within its pool
        ("next", "i8"),  # in the list of free ones
        ("state", "i8"),
        ("batch", "i8"),
        ("freed_s", "f8"),  # when it last finished something, -inf it has not since it forgot all
        ("taken_s", "f8"),  # when it last began something
        ("warm", "f8"),  # the share of late in which it was busy, as it was at the later of both
        ("used_bytes", "f8"),
    ]
)

JOB = np.dtype(
    [
        ("entity", "i8"),  # its first segment; or sky event, or -segment-1 for a noise trigger
        ("segment", "i8"),
        ("next", "i8"),  # in a queue, a batch, a list of flows or the free list
        ("stage", "i4"),
        ("queue", "i4"),
        ("site", "i4"),
        ("shard", "i4"),
        ("attempt", "i4"),
        ("pending", "i4"),  # verdicts it still waits for
        ("token", "i4"),
        ("variant", "i4"),  # of the trigger that reported it
        ("extra", "i4"),  # live trigger: noise triggers reported; live flag: the flag
        ("flag", "i1"),
        ("missing", "i1"),  # 1: went on without a verdict on some segment
        ("born_s", "f8"),  # when its segment reached the instrument's site
        ("enqueued_s", "f8"),  # its place in the queue
        ("place", "f8"),  # in its service table: drawn before it is needed, not to be waited for then
        ("since_s", "f8"),  # start of what it is doing now
        ("outage_mark_s", "f8"),  # its pool's outage clock then
        ("hold_mark_s", "f8"),  # its queue's hold clock then
        *((part, "f8") for part in PARTS),
        ("left", "i4"),  # flows: children in the link's heap, -1 none
        ("right", "i4"),
        ("finish", "f8"),  # flows: link's progress at which it is through
        ("order", "i8"),  # flows: first come first at equal finish
    ],
    align=True,
)

BATCH = np.dtype(  # the first ones, one per queue, close the ring of its running batches
    [
        ("head", "i8"),
        ("queue", "i8"),
        ("server", "i8"),
        ("n", "i8"),
        ("variant", "i8"),
        ("live", "i8"),
        ("fails", "i8"),  # 1: this attempt will have failed at its end
        ("start_s", "f8"),  # of this run on a server
        ("load_s", "f8"),  # of it making the program ready
        ("end_s", "f8"),
        ("left_s", "f8"),  # service to come when it was preempted
        ("next", "i8"),  # in the free list or among the suspended
        ("older", "i8"),  # among the running of its queue, in a ring
        ("newer", "i8"),
        ("token", "i8"),
    ]
)

HEAP = np.dtype(  # an event's place, and a match of the tournament between them (see twin.kernel.heap)
    [
        ("time_s", "f8"),
        ("key", "i8"),  # rank and number
        ("ref", "i8"),  # slot and token; of an empty place the next one
        ("winner", "i8"),
    ]
)

STREAM = np.dtype(
    [
        ("stage", "i8"),
        ("site", "i8"),  # where its jobs appear
        ("stride_s", "f8"),  # 0: times come from `arrivals`
        ("phase_s", "f8"),  # when the data of its first job are complete
        ("frame_s", "f8"),  # data come in frames of this length: complete at the end of one, 0 at once
        ("lag_s", "f8"),  # from then to the job
        ("span", "i8"),  # segments in each job
        ("next", "i8"),
        ("count", "i8"),
        ("first", "i8"),
        ("break", "i8"),  # its next entry of `breaks`, and the end of them
        ("break_stop", "i8"),
        ("next_s", "f8"),  # of its next job, inf when there is none
        ("seq", "i8"),
    ]
)

BREAK = np.dtype(  # where a stream stops being regular
    [
        ("at", "i8"),  # before this job of the stream
        ("next", "i8"),  # comes this one: others never do
        ("lag_s", "f8"),  # and from here on this is the lag
    ]
)

LINK = np.dtype(  # one per (from, to), row-major
    [
        ("latency_s", "f8"),
        ("bandwidth", "f8"),  # bytes/s, shared by the flows on it
        ("share", "f8"),  # of the bandwidth that is there: 0 down, 1 all
        ("open", "i8"),  # 0: routes avoid it
        ("progress", "f8"),  # bytes every flow that was always there has moved
        ("last_s", "f8"),
        ("flows", "i8"),
        ("top", "i8"),  # flow that is through first, -1 none
        ("token", "i8"),
        ("order", "i8"),
        ("sent", "i8"),
        ("bytes", "f8"),
        ("busy_s", "f8"),
    ]
)

MEETING = np.dtype(  # branches, shards or verdicts that are not complete yet
    [
        ("point", "i8"),  # stage s: s branches, stages + s shards, 2 * stages + s verdict of s
        ("entity", "i8"),
        ("came", "i8"),
        ("present", "i8"),
        ("flag", "i8"),
        ("missing", "i8"),
        ("begun", "i8"),  # shards: bits of the stage's queues that have taken up one
        ("gone", "i8"),  # shards: 1 + how the first of those ended that ended early
        ("head", "i8"),  # waiters for a verdict, first to last
        ("tail", "i8"),
        ("next", "i8"),
    ]
)

# What follows at once from what just happened, last come first.
HAND, SPLIT, FINISH, APPEND, RELEASE, TELL, TELL_SHARD, TELL_BRANCH = range(8)
TASK = np.dtype([("kind", "i8"), ("stage", "i8"), ("ref", "i8"), ("segment", "i8")])

WAITER = np.dtype([("job", "i8"), ("token", "i8"), ("next", "i8")])

ROW = np.dtype(  # a job that ended or was published
    [
        *((name, "i8") for name in ("entity", "segment", "stage", "outcome", "flag", "missing", "variant")),
        *((name, "f8") for name in ("born_s", "end_s", *PARTS)),
    ]
)

TRACE = np.dtype(  # one stage completed by one job
    [
        ("stage", "i8"),
        ("entity", "i8"),
        ("shard", "i8"),
        ("pool", "i8"),
        ("server", "i8"),  # by number within its pool
        ("n", "i8"),
        ("variant", "i8"),
        ("enqueued_s", "f8"),
        ("start_s", "f8"),
        ("end_s", "f8"),
    ]
)
