"""The kernel's heap of events: a tournament that each plays from its own place to the top. Compiled.

Match m (1 the final) is between the winners of matches 2m and 2m + 1; at the bottom, between two places, whose
number is a power of two. `heap[m]["winner"]` keeps the place that won. A change at one place replays the matches
above it: that way is known beforehand, and winners are selected without a branch, where in a heap that swaps every
level is one that no processor foresees. There are never fewer places again: the cost grows with the logarithm of
the most events there ever were.
"""

from __future__ import annotations

import numpy as np

from twin.kernel.compiled import compiled, precedes, rare, small, view
from twin.kernel.state import HEAP, RANK_SHIFT

_FIRST_PLACES = 16
_NEVER = np.iinfo(np.int64).max
"""The key of an empty place: it loses to every event."""


@compiled
def push(w, time_s, rank, ref):
    """Schedule an event; among equals in time and rank, the one pushed first comes first."""
    heap = view(w["heap"], HEAP)
    w["seq"] += 1
    k = w["hole"]
    if k >= 0:
        w["hole"] = -1
    else:
        if rare(w["place_free"] < 0):
            widen(w)
        k = w["place_free"]
        w["place_free"] = heap[k]["ref"]
        w["heap_n"] += 1
    heap[k]["time_s"] = time_s
    heap[k]["key"] = (np.int64(rank) << RANK_SHIFT) | w["seq"]
    heap[k]["ref"] = ref
    _replay(w, k)


@small
def first_event(w):
    """The place of the event that is due first, at `first_s`; an empty one when there is none."""
    return view(w["heap"], HEAP)[1]["winner"]


@small
def is_due(w, time_s):
    """Whether an event other than the one that left the hole is due at `time_s` or before."""
    heap = view(w["heap"], HEAP)
    k = w["hole"]
    if k < 0:
        return w["first_s"] <= time_s
    due = heap[k ^ 1]["time_s"] <= time_s
    match = (k + w["places"]) >> 1
    while match > 1:
        due |= heap[heap[match ^ 1]["winner"]]["time_s"] <= time_s
        match >>= 1
    return due


@compiled
def fill_hole(w):
    """Nothing has come in the place of the event that was handled: it is empty."""
    k = w["hole"]
    w["hole"] = -1
    w["heap_n"] -= 1
    _empty(w, k)
    _replay(w, k)


@compiled
def widen(w):
    """Make twice as many places, or the first ones; the array has room for them."""
    before = w["places"]
    w["places"] = max(2 * before, _FIRST_PLACES)
    for k in range(w["places"] - 1, before - 1, -1):
        _empty(w, k)
    for k in range(0, w["places"], 2):
        _replay(w, k)


@small
def _empty(w, k):
    """Place `k` is the next to be taken."""
    heap = view(w["heap"], HEAP)
    heap[k]["time_s"] = np.inf
    heap[k]["key"] = _NEVER
    heap[k]["ref"] = w["place_free"]
    w["place_free"] = k


@small
def _replay(w, k):
    """Play the matches between place `k`, where something has changed, and the top."""
    heap = view(w["heap"], HEAP)
    time = np.float64(heap[k]["time_s"]).view(np.int64)  # times are not negative: their bits are in their order
    key = heap[k]["key"]
    match = k + w["places"]
    other = k ^ 1
    while True:
        other_time = np.float64(heap[other]["time_s"]).view(np.int64)
        other_key = heap[other]["key"]
        lost = precedes(other_time, other_key, time, key)
        k = other if lost else k
        time = other_time if lost else time
        key = other_key if lost else key
        match >>= 1
        heap[match]["winner"] = k
        if match == 1:
            break
        other = heap[match ^ 1]["winner"]
    w["first_s"] = np.int64(time).view(np.float64)
