"""What becomes of the batch of a worker that dies: as the scenario says of servers that fail. Knows no worker."""

from __future__ import annotations

from collections.abc import Iterator

from twin.places import pool_names, targets
from twin.scenario import Scenario
from twin.schema_timeline import Failures
from twin.tree import ScenarioError


def loses(scenario: Scenario) -> bool:
    """Is it lost? Else it waits again.

    The `mode` of the timeline's `failures` decides, of those that hit pools on which live stages run; without any
    it waits again, as by default. ScenarioError when they disagree, or say that it finishes.
    """
    said: dict[str, str] = {}
    for name, mode in _modes(scenario):
        if mode == "drain":
            why = "a worker that dies finishes nothing: on a farm allowed are requeue and lose"
        elif said and mode not in said:
            other = next(iter(said.values()))
            why = f"'{mode}', but '{other}' says otherwise: on a farm all failures of live pools need the same"
        else:
            said.setdefault(mode, name)
            continue
        raise ScenarioError((scenario.problem(f"timeline.{name}.mode", why),))
    return "lose" in said


def _modes(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Names and modes of the entries that are about servers of pools with live stages."""
    names = pool_names(scenario)
    live = {names.index(pool) for stage in scenario.live for pool in scenario.stages[stage].on}
    for name, entry in scenario.timeline.items():
        if isinstance(entry, Failures):
            hit = {pool for text in entry.target for target in targets(scenario, text) for pool in target.pools}
            if hit & live:
                yield name, entry.mode
