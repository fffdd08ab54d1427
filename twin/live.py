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
from twin.record import RecordError
from twin.scenario import Scenario
from twin.strained import Strained, named

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
    "scores",
)


class Live:
    """Executes batches for real, here and at once, and takes the time."""

    def __init__(
        self,
        scenario: Scenario,
        plan: Plan,
        seed: int,
        replica: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        from workloads.spec import load

        self._plan = plan
        self._clock = clock
        self._strained = Strained(scenario, plan, seed, replica)
        self._programs = {}
        for stage in scenario.live:
            for variant, name in enumerate(named(scenario, stage)):
                program = load(*name)
                self._programs[stage, variant] = program
                program(self._windows(program, (0,)))  # the first call sets the runtime up

    def __call__(self, batch: LiveBatch) -> LiveResult:
        """Run the batch's program on its segments."""
        program = self._programs[self._plan.stage_names[batch.stage], batch.variant]
        windows = self._windows(program, batch.segments)
        start_s = self._clock()
        outputs = program(windows)
        service_s = self._clock() - start_s
        return self._strained.result(batch.segments, service_s, str(program.workload.outcome), vars(outputs))

    def _windows(self, program: Any, segments: Sequence[int]) -> NDArray[np.float64]:
        return self._strained.windows(segments, program.workload.unit.duration_s)


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
        self._rows.append(row(self._plan, self._replica, batch, result))
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
        kept = next(self._rows, None)
        wanted = _identity(self._plan, self._replica, batch)
        given = None if kept is None else {k: _plain(kept[k]) for k in wanted}
        if kept is None or given != wanted:
            raise RecordError(
                f"the recorded run has {given or 'ended'} where this one executes {wanted}: "
                "they differ in scenario, seed or profiles. Replay with the recorded run's resolved.yaml"
            )
        found = dict(zip(map(int, kept["events"]), map(bool, kept["found"]), strict=True))
        scores = tuple(map(float, kept.get("scores", ())))  # older recordings have none
        return LiveResult(float(kept["service_s"]), tuple(int(x) for x in kept["extra"]), found, scores)


def row(plan: Plan, replica: int, batch: LiveBatch, result: LiveResult) -> dict[str, Any]:
    """What the live table says of `batch`, by COLUMNS."""
    return {
        **_identity(plan, replica, batch),
        "service_s": result.service_s,
        "extra": list(result.extra),
        "events": list(result.found),
        "found": [bool(hit) for hit in result.found.values()],
        "scores": list(result.scores),
    }


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
