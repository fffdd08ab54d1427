"""Rules about drifts and about when models are trained anew: triggers that exclude each other, or nothing pulls.

For twin.checks and the plan. Knows no profile: whether a model ages is found when its profile is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from twin.checks_graph import FLAGS
from twin.phrases import KEY, Finding, Location, unknown
from twin.schema_ageing import ONE_SIDED, Drift, Unknowns
from twin.schema_timeline import Retraining

if TYPE_CHECKING:
    from twin.scenario import Scenario

MOST_CHANGES = 100_000
"""Of one drift in one replica."""
TRIGGERS = ("every", "drift", "efficiency", "false_alarms", "guard", "glitch_class")
_LATER = (*TRIGGERS, "gate", "swap", "regains")
"""Keys that only a policy has."""


def policies(s: Scenario, stage: str) -> tuple[str, ...]:
    """Entries that retrain `stage`, when data drift or one of them is more than an outage at a set time."""
    own = {name: e for name, e in s.timeline.items() if isinstance(e, Retraining) and e.of == stage}
    more = any(_more(e) for e in own.values())
    return tuple(own) if s.drifts or more else ()


def fixed(entry: Retraining) -> tuple[float, float] | None:
    """When a retraining begins and how long it lasts, in s; None where that is not set."""
    if _more(entry) or entry.at is None or entry.lasts is None:
        return None
    return entry.at, entry.lasts


def _more(entry: Retraining) -> bool:
    return entry.lasts is None or any(getattr(entry, key) is not None for key in _LATER)


def _drifts(s: Scenario) -> Iterator[Finding]:
    for name, drift in s.drifts.items():
        here = ("drifts", name)
        if drift.amount == 0.0 and not drift.steps:
            yield (*here, KEY), "drifts nowhere: give 'amount' or 'steps', or leave it away"
        if drift.law == "random-walk" and drift.amount < 0.0:
            yield (*here, "amount"), f"{drift.amount:g}: a standard deviation is more than 0"
        if drift.amount != 0.0 and drift.every >= s.horizon:
            yield (*here, "every"), "the run is over before the data move: make it shorter than the horizon"
        if s.horizon / drift.every > MOST_CHANGES:
            message = f"makes the data change more than {MOST_CHANGES:,} times: make it longer"
            yield (*here, "every"), message
        for k, (before, step) in enumerate(pairwise(drift.steps), start=1):
            if step.at <= before.at:
                message = "is not later than the step before: write steps in order of time"
                yield (*here, "steps", k, "at"), message
        yield from _in_range(s, here, drift)
    if s.drifts and s.live:
        yield ("drifts", KEY), f"{', '.join(s.live)} would be executed on data that do not drift: leave 'live' out"


def _in_range(s: Scenario, here: Location, drift: Drift) -> Iterator[Finding]:
    """What is set has to be a drift that there can be, to the horizon."""
    from workloads import drift as known

    moved = 0.0 if drift.law == "random-walk" else drift.amount / drift.per
    times_s = [*(step.at for step in drift.steps if step.at < s.horizon), s.horizon]
    for at_s in times_s:
        amount = moved * at_s + sum(step.by for step in drift.steps if step.at <= at_s)
        if drift.of in ONE_SIDED:
            amount = max(amount, 0.0)
        try:
            known.Drift(**{drift.of: amount})
        except ValueError as error:
            yield (*here, "amount"), f"at {at_s / 86_400.0:.4g} d: {error}"
            return


def _retrainings(s: Scenario) -> Iterator[Finding]:
    for name, entry in s.timeline.items():
        if isinstance(entry, Retraining):
            yield from _retraining(s, ("timeline", name), entry)


def _retraining(s: Scenario, here: Location, entry: Retraining) -> Iterator[Finding]:
    given = [key for key in TRIGGERS if getattr(entry, key) is not None]
    if entry.at is None and not given:
        yield (*here, KEY), f"never starts: give 'at', or one of {', '.join(TRIGGERS)}"
    if len(given) > 1:
        yield (*here, given[1]), f"another trigger beside '{given[0]}': make them two entries"
    if entry.every is not None and entry.every <= (entry.lasts or 0.0) + (entry.gate.hold if entry.gate else 0.0):
        yield (*here, "every"), "begins again before the last training has been validated: make it longer"
    if entry.regains is not None and entry.lasts is None:
        message = "a refinement takes less than the training from scratch that a model card tells of: give 'lasts'"
        yield (*here, "regains"), message
    drifting = {drift.of for drift in s.drifts.values()}
    for kind in entry.drift or {}:
        if kind not in drifting:
            yield (*here, "drift", kind, KEY), f"nothing drifts in {kind}: say so in 'drifts', or leave it away"
    for key in ("efficiency", "false_alarms", "guard"):
        if getattr(entry, key) is not None and not s.drifts:
            yield (*here, key), "no model ages where no data drift: give 'drifts'"
    if entry.guard is not None:
        at = (*here, "guard", "stage")
        if entry.guard.stage not in s.stages:
            yield at, unknown("stage", entry.guard.stage, s.stages)
        elif s.stages[entry.guard.stage].role not in FLAGS:
            yield at, f"stage '{entry.guard.stage}' flags nothing: name one with 'role: guard' or 'role: flag'"
    if entry.glitch_class is not None:
        yield from _unknowns(s, (*here, "glitch_class"), entry.glitch_class)
    if entry.efficiency is not None:
        yield from _class(s, (*here, "efficiency", "cls"), entry.efficiency.cls)
    if entry.swap == "blue-green" and entry.of in s.stages and s.stages[entry.of].work is None:
        yield (*here, "of"), f"stage '{entry.of}' has a fixed time and no model: give it 'work'"


def _unknowns(s: Scenario, here: Location, watched: Unknowns) -> Iterator[Finding]:
    """A stage that names what it flags, counted often enough, and not too often, in a run."""
    if watched.stage not in s.stages:
        yield (*here, "stage"), unknown("stage", watched.stage, s.stages)
    elif s.stages[watched.stage].role != "flag":
        yield (*here, "stage"), f"stage '{watched.stage}' names no glitches: name one with 'role: flag'"
    if watched.window < watched.every:
        yield (*here, "window"), "is shorter than 'every': counts are not taken as finely"
    if s.horizon / watched.every > MOST_CHANGES:
        yield (*here, "every"), f"counts more than {MOST_CHANGES:,} times: make it longer"
    elif watched.every > s.horizon:
        yield (*here, "every"), "the run is over before anything is counted: make it shorter than the horizon"


def _class(s: Scenario, here: Location, cls: str) -> Iterator[Finding]:
    glitches = s.sky.glitches
    known = [*s.sky.signals, *(() if glitches is None else glitches.mix)]
    if cls not in known:
        yield here, unknown("class of the sky", cls, known)


RULES = (_drifts, _retrainings)
"""Every rule; a new one is a function in this list."""
