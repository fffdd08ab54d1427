"""Rules about the timeline: targets that must exist, entries that contradict themselves or each other.

For twin.checks. Knows no file: what is in a trace of failures is looked at when it is replayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import PurePath
from typing import TYPE_CHECKING

from twin import places
from twin.checks_ageing import fixed
from twin.checks_sky import leads_out, storm
from twin.checks_stages import known_pool
from twin.phrases import KEY, Finding, Location, unknown
from twin.schema_timeline import (
    SHAPED,
    Degradation,
    Event,
    Failover,
    Failures,
    FailureTrace,
    Law,
    Maintenance,
    Outage,
    Retraining,
    Scaling,
    Storm,
    Withdrawal,
)

if TYPE_CHECKING:
    from twin.scenario import Scenario

MOST_ACTIONS = 1_000_000
"""What all entries together may do in one replica."""
SUFFIXES = (".csv", ".parquet")
"""Of traces of failures that can be read."""


def _entries(s: Scenario) -> Iterator[Finding]:
    for name, entry in s.timeline.items():
        here = ("timeline", name)
        if isinstance(entry, Storm):
            yield from storm(s, here, entry)
        elif isinstance(entry, Retraining):
            yield from _retraining(s, here, entry)
        elif isinstance(entry, Withdrawal):
            yield from _withdrawal(s, here, entry)
        elif isinstance(entry, Scaling):
            yield from _scaling(s, here, entry)
        elif isinstance(entry, Degradation):
            yield from _degradation(s, here, entry)
        elif isinstance(entry, FailureTrace):
            yield from _trace(here, entry)
        else:
            yield from _down(s, here, entry)


def _down(s: Scenario, here: Location, entry: Outage | Failures | Maintenance) -> Iterator[Finding]:
    if isinstance(entry, Outage):
        yield from _outage(s, here, entry)
    elif isinstance(entry, Maintenance):
        yield from _maintenance(s, here, entry)
    else:
        yield from _failures(s, here, entry)


# --- what goes down ---


def _target(s: Scenario, here: Location, text: str, *allowed: str) -> Iterator[Finding]:
    wrong = places.complaint(s, text)
    if wrong:
        yield here, wrong
    elif places.kind(text) not in allowed:
        yield here, f"'{text}' is a {_NOUNS[places.kind(text)]}; allowed here: {', '.join(allowed)}"


_NOUNS = {places.SERVERS: "pool's servers, each by itself"} | {
    kind: kind for kind in (places.SITE, places.POOL, places.SERVER, places.LINK)
}


def _outage(s: Scenario, here: Location, entry: Outage) -> Iterator[Finding]:
    if (entry.target is None) == (entry.pool is None):
        yield (*here, KEY), "needs either 'target' (a site, pool, server or link) or 'pool'"
    elif entry.pool is not None:
        yield from known_pool(s, (*here, "pool"), entry.pool)
    elif entry.target is not None:
        key = (*here, "target")
        yield from _target(s, key, entry.target, places.SITE, places.POOL, places.SERVER, places.LINK)
        yield from _mode(here, entry.target, entry.mode)
        yield from _failover(here, [entry.target], entry.failover)


def _mode(here: Location, target: str, mode: str) -> Iterator[Finding]:
    if places.kind(target) == places.LINK and mode != "drain":
        yield (*here, "mode"), "transfers on a link stall and go on afterwards: leave 'mode' away"


def _failover(here: Location, targets: list[str], failover: Failover | None) -> Iterator[Finding]:
    if failover is None:
        return
    kinds = {places.kind(target) for target in targets}
    if kinds & {places.SERVER, places.SERVERS}:
        message = "a pool knows which of its servers work: failover is for pools, sites and links"
        yield (*here, "failover"), message
    elif failover.evacuate and kinds & {places.SITE, places.LINK}:
        message = "what waits at a site cannot leave it over links that are down: evacuate pools only"
        yield (*here, "failover", "evacuate"), message


def _maintenance(s: Scenario, here: Location, entry: Maintenance) -> Iterator[Finding]:
    yield from _target(s, (*here, "target"), entry.target, places.SITE, places.POOL, places.LINK)
    yield from _mode(here, entry.target, entry.mode)
    if entry.every is not None and entry.every <= entry.lasts + entry.lead:
        yield (*here, "every"), "a window with its lead begins before the last one ends: make it longer"


def _failures(s: Scenario, here: Location, entry: Failures) -> Iterator[Finding]:
    every = (places.SITE, places.POOL, places.SERVER, places.SERVERS, places.LINK)
    for k, target in enumerate(entry.target):
        at = (*here, "target", k) if len(entry.target) > 1 else (*here, "target")
        yield from _target(s, at, target, *every)
        if target in entry.target[:k]:
            yield at, f"'{target}' is named twice"
    yield from _law((*here, "time_to_failure"), entry.time_to_failure)
    yield from _law((*here, "time_to_repair"), entry.time_to_repair)
    yield from _failover(here, list(entry.target), entry.failover)
    if entry.together is not None and len(entry.target) == 1 and places.kind(entry.target[0]) != places.SERVERS:
        yield (*here, "together"), "a common cause needs several targets: list them, or leave 'together' away"


def _law(here: Location, law: Law) -> Iterator[Finding]:
    if law.law in SHAPED and law.shape is None:
        yield here, f"a {law.law} law needs a 'shape'"
    elif law.law not in SHAPED and law.shape is not None:
        yield (*here, "shape"), f"a law that is {law.law} has none: leave it away, or choose {', '.join(SHAPED)}"


def _trace(here: Location, entry: FailureTrace) -> Iterator[Finding]:
    if leads_out(entry.file):
        yield (*here, "file"), f"'{entry.file}' leads out of the scenario's folder: give a file inside it"
    elif PurePath(entry.file).suffix not in SUFFIXES:
        message = f"'{entry.file}' is no trace of failures: give one that ends in {' or '.join(SUFFIXES)}"
        yield (*here, "file"), message


# --- what works, but otherwise ---


def _degradation(s: Scenario, here: Location, entry: Degradation) -> Iterator[Finding]:
    wrong = list(_target(s, (*here, "target"), entry.target, places.SITE, places.POOL, places.LINK))
    yield from wrong
    link = places.kind(entry.target) == places.LINK
    given = [key for key in ("slowness", "share") if getattr(entry, key) is not None]
    if not wrong and given != (["share"] if link else ["slowness"]):
        noun, key, other = ("a link", "share", "slowness") if link else ("a pool or site", "slowness", "share")
        yield (*here, KEY), f"{noun} needs '{key}' and no '{other}'"
    if entry.share == 0.0:
        yield (*here, "share"), "nothing of a link is left: that is an outage"


def _scaling(s: Scenario, here: Location, entry: Scaling) -> Iterator[Finding]:
    wrong = list(known_pool(s, (*here, "pool"), entry.pool))
    yield from wrong
    if (entry.threshold is None) == (entry.track is None):
        yield (*here, KEY), "needs either 'threshold' or 'track'"
    if entry.threshold is not None and entry.threshold.down >= entry.threshold.up:
        yield (*here, "threshold", "down"), "must be less than 'up'"
    if entry.min_servers > entry.max_servers:
        yield (*here, "max_servers"), "must be at least 'min_servers'"
    elif not wrong and not entry.min_servers <= (n := servers(s, entry.pool)) <= entry.max_servers:
        message = f"{entry.pool} starts with {n} servers, not with {entry.min_servers} to {entry.max_servers}"
        yield (*here, "pool"), message


def _one_policy(s: Scenario) -> Iterator[Finding]:
    """Two policies that scale one pool would work against each other."""
    first: dict[str, str] = {}
    for name, entry in s.timeline.items():
        if isinstance(entry, Scaling) and first.setdefault(entry.pool, name) != name:
            message = f"'{first[entry.pool]}' scales {entry.pool} already: one policy for each pool"
            yield ("timeline", name, "pool"), message


def _retraining(s: Scenario, here: Location, entry: Retraining) -> Iterator[Finding]:
    if entry.of not in s.stages:
        yield (*here, "of"), unknown("stage", entry.of, s.stages)
    elif s.stages[entry.of].fallback is None and entry.swap != "blue-green":
        yield (*here, "of"), f"stage '{entry.of}' has no 'fallback' to run meanwhile: give it one"
    if entry.takes is None:
        return
    wrong = list(known_pool(s, (*here, "takes", "pool"), entry.takes.pool))
    yield from wrong
    if not wrong and entry.takes.servers > (n := servers(s, entry.takes.pool)):
        message = f"{entry.takes.servers} servers are more than {entry.takes.pool} has ({n})"
        yield (*here, "takes", "servers"), message


def _withdrawal(s: Scenario, here: Location, entry: Withdrawal) -> Iterator[Finding]:
    if entry.of not in s.stages:
        yield (*here, "of"), unknown("stage", entry.of, s.stages)
        return
    runtimes: dict[str, list[str]] = {}
    for rung in s.stages[entry.of].ladder:
        runtimes.setdefault(rung.work, []).append(str(rung.runtime))
    if not runtimes:
        yield (*here, "of"), f"stage '{entry.of}' has no 'work', so no model that could be withdrawn"
    elif entry.model not in runtimes:
        yield (*here, "model"), f"{unknown('model', entry.model, runtimes)} (of {entry.of})"
    elif entry.runtime is not None and entry.runtime not in runtimes[entry.model]:
        known = runtimes[entry.model]
        yield (*here, "runtime"), f"{unknown('runtime', entry.runtime, known)} (of {entry.model} at {entry.of})"


def servers(s: Scenario, pool: str) -> int:
    """How many servers a pool that exists has."""
    site, _, name = pool.partition(".")
    return s.sites[site].pools[name].servers


def _taken(s: Scenario) -> Iterator[Finding]:
    """Retrainings that together take more servers of a pool than it has; those that touch count as together."""
    entries = [
        (name, e.takes, span)
        for name, e in s.timeline.items()
        if isinstance(e, Retraining) and e.takes and (span := fixed(e))
    ]
    entries.sort(key=lambda listed: listed[2][0])
    for k, (name, takes, (at_s, _)) in enumerate(entries):
        if any(known_pool(s, (), takes.pool)):
            continue
        meanwhile = [
            (other, t.servers)
            for other, t, (earlier_s, lasts_s) in entries[:k]
            if t.pool == takes.pool and earlier_s + lasts_s >= at_s
        ]
        taken = [takes.servers, *(number for _, number in meanwhile)]
        there = servers(s, takes.pool)
        if max(taken) <= there < sum(taken):
            names = ", ".join(f"'{other}'" for other, _ in meanwhile)
            message = f"together with {names} takes {sum(taken)} servers, more than {takes.pool} has ({there})"
            yield ("timeline", name, "takes", "servers"), message


# --- all of them together ---


def _overlaps(s: Scenario) -> Iterator[Finding]:
    """Two outages of a target, set retrainings of a stage or withdrawals of a model, at once or without a gap."""
    set_ones = [(name, _of(e), span) for name, e in s.timeline.items() if (span := _span(e))]
    for (first, a, (start_a, lasts_a)), (second, b, (start_b, lasts_b)) in combinations(set_ones, 2):
        if a != b:
            continue
        ends_a, ends_b = start_a + lasts_a, start_b + lasts_b
        if start_a == ends_b or start_b == ends_a:
            message = f"touches '{first}': one ends when the other starts; leave a gap or make them one entry"
            yield ("timeline", second, "at"), message
        elif start_a < ends_b and start_b < ends_a:
            yield ("timeline", second, "at"), f"overlaps '{first}': the same thing twice at one time"


def _span(entry: Event) -> tuple[float, float] | None:
    """When an outage, withdrawal or set retraining begins and how long it lasts, in s; None of anything else."""
    if isinstance(entry, Outage | Withdrawal):
        return entry.at, entry.lasts
    return fixed(entry) if isinstance(entry, Retraining) else None


def _of(entry: Event) -> tuple[str, str | None]:
    if isinstance(entry, Retraining):
        return entry.kind, entry.of
    if isinstance(entry, Withdrawal):
        return entry.kind, f"{entry.of} {entry.model} {entry.runtime}"
    return entry.kind, (entry.target or entry.pool) if isinstance(entry, Outage) else None


def _budget(s: Scenario) -> Iterator[Finding]:
    """Entries that would act too often for a run to end."""
    for name, entry in s.timeline.items():
        number = _actions(s, entry)
        if number > MOST_ACTIONS:
            message = f"acts about {number:.2g} times, more than {MOST_ACTIONS:,}: make it rarer"
            yield ("timeline", name, _RARER[entry.kind]), message


_RARER = {"failures": "time_to_failure", "maintenance": "every", "retraining": "every", "scaling": "every"}


def _actions(s: Scenario, entry: Event) -> float:
    if isinstance(entry, Scaling) or (isinstance(entry, Maintenance | Retraining) and entry.every is not None):
        return s.horizon / (entry.every or s.horizon)
    if not isinstance(entry, Failures):
        return 1.0
    known = [target for target in entry.target if not places.complaint(s, target)]
    number = sum(places.slots(s, target[:-2]) if places.kind(target) == places.SERVERS else 1 for target in known)
    return number * s.horizon / (entry.time_to_failure.mean.value + entry.time_to_repair.mean.value)


RULES = (_entries, _one_policy, _taken, _overlaps, _budget)
"""Every rule; a new one is a function in this list."""
