"""Rules about the sky: classes that must exist, steps in order, storms that find glitches, events in bounds.

For twin.checks. Knows no file: what is in a file of events is looked at when it is replayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import isclose
from pathlib import PurePath
from typing import TYPE_CHECKING

from twin.phrases import KEY, Finding, Location, unknown
from twin.schema_sky import Classes, Glitches, RateProfile, Replay, Snr
from twin.schema_timeline import Storm

if TYPE_CHECKING:
    from twin.scenario import Scenario

MOST_EVENTS = 50_000_000
MOST_STORMS = 10_000
SUFFIXES = (".csv", ".parquet")
"""Of files of events that can be read."""


def leads_out(path: str) -> bool:
    """Whether a path leads, or could lead, out of the scenario's folder."""
    return PurePath(path).is_absolute() or ".." in PurePath(path).parts or "\\" in path or "\0" in path


def storm(s: Scenario, here: Location, entry: Storm) -> Iterator[Finding]:
    """What is wrong with a storm of the timeline."""
    if s.sky.glitches is None:
        yield here, "a storm multiplies glitches, and 'sky' has none: give 'sky.glitches'"
        return
    yield from _of_mix(s.sky.glitches, here, entry.classes)


def _sky(s: Scenario) -> Iterator[Finding]:
    from workloads.sky import SIGNALS

    for name, signal in s.sky.signals.items():
        here = ("sky", "signals", name)
        if name not in SIGNALS:
            yield (*here, KEY), unknown("class of signal", name, SIGNALS)
        yield from _snr((*here, "snr"), signal.snr)
        yield from _profile((*here, "profile"), signal.profile)
    if s.sky.glitches is not None:
        yield from _glitches(s, s.sky.glitches)
    if s.sky.replay is not None:
        yield from _replay(s.sky.replay)


def _glitches(s: Scenario, glitches: Glitches) -> Iterator[Finding]:
    from workloads.sky import GLITCHES

    here = ("sky", "glitches")
    for name in glitches.mix:
        if name not in GLITCHES:
            yield (*here, "mix", name, KEY), unknown("class of glitch", name, GLITCHES)
    total = sum(glitches.mix.values())
    if not isclose(total, 1.0, abs_tol=1e-9):
        yield (*here, "mix"), f"the shares sum to {total:.6g}; they must sum to 1"
    yield from _snr((*here, "snr"), glitches.snr)
    yield from _profile((*here, "profile"), glitches.profile)
    for key, part in (("profile", glitches.profile), ("bursts", glitches.bursts), ("storms", glitches.storms)):
        if part is not None:
            yield from _of_mix(glitches, (*here, key), part.classes)
    storms = glitches.storms
    if storms is not None and (n := storms.rate.value * (s.horizon + storms.mean.value)) > MOST_STORMS:
        message = f"makes about {n:.2g} storms, more than {MOST_STORMS:,}: lower it or shorten the horizon"
        yield (*here, "storms", "rate"), message


def _of_mix(glitches: Glitches, here: Location, classes: Classes | None) -> Iterator[Finding]:
    for k, cls in enumerate(classes or ()):
        if cls not in glitches.mix:
            yield (*here, "classes", k), unknown("class of the mix", cls, glitches.mix)


def _snr(here: Location, snr: Snr) -> Iterator[Finding]:
    if snr.min >= snr.max:
        yield here, f"min ({snr.min:g}) must be less than max ({snr.max:g})"


def _profile(here: Location, profile: RateProfile | None) -> Iterator[Finding]:
    if profile is None:
        return
    if not profile.steps and not profile.cycles:
        yield here, "changes nothing: give 'steps' or 'cycles', or leave it away"
    for k, (before, step) in enumerate(pairwise(profile.steps), start=1):
        if step.at <= before.at:
            yield (*here, "steps", k, "at"), "is not later than the step before: write steps in order of time"


def _replay(replay: Replay) -> Iterator[Finding]:
    here, given = ("sky", "replay", "file"), replay.file
    if leads_out(given):
        yield here, f"'{given}' leads out of the scenario's folder: give a file inside it"
    elif PurePath(given).suffix not in SUFFIXES:
        yield here, f"'{given}' is no file of events: give one that ends in {' or '.join(SUFFIXES)}"


def _event_budget(s: Scenario) -> Iterator[Finding]:
    from twin.sources import expected

    number = expected(s)
    if number > MOST_EVENTS:
        message = f"makes about {number:.2g} events, more than {MOST_EVENTS:,}: shorten it or lower the rates"
        yield ("horizon",), message


RULES = (_sky, _event_budget)
"""Every rule; a new one is a function in this list."""
