"""Systems whose servers break down and are repaired, at exponential times, whether they work or not.

What is modelled: with "drain", running work finishes and nothing new starts. With "requeue", running work goes
back to the head of its queue and starts again, as long as before, after the repair (its random number is the same,
so a chain that forgets it would be wrong). With "lose", only running work is lost.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from benchmarks.theory import chains, exact
from benchmarks.theory.measures import lost, sojourn, utilisation, wait
from benchmarks.theory.services import constant, exponential, lognormal, mean
from benchmarks.theory.system import Act, Quantity, System, lived_s, stage
from benchmarks.work import Array
from twin.engine import TwinEnvironment
from twin.kernel.state import DRAIN, LOSE, REQUEUE
from twin.plan import PoolSpec

UP_S, DOWN_S = 20.0, 4.0
STOP = (DOWN_S, 2 * DOWN_S**2)
GAVER = "Gaver 1962, Avi-Itzhak and Naor 1963"
CHAIN = "equilibrium of the Markov chain; cf. White and Christie 1958"


def systems() -> list[System]:
    """All of them."""
    return [
        _drained("M/M/1, pool down and drained", 0.6, 1, (_pool_down(DRAIN),)),
        _drained("M/M/2, servers fail and drain", 1.2, 2, (_server_fails(0), _server_fails(1))),
        _requeued("M/D/1, pool down and requeued", constant()),
        _requeued("M/G/1 lognormal, pool down and requeued", lognormal(0.5)),
        _lost(),
    ]


def _pool_down(mode: int) -> Act:
    def act(environment: TwinEnvironment, rng: np.random.Generator) -> Generator[Any, Any, None]:
        while True:
            yield environment.timeout(rng.exponential(UP_S))
            environment.down(0, mode)
            yield environment.timeout(rng.exponential(DOWN_S))
            environment.restore(0)

    return act


def _server_fails(server: int) -> Act:
    def act(environment: TwinEnvironment, rng: np.random.Generator) -> Generator[Any, Any, None]:
        while True:
            yield environment.timeout(rng.exponential(UP_S))
            environment.fail(0, server, DRAIN)
            yield environment.timeout(rng.exponential(DOWN_S))
            environment.repair(0, server)

    return act


def _system(name: str, table: Array, rate_hz: float, servers: int, known: list[Quantity], **more: Any) -> System:
    return System(
        name=name,
        pools=(PoolSpec("pool", 0, servers),),
        stages=(stage("work", "pool", table, publishes="done"),),
        rates={"work": rate_hz},
        quantities=tuple(known),
        share=0.25,  # a control process in Python costs more than many jobs
        **more,
    )


def _used(used: float, source: str, servers: int = 1) -> Quantity:
    return Quantity("utilisation", used, source, utilisation("pool", servers=servers))


def _drained(name: str, rate_hz: float, servers: int, acts: tuple[Act, ...]) -> System:
    mean_s = chains.breaking_s(rate_hz, 1.0, servers, 1 / UP_S, 1 / DOWN_S)
    known = [
        Quantity("mean time in system, s", mean_s, CHAIN, sojourn("work")),
        _used(rate_hz / servers, "rate × mean service / servers", servers),
    ]
    return _system(name, exponential(), rate_hz, servers, known, acts=acts)


def _requeued(name: str, table: Array) -> System:
    rate_hz = 0.5 / mean(table)
    completion = exact.repeated(table, 1 / UP_S, STOP)
    server_s, _ = exact.repeated(table, 1 / UP_S, (0.0, 0.0))
    mean_s = completion[0] + exact.interrupted_s(rate_hz, completion, 1 / UP_S, STOP)
    known = [
        Quantity("mean time in system, s", mean_s, GAVER, sojourn("work")),
        _used(rate_hz * server_s, GAVER),
    ]
    return _system(name, table, rate_hz, 1, known, acts=(_pool_down(REQUEUE),))


def _lost() -> System:
    rate_hz, table = 0.5, lognormal()
    first, second, gone = exact.cut(table, 1 / UP_S, STOP)
    server_s, _, _ = exact.cut(table, 1 / UP_S, (0.0, 0.0))
    wait_s = exact.interrupted_s(rate_hz, (first, second), 1 / UP_S, STOP)
    known = [
        Quantity("fraction lost", gone, "E[1 - exp(-S / mean up time)]", lost("work", "lost")),
        Quantity("mean wait of the served, s", wait_s, GAVER, wait("work")),
        _used(rate_hz * server_s, GAVER),
    ]

    return _system(
        "M/G/1 lognormal, pool down and work lost",
        table,
        rate_hz,
        1,
        known,
        acts=(_pool_down(LOSE),),
        jobs_in_pools=lived_s,
    )
