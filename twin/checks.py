"""What one part of a scenario says about another: names that must exist, graphs that must not turn round.

One function per rule, each yields what breaks it. For twin.scenario; knows no file and no profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from math import isclose
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from sites import catalogue
from twin.phrases import Location, problem, unknown
from twin.schema import Outage, Retraining, Snr, Stage, Storm
from twin.tree import Node, Problem

if TYPE_CHECKING:
    from twin.scenario import Scenario

Finding = tuple[Location, str]
"""Where and what; a location that ends in KEY means the key itself."""

KEY = "[key]"
MOST_SEGMENTS = 400_000_000
MOST_EVENTS = 50_000_000


def all_of(scenario: Scenario, tree: Node) -> list[Problem]:
    """Every broken rule."""
    found = []
    for rule in RULES:
        for location, message in rule(scenario):
            at_key = location[-1] == KEY
            found.append(problem(tree, location[: len(location) - at_key], message, at_key=at_key))
    return found


def work_of(stages: Mapping[str, Stage], name: str) -> Literal["segment", "candidate"]:
    """'candidate' when a trigger lies before stage `name`, 'segment' otherwise."""
    triggered = any(stages[before].role == "trigger" for before in upstream(stages, name))
    return "candidate" if triggered else "segment"


def upstream(stages: Mapping[str, Stage], name: str) -> list[str]:
    """The stages before stage `name`, nearest first; a cycle ends where it closes."""
    before: list[str] = []
    after = stages[name].after
    while after is not None and after in stages and after not in before:
        before.append(after)
        after = stages[after].after
    return before


def _instrument(s: Scenario) -> Iterator[Finding]:
    instrument = s.instrument
    if instrument.site not in s.sites:
        yield ("instrument", "site"), unknown("site", instrument.site, s.sites)
    if len(set(instrument.detectors)) < len(instrument.detectors):
        yield ("instrument", "detectors"), "names a detector twice"
    if s.horizon / instrument.stride > MOST_SEGMENTS:
        yield ("horizon",), f"makes more than {MOST_SEGMENTS:,} segments: shorten it or lengthen the stride"


def _sky(s: Scenario) -> Iterator[Finding]:
    from workloads.sky import GLITCHES, SIGNALS

    for name, signal in s.sky.signals.items():
        if name not in SIGNALS:
            yield ("sky", "signals", name, KEY), unknown("class of signal", name, SIGNALS)
        yield from _snr(("sky", "signals", name, "snr"), signal.snr)
    glitches = s.sky.glitches
    if glitches is None:
        return
    for name in glitches.mix:
        if name not in GLITCHES:
            yield ("sky", "glitches", "mix", name, KEY), unknown("class of glitch", name, GLITCHES)
    total = sum(glitches.mix.values())
    if not isclose(total, 1.0, abs_tol=1e-9):
        yield ("sky", "glitches", "mix"), f"the shares sum to {total:.6g}; they must sum to 1"
    yield from _snr(("sky", "glitches", "snr"), glitches.snr)


def _snr(location: Location, snr: Snr) -> Iterator[Finding]:
    if snr.min >= snr.max:
        yield location, f"min ({snr.min:g}) must be less than max ({snr.max:g})"


def _event_budget(s: Scenario) -> Iterator[Finding]:
    expected = s.horizon * sum(signal.rate.value for signal in s.sky.signals.values())
    if s.sky.glitches is not None:
        rate = s.sky.glitches.rate.value * len(s.instrument.detectors)
        storms = [e for e in s.timeline.values() if isinstance(e, Storm)]
        expected += rate * (s.horizon + sum((e.factor - 1.0) * min(e.lasts, s.horizon) for e in storms))
    if expected > MOST_EVENTS:
        message = f"makes about {expected:.2g} events, more than {MOST_EVENTS:,}: shorten it or lower the rates"
        yield ("horizon",), message


def _places(s: Scenario) -> Iterator[Finding]:
    known = catalogue.sites()
    for name, site in s.sites.items():
        if (site.latitude is None) != (site.longitude is None):
            yield ("sites", name, KEY), "needs both latitude and longitude, or neither"
        elif site.latitude is None and name not in known:
            message = f"{unknown('site', name, known)}. For a site of your own, give latitude and longitude"
            yield ("sites", name, KEY), message


def _links(s: Scenario) -> Iterator[Finding]:
    for name in s.links:
        ends = name.split("--")
        if len(ends) != 2 or ends[0] == ends[1]:
            yield ("links", name, KEY), f"'{name}': a link is written 'site--site', with two different sites"
            continue
        for end in ends:
            if end not in s.sites:
                yield ("links", name, KEY), unknown("site", end, s.sites)
        if "--".join(reversed(ends)) in list(s.links)[: list(s.links).index(name)]:
            yield ("links", name, KEY), f"'{name}': this link is given twice; it holds in both directions"


def _pools(s: Scenario) -> Iterator[Finding]:
    for name, stage in s.stages.items():
        for k, pool in enumerate(stage.on):
            yield from _pool(s, ("stages", name, "on", k), pool)
        if len(set(stage.on)) < len(stage.on):
            yield ("stages", name, "on"), "names a pool twice"


def _pool(s: Scenario, location: Location, given: str) -> Iterator[Finding]:
    site, dot, pool = given.partition(".")
    if not dot or not pool:
        yield location, f"'{given}': a pool is written 'site.pool'"
    elif site not in s.sites:
        yield location, unknown("site", site, s.sites)
    elif pool not in s.sites[site].pools:
        yield location, f"{unknown('pool', pool, s.sites[site].pools)} (at {site})"


def _programs(s: Scenario) -> Iterator[Finding]:
    for name, stage in s.stages.items():
        here = ("stages", name)
        if (stage.work is None) == (stage.time is None):
            yield (*here, KEY), "needs either 'work' (a measured workload) or 'time' (an assumed duration)"
        if stage.fallback is not None and stage.work is None:
            yield (*here, "fallback"), "a fallback replaces a workload: give 'work' too"
        if stage.fallback is not None and stage.fallback == stage.work:
            yield (*here, "fallback"), f"'{stage.fallback}' is the stage's own workload: name another one"
        if stage.fallback_runtime is not None and stage.fallback is None:
            yield (*here, "fallback_runtime"), "there is no fallback to run: give 'fallback' too"
        if stage.work is None and "runtime" in stage.model_fields_set:
            yield (*here, "runtime"), "there is no workload to run: give 'work' too"
        if stage.role != "plain" and stage.work is None:
            yield (*here, "role"), f"'{stage.role}' needs 'work': only a measured workload decides"


def _graph(s: Scenario) -> Iterator[Finding]:
    for name, stage in s.stages.items():
        if stage.after is not None and stage.after not in s.stages:
            yield ("stages", name, "after"), unknown("stage", stage.after, s.stages)
    for circle in _circles(s.stages):
        way = " after ".join([*circle, circle[0]])
        yield ("stages", circle[0], "after"), f"the stages go round in a circle: {way}"


def _circles(stages: Mapping[str, Stage]) -> list[list[str]]:
    """The circles of stages that come after each other, each once, from its first stage on."""
    circles: list[list[str]] = []
    for name in stages:
        before = upstream(stages, name)
        if name in before and not any(name in circle for circle in circles):
            circles.append([name, *before[: before.index(name)]])
    return circles


def _roles(s: Scenario) -> Iterator[Finding]:
    if _circles(s.stages):
        return
    triggers = [name for name, stage in s.stages.items() if stage.role == "trigger"]
    flags = [name for name, stage in s.stages.items() if stage.role == "flag"]
    if not triggers:
        yield ("stages", KEY), "no stage has 'role: trigger': no candidate would ever be reported"
    for role, names in (("trigger", triggers), ("flag", flags)):
        for name in names[1:]:
            yield ("stages", name, "role"), f"a second {role}; '{names[0]}' is one already"
        for name in names[:1]:
            if work_of(s.stages, name) == "candidate":
                yield ("stages", name, "role"), f"'{role}' decides on segments, but '{name}' comes after a trigger"


def _alerts(s: Scenario) -> Iterator[Finding]:
    if _circles(s.stages):
        return
    publishing = [name for name, stage in s.stages.items() if stage.publishes]
    if not publishing:
        yield ("stages", KEY), "no stage has 'publishes: preliminary': no alert would ever be sent"
    for name in publishing[1:]:
        yield ("stages", name, "publishes"), f"a second publishing stage; '{publishing[0]}' is one already"
    for name in publishing:
        later = [other for other, stage in s.stages.items() if stage.after == name]
        if later:
            yield ("stages", name, "publishes"), f"'{later[0]}' comes after it: the last stage publishes"
    for name, stage in s.stages.items():
        key = "publishes" if stage.publishes else "gate"
        if (stage.publishes or stage.gate) and work_of(s.stages, name) == "segment":
            yield ("stages", name, key), f"'{key}' is about candidates, but no trigger comes before '{name}'"
        elif stage.gate and not any(s.stages[up].role == "flag" for up in upstream(s.stages, name)):
            yield ("stages", name, "gate"), "no stage before it has 'role: flag': there is nothing to veto"


def _live(s: Scenario) -> Iterator[Finding]:
    for k, name in enumerate(s.live):
        if name not in s.stages:
            yield ("live", k), unknown("stage", name, s.stages)
        elif s.stages[name].work is None:
            yield ("live", k), f"'{name}' has no 'work' that could be executed"


def _timeline(s: Scenario) -> Iterator[Finding]:
    for name, entry in s.timeline.items():
        here = ("timeline", name)
        if isinstance(entry, Retraining):
            yield from _retraining(s, here, entry)
        elif isinstance(entry, Outage):
            yield from _pool(s, (*here, "pool"), entry.pool)
        else:
            yield from _storm(s, here, entry)


def _retraining(s: Scenario, here: Location, entry: Retraining) -> Iterator[Finding]:
    if entry.of not in s.stages:
        yield (*here, "of"), unknown("stage", entry.of, s.stages)
    elif s.stages[entry.of].fallback is None:
        yield (*here, "of"), f"stage '{entry.of}' has no 'fallback' to run meanwhile: give it one"
    if entry.takes is None:
        return
    wrong = list(_pool(s, (*here, "takes", "pool"), entry.takes.pool))
    yield from wrong
    if not wrong:
        servers = _servers(s, entry.takes.pool)
        if entry.takes.servers > servers:
            message = f"{entry.takes.servers} servers are more than {entry.takes.pool} has ({servers})"
            yield (*here, "takes", "servers"), message


def _servers(s: Scenario, name: str) -> int:
    site, _, pool = name.partition(".")
    return s.sites[site].pools[pool].servers


def _taken(s: Scenario) -> Iterator[Finding]:
    """Retrainings that together take more servers of a pool than it has; those that touch count as together."""
    entries = [(name, e, e.takes) for name, e in s.timeline.items() if isinstance(e, Retraining) and e.takes]
    entries.sort(key=lambda listed: listed[1].at)
    for k, (name, entry, takes) in enumerate(entries):
        if any(_pool(s, (), takes.pool)):
            continue
        meanwhile = [
            (other, t.servers)
            for other, e, t in entries[:k]
            if t.pool == takes.pool and e.at + e.lasts >= entry.at
        ]
        taken = [takes.servers, *(number for _, number in meanwhile)]
        servers = _servers(s, takes.pool)
        if max(taken) <= servers < sum(taken):
            names = ", ".join(f"'{other}'" for other, _ in meanwhile)
            message = f"together with {names} takes {sum(taken)} servers, more than {takes.pool} has ({servers})"
            yield ("timeline", name, "takes", "servers"), message


def _storm(s: Scenario, here: Location, entry: Storm) -> Iterator[Finding]:
    if s.sky.glitches is None:
        yield here, "a storm multiplies glitches, and 'sky' has none: give 'sky.glitches'"
        return
    for k, cls in enumerate(entry.classes or ()):
        if cls not in s.sky.glitches.mix:
            yield (*here, "classes", k), unknown("class of the mix", cls, s.sky.glitches.mix)


def _overlaps(s: Scenario) -> Iterator[Finding]:
    """Two outages of one pool, or two retrainings of one stage, at the same time or without a gap."""
    for (first, a), (second, b) in combinations(s.timeline.items(), 2):
        same = (
            (isinstance(a, Outage) and isinstance(b, Outage) and a.pool == b.pool)
            or (isinstance(a, Retraining) and isinstance(b, Retraining) and a.of == b.of)
        )  # fmt: skip
        ends_a, ends_b = a.at + a.lasts, b.at + b.lasts
        if same and (a.at == ends_b or b.at == ends_a):
            message = f"touches '{first}': one ends when the other starts; leave a gap or make them one entry"
            yield ("timeline", second, "at"), message
        elif same and a.at < ends_b and b.at < ends_a:
            yield ("timeline", second, "at"), f"overlaps '{first}': the same thing twice at one time"


def _targets(s: Scenario) -> Iterator[Finding]:
    quantiles = sorted(s.targets.alert_latency, key=lambda name: int(name[1:]))
    for low, high in pairwise(quantiles):
        if s.targets.alert_latency[low] > s.targets.alert_latency[high]:
            yield ("targets", "alert_latency", high), f"is less than the target of {low}"


def _profiles(s: Scenario) -> Iterator[Finding]:
    for k, folder in enumerate(s.profiles):
        if PurePath(folder).is_absolute() or ".." in PurePath(folder).parts or "\\" in folder or "\0" in folder:
            yield ("profiles", k), f"'{folder}' leads out of the scenario's folder: give a folder inside it"


RULES = (
    _instrument,
    _sky,
    _event_budget,
    _places,
    _links,
    _pools,
    _programs,
    _graph,
    _roles,
    _alerts,
    _live,
    _timeline,
    _taken,
    _overlaps,
    _targets,
    _profiles,
)
"""Every rule; a new one is a function in this list."""
