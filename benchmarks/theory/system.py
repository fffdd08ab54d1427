"""A system with known answers, how it is simulated once, and what a run leaves. Knows no formula.

The warm-up rule, for every system: the system starts empty, arrivals come for a horizon, and what is measured is
what was born, and what happened, between one tenth and nine tenths of it. In the table a tenth is more than ten
relaxation times of the slowest system. The run then goes on until nothing is left: nobody's time is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from benchmarks.work import Array
from twin.assembly import assemble
from twin.engine import Question, TwinEnvironment
from twin.plan import Geography, Plan, PoolSpec, Program, StageSpec, Stream

WARM, END, DRAIN = 0.1, 0.9, 0.3
_BINS = 20
_LOOKS = 1000
_FATES = ("waiting", "asked", "transit", "queued", "running", "backoff")
HERE = Geography(("here",), np.zeros((1, 1)), np.ones((1, 1)))


@dataclass(frozen=True)
class Run:
    """What a run left: `rows` and `trace` of twin.kernel.state, areas (pool, bin, 3) in the window, the looks."""

    plan: Plan
    rows: NDArray[np.void]
    trace: NDArray[np.void]
    areas: Array
    area_s: Array
    busy_s: Array
    looks: Array
    from_s: float
    to_s: float

    def pool(self, name: str) -> int:
        """The number of pool `name`."""
        return self.plan.pool_names.index(name)

    def born(self, stage: str) -> NDArray[np.void]:
        """Rows that stage `stage` wrote about jobs born in the window."""
        at = self.rows["stage"] == self.plan.stage_names.index(stage)
        found: NDArray[np.void] = self.rows[at & self._inside(self.rows["born_s"])]
        return found

    def served(self, stage: str) -> NDArray[np.void]:
        """Trace of what stage `stage` completed of what queued there in the window."""
        at = self.trace["stage"] == self.plan.stage_names.index(stage)
        found: NDArray[np.void] = self.trace[at & self._inside(self.trace["enqueued_s"])]
        return found

    def _inside(self, times_s: Array) -> NDArray[np.bool_]:
        return (times_s >= self.from_s) & (times_s < self.to_s)


@dataclass(frozen=True)
class Quantity:
    """A number that theory knows and a run estimates, and the book or paper that has the formula."""

    name: str
    exact: float
    source: str
    measure: Callable[[Run], float]


Act = Callable[[TwinEnvironment, np.random.Generator], Generator[Any, Any, None]]


@dataclass(frozen=True)
class System:
    """Pools, stages, Poisson arrivals at stages (rates in 1/s) and what is known about them.

    `acts` are control processes, `look` is sampled at regular times, `policy` answers for stages with route
    'python'. A run has `share` times as many jobs as asked for. `jobs_in_pools` sums what jobs spent at pools.
    """

    name: str
    pools: tuple[PoolSpec, ...]
    stages: tuple[StageSpec, ...]
    rates: Mapping[str, float]
    quantities: tuple[Quantity, ...]
    geography: Geography = HERE
    acts: tuple[Act, ...] = ()
    look: Callable[[TwinEnvironment], float] | None = None
    policy: Callable[[TwinEnvironment, Question], int | None] | None = None
    share: float = 1.0
    jobs_in_pools: Callable[[Run], float] = field(default=lambda run: traced_s(run))

    def plan(self, rng: np.random.Generator, jobs: int) -> Plan:
        """A plan with about `share * jobs` arrivals; every stage gets streams of chance of its own."""
        horizon_s = self.share * jobs / sum(self.rates.values())
        keys = rng.integers(2**63, size=(len(self.stages), 3)).tolist()
        return assemble(
            geography=self.geography,
            pools=self.pools,
            stages=[
                replace(s, key=a, failure_key=b, route_key=c)
                for s, (a, b, c) in zip(self.stages, keys, strict=True)
            ],
            streams=[_poisson(rng, stage, rate_hz, horizon_s) for stage, rate_hz in self.rates.items()],
            horizon_s=horizon_s,
            drain_s=DRAIN * horizon_s,
            bin_s=horizon_s / _BINS,
        )


def stage(name: str, on: str | tuple[str, ...], table: Array, **rules: Any) -> StageSpec:
    """A stage that takes as long on every pool it may run on and for every batch size."""
    program = Program(np.tile(table, (rules.get("max_batch", 1), 1)))
    return StageSpec(name, dict.fromkeys((on,) if isinstance(on, str) else on, (program, None)), **rules)


def simulate(system: System, seed: int, jobs: int) -> Array:
    """What a run says about each quantity (quantities,); ValueError when work is left, or lost from the books."""
    run = observe(system, seed, jobs)
    inexact = abs(system.jobs_in_pools(run) - run.area_s.sum()) / max(run.area_s.sum(), 1.0)
    if inexact > 1e-9:
        raise ValueError(f"{system.name}, seed {seed}: pools and jobs differ by {inexact:.2g} about time spent")
    return np.array([quantity.measure(run) for quantity in system.quantities])


def observe(system: System, seed: int, jobs: int) -> Run:
    """One run; ValueError when work is left at its end."""
    rng = np.random.default_rng([seed, crc32(system.name.encode())])
    plan = system.plan(rng, jobs)
    environment = TwinEnvironment(plan, trace=True)
    looks: list[float] = []
    for act in system.acts:
        environment.process(act(environment, rng))
    if system.look is not None:
        environment.process(_look(environment, system.look, looks))
    if system.policy is not None:
        environment.policy = partial(system.policy, environment)
    environment.run(until=plan.horizon_s + plan.drain_s)
    environment.settle()
    _check_empty(system, seed, environment)
    return _result(environment, looks)


def _result(environment: TwinEnvironment, looks: list[float]) -> Run:
    plan, bins = environment.plan, environment.world.bins
    return Run(
        plan=plan,
        rows=environment.ended(),
        trace=environment.traced(),
        areas=bins[:, int(WARM * _BINS) : int(END * _BINS)],
        area_s=bins[:, :, :2].sum(axis=(1, 2)),
        busy_s=environment.world.links["busy_s"].copy(),
        looks=np.array(looks),
        from_s=WARM * plan.horizon_s,
        to_s=END * plan.horizon_s,
    )


def _check_empty(system: System, seed: int, environment: TwinEnvironment) -> None:
    left = {fate: int(environment.world.stages[fate].sum()) for fate in _FATES}
    if any(left.values()):
        raise ValueError(
            f"{system.name}, seed {seed}: work is left at the end: {left}; give it more time to drain"
        )


def _look(
    environment: TwinEnvironment, look: Callable[[TwinEnvironment], float], looks: list[float]
) -> Generator[Any, Any, None]:
    horizon_s = environment.plan.horizon_s
    yield environment.timeout(WARM * horizon_s)
    for _ in range(_LOOKS):
        looks.append(look(environment))
        yield environment.timeout((END - WARM) * horizon_s / _LOOKS)


def _poisson(rng: np.random.Generator, stage: str, rate_hz: float, horizon_s: float) -> Stream:
    times_s = np.sort(rng.uniform(0.0, horizon_s, rng.poisson(rate_hz * horizon_s)))
    return Stream(stage, times_s.size, times_s=times_s)


# --- Little's law, run by run: what pools counted over time is what jobs counted one by one -------------------


def traced_s(run: Run) -> float:
    """Time in all pools of everything completed; a batch is served once."""
    waited_s = run.trace["start_s"] - run.trace["enqueued_s"]
    return float(waited_s.sum() + ((run.trace["end_s"] - run.trace["start_s"]) / run.trace["n"]).sum())


def lived_s(run: Run) -> float:
    """Time from birth to end of every job, for systems where jobs are nowhere but in pools."""
    return float((run.rows["end_s"] - run.rows["born_s"]).sum())
