"""From a scenario's pools, stages and products to specifications of a plan. Draws nothing; knows no kernel."""

from __future__ import annotations

import math
from typing import Any

from twin.checks_graph import ordered, span_of
from twin.kernel.chance import stream_key
from twin.plan import Awaits, PoolSpec, StageSpec
from twin.programs import Programs, tempo
from twin.scenario import Scenario
from twin.schema_stages import Attempts, Stage, is_function
from twin.times import quantiles_s


def pools(scenario: Scenario, programs: Programs, seed: int, replica: int) -> list[PoolSpec]:
    """Every pool, called 'site.pool', in the order of the scenario."""
    return [
        PoolSpec(
            f"{site}.{name}",
            k,
            pool.servers,
            _or_inf(pool.memory),
            _or_inf(pool.keep_warm),
            **_tempo(scenario, programs, f"{site}.{name}", seed, replica),
        )
        for k, (site, spec) in enumerate(scenario.sites.items())
        for name, pool in spec.pools.items()
    ]


def stages(scenario: Scenario, programs: Programs, seed: int, replica: int) -> list[StageSpec]:
    """Every stage, each after those it needs; then an instant stage 'product.NAME' for each product."""
    work = [_stage(scenario, programs, name, seed, replica) for name in ordered(scenario.stages)]
    sent = [
        StageSpec(f"product.{name}", after=after, publishes=name, span=span_of(scenario, after[0]))
        for name, after in scenario.products.items()
    ]
    return [*work, *sent]


def _tempo(scenario: Scenario, programs: Programs, pool: str, seed: int, replica: int) -> dict[str, Any]:
    """How the pool's machines wander, from an instant of its own in each replica."""
    tempo_s, factors = tempo(scenario, programs, pool)
    turn = stream_key(seed, replica, f"tempo/{pool}") % len(factors) if factors else 0
    return {"tempo": factors[turn:] + factors[:turn], "tempo_s": tempo_s}


def _stage(scenario: Scenario, programs: Programs, name: str, seed: int, replica: int) -> StageSpec:
    stage = scenario.stages[name]
    attempts = stage.attempts or Attempts()
    return StageSpec(
        name=name,
        on=programs.on[name],
        after=stage.after,
        any=stage.join == "any",
        shards=stage.shards.number(len(scenario.instrument.detectors)),
        awaits=_awaits(stage),
        role="flag" if stage.role == "guard" else stage.role,
        outside=stage.role == "guard",
        guarded=stage.guard is not None,
        gate=stage.gate is not None,
        publishes=stage.publishes or "",
        priority=stage.priority,
        preempt=stage.preempt,
        max_batch=stage.max_batch,
        max_wait_s=stage.max_wait,
        shelf_life_s=_or_inf(stage.shelf_life),
        whole=stage.stale == "whole",
        deadline_s=_or_inf(stage.deadline),
        timeout_s=_or_inf(attempts.timeout),
        failure=0.0 if attempts.failure is None else attempts.failure.value,
        retries=attempts.retries,
        backoff_s=attempts.backoff,
        queue_limit=StageSpec.queue_limit if stage.queue is None else stage.queue.limit,
        when_full=StageSpec.when_full if stage.queue is None else stage.queue.when_full,
        admit_wait_s=_or_inf(stage.admit_wait),
        route="python" if is_function(stage.route) else stage.route,
        spill=_or_inf(stage.spill),
        live=name in scenario.live,
        timer_s=None if stage.wait is None else quantiles_s(stage.wait),
        span=span_of(scenario, name),
        key=stream_key(seed, replica, f"service/{name}"),
        failure_key=stream_key(seed, replica, f"failure/{name}"),
        route_key=stream_key(seed, replica, f"route/{name}"),
        payload_bytes=0.0 if stage.payload is None else stage.payload.value,
    )


def _awaits(stage: Stage) -> Awaits | None:
    if stage.awaits is None:
        return None
    return Awaits(stage.awaits.stage, _or_inf(stage.awaits.timeout), stage.awaits.span)


def _or_inf(given: float | None) -> float:
    return math.inf if given is None else given
