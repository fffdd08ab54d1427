"""The kernel's heap hands out events by time, rank and number, however many there are and whatever ties."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import mm8
from twin.kernel.heap import fill_hole, first_event, is_due, push
from twin.world import World

STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(2, 4), st.integers(0, 3)), min_size=1, max_size=200)
"""How much later a new event is, its rank, and how many events are handled before it."""


def take(world: World) -> tuple[float, int] | None:
    """Handle the first event; its time and what it names, None when there is none."""
    record = world.record
    if record["hole"] >= 0:
        fill_hole(record)
    if record["heap_n"] == 0:
        assert record["first_s"] == np.inf
        return None
    k = first_event(record)
    record["hole"] = k
    return float(record["first_s"]), int(world.heap["ref"][k])


def expect(pending: list[Any]) -> tuple[float, int] | None:
    """The same from a heap of Python's."""
    return heapq.heappop(pending)[::3] if pending else None


@settings(deadline=None)  # the first one compiles
@given(STEPS)
def test_events_come_by_time_rank_and_number(steps: list[tuple[int, int, int]]) -> None:
    world, pending, now_s = World(mm8.plan(mm8.work(2)), trace=False), [], 0.0
    for number, (after_s, rank, handled) in enumerate(steps):
        for _ in range(handled):
            event = take(world)
            assert event == expect(pending)
            now_s = event[0] if event else now_s
            assert is_due(world.record, now_s) == any(time_s <= now_s for time_s, *_ in pending)
        push(world.record, now_s + after_s, rank, number)
        heapq.heappush(pending, (now_s + after_s, rank, number, number))
    while pending:
        assert take(world) == expect(pending)
    assert take(world) is None


def test_places_are_made_as_they_are_needed() -> None:
    world = World(mm8.plan(mm8.work(2)), trace=False)
    times_s = np.random.default_rng(3).permutation(5000).astype(float)
    for number, time_s in enumerate(times_s):
        push(world.record, time_s, 2, number)
    assert world.record["places"] == 8192
    order = np.argsort(times_s)
    assert [take(world) for _ in times_s] == list(zip(times_s[order], order, strict=True))
