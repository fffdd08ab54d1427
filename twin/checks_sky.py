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
from twin.schema_sky import Classes, Glitches, Mergers, Population, RateProfile, Replay, Snr
from twin.schema_timeline import Storm

if TYPE_CHECKING:
    from twin.scenario import Scenario

MOST_EVENTS = 50_000_000
MOST_LATER = 5_000_000
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
    from workloads.sky import EVERY_SIGNAL

    for name, signal in s.sky.signals.items():
        here = ("sky", "signals", name)
        if name not in EVERY_SIGNAL:
            yield (*here, KEY), unknown("class of signal", name, EVERY_SIGNAL)
            continue
        yield from _signal(s, here, name, signal)
        yield from _profile((*here, "profile"), signal.profile)
    if s.sky.multiplicity is not None and not s.sky.signals:
        yield ("sky", "multiplicity"), "multiplies the rates of signals, and 'sky' has none: give 'sky.signals'"
    if s.sky.glitches is not None:
        yield from _glitches(s, s.sky.glitches)
    if s.sky.replay is not None:
        yield from _replay(s.sky.replay)


def _signal(s: Scenario, here: Location, name: str, signal: Population) -> Iterator[Finding]:
    from workloads.sky import MERGERS, SIGNALS

    if (signal.snr is None) == (signal.population is None):
        both = "has both 'snr' and 'population': give one, and null for one that a base gives"
        yield here, "needs 'snr' or 'population'" if signal.snr is None else both
    elif signal.snr is not None:
        yield from _snr((*here, "snr"), signal.snr)
    elif name not in MERGERS:
        yield (*here, "population"), f"'{name}' is no merger ({', '.join(MERGERS)}): give 'snr' instead"
    elif signal.population is not None:
        yield from _population(s, (*here, "population"), signal.population)
    if signal.found_as is not None:
        if name in SIGNALS:
            yield (*here, "found_as"), f"programs were measured on '{name}' itself: leave it away"
        elif signal.found_as not in SIGNALS:
            yield (*here, "found_as"), unknown("measured class of signal", signal.found_as, SIGNALS)
    if name not in SIGNALS and s.live:
        message = (
            f"live stages see strain, and there is none with '{name}' in it (but with {', '.join(SIGNALS)}): "
            "leave the class away, or run without live stages"
        )
        yield (*here, KEY), message


def _population(s: Scenario, here: Location, population: Mergers) -> Iterator[Finding]:
    from workloads.cosmos import loudness
    from workloads.cosmos.network import LAYOUTS

    network = population.network
    streams, given = len(LAYOUTS[network].detectors), len(s.instrument.detectors)
    if streams != given:
        message = f"'{network}' has {streams} streams, and 'instrument.detectors' names {given}: they must agree"
        yield (*here, "network"), message
    try:
        loudness.check(LAYOUTS[network].curve, population.low_frequency.value)
    except ValueError as error:
        yield (*here, "low_frequency"), str(error)


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
    if glitches.appears is not None:
        if glitches.appears.at >= s.horizon:
            yield (*here, "appears", "at"), "the run is over before: make it shorter than the horizon"
        if glitches.appears.snr is not None:
            yield from _snr((*here, "appears", "snr"), glitches.appears.snr)
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
    from twin.sources import expected, expected_later

    number = expected(s)
    if number > MOST_EVENTS and s.sky.multiplicity is not None:
        message = f"makes about {number:.2g} events, more than {MOST_EVENTS:,}: lower it or shorten the horizon"
        yield ("sky", "multiplicity"), message
    elif number > MOST_EVENTS:
        message = f"makes about {number:.2g} events, more than {MOST_EVENTS:,}: shorten it or lower the rates"
        yield ("horizon",), message
    later = expected_later(s)
    if later > MOST_LATER:
        message = (
            f"about {later:.2g} mergers after the horizon have signals that may be in band before it, more than "
            f"{MOST_LATER:,}: lower the rates or 'multiplicity', or raise 'low_frequency'"
        )
        yield ("sky", "signals"), message


RULES = (_sky, _event_budget)
"""Every rule; a new one is a function in this list."""
