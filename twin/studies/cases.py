"""Which cases are compared: those that a scenario's file offers, or some that are named. Knows no run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from twin.loader import load
from twin.phrases import unknown
from twin.studies.compare import Case
from twin.tree import Problem, ScenarioError, Spot

AS_IS = "as-is"
"""The case of a scenario as it stands."""
JOINT = "+"
"""Between the overrides of a case that is made up when it is asked for."""


def chosen(
    source: str | Path,
    names: Sequence[str] = (),
    with_: Sequence[str] = (),
    set_: Mapping[str, object] | Sequence[str] = (),
) -> tuple[Case, ...]:
    """The cases of the scenario `source`, each with the overrides `with_` and `set_` besides its own.

    A name is one of the scenario's `cases`, AS_IS, or overrides joined by '+'. Without names: all of its `cases`,
    or the scenario as it stands and with each of its overrides. Raises ScenarioError for what there is not.
    """
    plain = load(source)
    offered = plain.case_overrides
    if not names:
        names = tuple(offered) or (AS_IS, *plain.override_names)
    if len(names) < 2:
        raise ScenarioError([Problem(Spot(f"--case {names[0]}"), "", _only(names[0], source))])
    made = {name: _overrides(name, offered, plain.override_names) for name in names}
    return tuple(Case(name, load(source, (*with_, *made[name]), set_)) for name in names)


def _overrides(name: str, offered: Mapping[str, tuple[str, ...]], known: Sequence[str]) -> tuple[str, ...]:
    if name in offered:
        return offered[name]
    if name == AS_IS:
        return ()
    parts = tuple(name.split(JOINT))
    for part in parts:
        if part not in known:
            message = unknown("case or override", part, (*offered, AS_IS, *known))
            raise ScenarioError([Problem(Spot(f"--case {name}"), "", message)])
    return parts


def _only(name: str, source: str | Path) -> str:
    return (
        f"'{name}' alone cannot be compared: give another --case, or 'cases' or 'overrides' in {source} to "
        "choose from"
    )
