"""The kernel's memory: what each plain array holds. Knows no scenario and no clock.

Constant during a run (the plan's side) and changing (the state's side) share a row where they describe the
same thing: a pool's row holds its servers and how many are busy. Arrays that grow (jobs, heap, batches,
rows) are ordinary one-dimensional arrays, doubled by the driver when the kernel asks for it.
"""

from __future__ import annotations

import numpy as np

# Roles of a stage: what its end decides.
PLAIN, FLAG, TRIGGER = 0, 1, 2
ROLES = ("plain", "flag", "trigger")
# Routes: how a stage chooses among the pools it may run on.
NEAREST, FAILOVER, LEAST_LOADED = 0, 1, 2
ROUTES = ("nearest", "failover", "least-loaded")
# Variants of a stage's program.
PRIMARY, FALLBACK = 0, 1
VARIANTS = ("primary", "fallback")
# How a job may end (`ROW.outcome`).
PUBLISHED, VETOED, STALE = 0, 1, 2
OUTCOMES = ("published", "vetoed", "stale")

# Why the kernel returns.
DONE, LIVE, GROW_JOBS, GROW_HEAP, GROW_BATCHES, FLUSH_ROWS, FLUSH_TRACE = range(7)

# Order of kinds at equal time: part of the specification (see twin.kernel).
RANK_COMPLETE, RANK_ARRIVE, RANK_STREAM, RANK_TIMER = 2, 3, 4, 5
RANK_SHIFT = 56

SUB_BITS = 6
"""Histogram bins per octave: 2**6, linear in the mantissa, so a quantile read from them is within 0.8 %."""
BIN_LOW_S = 2.0**-20
BINS = (48 << SUB_BITS) + 1
"""One bin for everything up to BIN_LOW_S (a microsecond), then 48 octaves up to 2**28 s."""

ARRAYS = (
    "stages", "queues", "pools", "jobs", "heap", "batches", "streams", "arrivals", "children", "pool_queues",
    "tables", "delays", "event_segment", "events", "edges", "responses", "noise", "found", "hist", "bins",
    "moved", "rows", "trace",
)  # fmt: skip
"""The arrays whose addresses the world holds, row-major."""

WORLD = np.dtype(
    [
        *((name, "i8") for name in ARRAYS),
        ("heap_size", "i8"),
        ("row_size", "i8"),
        ("trace_size", "i8"),
        ("event_n", "i8"),
        ("site_n", "i8"),
        ("class_n", "i8"),
        ("snr_bin_n", "i8"),
        ("table_width", "i8"),
        ("bin_n", "i8"),
        ("now_s", "f8"),
        ("seq", "i8"),  # events pushed so far: the last word at equal time and rank
        ("heap_n", "i8"),
        ("job_free", "i8"),
        ("job_free_n", "i8"),
        ("batch_free", "i8"),
        ("batch_free_n", "i8"),
        ("dirty_n", "i8"),  # pools that may be able to start something
        ("row_n", "i8"),
        ("trace_n", "i8"),
        ("trace_on", "i8"),
        ("live_batch", "i8"),  # batch waiting for its real execution, -1 none
        ("live_service_s", "f8"),
        ("spawn_margin", "i8"),  # jobs, rows or events that one step may add at most
        ("bin_s", "f8"),
        ("noise_key", "u8"),
    ]
)

STAGE = np.dtype(
    [
        ("role", "i8"),
        ("gate", "i8"),  # 1: flagged jobs end here as vetoed
        ("publishes", "i8"),
        ("priority", "i8"),  # lower goes first
        ("max_batch", "i8"),
        ("max_wait_s", "f8"),
        ("shelf_life_s", "f8"),
        ("route", "i8"),
        ("live", "i8"),
        ("queue_start", "i8"),  # its queues: rows of QUEUE, in order of preference
        ("queue_stop", "i8"),
        ("child_start", "i8"),  # its successors: entries of `children`
        ("child_stop", "i8"),
        ("key", "u8"),  # stream of its service times
        ("variant", "i8"),
        ("offered", "i8"),
        ("transit", "i8"),
        ("queued", "i8"),
        ("running", "i8"),
        ("done", "i8"),
        ("vetoed", "i8"),
        ("stale", "i8"),
    ]
)

QUEUE = np.dtype(  # one per (stage, pool)
    [
        ("stage", "i8"),
        ("pool", "i8"),
        ("table", "i8", (2,)),  # first service table of each variant (row of `tables`), batch size 1
        ("decide", "i8", (2,)),  # decision table of each variant, -1 none
        ("head", "i8"),
        ("tail", "i8"),
        ("length", "i8"),
        ("timer_s", "f8"),  # latest batch deadline a timer was set for
        ("done", "i8", (2,)),
        ("wait_s", "f8", (2,)),
        ("service_s", "f8", (2,)),
    ]
)

POOL = np.dtype(
    [
        ("site", "i8"),
        ("servers", "i8"),
        ("busy", "i8"),
        ("up", "i8"),
        ("dirty", "i8"),
        ("queued", "i8"),
        ("transit", "i8"),
        ("queue_start", "i8"),  # its queues by priority: entries of `pool_queues`
        ("queue_stop", "i8"),
        ("last_s", "f8"),
        ("bin", "i8"),  # the time bin last_s lies in
        ("queue_peak", "i8"),
    ]
)

JOB = np.dtype(
    [
        ("entity", "i8"),  # segment number; or sky event, or -segment-1 for a noise trigger
        ("segment", "i8"),
        ("next", "i8"),  # in a queue, in a batch, or in the free list
        ("stage", "i8"),
        ("queue", "i8"),
        ("site", "i8"),
        ("flag", "i8"),
        ("variant", "i8"),  # of the trigger that reported it
        ("extra", "i8"),  # live trigger: noise triggers reported; live flag: the flag
        ("born_s", "f8"),  # when its segment reached the instrument's site
        ("sent_s", "f8"),
        ("enqueued_s", "f8"),
        ("transfer_s", "f8"),
        ("wait_s", "f8"),
        ("compute_s", "f8"),
    ]
)

BATCH = np.dtype(
    [
        ("head", "i8"),
        ("queue", "i8"),
        ("n", "i8"),
        ("variant", "i8"),
        ("live", "i8"),
        ("start_s", "f8"),
        ("next", "i8"),
        ("token", "i8"),
    ]
)

HEAP = np.dtype([("time_s", "f8"), ("key", "i8"), ("ref", "i8")])

STREAM = np.dtype(
    [
        ("stage", "i8"),
        ("site", "i8"),  # where its jobs appear
        ("stride_s", "f8"),  # 0: times come from `arrivals`
        ("phase_s", "f8"),
        ("next", "i8"),
        ("count", "i8"),
        ("first", "i8"),
    ]
)

ROW = np.dtype(  # a job that ended: published, vetoed or stale
    [
        ("entity", "i8"),
        ("segment", "i8"),
        ("stage", "i8"),
        ("outcome", "i8"),
        ("flag", "i8"),
        ("variant", "i8"),
        ("born_s", "f8"),
        ("end_s", "f8"),
        ("transfer_s", "f8"),
        ("wait_s", "f8"),
        ("compute_s", "f8"),
    ]
)

TRACE = np.dtype(  # one stage completed by one job
    [
        ("stage", "i8"),
        ("entity", "i8"),
        ("pool", "i8"),
        ("n", "i8"),
        ("variant", "i8"),
        ("enqueued_s", "f8"),
        ("start_s", "f8"),
        ("end_s", "f8"),
    ]
)
