"""What programs decide in the kernel: which events they find or flag, by measured chance or a live result."""

from __future__ import annotations

import numpy as np

from twin.kernel.chance import uniform
from twin.kernel.compiled import compiled, view
from twin.kernel.memory import copy_job, free, later
from twin.kernel.state import HAND, JOB, STAGE
from workloads.sky import EVENT


@compiled
def report(w, j, s, d, live, variant):
    """Segment job `j` was searched: a candidate for every event found and for a noise trigger; the job ends.

    The candidates are put on the stack of tasks last to first, so that they are handed on first to last.
    """
    jobs = view(w["jobs"], JOB)
    stages = view(w["stages"], STAGE)
    events = view(w["events"], EVENT)
    noise = view(w["noise"], np.float64)
    found = view(w["found"], np.int8)
    segment = jobs[j]["segment"]
    jobs[j]["variant"] = variant
    first, last, quiet = _inside(w, segment, stages[s]["span"], d)
    if live > 0:
        hit = jobs[j]["extra"] > 0
    else:
        hit = quiet and uniform(w["noise_key"], 2 * segment) < noise[d]
    if hit:
        _spawn(w, j, s, -segment - 1)
    i = last
    while i > first:
        i -= 1
        if live > 0:
            hit = found[i] > 0
        else:
            hit = events[i]["u_trigger"] < _probability(w, i, d)
        if hit:
            _spawn(w, j, s, i)
    free(w, j)


@compiled
def _inside(w, segment, span, d):
    """The first event in `span` segments from this one on, the first after them, and whether all is as in noise.

    That is so where no event is of a class that table `d`'s program looks for.
    """
    event_segment = view(w["event_segment"], np.int64)
    first = first_event(w, segment)
    last = first
    quiet = True
    while last < w["event_n"] and event_segment[last] < segment + span:
        quiet = quiet and _probability(w, last, d) < 0.0
        last += 1
    return first, last, quiet


@compiled
def _spawn(w, j, s, entity):
    """A candidate, heir of segment job `j`, for each successor of stage `s`."""
    stages = view(w["stages"], STAGE)
    jobs = view(w["jobs"], JOB)
    children = view(w["children"], np.int64)
    for c in range(stages[s]["child_stop"] - 1, stages[s]["child_start"] - 1, -1):
        k = copy_job(w, j)
        jobs[k]["entity"] = entity
        later(w, HAND, children[c], k, 0)


@compiled
def first_event(w, segment):
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
    """Measured chance that table `d`'s program reacts to event `i`; negative for what it does not look for."""
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
def flagged(w, j, s, d, live):
    """1 when data quality flags the segment of job `j`."""
    jobs = view(w["jobs"], JOB)
    events = view(w["events"], EVENT)
    noise = view(w["noise"], np.float64)
    if live > 0:
        return np.int64(jobs[j]["extra"])
    segment = jobs[j]["segment"]
    first, last, quiet = _inside(w, segment, view(w["stages"], STAGE)[s]["span"], d)
    if quiet:
        return 1 if uniform(w["noise_key"], 2 * segment + 1) < noise[d] else 0
    for i in range(first, last):
        if events[i]["u_flag"] < _probability(w, i, d):
            return 1
    return 0
