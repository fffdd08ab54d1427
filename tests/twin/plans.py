"""Random small plans, with everything on a coarse lattice so that events tie all the time."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from twin.plan import Control, Decision, Geography, PoolSpec, Program, StageSpec, Stream, assemble
from twin.state import ROUTES
from workloads.sky import CLASSES, EVENT

TICK_S = 0.25
POINTS = 5
HORIZON_S = 40.0


def _programs(draw, max_batch, decides):
    def program():
        if draw(st.booleans()):  # constant on the lattice: ties
            table = np.full((max_batch, POINTS), TICK_S * draw(st.integers(0, 8)))
        else:
            steps = st.lists(st.floats(0.0, 1.0), min_size=POINTS, max_size=POINTS)
            table = np.array([np.cumsum(draw(steps)) for _ in range(max_batch)])
        return Program(table, _decision(draw) if decides else None)

    return program(), program() if draw(st.booleans()) else None


def _decision(draw):
    chances = draw(st.lists(st.floats(0.0, 1.0), min_size=2 * len(CLASSES), max_size=2 * len(CLASSES)))
    return Decision(np.array([5.0, 12.0, 100.0]), np.reshape(chances, (-1, 2)), draw(st.sampled_from([0.0, 0.2])))


def _stage(draw, k, stages, pools):
    role = draw(st.sampled_from(["plain", "plain", "flag", "trigger"]))
    max_batch = draw(st.integers(1, 4))
    places = draw(st.lists(st.sampled_from(pools), min_size=1, max_size=len(pools), unique=True))
    both = [_programs(draw, max_batch, role != "plain") for _ in places]
    if any(fallback is None for _, fallback in both):
        both = [(primary, None) for primary, _ in both]
    return StageSpec(
        name=f"s{k}",
        on=dict(zip(places, both, strict=True)),
        after=draw(st.sampled_from([None, *(s.name for s in stages)])) if stages else None,
        role=role,
        gate=draw(st.booleans()),
        publishes=draw(st.sampled_from(["", "alert"])),
        priority=draw(st.integers(0, 2)),
        max_batch=max_batch,
        max_wait_s=draw(st.sampled_from([0.0, 0.5, 1.3])),
        shelf_life_s=draw(st.sampled_from([np.inf, 2.0, 5.0])),
        route=draw(st.sampled_from(ROUTES)),
        key=draw(st.integers(0, 2**64 - 1)),
        payload_bytes=draw(st.sampled_from([0.0, 100.0])),
    )


def _stream(draw, stage):
    if draw(st.booleans()):
        phase_s, stride_s = TICK_S * draw(st.integers(0, 8)), draw(st.sampled_from([0.5, 1.0]))
        return Stream(stage, draw(st.integers(0, 30)), draw(st.integers(0, 1)), phase_s, stride_s)
    on_lattice = draw(st.booleans())
    times = draw(st.lists(st.integers(0, 100) if on_lattice else st.floats(0.0, 30.0), max_size=30))
    return Stream(stage, len(times), times_s=np.sort(np.array(times, float)) * (TICK_S if on_lattice else 1.0))


def _control(draw, k, stages, pools):
    at_s, lasts_s = TICK_S * draw(st.integers(0, 80)), TICK_S * draw(st.integers(0, 40))
    pool = draw(st.integers(0, len(pools) - 1))
    swappable = [s for s, stage in enumerate(stages) if all(f is not None for _, f in stage.on.values())]
    if swappable and draw(st.booleans()):
        takes = draw(st.integers(0, 1))
        return Control("retraining", f"c{k}", at_s, lasts_s, draw(st.sampled_from(swappable)), pool, takes)
    return Control("outage", f"c{k}", at_s, lasts_s, pool=pool)


def _events(draw):
    n = draw(st.integers(0, 20))
    events = np.zeros(n, EVENT)
    for event in events:
        event["time_s"] = draw(st.floats(0.0, 30.0))
        event["snr"] = draw(st.sampled_from([5.0, 8.0, 12.0, 50.0]))
        event["u_trigger"], event["u_flag"] = draw(st.floats(0.0, 0.99)), draw(st.floats(0.0, 0.99))
        event["cls"] = draw(st.integers(0, len(CLASSES) - 1))
    return events[np.argsort(events["time_s"], kind="stable")]


@st.composite
def plans(draw):
    """A plan of up to three pools on two sites, four stages in a tree, sources, events, outages, swaps."""
    pools = [
        PoolSpec(f"p{k}", draw(st.integers(0, 1)), draw(st.integers(2, 4))) for k in range(draw(st.integers(1, 3)))
    ]
    stages: list[StageSpec] = []
    for k in range(draw(st.integers(1, 4))):
        stages.append(_stage(draw, k, stages, [p.name for p in pools]))
    roots = [s.name for s in stages if s.after is None]
    latency = draw(st.sampled_from([0.0, TICK_S, 0.1]))
    events = _events(draw)
    return assemble(
        geography=Geography(("here", "there"), np.array([[0.0, latency], [latency, 0.0]]), np.full((2, 2), 400.0)),
        pools=pools,
        stages=stages,
        streams=[_stream(draw, root) for root in roots],
        horizon_s=HORIZON_S,
        events=events,
        event_segment=np.floor(events["time_s"]).astype(np.int64),
        noise_key=draw(st.integers(0, 2**64 - 1)),
        controls=[_control(draw, k, stages, pools) for k in range(draw(st.integers(0, 2)))],
    )
