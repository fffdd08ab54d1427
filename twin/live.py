"""Live stages: the real program runs on the real strain of its segments, or a recorded run speaks again.

The only file of the twin that loads workloads to execute them (torch, ONNX Runtime, lal; on first use).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.engine import LiveBatch, LiveResult
from twin.kernel.state import VARIANTS
from twin.plan import Plan
from twin.programs import pool_spec
from twin.record import RecordError
from twin.scenario import Scenario
from twin.tree import ScenarioError
from workloads.sky import CLASSES

COLUMNS = (
    "replica",
    "order",
    "stage",
    "pool",
    "variant",
    "entities",
    "segments",
    "service_s",
    "extra",
    "events",
    "found",
)


class Live:
    """Executes batches for real: reads strain, times the program, attributes its triggers to the sky's events.

    A trigger finds the nearest event of its own segment, as profiles count it. In a segment without events it is
    a noise trigger, unless a neighbour holds one: that event's echo, which a search's clustering removes.
    """

    def __init__(
        self,
        scenario: Scenario,
        plan: Plan,
        seed: int,
        replica: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        from workloads.spec import LOOKAHEAD_S, get, load
        from workloads.strain import Injection, Strain

        self._plan = plan
        self._clock = clock
        self._lookahead_s = LOOKAHEAD_S
        self._stride_s = scenario.instrument.stride
        injections = [
            Injection(float(e["time_s"]), CLASSES[e["cls"]], float(e["snr"]), int(e["detector"]), i)
            for i, e in enumerate(plan.events)
        ]
        self._strain = Strain(int(np.random.SeedSequence([seed, replica]).generate_state(1)[0]), injections)
        self._programs = {}
        for name in scenario.live:
            stage = scenario.stages[name]
            threads = pool_spec(scenario, stage.on[0]).threads
            works = [(stage.work, stage.runtime)]
            if stage.fallback is not None:
                works.append((stage.fallback, stage.fallback_runtime or stage.runtime))
            for v, (work, runtime) in enumerate(works):
                if get(str(work)).outcome is None:
                    why = (
                        f"'{work}' decides nothing on segments of strain; only searches and data quality run live"
                    )
                    raise ScenarioError((scenario.problem(f"live.{scenario.live.index(name)}", why),))
                program = load(str(work), runtime, threads)
                self._programs[name, v] = program
                program(self._windows(program, (0,)))  # the first call sets the runtime up

    def __call__(self, batch: LiveBatch) -> LiveResult:
        """Run the batch's program on its segments."""
        stage = self._plan.stage_names[batch.stage]
        program = self._programs[stage, batch.variant]
        windows = self._windows(program, batch.segments)
        start_s = self._clock()
        outputs = program(windows)
        service_s = self._clock() - start_s
        if program.workload.outcome == "flag":
            return LiveResult(service_s, tuple(int(o) for o in outputs.outcome), {})
        extra, found = [], {}
        for segment, outcome, offset_s in zip(batch.segments, outputs.outcome, outputs.time_offset_s, strict=True):
            own = self._events(segment)
            found.update(dict.fromkeys(own.tolist(), False))
            if outcome and own.size:
                found[self._nearest(own, segment * self._stride_s + offset_s)] = True
            extra.append(int(outcome and not own.size and not self._echo(segment)))
        return LiveResult(service_s, tuple(extra), found)

    def _events(self, segment: int) -> NDArray[np.intp]:
        """The sky's events in a segment."""
        first, last = np.searchsorted(self._plan.event_segment, (segment, segment + 1))
        return np.arange(first, last)

    def _echo(self, segment: int) -> bool:
        """Whether a neighbouring segment holds an event, which this one's windows see as well."""
        return bool(self._events(segment - 1).size or self._events(segment + 1).size)

    def _nearest(self, events: NDArray[np.intp], time_s: float) -> int:
        """The event that a trigger at `time_s` belongs to."""
        return int(events[np.argmin(np.abs(self._plan.events["time_s"][events] - time_s))])

    def _windows(self, program: Any, segments: Sequence[int]) -> NDArray[np.float64]:
        ends_s = [(k + 1) * self._stride_s + self._lookahead_s for k in segments]
        return np.stack([self._strain.window(end_s, program.workload.unit.duration_s) for end_s in ends_s])


class Recorder:
    """Passes batches on to `execute` and keeps what came back."""

    def __init__(self, plan: Plan, replica: int, execute: Callable[[LiveBatch], LiveResult]) -> None:
        self._plan = plan
        self._replica = replica
        self._execute = execute
        self._rows: list[dict[str, Any]] = []

    def __call__(self, batch: LiveBatch) -> LiveResult:
        """Execute and remember."""
        result = self._execute(batch)
        self._rows.append(
            {
                **_identity(self._plan, self._replica, batch),
                "service_s": result.service_s,
                "extra": list(result.extra),
                "events": list(result.found),
                "found": [bool(hit) for hit in result.found.values()],
            }
        )
        return result

    def table(self) -> pd.DataFrame:
        """One row per batch, in the order of execution."""
        return pd.DataFrame(self._rows, columns=list(COLUMNS))


class Playback:
    """Answers from the live table of an earlier run; RecordError when this run asks for anything else."""

    def __init__(self, plan: Plan, replica: int, table: pd.DataFrame) -> None:
        self._plan = plan
        self._replica = replica
        self._rows: Iterator[Any] = iter(table[table["replica"] == replica].to_dict("records"))

    def __call__(self, batch: LiveBatch) -> LiveResult:
        """What happened then."""
        row = next(self._rows, None)
        wanted = _identity(self._plan, self._replica, batch)
        given = None if row is None else {k: _plain(row[k]) for k in wanted}
        if row is None or given != wanted:
            raise RecordError(
                f"the recorded run has {given or 'ended'} where this one executes {wanted}: "
                "they differ in scenario, seed or profiles. Replay with the recorded run's resolved.yaml"
            )
        found = dict(zip(map(int, row["events"]), map(bool, row["found"]), strict=True))
        return LiveResult(float(row["service_s"]), tuple(int(x) for x in row["extra"]), found)


def _identity(plan: Plan, replica: int, batch: LiveBatch) -> dict[str, Any]:
    return {
        "replica": replica,
        "order": batch.order,
        "stage": plan.stage_names[batch.stage],
        "pool": plan.pool_names[batch.pool],
        "variant": VARIANTS[batch.variant],
        "entities": list(batch.entities),
        "segments": list(batch.segments),
    }


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value
