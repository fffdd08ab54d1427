"""What the stages of a scenario say about each other: a graph that must not turn round, and make sense.

For twin.checks, where every rule is listed, and for whoever walks the graph. Knows no file and no profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from twin.phrases import KEY, Finding, Location, unknown
from twin.schema_stages import Stage
from twin.sections import PayloadKind

if TYPE_CHECKING:
    from twin.scenario import Scenario

Stages = Mapping[str, Stage]

INSTANT = frozenset({"after", "join", "awaits", "gate", "publishes", "wait", "stride"})
"""What may be said of a stage without pools."""
FLAGS = ("flag", "guard")
"""Roles of stages that give a verdict on segments."""


def work_of(stages: Stages, name: str) -> PayloadKind:
    """'candidate' when a trigger lies before stage `name`, 'segment' otherwise."""
    triggered = any(stages[before].role == "trigger" for before in upstream(stages, name))
    return "candidate" if triggered else "segment"


def upstream(stages: Stages, name: str, awaited: bool = False) -> list[str]:
    """The stages before stage `name`, nearest first; with `awaited` also those it waits for.

    A circle ends where it closes; names that do not exist are left out.
    """
    before: list[str] = []
    for here in chain((name,), before):  # while it grows
        before += [parent for parent in dict.fromkeys(_parents(stages, here, awaited)) if parent not in before]
    return before


def _parents(stages: Stages, name: str, awaited: bool) -> list[str]:
    stage = stages[name]
    waits = [stage.awaits.stage] if awaited and stage.awaits is not None else []
    return [parent for parent in (*stage.after, *waits) if parent in stages]


def ordered(stages: Stages) -> list[str]:
    """The names so that each comes after what it needs; otherwise in the order of the scenario."""
    placed: list[str] = []
    while len(placed) < len(stages):
        ready = (n for n in stages if n not in placed and set(_parents(stages, n, True)) <= set(placed))
        placed.append(next(ready))
    return placed


def searches(stages: Stages, name: str) -> set[str]:
    """The trigger stages whose candidates stage `name` hands on; '' when it hands on segments."""
    return {up for up in (name, *upstream(stages, name)) if stages[up].role == "trigger"} or {""}


def sources_of(stages: Stages, name: str) -> list[str]:
    """The stages that take segments from the instrument for stage `name`: itself, or the first ones before it."""
    return [up for up in (name, *upstream(stages, name)) if not stages[up].after]


def stride_of(scenario: Scenario, name: str) -> float:
    """Length in s of the data in each job of stage `name`: that of the first stage before it that gives one."""
    for up in sources_of(scenario.stages, name):
        stride = scenario.stages[up].stride
        return scenario.instrument.stride if stride is None else stride
    return scenario.instrument.stride


def span_of(scenario: Scenario, name: str) -> int:
    """How many of the instrument's segments each job of stage `name` is about."""
    return round(stride_of(scenario, name) / scenario.instrument.stride)


