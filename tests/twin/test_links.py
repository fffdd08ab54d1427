"""Links as fluids: flows share the bandwidth, and the answer is that of a fluid, not of a timetable."""

from __future__ import annotations

import numpy as np
import pytest

from tests.twin.small import run, stage, system


def flows(times_s, latency_s=0.0, bandwidth=10.0, payload_bytes=100.0, actions=()):
    """When each of the flows that start at these times arrives at the other site."""
    stages = [stage("a", "far", 0.0, payload_bytes=payload_bytes)]
    plan = system({"far": (1, 1000)}, stages, {"a": times_s}, 1e5, latency_s, bandwidth)
    environment = run(plan, actions)
    trace = environment.traced()
    return trace["enqueued_s"][np.argsort(trace["entity"])], environment


def fluid(times_s, size, bandwidth):
    """Arrivals by stepping every flow's remaining bytes from event to event: another algorithm."""
    ends, left, now, k = {}, {}, 0.0, 0
    while len(ends) < len(times_s):
        rate = bandwidth / max(len(left), 1)
        done_s = now + min(left.values(), default=np.inf) / rate
        next_s = times_s[k] if k < len(times_s) else np.inf
        step_s = min(done_s, next_s) - now
        left = {f: rest - step_s * rate for f, rest in left.items()}
        now += step_s
        if next_s <= done_s:
            left[k] = size
            k += 1
        for f in [f for f, rest in left.items() if rest <= 1e-9]:
            ends[f] = now
            del left[f]
    return np.array([ends[f] for f in range(len(times_s))])


def test_two_flows_share_the_bandwidth():
    arrived_s, environment = flows([0.0, 5.0])
    assert arrived_s.tolist() == [15.0, 20.0]
    link = environment.world.links[1]
    assert (link["sent"], link["bytes"], link["busy_s"]) == (2, 200.0, 20.0)


def test_latency_comes_after_the_last_byte():
    assert flows([0.0], latency_s=0.5)[0].tolist() == [10.5]
    assert flows([0.0], latency_s=0.5, payload_bytes=0.0)[0].tolist() == [0.5]


def test_many_flows_are_those_of_the_exact_fluid():
    rng = np.random.default_rng(3)
    times_s = np.cumsum(rng.exponential(12.0, 2000))
    arrived_s, _ = flows(times_s)
    np.testing.assert_allclose(arrived_s, fluid(times_s, 100.0, 10.0), rtol=1e-9)


def test_a_link_that_is_down_holds_its_flows():
    arrived_s, _ = flows([0.0], actions=[(4.0, "link_share", 0, 1, 0.0), (9.0, "link_share", 0, 1, 1.0)])
    assert arrived_s.tolist() == [15.0]


def test_a_degraded_link_is_slower():
    assert flows([0.0], actions=[(5.0, "link_share", 0, 1, 0.5)])[0].tolist() == [15.0]


def test_routes_avoid_a_closed_link():
    stages = [stage("a", ["far", "near"], 1.0, route="failover")]
    plan = system({"far": (1, 1), "near": (0, 1)}, stages, {"a": [0.0, 10.0, 20.0]})
    environment = run(plan, [(5.0, "link_close", 0, 1), (15.0, "link_reopen", 0, 1)])
    assert environment.traced()["pool"].tolist() == [0, 1, 0]


def test_a_share_above_one_is_refused():
    with pytest.raises(ValueError, match="share is 2; allowed: 0 to 1"):
        flows([0.0], actions=[(1.0, "link_share", 0, 1, 2)])
