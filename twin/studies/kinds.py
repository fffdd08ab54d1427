"""The kinds of studies: what each is called in a study's YAML, what it is given, and what it gives.

A kind is a section of the YAML and a driver: a deterministic function that asks `Evaluate` and says what it found.
Which kinds there are is in twin.studies.registry; which figures a kind has in dashboards.study_figures. Knows no
particular kind, no worker and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from twin.scenario import Scenario
from twin.studies.evaluation import Evaluate, Outcome, Point
from twin.tree import Node, Spot


@dataclass(frozen=True)
class Asked:
    """What a driver is given: the section of its kind, the scenario that is varied, how many replicas.

    `precision` is the study's section of that name (twin.studies.sequential) and None where `replicas` are given;
    `report` names the quantities to tell, in order, () for all; `seed` starts what a driver draws by itself;
    `sample` is the study's section of that name; `node` is the part of the study's tree under the kind's key, so
    that what is wrong is told at its line; `source`, `with_` and `set_` are what the scenario was loaded from;
    `points` are those that `check` has made, if any.
    """

    section: Any
    scenario: Scenario
    replicas: int
    seed: int
    precision: Any = None
    report: tuple[str, ...] = ()
    sample: Any = None
    node: Node = field(default_factory=lambda: Node({}, Spot("study")))
    source: str | Path = ""
    with_: tuple[str, ...] = ()
    set_: Mapping[str, object] = field(default_factory=dict)
    points: Sequence[Point] = ()


@dataclass(frozen=True)
class Found:
    """What a driver gives back.

    `points` and `outcomes` (of the same order) are all that were run, each once, over the most replicas; `keys`
    are the dotted paths whose values tell the points apart. `answer` is the result in a few plain sentences.
    `tables` are further tables of the kind by name (snake_case; columns are in docs/studying.md), written as
    NAME.parquet.
    """

    points: Sequence[Point]
    outcomes: Sequence[Outcome]
    keys: tuple[str, ...]
    answer: Sequence[str] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """One kind. `check`, where it is given, raises ScenarioError for what is wrong before anything is run, and
    gives the points where they are known by then."""

    section: Any
    """The type under the kind's key in a study's YAML: a section, or what pydantic knows."""
    drive: Callable[[Asked, Evaluate], Found]
    """Runs it; the same for the same answers."""
    text: str
    """What it does, in a line."""
    check: Callable[[Asked], Sequence[Point] | None] | None = None
    takes_precision: bool = True
    """Whether it can go by `precision`, instead of choosing the number of replicas by itself."""
