"""Routes that a scenario leaves to Python: 'package.module:function' found and asked. For the runner.

Runs what a scenario file names: whoever takes scenarios of strangers refuses such routes before. Knows no kernel.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from twin.engine import Policy, Question
from twin.plan import Plan
from twin.scenario import Scenario
from twin.schema_stages import is_function
from twin.tree import Problem, ScenarioError

Function = Callable[[Question], int | str | None]
"""From the question to one of the stage's pools, by number or 'site.pool'; None turns the job away."""


def functions(scenario: Scenario) -> dict[str, Function]:
    """For each stage with such a route the function; ScenarioError with every one that is not there.

    Modules are looked for where Python does, then beside the scenario, then in the present folder.
    """
    found: dict[str, Function] = {}
    problems: list[Problem] = []
    for name, stage in scenario.stages.items():
        if not is_function(stage.route):
            continue
        path = f"stages.{name}.route"
        spot = scenario.problem(path, "").spot
        try:
            with _also_in(str(Path(spot.file).parent if spot.line else Path()), ""):
                found[name] = _function(stage.route)
        except ImportError as error:
            problems.append(scenario.problem(path, str(error)))
    if problems:
        raise ScenarioError(problems)
    return found


def policy(plan: Plan, functions: Mapping[str, Function]) -> Policy | None:
    """Who answers the questions of `plan`; None when no stage asks."""
    if not functions:
        return None
    numbers = {name: p for p, name in enumerate(plan.pool_names)}

    def answer(question: Question) -> int | None:
        """The pool that the stage's function names, as a number."""
        stage = plan.stage_names[question.stage]
        given = functions[stage](question)
        if isinstance(given, str):
            if given not in numbers:
                allowed = ", ".join(plan.pool_names[p] for p in question.pools)
                raise ValueError(f"stage '{stage}': its route chose pool '{given}'; allowed: {allowed}, or None")
            return numbers[given]
        return given

    return answer


def digests(functions: Mapping[str, Function]) -> dict[str, str]:
    """SHA-256 of the file that each function is in."""
    files = {name: Path(str(sys.modules[function.__module__].__file__)) for name, function in functions.items()}
    return {name: sha256(file.read_bytes()).hexdigest() for name, file in files.items()}


def _function(route: str) -> Function:
    """The function; ImportError in a planner's words when there is none."""
    module, _, name = route.partition(":")
    try:
        home = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise ImportError(f"'{module}' cannot be imported: {error}") from error
        message = f"there is no Python module '{error.name}': install it, or put it beside the scenario"
        raise ImportError(message) from error
    except Exception as error:  # whatever the module does when it is loaded
        raise ImportError(f"'{module}' cannot be imported: {type(error).__name__}: {error}") from error
    found: Any = getattr(home, name, None)
    if not callable(found):
        raise ImportError(f"module '{module}' has no function '{name}'")
    return found  # type: ignore[no-any-return]


@contextmanager
def _also_in(*folders: str) -> Iterator[None]:
    """Python looks for modules in these folders too, after all others."""
    before = list(sys.path)
    sys.path += folders
    try:
        yield
    finally:
        sys.path[:] = before
