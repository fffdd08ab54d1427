"""From a scenario to the plan of one replica: pools, links, stages, and the sky it draws. Knows no kernel."""

from __future__ import annotations

import numpy as np

from twin import schedule, sources, specs
from twin.assembly import assemble
from twin.checks_graph import publishing
from twin.kernel.chance import stream_key
from twin.plan import Geography, Plan, Stream
from twin.programs import Programs
from twin.scenario import Scenario
from twin.tree import ScenarioError
from workloads.sky import EVENT
from workloads.spec import LOOKAHEAD_S, RATE_HZ, SEGMENT_S, STREAMS

MEMORY_LIMIT_BYTES = 8 << 30
"""What one run may hold in memory; a larger one is refused before it starts."""
_BYTES_PER_ROW = 400
"""Of the tables: one for each product of an event."""


def plan(scenario: Scenario, programs: Programs, seed: int, replica: int) -> Plan:
    """The plan of replica number `replica`."""
    stride_s, horizon_s = scenario.instrument.stride, scenario.horizon
    events = sources.events(scenario, seed, replica)
    segments = int(horizon_s / stride_s)
    event_segment = np.floor(events["time_s"] / stride_s).astype(np.int64)
    inside = event_segment < segments
    geography = _geography(scenario)
    home = geography.names.index(scenario.instrument.site)
    phase_s = stride_s + LOOKAHEAD_S + scenario.instrument.calibration.value
    return assemble(
        geography=geography,
        pools=specs.pools(scenario, programs, seed, replica),
        stages=specs.stages(scenario, programs, seed, replica),
        streams=[
            Stream(name, segments, home, phase_s, stride_s)
            for name, stage in scenario.stages.items()
            if not stage.after
        ],
        report_s=scenario.load_reports,
        horizon_s=horizon_s,
        drain_s=scenario.drain,
        events=events[inside],
        event_segment=event_segment[inside],
        noise_key=stream_key(seed, replica, "noise"),
        controls=schedule.controls(scenario, seed, replica),
    )


def check_size(scenario: Scenario, replicas: int) -> None:
    """Raise ScenarioError when a run would not fit in memory, or its data are not what the workloads know."""
    problems = []
    replayed = sources.replayed(scenario)
    expected = sources.expected(scenario) + (0 if replayed is None else replayed.size)
    rows = max(1, len(publishing(scenario)))
    needed = expected * (EVENT.itemsize + rows * _BYTES_PER_ROW) * replicas
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
    instrument = scenario.instrument
    for key, given, measured in (
        ("stride", f"{instrument.stride:g} s", f"{SEGMENT_S:g} s"),
        ("sample_rate", f"{instrument.sample_rate:g} Hz", f"{RATE_HZ} Hz"),
        ("detectors", f"{len(instrument.detectors)} streams", f"{STREAMS} streams"),
    ):
        if given != measured:
            text = f"{given}; the workloads are measured on segments with {measured}"
            problems.append(scenario.problem(f"instrument.{key}", text))
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
