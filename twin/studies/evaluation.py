"""What every study asks and what it is told: points, replicas of them, outcomes. Knows no worker, no store, no
file.

A study decides which points are run, over which replicas; whoever answers (`Evaluate`) decides where that happens
and what is known already. Answers depend on nothing but the question, so that a study that is begun again asks
the same and is told the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from twin.scenario import Scenario
from twin.studies.quantities import Quantity


@dataclass(frozen=True)
class Point:
    """A scenario under the name by which it is told from the others.

    `changes` says what was changed for it, dotted path to value as YAML text; {} for a scenario as it stands.
    """

    name: str
    scenario: Scenario
    changes: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """What a point gave over the replicas that were asked for: its quantities (a value per replica, in their
    order), its verdict on each target (`twin.metrics.targets`), the pools that were saturated, the digest of its
    plans.

    A point that failed has `failure`, in words, and nothing else.
    """

    name: str
    quantities: list[Quantity]
    targets: list[dict[str, Any]]
    saturated: list[str]
    plan_digest: str
    failure: str | None = None


class Evaluate(Protocol):
    """Who answers. Replica k of every point has the same sky and luck (common random numbers)."""

    def __call__(self, points: Sequence[Point], replicas: range) -> Sequence[Outcome]:
        """The outcome of every point over just these replicas, in the order of `points`.

        Asking again, for other points or more replicas (range(10), then range(20)), costs only what has not been
        computed yet. A point that fails does not stop the others. KeyboardInterrupt leaves what is done kept.
        """
