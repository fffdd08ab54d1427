"""Which cases are compared: those that a scenario's file offers, or some that are named. Knows no run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from twin.loader import load
from twin.overrides import AS_IS
from twin.phrases import unknown
from twin.scenario import Scenario
from twin.studies.compare import Case
from twin.tree import Problem, ScenarioError, Spot

JOINT = "+"
"""Between the overrides of a case that is made up when it is asked for."""


def chosen(
    source: str | Path,
    names: Sequence[str] = (),
    with_: Sequence[str] = (),
    set_: Mapping[str, object] | Sequence[str] = (),
) -> tuple[Case, ...]:
    """The cases of the scenario `source`, each with the overrides `with_` and `set_` besides its own.

    A name is one of the scenario's `cases`, AS_IS, an override, or several of these joined by '+'. Without names
    all of its `cases`, which are AS_IS and each override of its own file where that lists none. Raises
    ScenarioError for what there is not, and for cases that do not run as long, as often and by the same chance.
    """
    plain = load(source)
    offered = plain.case_overrides
    if not names:
        names = tuple(offered)
    made = {name: _overrides(name, offered, plain.override_names) for name in names}
    if not names:
        raise ScenarioError([Problem(Spot(str(source)), "cases", _nothing(plain.override_names))])
    if len(names) < 2:
        raise ScenarioError([Problem(Spot(f"--case {names[0]}"), "", _only(names[0], source))])
    if twice := [name for name in made if names.count(name) > 1]:
        raise ScenarioError([Problem(Spot(f"--case {twice[0]}"), "", "is given twice: name each case once")])
    found = tuple(Case(name, load(source, (*with_, *made[name]), set_)) for name in names)
    _check_alike(found)
    return found


def single(
    source: str | Path,
    name: str,
    with_: Sequence[str] = (),
    set_: Mapping[str, object] | Sequence[str] = (),
) -> Scenario:
    """The scenario of the case `name` of `source`, by itself; names and changes as for `chosen`."""
    plain = load(source)
    made = _overrides(name, plain.case_overrides, plain.override_names)
    return load(source, (*with_, *made), set_)


def _check_alike(found: Sequence[Case]) -> None:
    """All cases run as long, as often and by the same chance: differences are taken replica by replica."""
    first = found[0].scenario
    problems = [
        case.scenario.problem(
            key, f"differs in case '{case.name}' from '{found[0].name}': give it to all with --set"
        )
        for case in found[1:]
        for key in ("horizon", "seed", "replicas")
        if getattr(case.scenario, key) != getattr(first, key)
    ]
    if problems:
        raise ScenarioError(problems)


def _overrides(name: str, offered: Mapping[str, tuple[str, ...]], known: Sequence[str]) -> tuple[str, ...]:
    every: dict[str, tuple[str, ...]] = {AS_IS: (), **{one: (one,) for one in known}, **offered}
    for part in name.split(JOINT):
        if part not in every:
            raise ScenarioError([Problem(Spot(f"--case {name}"), "", unknown("case or override", part, every))])
    return tuple(dict.fromkeys(one for part in name.split(JOINT) for one in every[part]))


def _nothing(known: Sequence[str]) -> str:
    if not known:
        return "it offers nothing to compare: give it 'overrides', or 'cases' of these"
    return f"it offers nothing to compare: name two or more with --case, of {', '.join((AS_IS, *known))}"


def _only(name: str, source: str | Path) -> str:
    return (
        f"'{name}' alone cannot be compared: give another --case, or 'cases' or 'overrides' in {source} to "
        "choose from"
    )
