"""`ettwin check`: is a scenario right? Every problem with file, line and column."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from dashboards.terminal import INVALID, Json, Set, Source, With, result, result_json

if TYPE_CHECKING:
    from twin.scenario import Scenario


def check(scenario: Source, with_: With = None, set_: Set = None, json: Json = False) -> None:
    """Check a scenario and say everything that is wrong with it (exit code 3)."""
    from twin.loader import load
    from twin.tree import ScenarioError
    from twin.words import count

    try:
        found = load(scenario, with_ or (), set_ or ())
        _files(found)
    except ScenarioError as error:
        if not json:
            raise
        result_json({"valid": False, "problems": [_problem(p) for p in error.problems]})
        sys.exit(INVALID)
    if json:
        result_json({"valid": True, "name": found.name, "digest": found.digest, "problems": []})
    else:
        parts = (
            count(len(found.stages), "stage"),
            count(len(found.sites), "site"),
            f"{len(found.timeline)} on the timeline",
        )
        result(f"{scenario}: '{found.name}' is valid ({', '.join(parts)})")


def _files(scenario: Scenario) -> None:
    """Raise ScenarioError when a file beside the scenario is missing; the run will read them."""
    from twin.tree import ScenarioError

    missing = [
        scenario.problem(path, f"'{file.name}' does not exist in {file.parent.absolute()}")
        for path, file in scenario.files.items()
        if not file.is_file()
    ]
    if missing:
        raise ScenarioError(tuple(missing))


def _problem(problem: Any) -> dict[str, Any]:
    place = {"file": problem.file, "line": problem.line, "column": problem.column}
    return {**place, "path": problem.path, "message": problem.message}
