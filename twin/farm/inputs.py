"""What a scenario's live stages run on a farm: each pool's programs, and the strain, made beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.engine import LiveBatch, LiveResult
from twin.farm.crew import Answer, Crew, Named
from twin.farm.place import Place
from twin.plan import Plan
from twin.scenario import Scenario
from twin.strained import Strained, named
from twin.tree import Problem, ScenarioError

MOST_BYTES = 4e9
"""Of strain that is kept ready: making it while the farm runs would take the farm's own time."""
_UNREAL = ("attempts", "preempt", "load_time", "memory")
"""Rules that a worker process does not follow."""


class Prepared:
    """Every segment's units for every live stage, made once; see `Strained` for what the answers mean.

    ScenarioError where a live stage asks for what a worker does not do, or the strain would not fit.
    """

    def __init__(self, scenario: Scenario, plan: Plan, seed: int, replica: int) -> None:
        from workloads.spec import get

        _check(scenario)
        self._stages = plan.stage_names
        self._programs = {name: named(scenario, name) for name in scenario.live}
        self._strained = Strained(scenario, plan, seed, replica)
        self._pools = plan.pool_names
        self._held = {
            pool: list(
                dict.fromkeys(n for s in scenario.live if pool in scenario.stages[s].on for n in self._programs[s])
            )
            for pool in plan.pool_names
        }
        units = {work: get(work) for programs in self._programs.values() for work, _, _ in programs}
        self._outcome = {work: str(workload.outcome) for work, workload in units.items()}
        self._duration_s = {work: workload.unit.duration_s for work, workload in units.items()}
        segments = range(plan.segments)
        shapes = {workload.unit.duration_s: workload.unit.shape for workload in units.values()}
        of_all = sum(8.0 * np.prod(shape) for shape in shapes.values()) * len(segments)
        if of_all > MOST_BYTES:
            raise ScenarioError(
                (
                    scenario.problem(
                        "horizon",
                        f"{len(segments)} segments are {of_all / 1e9:.1f} GB of strain to keep ready for a farm; "
                        f"allowed: {MOST_BYTES / 1e9:g} GB. Shorten it",
                    ),
                )
            )
        made = {d: self._strained.windows(segments, d) for d in shapes}
        self._units = {work: made[d] for work, d in self._duration_s.items()}

    def crew(self, plan: Plan, place: Place | None = None) -> Crew:
        """A worker for every server that holds a program; they come up in `place`, by default here."""
        held = {p: self._held[name] for p, name in enumerate(plan.pool_names) if self._held[name]}
        return Crew(held, {p: int(plan.pools["servers"][p]) for p in held}, place)

    def program(self, batch: LiveBatch) -> int:
        """The number of the batch's program among those of its server."""
        return self._held[self._pools[batch.pool]].index(self._named(batch))

    def units(self, batch: LiveBatch) -> NDArray[Any]:
        """The windows of the batch's segments, shape (job, detector, sample)."""
        return self._units[self._named(batch)[0]][list(batch.segments)]

    def result(self, batch: LiveBatch, service_s: float, answer: Answer) -> LiveResult:
        """What the program's answer means."""
        outcome = self._outcome[self._named(batch)[0]]
        return self._strained.result(batch.segments, service_s, outcome, answer.result)

    def _named(self, batch: LiveBatch) -> Named:
        return self._programs[self._stages[batch.stage]][batch.variant]


def _check(scenario: Scenario) -> None:
    problems: list[Problem] = []
    for name in scenario.live:
        stage = scenario.stages[name]
        for key in _UNREAL:
            if getattr(stage, key) != type(stage).model_fields[key].default:
                why = (
                    f"'{name}' runs on real workers, which do not follow this: leave it out, or do without --farm"
                )
                problems.append(scenario.problem(f"stages.{name}.{key}", why))
        if any(rung.memory is not None or rung.load_time is not None for rung in stage.fallback or ()):
            why = (
                "workers do not follow what a fallback takes: leave memory and load_time out, or do without --farm"
            )
            problems.append(scenario.problem(f"stages.{name}.fallback", why))
    if not scenario.live:
        problems.append(scenario.problem("live", "no stage is live: a farm has nothing to execute. Name some"))
    if problems:
        raise ScenarioError(tuple(problems))
