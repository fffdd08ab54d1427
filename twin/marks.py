"""What was made to happen in a run and when, as a table: the same in every replica, or by chance in one of them.

For the runner, which writes it, and for those who explain and draw it. Knows no control and no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from twin.schema_timeline import Failures, Storm

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
    chance = {name for name, entry in scenario.timeline.items() if isinstance(entry, Failures)} | {"sky"}
    entry = marks["name"].str.split(" ").str[0]
    own = marks["kind"].isin(("storm", "failures")) & entry.isin(chance) | ~entry.isin(scenario.timeline)
    storms = [
        (EVERY, e.kind, name, e.at, e.at + e.lasts)
        for name, e in scenario.timeline.items()
        if isinstance(e, Storm) and e.at < scenario.horizon
    ]
    given = _frame(storms)
    common = marks[~own & (marks["replica"] == 0)].assign(replica=EVERY)
    every = pd.concat([common, given]).sort_values(["start_s", "name"], kind="stable")
    return pd.concat([every, marks[own]], ignore_index=True)


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


def _frame(rows: Sequence[tuple[int, str, str, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=_COLUMNS).astype(
        {"replica": "int64", "kind": str, "name": str, "start_s": float, "end_s": float}
    )
