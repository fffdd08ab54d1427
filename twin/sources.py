"""The sky of a scenario as sources for workloads.sky: rates, profiles, bursts, storms, replayed events.

For the plan, and for checks that count events. Knows no stage, no site and no result.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from twin.schema_sky import Bursts, Classes, Glitches, RateProfile
from twin.schema_timeline import Storm
from twin.tree import ScenarioError
from workloads import arrivals, eventfile, sky
from workloads.modulation import STEADY, Cycle, Modulation
from workloads.sky import CLASSES, Boost, Population

if TYPE_CHECKING:
    from twin.scenario import Scenario


def events(scenario: Scenario, seed: int, replica: int) -> NDArray[np.void]:
    """What arrives in one replica, drawn and replayed, dtype workloads.sky.EVENT, sorted by time."""
    return sky.draw(populations(scenario), scenario.horizon, [seed, replica], replayed(scenario))


def expected(scenario: Scenario) -> float:
    """How many events are drawn in one replica on average; replayed ones not counted."""
    return sum(sky.expected(population, scenario.horizon) for population in populations(scenario))


def populations(scenario: Scenario) -> list[Population]:
    """The sky's sources: one per class of signal, one per class of glitch and detector."""
    sources = [
        Population(
            cls,
            p.rate.value,
            p.snr.min,
            p.snr.max,
            p.snr.index,
            modulation=_modulation(p.profile),
            bursts=_bursts(p.bursts),
        )
        for cls, p in scenario.sky.signals.items()
    ]
    if scenario.sky.glitches is not None:
        for cls, share in scenario.sky.glitches.mix.items():
            sources += _glitches(scenario, scenario.sky.glitches, cls, share)
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


def classes(scenario: Scenario) -> Iterator[tuple[str, float, float]]:
    """Every class that may arrive, with the least and the largest SNR that it may have."""
    for cls, population in scenario.sky.signals.items():
        yield cls, population.snr.min, population.snr.max
    if scenario.sky.glitches is not None:
        snr = scenario.sky.glitches.snr
        for cls in scenario.sky.glitches.mix:
            yield cls, snr.min, snr.max
    rows = replayed(scenario)
    if rows is not None:
        for number in np.unique(rows["cls"]).tolist():
            given = rows["snr"][rows["cls"] == number]
            yield CLASSES[number], float(given.min()), float(given.max())


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
