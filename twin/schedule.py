"""From the timeline of a scenario to the controls of one replica. For the plan; knows no kernel and no sky."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import inf
from typing import Any

from twin import controls as c
from twin import places, tracefile
from twin.checks_ageing import fixed, policies
from twin.checks_graph import ordered
from twin.kernel.chance import stream_key
from twin.kernel.state import MODES
from twin.scenario import Scenario
from twin.schema_timeline import (
    Degradation,
    Failover,
    Failures,
    FailureTrace,
    Law,
    Maintenance,
    Outage,
    Retraining,
    Scaling,
    Withdrawal,
)
from twin.tree import ScenarioError
from twin.works import variants


def controls(scenario: Scenario, seed: int, replica: int) -> list[c.Control]:
    """Every entry of the timeline that acts on the computing, in their order, as they are at the start.

    Not those that retrain models that age, or by a policy: see twin.ageing.planned.
    """
    return [made for name in scenario.timeline for made in _control(scenario, name, seed, replica)]


def _control(scenario: Scenario, name: str, seed: int, replica: int) -> Iterator[c.Control]:
    entry = scenario.timeline[name]
    targets = partial(places.targets, scenario)
    if isinstance(entry, Outage):
        yield c.Outage(
            name=name,
            targets=targets(entry.target or entry.pool or ""),
            at_s=entry.at,
            lasts_s=entry.lasts,
            mode=MODES.index(entry.mode),
            failover=_failover(entry.failover),
        )
    elif isinstance(entry, Failures):
        yield _failures(scenario, name, entry, stream_key(seed, replica, f"failures/{name}"))
    elif isinstance(entry, FailureTrace):
        yield _trace(scenario, name, entry)
    elif isinstance(entry, Maintenance):
        (target,) = targets(entry.target)
        yield c.Maintenance(
            name=name,
            target=target,
            at_s=entry.at,
            lasts_s=entry.lasts,
            every_s=entry.every or inf,
            lead_s=entry.lead,
            mode=MODES.index(entry.mode),
        )
    elif isinstance(entry, Degradation):
        yield _degradation(scenario, name, entry)
    elif isinstance(entry, Retraining) and not policies(scenario, entry.of):
        yield _retraining(scenario, name, entry)
    elif isinstance(entry, Withdrawal):
        yield _withdrawal(scenario, name, entry)
    elif isinstance(entry, Scaling):
        yield _scaling(scenario, name, entry)


def _failover(given: Failover | None) -> c.Failover | None:
    return None if given is None else c.Failover(given.detect, given.fail_back, given.evacuate)


def _law(given: Law) -> c.Law:
    return c.Law(given.law, given.mean.value, given.shape or 0.0)


def _failures(scenario: Scenario, name: str, entry: Failures, key: int) -> c.Control:
    make = c.Failures if entry.together is None else partial(c.CommonCause, probability=entry.together)
    return make(
        name=name,
        targets=tuple(target for text in entry.target for target in places.targets(scenario, text)),
        up=_law(entry.time_to_failure),
        down=_law(entry.time_to_repair),
        key=key,
        from_s=entry.at,
        until_s=scenario.horizon if entry.lasts is None else entry.at + entry.lasts,
        mode=MODES.index(entry.mode),
        failover=_failover(entry.failover),
    )


def _trace(scenario: Scenario, name: str, entry: FailureTrace) -> c.Trace:
    path = scenario.trace_file(name)
    try:
        rows = tracefile.read(path, partial(places.complaint, scenario), entry.mode)
        texts = list(dict.fromkeys(row.target for row in rows))
        targets = [places.targets(scenario, text) for text in texts]
    except tracefile.TraceError as error:
        raise ScenarioError([scenario.problem(f"timeline.{name}.file", f"'{path}' {error}")]) from None
    if not any(entry.at + row.time_s < scenario.horizon for row in rows):
        message = f"'{path}': none of its {len(rows):,} failures comes before the horizon"
        raise ScenarioError([scenario.problem(f"timeline.{name}.file", message)])
    first = {text: sum(map(len, targets[:k])) for k, text in enumerate(texts)}
    several = {text: len(found) for text, found in zip(texts, targets, strict=True)}
    return c.Trace(
        name=name,
        targets=tuple(target for found in targets for target in found),
        entries=tuple(
            (entry.at + row.time_s, row.duration_s, first[row.target] + k, MODES.index(row.mode))
            for row in rows
            if entry.at + row.time_s < scenario.horizon
            for k in range(several[row.target])
        ),
        failover=_failover(entry.failover),
    )


def _degradation(scenario: Scenario, name: str, entry: Degradation) -> c.Degradation:
    (target,) = places.targets(scenario, entry.target)
    if entry.slowness is not None:
        target = c.Target(target.name, target.pools)  # of a site, its links are as fast as ever
    factor = entry.slowness or entry.share or 1.0
    return c.Degradation(name=name, target=target, at_s=entry.at, lasts_s=entry.lasts, factor=factor)


def _retraining(scenario: Scenario, name: str, entry: Retraining) -> c.Retraining:
    takes, span = entry.takes, fixed(entry)
    assert span is not None
    return c.Retraining(
        name=name,
        at_s=span[0],
        lasts_s=span[1],
        stage=ordered(scenario.stages).index(entry.of),
        pool=places.pool_names(scenario).index(takes.pool) if takes else -1,
        takes=takes.servers if takes else 0,
    )


def _withdrawal(scenario: Scenario, name: str, entry: Withdrawal) -> c.Withdrawal:
    return c.Withdrawal(
        name=name,
        at_s=entry.at,
        lasts_s=entry.lasts,
        stage=ordered(scenario.stages).index(entry.of),
        variants=tuple(
            k
            for k, work, runtime in variants(scenario.stages[entry.of])
            if work == entry.model and entry.runtime in (None, runtime)
        ),
    )


def _scaling(scenario: Scenario, name: str, entry: Scaling) -> c.Scaling:
    where: dict[str, Any] = {
        "name": name,
        "pool": places.pool_names(scenario).index(entry.pool),
        "every_s": entry.every,
        "least": entry.min_servers,
        "most": entry.max_servers,
        "startup_s": entry.start_up,
        "cooldown_s": entry.cool_down,
        "from_s": entry.at,
    }
    if entry.threshold is not None:
        limits = entry.threshold
        return c.ThresholdScaling(**where, up=limits.up, down=limits.down, step=limits.step)
    assert entry.track is not None
    return c.TrackingScaling(**where, track=entry.track)
