"""From a scenario to the plan of one replica: pools, links, stages, and the sky it draws. Knows no kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import beside, instrument, outshone, premerger, schedule, sources, specs
from twin.ageing import planned as ageing
from twin.ageing.unlearned import Heard
from twin.assembly import assemble
from twin.checks_graph import publishing, span_of
from twin.kernel.chance import stream_key
from twin.plan import Geography, Plan, Stream
from twin.programs import Programs
from twin.scenario import Scenario
from twin.tree import ScenarioError
from workloads import sky
from workloads.sky import split
from workloads.spec import LOOKAHEAD_S, RATE_HZ, SEGMENT_S, STREAMS

MEMORY_LIMIT_BYTES = 8 << 30
"""What one run may hold in memory; a larger one is refused before it starts."""
_BYTES_PER_ROW = 400
"""Of the tables: one for each product of an event."""


def plan(scenario: Scenario, programs: Programs, seed: int, replica: int) -> Plan:
    """The plan of replica number `replica`."""
    geography = _geography(scenario)
    home = geography.names.index(scenario.instrument.site)
    down = instrument.downtimes(scenario, seed, replica)
    heard, absent = _sky(scenario, programs, seed, replica, down)
    return assemble(
        geography=geography,
        pools=specs.pools(scenario, programs, seed, replica),
        stages=specs.stages(scenario, programs, seed, replica),
        streams=[
            _stream(scenario, name, home, absent) for name, stage in scenario.stages.items() if not stage.after
        ],
        report_s=scenario.load_reports,
        horizon_s=scenario.horizon,
        drain_s=scenario.drain,
        noise_key=stream_key(seed, replica, "noise"),
        controls=[
            *schedule.controls(scenario, seed, replica),
            *ageing.controls(
                scenario, programs, seed, replica, Heard(heard["events"], heard["event_segment"], absent)
            ),
        ],
        absent=absent,
        down=down,
        **heard,
    )


def _sky(
    scenario: Scenario, programs: Programs, seed: int, replica: int, down: NDArray[np.void]
) -> tuple[dict[str, Any], instrument.Spans]:
    """Events, their segments and what they are or look at, as the detectors hear them; segments without data."""
    stride_s = scenario.instrument.stride
    events = sources.events(scenario, seed, replica)
    looks = np.zeros(0, np.int64)
    if premerger.warns(scenario):
        events, looks = premerger.with_looks(events)
    segment = np.floor(events["time_s"] / stride_s).astype(np.int64)
    kept = segment < int(scenario.horizon / stride_s)
    absent = np.zeros((0, 2), np.int64)
    if scenario.instrument.intermittent:
        there = instrument.observing(scenario, down)
        absent = there.absent()
        kept &= instrument.heard(events, segment, there, _faintest(programs))
    if looks.size:
        kept &= kept[looks]
        looks = premerger.renumbered(looks, kept)
    events = events[kept]
    if beside.counted(scenario) and looks.size:
        events = outshone.marked(events, looks)
    plain, mergers = split(events)
    if beside.counted(scenario):
        plain = beside.marked(plain, segment[kept])
    return {"events": plain, "event_segment": segment[kept], "looks": looks, "mergers": mergers}, absent


def _faintest(programs: Programs) -> float:
    """The least SNR at which every program that decides on the sky was measured."""
    decisions = [use.program.decision for use in programs.uses if use.program.decision is not None]
    return max((float(decision.edges[0]) for decision in decisions), default=0.0)


def _stream(scenario: Scenario, name: str, home: int, absent: instrument.Spans) -> Stream:
    """Segments, or several at once, for the stage called `name`."""
    span = span_of(scenario, name)
    stride_s = scenario.instrument.stride
    frame = scenario.instrument.frame
    return Stream(
        name,
        int(scenario.horizon / stride_s) // span,
        home,
        instrument.phase_s(scenario, span * stride_s + LOOKAHEAD_S),
        span * stride_s,
        span=span,
        frame_s=0.0 if frame is None else frame.value,
        lag_s=instrument.lag_s(scenario),
        breaks=instrument.breaks(scenario, absent, span),
    )


def check_size(scenario: Scenario, replicas: int) -> None:
    """Raise ScenarioError when a run would not fit in memory, or its data are not what the workloads know."""
    problems = []
    replayed = sources.replayed(scenario)
    expected = sources.expected(scenario) + (0 if replayed is None else replayed.size)
    rows = max(1, len(publishing(scenario)))
    needed = expected * (sources.bytes_per_event(scenario) + rows * _BYTES_PER_ROW) * replicas
    if needed > MEMORY_LIMIT_BYTES:
        most_s = scenario.horizon * MEMORY_LIMIT_BYTES / needed
        problems.append(
            scenario.problem(
                "horizon",
                f"{expected:.3g} events in each of {replicas} replicas need about {needed / 2**30:.0f} GiB; "
                f"allowed: {MEMORY_LIMIT_BYTES >> 30} GiB. Shorten the horizon to {most_s / 86400:.3g} d, "
                "or lower replicas or rates",
            )
        )
    given = scenario.instrument
    for key, has, measured in (
        ("stride", f"{given.stride:g} s", f"{SEGMENT_S:g} s"),
        ("sample_rate", f"{given.sample_rate:g} Hz", f"{RATE_HZ} Hz"),
    ):
        if has != measured:
            text = f"{has}; the workloads are measured on segments with {measured}"
            problems.append(scenario.problem(f"instrument.{key}", text))
    if scenario.live and len(given.detectors) != STREAMS:
        text = f"{len(given.detectors)} streams; live stages see the strain of a triangle's {STREAMS}"
        problems.append(scenario.problem("instrument.detectors", text))
    if problems:
        raise ScenarioError(tuple(problems))


def _geography(scenario: Scenario) -> Geography:
    names = tuple(scenario.sites)
    latency_s = np.zeros((len(names), len(names)))
    bandwidth = np.ones((len(names), len(names)))
    for a, source in enumerate(names):
        for b, target in enumerate(names):
            if a != b:
                link = scenario.link(source, target)
                assert link.latency is not None
                assert link.bandwidth is not None
                latency_s[a, b] = link.latency.value
                bandwidth[a, b] = link.bandwidth.value
    return Geography(names, latency_s, bandwidth)


def _signals(scenario: Scenario) -> float:
    """How many signals are drawn in one replica on average."""
    of_all = (p for p in sources.populations(scenario) if p.detector < 0)
    return sum(sky.expected(population, scenario.horizon) for population in of_all)