def publishing(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """For each product the stages after which it is published."""
    found: dict[str, tuple[str, ...]] = {}
    for name, stage in scenario.stages.items():
        if stage.publishes:
            found[stage.publishes] = (*found.get(stage.publishes, ()), name)
    return found | scenario.products


def _after(s: Scenario) -> Iterator[Finding]:
    """Stages come after stages that exist, each once, and not in a circle."""
    for name, stage in s.stages.items():
        for k, parent in enumerate(stage.after):
            if parent not in s.stages:
                yield ("stages", name, "after", k), unknown("stage", parent, s.stages)
        if len(set(stage.after)) < len(stage.after):
            yield ("stages", name, "after"), "names a stage twice"
        if "join" in stage.model_fields_set and len(stage.after) < 2:
            yield ("stages", name, "join"), "nothing is joined: name several stages in 'after'"
    for circle in _circles(s.stages):
        way = " after ".join([*circle, circle[0]])
        yield ("stages", circle[0], "after"), f"the stages go round in a circle: {way}"


def _circles(stages: Stages) -> list[list[str]]:
    """The circles of stages that come after each other, each once, from its first stage on."""
    circles: list[list[str]] = []
    for name in stages:
        way = _way_back(stages, name)
        if way and not any(name in circle for circle in circles):
            circles.append(way)
    return circles


def _way_back(stages: Stages, name: str) -> list[str]:
    """A shortest way from stage `name` to a stage that comes after it, against the arrows; [] without one."""
    ways = [[name]]
    seen = {name}
    for way in ways:
        for parent in _parents(stages, way[-1], False):
            if parent == name:
                return way
            if parent not in seen:
                seen.add(parent)
                ways.append([*way, parent])
    return []


def _awaits(s: Scenario) -> Iterator[Finding]:
    """What is waited for is a flag stage that does not itself have to wait for who waits."""
    for name, stage in s.stages.items():
        if stage.awaits is None:
            continue
        here, flag = ("stages", name, "awaits", "stage"), stage.awaits.stage
        if flag not in s.stages:
            yield here, unknown("stage", flag, s.stages)
        elif s.stages[flag].role not in FLAGS:
            flags = [other for other in s.stages if s.stages[other].role in FLAGS]
            listed = f"known: {', '.join(flags)}" if flags else "there is none"
            yield here, f"'{flag}' has no 'role: flag', so it says nothing to wait for; {listed}"
        elif flag == name:
            yield here, "waits for itself"
        elif name in upstream(s.stages, flag, awaited=True):
            yield here, f"'{flag}' comes after '{name}', or waits for it: they would wait for each other"


def _roles(s: Scenario) -> Iterator[Finding]:
    """There is a trigger; flags and triggers decide on segments; every find can become an alert."""
    if _circles(s.stages):
        return
    triggers = [name for name, stage in s.stages.items() if stage.role == "trigger"]
    if not triggers:
        yield ("stages", KEY), "no stage has 'role: trigger': no candidate would ever be reported"
    for name, stage in s.stages.items():
        if stage.role != "plain" and work_of(s.stages, name) == "candidate":
            message = f"'{stage.role}' decides on segments, but '{name}' comes after a trigger"
            yield ("stages", name, "role"), message
    sent = {stage for stages in publishing(s).values() for stage in stages if stage in s.stages}
    told = {before for stage in sent for before in (stage, *upstream(s.stages, stage))}
    for name in triggers:
        if sent and name not in told:
            message = f"no alert comes after '{name}': what it finds would never be published"
            yield ("stages", name, "role"), message


def _joins(s: Scenario) -> Iterator[Finding]:
    """What meets is about the same candidates: those of two searches are not."""
    if _circles(s.stages):
        return
    meetings: list[tuple[Location, tuple[str, ...]]] = [
        (("stages", name, "after"), stage.after) for name, stage in s.stages.items()
    ]
    meetings += [(("products", name), stages) for name, stages in s.products.items()]
    for where, names in meetings:
        of = {name: searches(s.stages, name) for name in names if name in s.stages}
        if len(set().union(*of.values())) > 1 and not any(len(found) > 1 for found in of.values()):
            told = ", ".join(f"'{name}' {_about(found)}" for name, found in of.items())
            yield where, f"what meets must come from one trigger: {told}"


def _about(found: set[str]) -> str:
    name = next(iter(found))
    return f"candidates of '{name}'" if name else "segments"


def _alerts(s: Scenario) -> Iterator[Finding]:
    """Something is published, of candidates; what is vetoed may have been flagged."""
    if _circles(s.stages):
        return
    if not publishing(s):
        yield ("stages", KEY), "no stage has 'publishes', and there are no 'products': no alert would ever be sent"
    for name, stage in s.stages.items():
        if stage.publishes in s.products:
            message = f"'{stage.publishes}' is one of the 'products': give it another name"
            yield ("stages", name, "publishes"), message
        for key in ("publishes", "gate"):
            if getattr(stage, key) and work_of(s.stages, name) == "segment":
                yield ("stages", name, key), f"'{key}' is about candidates, but no trigger comes before '{name}'"
                break
        else:
            if stage.gate and not _judged(s.stages, name, "flag"):
                message = "no stage before it has 'role: flag' or 'awaits' one: there is nothing to veto"
                yield ("stages", name, "gate"), message


def _judged(stages: Stages, name: str, role: str) -> bool:
    """Whether a stage with this role is before stage `name`, or waited for by then."""
    before = upstream(stages, name)
    awaited = [stages[up].awaits for up in (name, *before)]
    roles = {stages[wait.stage].role if wait.stage in stages else role for wait in awaited if wait is not None}
    return any(stages[up].role == role for up in before) or bool(roles - {*FLAGS} | roles & {role})


def _guards(s: Scenario) -> Iterator[Finding]:
    """Something says what is outside before jobs are divided by it."""
    if _circles(s.stages):
        return
    for name, stage in s.stages.items():
        if stage.guard and not _judged(s.stages, name, "guard"):
            message = "no stage before it has 'role: guard' or 'awaits' one: nothing would be sent to the fallback"
            yield ("stages", name, "guard"), message


def _products(s: Scenario) -> Iterator[Finding]:
    """Products are of stages that work on candidates."""
    for name, stages in s.products.items():
        for k, stage in enumerate(stages):
            here = ("products", name, k)
            if stage not in s.stages:
                yield here, unknown("stage", stage, s.stages)
            elif work_of(s.stages, stage) == "segment":
                yield here, f"a product is about candidates, but no trigger comes before '{stage}'"
        if len(set(stages)) < len(stages):
            yield ("products", name), "names a stage twice"


RULES = (_after, _awaits, _roles, _joins, _alerts, _guards, _products)
"""Every rule on the graph."""
