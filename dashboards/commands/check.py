"""`ettwin check`: is a scenario right, with all its overrides and cases, or a study? Says all that is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboards.terminal import INVALID, Json, Set, Source, With, result, result_json, say

if TYPE_CHECKING:
    from twin.scenario import Scenario
    from twin.tree import Problem


def check(scenario: Source, with_: With = None, set_: Set = None, json: Json = False) -> None:
    """Check a scenario with its overrides and cases, or a study, and say all that is wrong (exit code 3)."""
    from twin.studies import request
    from twin.tree import ScenarioError
    from twin.unreadable import UnreadableError

    one = _study if request.is_study(scenario) else _scenario
    try:
        told, said = one(scenario, with_ or (), set_ or ())
    except ScenarioError as error:
        if not json or isinstance(error, UnreadableError):
            raise
        result_json({"valid": False, "problems": [_problem(p) for p in error.problems]})
        sys.exit(INVALID)
    if json:
        result_json({"valid": True, **told, "problems": []})
    else:
        result(f"{scenario}: '{told['name']}' is valid ({said})")


def _scenario(source: str, with_: Sequence[str], set_: Sequence[str]) -> tuple[dict[str, Any], str]:
    from twin.loader import checked

    found, variants = checked(source, with_, set_)
    _there((found, *variants.values()))
    for told in found.undone:
        say(told)
    return {"name": found.name, "digest": found.digest}, ", ".join(_parts(found))


def _study(source: str, with_: Sequence[str], set_: Sequence[str]) -> tuple[dict[str, Any], str]:
    """A study is loaded with every point that it names, and so is its scenario."""
    from twin.studies import request

    found = request.load(source, with_, set_)
    scenario = found.asked.scenario
    _there((scenario,))
    return {"name": found.name, "kind": found.kind}, f"a study, '{found.kind}', of the scenario '{scenario.name}'"


def _parts(scenario: Scenario) -> Iterator[str]:
    from twin.words import count

    yield count(len(scenario.stages), "stage")
    yield count(len(scenario.sites), "site")
    yield f"{len(scenario.timeline)} on the timeline"
    if scenario.override_names:
        yield count(len(scenario.override_names), "override")
    if scenario.case_overrides:
        yield count(len(scenario.case_overrides), "case")


def _there(scenarios: Iterable[Scenario]) -> None:
    """Raise ScenarioError when one needs a file, a workload or a runtime that does not exist: a run would."""
    from twin.tree import ScenarioError

    missing = [problem for scenario in scenarios for problem in (*_files(scenario), *_works(scenario))]
    if missing:
        raise ScenarioError(dict.fromkeys(missing))


def _files(scenario: Scenario) -> Iterator[Problem]:
    for path, file in scenario.files.items():
        if not file.is_file():
            yield scenario.problem(path, f"'{file.name}' does not exist in {file.parent.absolute()}")


def _works(scenario: Scenario) -> Iterator[Problem]:
    from twin.works import key_of, variants
    from workloads.profile import unheard_of

    folders = (Path("profiles"), *scenario.profile_folders)
    for name, stage in scenario.stages.items():
        for k, work, runtime in variants(stage):
            error = unheard_of(work, runtime, folders)
            if error is not None:
                yield scenario.problem(f"stages.{name}.{key_of(error, stage, k)}", str(error))


def _problem(problem: Any) -> dict[str, Any]:
    place = {"file": problem.file, "line": problem.line, "column": problem.column}
    return {**place, "path": problem.path, "message": problem.message}
