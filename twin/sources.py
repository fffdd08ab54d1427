"""The sky of a scenario as sources for workloads.sky: rates, profiles, bursts, storms, replayed events.

For the plan, and for checks that count events. Knows no stage, no site and no result.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.schema_sky import Bursts, Classes, Glitches, RateProfile
from twin.schema_sky import Population as Signals
from twin.schema_timeline import Storm
from twin.tree import ScenarioError
from workloads import arrivals, eventfile, sky
from workloads.modulation import STEADY, Cycle, Modulation
from workloads.sky import ARRIVING, CLASSES, UNLEARNED, Boost, Population

if TYPE_CHECKING:
    from twin.scenario import Scenario
    from workloads.cosmos import Mergers


LOUDER = "those on the loudest that was measured"
"""How programs decide on signals that are louder than any they were measured on."""


class Arrival(NamedTuple):
    """A class that may arrive, the class whose measured decisions hold for it, and its least and largest SNR.

    Without a largest one, signals may be louder than anything measured: decisions on those are taken to be the
    ones on the loudest measured.
    """

    cls: str
    found_as: str
    snr_min: float
    snr_max: float | None


def events(scenario: Scenario, seed: int, replica: int) -> NDArray[np.void]:
    """What arrives in one replica, drawn and replayed, sorted by time; its dtype is that of workloads.sky.draw."""
    return sky.draw(populations(scenario), scenario.horizon, [seed, replica], replayed(scenario))


def expected(scenario: Scenario) -> float:
    """How many events are drawn in one replica on average; replayed ones not counted."""
    return sum(sky.expected(population, scenario.horizon) for population in populations(scenario))


def bytes_per_event(scenario: Scenario) -> int:
    """What one event takes in memory."""
    drawn = any(signals.population is not None for signals in scenario.sky.signals.values())
    return int((sky.DETAILED if drawn else sky.EVENT).itemsize)


def expected_later(scenario: Scenario) -> float:
    """How many mergers after the horizon are drawn in one replica on average: see workloads.sky.expected_later."""
    return sum(sky.expected_later(population, scenario.horizon) for population in populations(scenario))


def populations(scenario: Scenario) -> list[Population]:
    """The sky's sources: one per class of signal, one per class of glitch and detector."""
    sources = [_signals(cls, p, scenario.sky.multiplicity or 1.0) for cls, p in scenario.sky.signals.items()]
    if scenario.sky.glitches is not None:
        for cls, share in scenario.sky.glitches.mix.items():
            sources += _glitches(scenario, scenario.sky.glitches, cls, share)
        sources += _new_class(scenario, scenario.sky.glitches)
    return sources


def storms(scenario: Scenario, seed: int, replica: int) -> list[tuple[float, float, tuple[str, ...]]]:
    """The storms that `sky.glitches.storms` brings in one replica: start and end in s, detectors they reach.

    In order of their starts, cut to the horizon; storms that reach no detector are left away.
    """
    process = None if scenario.sky.glitches is None else _storms(scenario.sky.glitches)
    if process is None:
        return []
    entropy, names = [seed, replica], scenario.instrument.detectors
    drawn = sky.storms(process, scenario.horizon, entropy)
    reached = [sky.reaches(process, drawn.size, k, entropy) for k in range(len(names))]
    found = []
    for k, (start_s, end_s) in enumerate(drawn.tolist()):
        detectors = tuple(name for name, reach in zip(names, reached, strict=True) if reach[k])
        if detectors:
            found.append((max(start_s, 0.0), min(end_s, scenario.horizon), detectors))
    return found


def replayed(scenario: Scenario) -> NDArray[np.void] | None:
    """The events of `sky.replay` before the horizon, dtype workloads.sky.EVENT, or None without a replay.

    ScenarioError when the file cannot be replayed, or holds nothing before the horizon.
    """
    replay, path = scenario.sky.replay, scenario.replay_file
    if replay is None or path is None:
        return None
    origin_s = None if replay.origin is None else replay.origin.value
    try:
        rows = _read(path, _version(path), scenario.instrument.detectors, origin_s)
    except eventfile.EventFileError as error:
        raise ScenarioError([scenario.problem("sky.replay.file", f"'{path}' {error}")]) from None
    inside = rows[: np.searchsorted(rows["time_s"], scenario.horizon)]
    if not inside.size:
        message = (
            f"none of the {rows.size:,} events in '{path}' lies before the horizon; the first comes "
            f"{rows['time_s'][0]:.6g} s after the run's beginning: lengthen the horizon or change 'origin'"
        )
        raise ScenarioError([scenario.problem("sky.replay.file", message)])
    return inside


def classes(scenario: Scenario) -> Iterator[Arrival]:
    """Every class that may arrive; one of a replay beside the drawn ones comes a second time."""
    stand_in = {cls: p.found_as or cls for cls, p in scenario.sky.signals.items()}
    for cls, signals in scenario.sky.signals.items():
        if signals.snr is not None:
            yield Arrival(cls, stand_in[cls], signals.snr.min, signals.snr.max)
        elif signals.population is not None:
            yield Arrival(cls, stand_in[cls], signals.population.min_snr, None)
    if scenario.sky.glitches is not None:
        snr = scenario.sky.glitches.snr
        for cls in scenario.sky.glitches.mix:
            yield Arrival(cls, cls, snr.min, snr.max)
        if (new := scenario.sky.glitches.appears) is not None:
            yield Arrival(UNLEARNED[0], UNLEARNED[0], (new.snr or snr).min, (new.snr or snr).max)
    rows = replayed(scenario)
    if rows is not None:
        for number in np.unique(rows["cls"]).tolist():
            given, cls = rows["snr"][rows["cls"] == number], CLASSES[number]
            yield Arrival(cls, stand_in.get(cls, cls), float(given.min()), float(given.max()))


