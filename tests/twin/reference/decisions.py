"""What programs decide about a segment: flags and candidates. Knows no queue and no clock."""

from __future__ import annotations

from tests.twin.reference.environment import uniform


def flagged(run, segment, d, span=1):
    """Whether program `d` flags the job that begins with the segment; pure noise is flagged by chance."""
    events = _events(run, segment, d, span)
    if not events:
        return uniform(run.plan.noise_key, 2 * segment + 1) < run.noise[d]
    return any(e["u_flag"] < _chance(run, e, d) for _, e in events)


def candidates(run, segment, d, span=1):
    """Entities that program `d` finds: events by number, or the segment's noise as -segment - 1."""
    events = _events(run, segment, d, span)
    if not events:
        return [-segment - 1] if uniform(run.plan.noise_key, 2 * segment) < run.noise[d] else []
    return [i for i, e in events if e["u_trigger"] < _chance(run, e, d)]


def _events(run, segment, d, span):
    """Events that the program looks for, by number."""
    of = [i for i, k in enumerate(run.plan.event_segment.tolist()) if segment <= k < segment + span]
    return [(i, run.plan.events[i]) for i in of if _chance(run, run.plan.events[i], d) >= 0.0]


def _chance(run, event, d):
    inner = run.plan.edges[d].tolist()[1 : len(run.responses[d][0])]
    return run.responses[d][event["cls"]][sum(event["snr"] >= edge for edge in inner)]
