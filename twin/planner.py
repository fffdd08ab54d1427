"""From a scenario to the plan of one replica: pools, links, stages, and the sky it draws. Knows no kernel."""

from __future__ import annotations

import numpy as np

from twin.chance import stream_key
from twin.plan import Control, Geography, Plan, PoolSpec, StageSpec, Stream, assemble
from twin.programs import Programs
from twin.scenario import Scenario
from twin.schema import Outage, Retraining, Storm
from twin.tree import ScenarioError
from workloads.sky import EVENT, Boost, Population, draw
from workloads.spec import LOOKAHEAD_S, RATE_HZ, SEGMENT_S, STREAMS

MEMORY_LIMIT_BYTES = 8 << 30
"""What one run may hold in memory; a larger one is refused before it starts."""
_BYTES_PER_EVENT = EVENT.itemsize + 400
"""An event, its segment number, and its row in the tables."""


def plan(scenario: Scenario, programs: Programs, seed: int, replica: int) -> Plan:
    """The plan of replica number `replica`."""
    stride_s, horizon_s = scenario.instrument.stride, scenario.horizon
    events = draw(populations(scenario), horizon_s, [seed, replica])
    segments = int(horizon_s / stride_s)
    event_segment = np.floor(events["time_s"] / stride_s).astype(np.int64)
    inside = event_segment < segments
    geography = _geography(scenario)
    home = geography.names.index(scenario.instrument.site)
    phase_s = stride_s + LOOKAHEAD_S + scenario.instrument.calibration.value
    return assemble(
        geography=geography,
        pools=_pools(scenario, geography),
        stages=_stages(scenario, programs, seed, replica),
        streams=[
            Stream(name, segments, home, phase_s, stride_s)
            for name, stage in scenario.stages.items()
            if stage.after is None
        ],
        horizon_s=horizon_s,
        drain_s=scenario.drain,
        events=events[inside],
        event_segment=event_segment[inside],
        noise_key=stream_key(seed, replica, "noise"),
        controls=_controls(scenario),
    )


def populations(scenario: Scenario) -> list[Population]:
    """The sky's sources: one per class of signal, one per class of glitch and detector."""
    storms = {name: e for name, e in scenario.timeline.items() if isinstance(e, Storm)}
    sources = [
        Population(cls, p.rate.value, p.snr.min, p.snr.max, p.snr.index) for cls, p in scenario.sky.signals.items()
    ]
    glitches = scenario.sky.glitches
    if glitches is None:
        return sources
    for cls, share in glitches.mix.items():
        boosts = tuple(
            Boost(name, s.at, s.at + s.lasts, s.factor)
            for name, s in storms.items()
            if s.classes is None or cls in s.classes
        )
        rate_hz = share * glitches.rate.value
        snr = glitches.snr
        sources += [
            Population(cls, rate_hz, snr.min, snr.max, snr.index, detector, boosts)
            for detector in range(len(scenario.instrument.detectors))
        ]
    return sources


def check_size(scenario: Scenario, replicas: int) -> None:
    """Raise ScenarioError when a run would not fit in memory, or its data are not what the workloads know."""
    problems = []
    expected = sum(
        p.rate_hz
        * (
            scenario.horizon
            + sum((b.factor - 1) * max(min(b.end_s, scenario.horizon) - b.start_s, 0.0) for b in p.boosts)
        )
        for p in populations(scenario)
    )
    needed = expected * _BYTES_PER_EVENT * replicas
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


def _pools(scenario: Scenario, geography: Geography) -> list[PoolSpec]:
    return [
        PoolSpec(f"{site}.{name}", geography.names.index(site), pool.servers)
        for site, spec in scenario.sites.items()
        for name, pool in spec.pools.items()
    ]


def _stages(scenario: Scenario, programs: Programs, seed: int, replica: int) -> list[StageSpec]:
    return [
        StageSpec(
            name=name,
            on=programs.on[name],
            after=stage.after,
            role=stage.role,
            gate=stage.gate is not None,
            publishes=stage.publishes or "",
            priority=stage.priority,
            max_batch=stage.max_batch,
            max_wait_s=stage.max_wait,
            shelf_life_s=np.inf if stage.shelf_life is None else stage.shelf_life,
            route=stage.route,
            live=name in scenario.live,
            key=stream_key(seed, replica, f"service/{name}"),
            payload_bytes=0.0 if stage.payload is None else stage.payload.value,
        )
        for name, stage in scenario.stages.items()
    ]


def _controls(scenario: Scenario) -> list[Control]:
    stages = list(scenario.stages)
    pools = [f"{site}.{name}" for site, spec in scenario.sites.items() for name in spec.pools]
    controls = []
    for name, entry in scenario.timeline.items():
        if isinstance(entry, Outage):
            pool = pools.index(entry.pool)
            controls.append(Control("outage", name, entry.at, entry.lasts, pool=pool))
        elif isinstance(entry, Retraining):
            takes = entry.takes
            controls.append(
                Control(
                    "retraining",
                    name,
                    entry.at,
                    entry.lasts,
                    stage=stages.index(entry.of),
                    pool=pools.index(takes.pool) if takes else -1,
                    takes_servers=takes.servers if takes else 0,
                )
            )
    return controls
