"""What a single stage of a scenario says that cannot be: pools that are not there, keys that mean nothing.

For twin.checks, where every rule is listed. Knows no file and no profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from twin.checks_graph import INSTANT, span_of, stride_of
from twin.phrases import KEY, Finding, Location, unknown
from twin.schema_stages import Stage
from twin.sections import SourcedBytes
from twin.units import BYTES, DURATION

if TYPE_CHECKING:
    from twin.scenario import Scenario


def known_pool(s: Scenario, location: Location, given: str) -> Iterator[Finding]:
    """What is wrong with 'site.pool' as it was `given`, if anything."""
    site, dot, pool = given.partition(".")
    if not dot or not pool:
        yield location, f"'{given}': a pool is written 'site.pool'"
    elif site not in s.sites:
        yield location, unknown("site", site, s.sites)
    elif pool not in s.sites[site].pools:
        yield location, f"{unknown('pool', pool, s.sites[site].pools)} (at {site})"


def _pools(s: Scenario) -> Iterator[Finding]:
    for name, stage in s.stages.items():
        for k, pool in enumerate(stage.on):
            yield from known_pool(s, ("stages", name, "on", k), pool)
        if len(set(stage.on)) < len(stage.on):
            yield ("stages", name, "on"), "names a pool twice"


def _memory(s: Scenario) -> Iterator[Finding]:
    """A program that no server of its pool has room for."""
    for name, stage in s.stages.items():
        for pool in stage.on:
            if any(known_pool(s, (), pool)):
                continue
            site, _, inside = pool.partition(".")
            room = s.sites[site].pools[inside].memory
            needed: list[tuple[Location, SourcedBytes | None]] = [
                (("memory",), stage.memory),
                (("fallback_memory",), stage.fallback_memory),
                *((("fallback", k, "memory"), rung.memory) for k, rung in enumerate(stage.fallback or ())),
            ]
            for key, memory in needed:
                if room is not None and memory is not None and memory.value > room:
                    told = f"a server of {pool} has {BYTES.format(room)}"
                    yield ("stages", name, *key), f"{BYTES.format(memory.value)} is too much: {told}"


def _programs(s: Scenario) -> Iterator[Finding]:
    for name, stage in s.stages.items():
        here = ("stages", name)
        if stage.instant:
            yield from _instant(here, stage)
        else:
            yield from _program(here, stage)


def _instant(here: Location, stage: Stage) -> Iterator[Finding]:
    for key in type(stage).model_fields:
        if key in stage.model_fields_set and key not in INSTANT and getattr(stage, key) is not None:
            yield (*here, key), "a stage without 'on' is instant and does no work: name the pools it runs on"
            return


def _program(here: Location, stage: Stage) -> Iterator[Finding]:
    if stage.wait is not None:
        yield (*here, "wait"), "a timer takes no server: leave 'on' away, or give 'time' instead"
    if (stage.work is None) == (stage.time is None):
        yield (*here, KEY), "needs either 'work' (a measured workload) or 'time' (an assumed duration)"
    yield from _fallbacks(here, stage)
    if stage.work is None and "runtime" in stage.model_fields_set:
        yield (*here, "runtime"), "there is no workload to run: give 'work' too"
    if stage.role in ("flag", "guard") and stage.work is None:
        yield (*here, "role"), f"'{stage.role}' needs 'work': only a measured workload decides"
    if stage.role == "trigger" and stage.work is None and stage.finds is None:
        yield (*here, "role"), "'trigger' needs 'work', which decides as measured, or 'finds' with an efficiency"
    if stage.finds is not None and (stage.role != "trigger" or stage.work is not None):
        yield (*here, "finds"), "is for a stage with 'role: trigger' and 'time'; a workload decides as measured"


def _fallbacks(here: Location, stage: Stage) -> Iterator[Finding]:
    given = stage.fallback or ()
    if given and stage.work is None:
        yield (*here, "fallback"), "a fallback replaces a workload: give 'work' too"
    rungs = [(rung.work, rung.runtime) for rung in stage.ladder]
    for k, (work, runtime) in enumerate(rungs[1:]):
        if (work, runtime) in rungs[: k + 1]:
            which = "a fallback before it" if (work, runtime) in rungs[1 : k + 1] else "the stage's own workload"
            message = f"'{work}' on {runtime} is {which}: name another one, or another runtime"
            yield (*here, "fallback", k), message
    for key in ("fallback_runtime", "fallback_memory", "fallback_load_time", "guard"):
        if getattr(stage, key) is not None and not given:
            yield (*here, key), "there is no fallback to run: give 'fallback' too"
        elif getattr(stage, key) is not None and key != "guard" and (len(given) > 1 or not given[0].bare):
            name = key.removeprefix("fallback_")
            where = f"write {{work: {given[0].work}, {name}: …}} there"
            yield (*here, key), f"is for one fallback that is a plain name: {where}"


def _looks(s: Scenario) -> Iterator[Finding]:
    """Looks ahead of mergers: of signals that come, when searches look, and no sooner at fainter ones."""
    from twin.premerger import AHEAD_S

    for name, stage in s.stages.items():
        here, looks = ("stages", name, "finds"), (stage.finds.looks or ()) if stage.finds is not None else ()
        if looks and stage.finds is not None and stage.finds.min_snr > 0.0:
            yield (*here, "min_snr"), "each of the 'looks' has one of its own: leave it away"
        for k, look in enumerate(looks):
            if look.of not in s.sky.signals:
                yield (*here, "looks", k, "of"), unknown("class of signal of the sky", look.of, s.sky.signals)
            if look.ahead not in AHEAD_S:
                told = ", ".join(f"{ahead_s:g}" for ahead_s in AHEAD_S)
                yield (*here, "looks", k, "ahead"), f"{DURATION.format(look.ahead)}; searches look {told} s ahead"
            for other in looks[:k]:
                at = f"the one {DURATION.format(other.ahead)} ahead"
                if (other.of, other.ahead) == (look.of, look.ahead):
                    yield (*here, "looks", k, "ahead"), f"{at} of {look.of} is there already"
                elif other.of == look.of and (other.ahead - look.ahead) * (other.min_snr - look.min_snr) < 0.0:
                    yield (*here, "looks", k, "min_snr"), f"{at} and this one would see fainter signals sooner"


def _rules(s: Scenario) -> Iterator[Finding]:
    """Keys that say how another one works, without that one."""
    for name, stage in s.stages.items():
        here = ("stages", name)
        if stage.spill is not None and stage.route != "data-local":
            yield (*here, "spill"), f"says how full 'route: data-local' lets its site become, not '{stage.route}'"
        if stage.stale == "whole":
            if stage.shards.number(len(s.instrument.detectors)) < 2:
                yield (*here, "stale"), "there is one job for each piece of work: give 'shards' too"
            elif stage.shelf_life is None:
                yield (*here, "stale"), "nothing becomes stale: give 'shelf_life' too"
        attempts = stage.attempts
        if attempts is not None and attempts.backoff > 0.0 and attempts.retries == 0:
            yield (*here, "attempts", "backoff"), "there is no further attempt to pause before: give 'retries' too"
        if attempts is not None and attempts.retries > 0 and attempts.timeout is None and attempts.failure is None:
            yield (*here, "attempts", "retries"), "no attempt can fail: give 'failure' or 'timeout' too"


def _live(s: Scenario) -> Iterator[Finding]:
    for k, name in enumerate(s.live):
        if name not in s.stages:
            yield ("live", k), unknown("stage", name, s.stages)
        elif s.stages[name].work is None:
            yield ("live", k), f"'{name}' has no 'work' that could be executed"
        elif span_of(s, name) > 1:
            told = DURATION.format(stride_of(s, name))
            yield ("live", k), f"'{name}' takes strides of {told}; a real program takes single segments"
        elif s.stages[name].shards.number(len(s.instrument.detectors)) > 1:
            yield ("live", k), f"'{name}' has several 'shards'; a real program runs whole"


RULES = (_pools, _memory, _programs, _looks, _rules, _live)
"""Every rule on single stages."""
