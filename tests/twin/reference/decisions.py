"""What programs decide about a segment: flags and candidates. Knows no queue and no clock."""

from __future__ import annotations

from tests.twin.reference.environment import uniform


def flagged(plan, segment, d):
    """Whether program `d` flags the segment; pure noise is flagged by chance."""
    events = _events(plan, segment)
    if not events:
        return uniform(plan.noise_key, 2 * segment + 1) < plan.noise[d]
    return any(e["u_flag"] < _chance(plan, e, d) for _, e in events)


def candidates(plan, segment, d):
    """Entities that program `d` finds: events by number, or the segment's noise as -segment - 1."""
    events = _events(plan, segment)
    if not events:
        return [-segment - 1] if uniform(plan.noise_key, 2 * segment) < plan.noise[d] else []
    return [i for i, e in events if e["u_trigger"] < _chance(plan, e, d)]


def _events(plan, segment):
    return [(i, plan.events[i]) for i, k in enumerate(plan.event_segment.tolist()) if k == segment]


def _chance(plan, event, d):
    inner = plan.edges[d][1 : plan.responses.shape[2]]
    return plan.responses[d, event["cls"], sum(event["snr"] >= edge for edge in inner.tolist())]
