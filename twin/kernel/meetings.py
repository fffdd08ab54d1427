"""Meetings of the kernel: branches, shards or verdicts of one entity that are not complete yet. Compiled.

A meeting is found by its point in the graph and its entity through a hash table of chains. The rules are those of
twin.kernel.
"""

from __future__ import annotations

import numpy as np

from twin.kernel.compiled import compiled, view
from twin.kernel.memory import free
from twin.kernel.state import JOB, MEETING

ABSORBED, GOES_ON, NOBODY = range(3)
"""What becomes of who arrives: waits and is merged, goes on, or there is nobody to go on."""


@compiled
def meet(w, point, expected, any_, entity, j):
    """Job `j`, or word that it will not come (-1), arrives at a meeting; what becomes of it."""
    meetings = view(w["meetings"], MEETING)
    jobs = view(w["jobs"], JOB)
    m = meeting(w, point, entity)
    row = meetings[m]
    row["came"] += 1
    if j >= 0:
        row["present"] += 1
        row["flag"] |= jobs[j]["flag"]
        row["missing"] |= jobs[j]["missing"]
    last = row["came"] == expected
    fate = ABSORBED
    if any_ > 0:
        if j >= 0 and row["present"] == 1:
            fate = GOES_ON
        elif last and row["present"] == 0:
            fate = NOBODY
    elif last and row["present"] < expected:
        fate = NOBODY
    elif last:
        fate = GOES_ON
        jobs[j]["flag"] = row["flag"]
        jobs[j]["missing"] = row["missing"]
    if last:
        unlink(w, m)
        free_meeting(w, m)
    if j >= 0 and fate != GOES_ON:
        free(w, j)
    return fate


@compiled
def _bucket(w, point, entity):
    z = (np.uint64(entity) + np.uint64(point) * np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
    return np.int64((z >> np.uint64(32)) & np.uint64(w["bucket_size"] - 1))


@compiled
def find(w, point, entity):
    """The meeting at this point about this entity, -1 none."""
    meetings = view(w["meetings"], MEETING)
    buckets = view(w["buckets"], np.int64)
    m = buckets[_bucket(w, point, entity)]
    while m >= 0 and (meetings[m]["point"] != point or meetings[m]["entity"] != entity):
        m = meetings[m]["next"]
    return m


@compiled
def meeting(w, point, entity):
    """The meeting at this point about this entity, a new one if there is none."""
    m = find(w, point, entity)
    if m >= 0:
        return m
    meetings = view(w["meetings"], MEETING)
    buckets = view(w["buckets"], np.int64)
    m = w["meeting_free"]
    row = meetings[m]
    w["meeting_free"] = row["next"]
    w["meeting_free_n"] -= 1
    b = _bucket(w, point, entity)
    row["point"] = point
    row["entity"] = entity
    row["came"] = 0
    row["present"] = 0
    row["flag"] = 0
    row["missing"] = 0
    row["begun"] = 0
    row["gone"] = 0
    row["head"] = -1
    row["tail"] = -1
    row["next"] = buckets[b]
    buckets[b] = m
    return m


@compiled
def unlink(w, m):
    """Nobody finds meeting `m` any longer."""
    meetings = view(w["meetings"], MEETING)
    buckets = view(w["buckets"], np.int64)
    b = _bucket(w, meetings[m]["point"], meetings[m]["entity"])
    if buckets[b] == m:
        buckets[b] = meetings[m]["next"]
        return
    k = buckets[b]
    while meetings[k]["next"] != m:
        k = meetings[k]["next"]
    meetings[k]["next"] = meetings[m]["next"]


@compiled
def free_meeting(w, m):
    """Meeting `m` is over and nobody waits at it."""
    meetings = view(w["meetings"], MEETING)
    meetings[m]["next"] = w["meeting_free"]
    w["meeting_free"] = m
    w["meeting_free_n"] += 1


@compiled
def spread(w, old, old_n):
    """Put the meetings of the `old_n` buckets at address `old` into the buckets that the world has now."""
    meetings = view(w["meetings"], MEETING)
    before = view(old, np.int64)
    buckets = view(w["buckets"], np.int64)
    for i in range(old_n):
        m = before[i]
        while m >= 0:
            after = meetings[m]["next"]
            b = _bucket(w, meetings[m]["point"], meetings[m]["entity"])
            meetings[m]["next"] = buckets[b]
            buckets[b] = m
            m = after
