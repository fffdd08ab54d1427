"""A study: its request carried out, and what was found as tables and arrays.

twin.study(s, vary={"sites.cnaf.pools.cpu.servers": [1, 2, 4]}, replicas=20).table
twin.study("servers-for-rates").to_xarray()
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from twin import loader
from twin.phrases import unknown
from twin.scenario import Scenario
from twin.studies import request as requests
from twin.studies import tables
from twin.studies.answers import Answers
from twin.studies.engine import Engine
from twin.studies.evaluation import Point
from twin.studies.executors import executor
from twin.studies.identity import code, versions
from twin.studies.kinds import Found
from twin.studies.registry import KINDS
from twin.studies.request import Request
from twin.studies.stated import cautions
from twin.tree import ScenarioError

if TYPE_CHECKING:
    import xarray

    from twin.cluster.places import Place

Progress = Callable[[float, str], None]
_DEFAULT = ("latency.p50", "lost")
"""Told where neither the study nor the scenario's targets say what matters."""


@dataclass(frozen=True)
class Study:
    """What was asked, what was found, and where it comes from."""

    request: Request
    found: Found
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Of the study."""
        return self.request.name

    @property
    def question(self) -> str:
        """What it answers: its own, or the scenario's."""
        return " ".join((self.request.question or self.scenario.question).split())

    @property
    def kind(self) -> str:
        """The key of twin.studies.registry."""
        return self.request.kind

    @property
    def scenario(self) -> Scenario:
        """What was varied."""
        return self.request.asked.scenario

    @property
    def seed(self) -> int:
        """Of every random stream."""
        return self.request.asked.seed

    @property
    def answer(self) -> tuple[str, ...]:
        """What was found, in sentences; and what of the report rests on little."""
        told = [outcome.quantities for outcome in self.found.outcomes]
        return (*self.found.answer, *cautions(told, self.report))

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per point and quantity: see twin.studies.tables."""
        return tables.table(self.found)

    @cached_property
    def values(self) -> pd.DataFrame:
        """A row per point, quantity and replica."""
        return tables.values(self.found)

    @cached_property
    def targets(self) -> pd.DataFrame:
        """A row per point and target."""
        return tables.targets(self.found)

    @property
    def failures(self) -> dict[str, str]:
        """Why points failed, by name."""
        return tables.failures(self.found)

    @cached_property
    def report(self) -> tuple[str, ...]:
        """Names of the quantities that are told and drawn."""
        if self.request.asked.report:
            return self.request.asked.report
        wanted = self.scenario.targets
        named = [f"latency.{key}" for key in sorted(wanted.alert_latency)]
        named += [key for key in ("lost", "dead_time") if getattr(wanted, key) is not None]
        there = set(self.table["quantity"])
        return tuple(name for name in named or _DEFAULT if name in there)

    def to_xarray(self) -> xarray.Dataset:
        """value, low, high and n by quantity and by what was varied: a dimension for each axis of a grid, else one
        for the points. Needs the package xarray."""
        from twin.studies.arrays import dataset

        return dataset(self)


def study(
    given: Scenario | str | Path,
    *,
    vary: Mapping[str, Any] | None = None,
    workers: int | None = None,
    cluster: Place | None = None,
    profiles: tuple[Path, ...] = (),
    answers: Path | None = None,
    progress: Progress = lambda fraction, text: None,
    **said: Any,
) -> Study:
    """The study of a scenario, or the one of a shipped name or a file.

    `vary` and `said` are what a study's YAML says (docs/studying.md): replicas, seed, precision, report, sample,
    or another kind than vary. The result is the same with any number of `workers`, by default one for each core,
    and on any cluster. What is done is kept in the folder `answers`, from which an interrupted study goes on;
    remove it once the study is saved (`twin.studies.answers.remove`). A point that fails does so alone: see
    `failures`.

    Raises ScenarioError for everything that is wrong with the study, before anything is run.
    """
    is_asked = vary is not None or bool(KINDS.keys() & said.keys())
    if not is_asked and not isinstance(given, Scenario):
        asked = requests.load(given, seed=said.pop("seed", None), replicas=said.pop("replicas", None))
        if said:
            raise TypeError(f"the study of a file says itself what is in {', '.join(said)}: change it there")
    else:
        scenario = given if isinstance(given, Scenario) else loader.load(given)
        name = said.pop("name", f"{scenario.name}-varied" if vary is not None else scenario.name)
        asked = requests.of_values(scenario, name, {**said, **({} if vary is None else {"vary": vary})})
    return carried_out(
        asked, workers=workers, cluster=cluster, profiles=profiles, answers=answers, progress=progress
    )


def carried_out(
    request: Request,
    *,
    workers: int | None = None,
    cluster: Place | None = None,
    profiles: tuple[Path, ...] = (),
    answers: Path | None = None,
    progress: Progress = lambda fraction, text: None,
) -> Study:
    """The request carried out: see `study`."""
    begun_s = time.perf_counter()
    asked, known = request.asked, Answers(answers)
    before = len(known)
    try:
        with executor(workers, cluster) as crew:
            first = Engine(
                crew, known, seed=asked.seed, profiles=profiles, progress=lambda _, text: progress(0.0, text)
            )
            _check_report(request, first)
            engine = Engine(crew, known, seed=asked.seed, profiles=profiles, progress=progress)
            found = KINDS[request.kind].drive(asked, engine)
            damaged = engine.damaged
            ran = {"workers": crew.workers, "replicas_run": first.computed + engine.computed}
    finally:
        known.close()
    manifest = {
        "schema_version": 1,
        "study": request.name,
        "kind": request.kind,
        "scenario": asked.scenario.name,
        "scenario_digest": asked.scenario.digest,
        "seed": asked.seed,
        "points": len(found.points),
        "failures": tables.failures(found),
        "plans": {outcome.name: outcome.plan_digest for outcome in found.outcomes if outcome.failure is None},
        "versions": versions(),
        "code": code(),
        "host": platform.platform(),
        "wall_s": round(time.perf_counter() - begun_s, 3),
        **ran,
        "replicas_found": before,
        "answers_damaged": damaged,
    }
    return Study(request, found, manifest)


def _check_report(request: Request, engine: Engine) -> None:
    """Names in `report` are looked for in one replica, not at the end of a thousand."""
    if not request.asked.report:
        return
    first = next(iter(request.asked.points), Point("as-is", request.asked.scenario, {}))
    (outcome,) = engine([first], range(1))
    known = [q.name for q in outcome.quantities]
    if outcome.failure is None and (wrong := [name for name in request.asked.report if name not in known]):
        raise ScenarioError([request.problem("report", unknown("quantity", name, known)) for name in wrong])