def class_count(scenario: Scenario) -> int:
    """How many classes the decisions of a run must tell apart: all where any arrives that none was measured on."""
    return len(ARRIVING if any(a.cls not in CLASSES for a in classes(scenario)) else CLASSES)


def stated(scenario: Scenario) -> list[tuple[str, str, str, str]]:
    """What drawn mergers rest on beside the scenario's own keys: key, value, standing and source of each."""
    rows: list[tuple[str, str, str, str]] = []
    for cls, signals in scenario.sky.signals.items():
        drawn = mergers(cls, signals)
        if drawn is not None:
            from workloads.cosmos.stated import stated

            key = f"sky.signals.{cls}.population"
            rows += [(f"{key} {what}", value, level, source) for what, value, level, source in stated(drawn)]
            rows.append((f"{key} decisions on louder signals", LOUDER, "assumed", "no profile reaches as far"))
    return rows


def mergers(cls: str, signals: Signals) -> Mergers | None:
    """What `sky.signals.<cls>.population` draws from, or None without one."""
    p = signals.population
    if p is None or cls not in sky.MERGERS:
        return None
    from workloads.cosmos import Mergers, RedshiftLaw

    z = p.redshifts
    law = RedshiftLaw(z.growth, z.decline, z.peak, z.largest)
    return Mergers(cls, p.network, p.low_frequency.value, p.min_snr, law)


def _signals(cls: str, signals: Signals, multiplicity: float) -> Population:
    """The source of one class of signals; its SNR law counts for nothing where it comes from a population."""
    snr = signals.snr
    return Population(
        cls,
        signals.rate.value,
        0.0 if snr is None else snr.min,
        np.inf if snr is None else snr.max,
        0.0 if snr is None else snr.index,
        modulation=_multiplied(_modulation(signals.profile), multiplicity),
        bursts=_bursts(signals.bursts),
        mergers=mergers(cls, signals),
    )


def _multiplied(modulation: Modulation, factor: float) -> Modulation:
    """`factor` times the modulation; events that happen without it are among those that happen with more."""
    if factor == 1.0:
        return modulation
    steps = [(at_s, factor * value) for at_s, value in modulation.steps]
    if not steps or steps[0][0] > 0.0:
        steps.insert(0, (0.0, factor))
    return Modulation(tuple(steps), modulation.cycles)


def _glitches(scenario: Scenario, glitches: Glitches, cls: str, share: float) -> Iterator[Population]:
    boosts = tuple(
        Boost(name, e.at, e.at + e.lasts, e.factor)
        for name, e in scenario.timeline.items()
        if isinstance(e, Storm) and _concerns(cls, e.classes)
    )
    profile, bursts, storms = glitches.profile, glitches.bursts, glitches.storms
    for detector in range(len(scenario.instrument.detectors)):
        yield Population(
            cls,
            share * glitches.rate.value,
            glitches.snr.min,
            glitches.snr.max,
            glitches.snr.index,
            detector,
            boosts,
            _modulation(profile if profile and _concerns(cls, profile.classes) else None),
            _bursts(bursts if bursts and _concerns(cls, bursts.classes) else None),
            _storms(glitches) if storms and _concerns(cls, storms.classes) else None,
        )


def _new_class(scenario: Scenario, glitches: Glitches) -> Iterator[Population]:
    """Glitches of a class that nobody knows, from when it appears on; no storm and no profile is about them."""
    new = glitches.appears
    if new is not None:
        snr, steps = new.snr or glitches.snr, ((0.0, 0.0), (new.at, 1.0))
        for detector in range(len(scenario.instrument.detectors)):
            yield Population(
                UNLEARNED[0],
                new.rate.value,
                snr.min,
                snr.max,
                snr.index,
                detector,
                modulation=Modulation(steps if new.at > 0.0 else ((0.0, 1.0),), ()),
            )


def _concerns(cls: str, classes: Classes | None) -> bool:
    return classes is None or cls in classes


def _modulation(profile: RateProfile | None) -> Modulation:
    if profile is None:
        return STEADY
    steps = tuple((step.at, step.factor) for step in profile.steps)
    return Modulation(steps, tuple(Cycle(c.period, c.amplitude, c.phase) for c in profile.cycles))


def _bursts(bursts: Bursts | None) -> arrivals.Bursts | None:
    return None if bursts is None else arrivals.Bursts(bursts.children, bursts.within, bursts.number)


def _storms(glitches: Glitches) -> arrivals.Storms | None:
    s = glitches.storms
    return None if s is None else arrivals.Storms(s.rate.value, s.mean.value, s.factor, s.joins)


def _version(path: Path) -> tuple[int, int] | None:
    """What changes when the file at `path` does."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size


@lru_cache(maxsize=2)
def _read(
    path: Path, version: tuple[int, int] | None, detectors: tuple[str, ...], origin_s: float | None
) -> NDArray[np.void]:
    """The file's events, read once for all replicas of a run; `version` tells two contents apart."""
    rows = eventfile.read(path, detectors, origin_s)
    rows.setflags(write=False)
    return rows
