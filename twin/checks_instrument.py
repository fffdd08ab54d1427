"""Rules about the instrument and what stages take from it: detectors, versions in order, strides that fit.

For twin.checks, where every rule is listed. Knows no file and no profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import isclose
from typing import TYPE_CHECKING

from twin.checks_graph import sources_of, stride_of, work_of
from twin.phrases import KEY, Finding, unknown
from twin.units import DURATION

if TYPE_CHECKING:
    from twin.scenario import Scenario


def _observing(s: Scenario) -> Iterator[Finding]:
    """Maintenance that never ends, or that one detector would still be in when it is another's turn."""
    maintenance, n = s.instrument.maintenance, len(s.instrument.detectors)
    if maintenance is None:
        return
    turn_s = maintenance.every / (n if maintenance.rotating else 1)
    if maintenance.lasts >= turn_s:
        of = f"the {DURATION.format(turn_s)} that each of {n} detectors has" if maintenance.rotating else "'every'"
        yield ("instrument", "maintenance", "lasts"), f"must be less than {of}"


def _versions(s: Scenario) -> Iterator[Finding]:
    """Versions of the calibration come one after the other, each with a name of its own."""
    versions = s.instrument.calibration_versions or ()
    here = ("instrument", "calibration_versions")
    for k, (before, version) in enumerate(pairwise(versions), start=1):
        if version.at <= before.at:
            yield (*here, k, "at"), "is not later than the version before: write versions in order of time"
    names = [version.name for version in versions]
    for k, name in enumerate(names):
        if name in names[:k]:
            yield (*here, k, "name"), f"'{name}' is the name of an earlier version: give it another one"


def _strides(s: Scenario) -> Iterator[Finding]:
    """Strides are whole numbers of segments, given where segments come in, and the same where branches meet."""
    unit_s = s.instrument.stride
    for name, stage in s.stages.items():
        here = ("stages", name, "stride")
        first = sources_of(s.stages, name)
        if stage.stride is not None and stage.after and first:
            yield here, f"segments come in at {' and '.join(first)}: give it there"
        elif stage.stride is not None and not stage.after:
            whole = round(stage.stride / unit_s)
            if whole < 1 or not isclose(whole * unit_s, stage.stride, rel_tol=1e-9):
                yield here, f"must be a multiple of the instrument's stride, {DURATION.format(unit_s)}"
            elif stage.stride > s.horizon:
                yield here, f"is longer than the horizon, {DURATION.format(s.horizon)}: it would never come"
        strides = {up: stride_of(s, up) for up in first}
        if len(set(strides.values())) > 1:
            told = ", ".join(f"{DURATION.format(stride)} from '{up}'" for up, stride in strides.items())
            yield ("stages", name, "after"), f"what meets must come in one stride: {told}"


def _data(s: Scenario) -> Iterator[Finding]:
    """Auxiliary channels exist, in as many groups as are worked on, and go to stages that work on segments."""
    auxiliary = s.instrument.auxiliary
    for name, stage in s.stages.items():
        here = ("stages", name, "data")
        groups = stage.shards.channel_groups
        if stage.data != "auxiliary":
            continue
        if auxiliary is None:
            yield here, "the instrument has no auxiliary channels: give 'instrument.auxiliary'"
        elif work_of(s.stages, name) == "candidate":
            yield here, f"segments of channels are moved, but '{name}' comes after a trigger: give 'payload'"
        elif groups is not None and groups != auxiliary.groups:
            yield ("stages", name, "shards"), f"{groups} groups; the instrument has {auxiliary.groups}"
    if auxiliary is not None and all(stage.data != "auxiliary" for stage in s.stages.values()):
        yield ("instrument", "auxiliary", KEY), "no stage takes it: give a stage 'data: auxiliary'"


def _warnings(s: Scenario) -> Iterator[Finding]:
    """Early warnings are asked for of signals that come, where something warns, and from where it was measured."""
    from twin.premerger import WORKS, warns

    wanted = s.targets.warning
    if wanted is not None and wanted.of not in s.sky.signals:
        yield ("targets", "warning", "of"), unknown("class of signal of the sky", wanted.of, s.sky.signals)
    if wanted is not None and not warns(s):
        told = " or ".join(f"'{work}'" for work in WORKS)
        told = f"nothing warns: give a stage 'role: trigger' and 'work' {told}, or 'finds' with 'looks'"
        yield ("targets", "warning", KEY), told


def _edge(s: Scenario) -> Iterator[Finding]:
    """One low-frequency edge for all, and for early warning the one that it was measured with."""
    from twin.premerger import LOW_FREQUENCY_HZ, measured

    here, low = ("instrument", "low_frequency"), s.instrument.low_frequency
    warns = any(measured(stage) for stage in s.stages.values())
    drawn = {name: signals.population for name, signals in s.sky.signals.items()}
    edges = {name: p.low_frequency.value for name, p in drawn.items() if p is not None}
    if low is not None and not edges and not warns:
        yield here, "nothing hangs on it: no signal has a 'population', and no workload warns of mergers"
    for name, edge in edges.items():
        if low is not None and edge != low:
            told = f"{edge:g} Hz; the instrument's is {low:g} Hz"
            yield ("sky", "signals", name, "population", "low_frequency"), told
        elif warns and edge != LOW_FREQUENCY_HZ:
            told = f"{edge:g} Hz; early warning was measured on strain from {LOW_FREQUENCY_HZ:g} Hz on"
            yield ("sky", "signals", name, "population", "low_frequency"), told
    if low is not None and warns and low != LOW_FREQUENCY_HZ:
        yield here, f"{low:g} Hz; early warning was measured on strain from {LOW_FREQUENCY_HZ:g} Hz on"


RULES = (_observing, _versions, _strides, _data, _warnings, _edge)
"""Every rule on the instrument."""
