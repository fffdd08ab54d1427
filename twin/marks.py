"""What was made to happen in a run and when, as a table: the same in every replica, or by chance in one of them.

For the runner, which writes it, and for those who explain and draw it. Knows no control and no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from twin.checks_ageing import policies
from twin.schema_timeline import Event, Failures, Retraining, Storm

if TYPE_CHECKING:
    from twin.scenario import Scenario

EVERY = -1
"""`replica` of what happens in all of them."""
_COLUMNS = ["replica", "kind", "name", "start_s", "end_s"]
Happened = Sequence[tuple[str, str, float, float]]


@dataclass(frozen=True)
class Group:
    """What has one cause: `spans` of (replica, start in s, end in s); replica is EVERY where all have it."""

    kind: str
    name: str
    spans: tuple[tuple[int, float, float], ...]


def of_replica(scenario: Scenario, seed: int, replica: int, happened: Happened) -> pd.DataFrame:
    """The marks that controls left in one replica, and its random storms, up to the horizon."""
    from twin import sources  # only a run needs the sky

    storms = [
        ("storm", " ".join(("sky", *detectors)), start_s, end_s)
        for start_s, end_s, detectors in sources.storms(scenario, seed, replica)
    ]
    rows = [(replica, *mark) for mark in (*happened, *storms) if mark[2] < scenario.horizon]
    return _frame(rows)


def table(scenario: Scenario, marks: pd.DataFrame) -> pd.DataFrame:
    """Marks of the whole run: what the timeline sets once, for EVERY replica; what chance brings for its own."""
    chance = {name for name, entry in scenario.timeline.items() if _by_chance(scenario, entry)} | {"sky"}
    entry = marks["name"].str.split(" ").str[0]
    kinds = ("storm", "failures", "retraining")
    own = marks["kind"].isin(kinds) & entry.isin(chance) | ~entry.isin(scenario.timeline)
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
    given = _frame([*storms, *steps, *_surges(scenario)])
    common = marks[~own & (marks["replica"] == 0)].assign(replica=EVERY)
    every = pd.concat([common, given]).sort_values(["start_s", "name"], kind="stable")
    return pd.concat([every, marks[own]], ignore_index=True)


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


def groups(marks: pd.DataFrame) -> list[Group]:
    """Marks by kind and entry of the timeline, in the order in which they come."""
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
