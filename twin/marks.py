"""What was made to happen in a run and when, as a table: the same in every replica, or by chance in one of them.

For the runner, which writes it, and for those who explain and draw it. Knows no control and no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin import instrument
from twin.checks_ageing import policies
from twin.schema_timeline import Event, Failures, Retraining, Storm

if TYPE_CHECKING:
    from twin.scenario import Scenario

EVERY = -1
"""`replica` of what happens in all of them."""
LOCK_LOSS, WORKED_ON = "lock-loss", "detector-maintenance"
OBSERVING = (LOCK_LOSS, WORKED_ON)
"""Kinds that say when detectors did not observe. That brings no work, so nothing is put down to it."""
_COLUMNS = ["replica", "kind", "name", "start_s", "end_s"]
Happened = Sequence[tuple[str, str, float, float]]


@dataclass(frozen=True)
class Group:
    """What has one cause: `spans` of (replica, start in s, end in s); replica is EVERY where all have it."""

    kind: str
    name: str
    spans: tuple[tuple[int, float, float], ...]


def of_replica(
    scenario: Scenario,
    seed: int,
    replica: int,
    happened: Happened,
    down: NDArray[np.void] | None = None,
) -> pd.DataFrame:
    """The marks that controls left in one replica, its random storms, and locks lost, up to the horizon.

    `down` says when which detectors did not observe, dtype twin.plan.DOWN.
    """
    from twin import sources  # only a run needs the sky

    storms = [
        ("storm", " ".join(("sky", *detectors)), start_s, end_s)
        for start_s, end_s, detectors in sources.storms(scenario, seed, replica)
    ]
    lost = [] if down is None else _detectors(scenario, LOCK_LOSS, down[down["maintained"] == 0])
    rows = [(replica, *mark) for mark in (*happened, *storms, *lost) if mark[2] < scenario.horizon]
    return _frame(rows)


def table(scenario: Scenario, marks: pd.DataFrame) -> pd.DataFrame:
    """Marks of the whole run: what is set once, for EVERY replica; what chance brings for its own."""
    chance = {name for name, entry in scenario.timeline.items() if _by_chance(scenario, entry)} | {"sky"}
    kinds = ("storm", "failures", "retraining")
    entries = [(kind, name.split(" ")[0]) for kind, name in zip(marks["kind"], marks["name"], strict=True)]
    own = np.array(
        [
            (kind in kinds and name in chance) or name not in scenario.timeline or kind == LOCK_LOSS
            for kind, name in entries
        ],
        dtype=bool,
    )
    storms = [
        (EVERY, e.kind, name, e.at, e.at + e.lasts)
        for name, e in scenario.timeline.items()
        if isinstance(e, Storm) and e.at < scenario.horizon
    ]
    steps = [
        (EVERY, "drift", name, step.at, step.at)
        for name, drift in scenario.drifts.items()
        for step in drift.steps
        if step.at < scenario.horizon
    ]
    appears = None if scenario.sky.glitches is None else scenario.sky.glitches.appears
    new = [] if appears is None else [(EVERY, "glitch-class", "sky unknown", appears.at, appears.at)]
    worked_on = _detectors(scenario, WORKED_ON, instrument.maintained(scenario))
    given = _frame([*storms, *steps, *_surges(scenario), *new, *((EVERY, *mark) for mark in worked_on)])
    first = int(marks["replica"].min()) if len(marks) else 0
    common: pd.DataFrame = marks[~own & (marks["replica"] == first)].assign(replica=EVERY)
    every = pd.concat([common, given]).sort_values(["start_s", "name"], kind="stable")
    return pd.concat([every, marks[own]], ignore_index=True)


def _detectors(scenario: Scenario, kind: str, down: NDArray[np.void]) -> list[tuple[str, str, float, float]]:
    """Marks of times in which detectors do not observe, by start, cut to the horizon."""
    names, by = scenario.instrument.detectors, np.sort(down, order=["start_s", "detector"])
    ends_s = np.minimum(by["end_s"], scenario.horizon)
    return [
        (kind, f"instrument {names[k]}", start_s, end_s)
        for k, start_s, end_s in zip(by["detector"].tolist(), by["start_s"].tolist(), ends_s.tolist(), strict=True)
    ]


def _surges(scenario: Scenario) -> list[tuple[int, str, str, float, float]]:
    """Times in which signals come more often than their rates say, by the steps of their profiles."""
    spans: dict[tuple[float, float], list[str]] = {}
    for cls, signals in scenario.sky.signals.items():
        steps = signals.profile.steps if signals.profile is not None else ()
        ends = [*(step.at for step in steps[1:]), scenario.horizon]
        for step, end_s in zip(steps, ends, strict=False):
            if step.factor > 1.0 and step.at < scenario.horizon:
                spans.setdefault((step.at, min(end_s, scenario.horizon)), []).append(cls)
    return [(EVERY, "surge", " ".join(("sky", *classes)), *span) for span, classes in spans.items()]


def causes(marks: pd.DataFrame) -> pd.DataFrame:
    """The marks that something may be put down to: not when detectors did not observe."""
    return marks[~marks["kind"].isin(OBSERVING)]


def groups(marks: pd.DataFrame) -> list[Group]:
    """What may be a cause, by kind and entry of the timeline, in the order in which they come."""
    marks = causes(marks)
    replicas = marks["replica"] if "replica" in marks else pd.Series(EVERY, index=marks.index)
    found: dict[tuple[str, str], list[tuple[int, float, float]]] = {}
    columns = (marks[name].tolist() for name in ("kind", "name", "start_s", "end_s"))
    for replica, kind, name, start_s, end_s in zip(replicas.tolist(), *columns, strict=True):
        found.setdefault((kind, name.partition(" ")[0]), []).append((replica, start_s, end_s))
    return [Group(kind, name, tuple(spans)) for (kind, name), spans in found.items()]


def shown(marks: pd.DataFrame, replica: int = 0) -> pd.DataFrame:
    """The marks that one replica saw."""
    return marks[marks["replica"].isin((EVERY, replica))] if "replica" in marks else marks


def _by_chance(scenario: Scenario, entry: Event) -> bool:
    """Whether the entry may happen at other times in each replica: failures, and policies that train models."""
    return isinstance(entry, Failures) or (isinstance(entry, Retraining) and bool(policies(scenario, entry.of)))


def _frame(rows: Sequence[tuple[int, str, str, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=_COLUMNS).astype(
        {"replica": "int64", "kind": str, "name": str, "start_s": float, "end_s": float}
    )
