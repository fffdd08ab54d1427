"""The twin's own runs of a case: as the profile foretells it, and as it would be with what a farm's programs took.

Knows no farm; reads the log of one.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.controls.retraining import Retraining
from twin.engine import LiveBatch, LiveResult, TwinEnvironment
from twin.farm.line import line, untold
from twin.farm.log import FAIL, REPAIR, Again, Executed, Incident, Log
from twin.kernel.state import TRACE
from twin.plan import Control, Plan, Program
from twin.validation.cases import Arrivals, Case
from twin.validation.observed import Observed
from workloads.occupancy import TERMS, Occupancy, by_size
from workloads.profile import Service

Array = NDArray[np.float64]
DISPATCH_S = 1.0
"""How long the cost of sending and answering is taken to hold."""
BINS, LEAST_BIN_S = 200, 0.05
"""In so many bins queues are told over the time of arrivals; none is shorter."""


@dataclass(frozen=True)
class Known:
    """What is known of one program: what its calls take, and what it occupies a server for."""

    service: tuple[Service, ...]
    occupancy: Occupancy

    def program(self, max_batch: int, terms: Collection[str]) -> Program:
        """As the kernel is told; without 'occupancy' only what its calls take."""
        if "occupancy" not in terms:
            return Program(by_size({s.batch: s.quantiles_s for s in self.service}, max_batch))
        return Program(
            self.occupancy.table(max_batch, terms),
            warmth=self.occupancy.warmth if "warmth" in terms else (),
            crowding=self.occupancy.crowding if "crowding" in terms else (),
        )


def plan(
    case: Case,
    arrivals: Arrivals,
    programs: tuple[Program, Program | None] | None = None,
    seed: int = 0,
    pool: dict[str, object] | None = None,
) -> Plan:
    """Of the case on these arrivals: for a farm without `programs`, else for the twin that draws from theirs."""
    controls: list[Control] = []
    if case.happens == "retraining" and arrivals.disturbed_s is not None:
        from_s, until_s = arrivals.disturbed_s
        controls.append(Retraining(name="retraining", at_s=from_s, lasts_s=until_s - from_s, stage=0))
    last_s = max(float(times_s[-1]) for times_s in arrivals.times_s.values())
    known = programs or (untold(case.max_batch), untold(case.max_batch))
    return line(
        arrivals.times_s, known, servers=case.servers, max_batch=case.max_batch, max_wait_s=case.max_wait_s,
        live=programs is None, pool=pool, seed=seed,
        bin_s=max(last_s / BINS, LEAST_BIN_S), controls=controls,
    )  # fmt: skip


def foretell(
    case: Case,
    arrivals: Arrivals,
    known: tuple[Known, Known],
    slowness: float,
    draws: int,
    seed: int,
    terms: Collection[str] = TERMS,
) -> tuple[Observed, ...]:
    """What the twin says of the case, with so many draws of service times and of where the tempo stands.

    `slowness` is by how much the machine is slower than when it was measured.
    """
    primary, fallback = (k.program(case.max_batch, terms) for k in known)
    tempo = known[0].occupancy.tempo if {"tempo", "occupancy"} <= set(terms) else ()
    found = []
    for k in range(draws):
        turned = tuple(np.roll(tempo, -k * len(tempo) // draws).tolist())
        pool: dict[str, object] = {"tempo": turned, "tempo_s": known[0].occupancy.tempo_s}
        if "tempo" in terms:
            pool["slowness"] = slowness
        environment = TwinEnvironment(plan(case, arrivals, (primary, fallback), seed + k, pool), trace=True)
        if case.happens == "death":
            at_s = _death_s(arrivals)
            incidents = [Incident(at_s, FAIL, 0, 0), Incident(at_s + known[0].occupancy.restart_s, REPAIR, 0, 0)]
            environment.controls.append(Again(incidents))
        found.append(observed(case, arrivals, finished(environment).traced()))
    return tuple(found)


def finished(environment: TwinEnvironment) -> TwinEnvironment:
    """The same at its plan's end."""
    environment.run(until=environment.plan.horizon_s)
    return environment


class Fed:
    """Executes batches in the time that the farm's programs took for such ones, in turn, and what sending and
    answering took besides on average in that second.

    What is beside the program wanders with the machine: its mean over DISPATCH_S keeps that, and leaves out what
    it was for each batch, which would hand the queue its answer.
    """

    def __init__(self, log: Log) -> None:
        done = sorted((e for e in log.batches if np.isfinite(e.end_s)), key=lambda e: e.batch.order)
        by_kind: dict[tuple[int, int], list[Executed]] = defaultdict(list)
        for executed in done:
            by_kind[_kind(executed.batch)].append(executed)
        self._left = {k: deque((_program_s(group) + _beside_s(group)).tolist()) for k, group in by_kind.items()}

    def __call__(self, batch: LiveBatch) -> LiveResult:
        """The next of its kind; the kinds' own turn begins anew when they are used up."""
        kind = _kind(batch)
        known = (
            self._left.get(kind)
            or self._left[min(self._left, key=lambda k: (k[0] != kind[0], abs(k[1] - kind[1])))]
        )
        known.rotate(-1)
        return LiveResult(known[-1], (0,) * len(batch.entities), {})


def fed(case: Case, arrivals: Arrivals, log: Log) -> Observed:
    """The case as the twin runs it with the times of a farm's own programs, and its incidents."""
    environment = TwinEnvironment(plan(case, arrivals), Fed(log), trace=True)
    environment.controls.append(Again(list(log.incidents)))
    return observed(case, arrivals, finished(environment).traced())


def observed(case: Case, arrivals: Arrivals, trace: NDArray[np.void]) -> Observed:
    """The jobs of a run from its trace (dtype TRACE), in order of arrival."""
    assert trace.dtype == TRACE
    kinds, times_s, starts_s, ends_s = [], [], [], []
    for k, kind in enumerate(case.kinds):
        at_s = arrivals.times_s[kind]
        start_s, end_s = np.full(at_s.size, np.inf), np.full(at_s.size, np.inf)
        mine = trace[trace["stage"] == k]
        start_s[mine["entity"]], end_s[mine["entity"]] = mine["start_s"], mine["end_s"]
        kinds.append(np.full(at_s.size, k))
        times_s.append(at_s)
        starts_s.append(start_s)
        ends_s.append(end_s)
    order = np.argsort(np.concatenate(times_s), kind="stable")
    return Observed(*(np.concatenate(part)[order] for part in (kinds, times_s, starts_s, ends_s)))


def _program_s(group: Sequence[Executed]) -> Array:
    return np.array([e.program_s for e in group])


def _beside_s(group: Sequence[Executed]) -> Array:
    """(batch,) of what took a server besides the program: the mean of those begun within the same DISPATCH_S."""
    start_s = np.array([e.start_s for e in group])
    beside_s = np.array([e.end_s for e in group]) - start_s - _program_s(group)
    spell = np.floor(start_s / DISPATCH_S).astype(np.int64)
    spell -= spell.min()
    mean_s = np.bincount(spell, beside_s) / np.maximum(np.bincount(spell), 1)
    return np.asarray(mean_s[spell])


def _kind(batch: LiveBatch) -> tuple[int, int]:
    """Which program ran how many jobs."""
    return batch.variant, len(batch.entities)


def _death_s(arrivals: Arrivals) -> float:
    assert arrivals.disturbed_s is not None
    return arrivals.disturbed_s[0]
