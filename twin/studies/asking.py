"""Points of a study by what is changed for them, and a ledger of what was asked. For drivers; knows no
question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twin.scenario import Scenario
from twin.studies.evaluation import Evaluate, Outcome, Point
from twin.studies.quantities import Quantity
from twin.tree import Problem, ScenarioError, Spot, scalar

AS_IS = "as-is"
"""The point of a scenario as it stands."""
ALIKE = {
    "seed": "all points have the study's: change it for all, with --seed or the study's 'seed'",
    "replicas": "all points have the study's: --replicas, the study's 'replicas' or 'precision'",
    "name": "names do nothing",
    "question": "questions do nothing",
    "schema_version": "there is one",
}
"""Keys of a scenario that are the same for all points, and why."""


def made(scenario: Scenario, changes: Mapping[str, str], name: str = "") -> Point:
    """The point of `scenario` with `changes`, dotted path to value as YAML text; named by them unless named.

    Raises ScenarioError for a change that the scenario does not allow.
    """
    if wrong := [path for path in changes if path in ALIKE]:
        raise ScenarioError([Problem(Spot(p), "", f"is not varied: {ALIKE[p]}") for p in wrong])
    values = {path: scalar(text, Spot(f"{path}: {text}")).plain() for path, text in changes.items()}
    name = name or ", ".join(f"{path}={text}" for path, text in changes.items()) or AS_IS
    return Point(name, scenario.with_(values) if values else scenario, dict(changes))


def by_name(outcome: Outcome) -> dict[str, Quantity]:
    """The quantities of an outcome; none of one that failed."""
    return {q.name: q for q in outcome.quantities}


class Ledger:
    """Asks `evaluate` and keeps what it was told: every point once, over the most replicas it was asked for."""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._known: dict[str, tuple[Point, Outcome, int]] = {}

    def __call__(self, points: Sequence[Point], replicas: range) -> list[Outcome]:
        """As `Evaluate`; points are told apart by their names. ValueError for replicas that do not begin at 0."""
        if replicas.start != 0:
            raise ValueError(f"replicas {replicas} do not begin at 0: outcomes could not be put together")
        outcomes = list(self._evaluate(points, replicas)) if points else []
        for point, outcome in zip(points, outcomes, strict=True):
            if point.name not in self._known or self._known[point.name][2] <= len(replicas):
                self._known[point.name] = point, outcome, len(replicas)
        return outcomes

    @property
    def points(self) -> tuple[Point, ...]:
        """Every point that was asked about, in the order of the first question."""
        return tuple(point for point, _, _ in self._known.values())

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Their outcomes, in the same order."""
        return tuple(outcome for _, outcome, _ in self._known.values())

    @property
    def quantities(self) -> dict[str, Quantity]:
        """Every quantity that some outcome tells, by name: for its words and its unit."""
        return {q.name: q for outcome in self.outcomes for q in outcome.quantities}

    def called(self, names: Sequence[str]) -> list[str]:
        """These quantities in words; what is none of them stays as it is."""
        known = self.quantities
        return [known[name].text if name in known else name for name in names]

    def replicas(self, point: Point) -> int:
        """Over how many replicas `point` is known; 0 when it was not asked about."""
        return self._known[point.name][2] if point.name in self._known else 0
