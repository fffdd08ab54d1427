"""Signals that another one merges close to: which those are, and how searches find them, as it was measured.

Such a signal is an event of a class of its own, one for each of its classes and cell of `workloads.overlaps`;
these are numbered after looks ahead of mergers. Where several others are close, the loudest in the same second
counts, else the one nearest in time: nothing was measured with more than one. For programs, the planner, and who
tells what became of signals. Knows no kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twin import premerger, words
from twin.plan import Array, Decision
from workloads.overlaps import CELLS, REACH_S, cell_of
from workloads.profile import Overlap, Profile, ProfileError, command, pooled
from workloads.sky import ARRIVING, EVERY_SIGNAL

if TYPE_CHECKING:
    from twin.programs import Programs
    from twin.scenario import Scenario

FIRST = len(ARRIVING) + len(premerger.LOOKS)
"""Number of the first class of signals beside others."""
AHEAD = FIRST + len(CELLS) * len(EVERY_SIGNAL)
"""Number of the first class of looks with another inspiral in the data: see twin.outshone."""
_SIGNALS = np.array([ARRIVING.index(cls) for cls in EVERY_SIGNAL])
ALONE = "each signal is found as if it were alone"
Numbers = NDArray[np.int64]


def counted(scenario: Scenario) -> bool:
    """Whether overlaps decide who is found in this scenario."""
    return scenario.sky.overlaps is not None


def marked(events: NDArray[np.void], segment: Numbers) -> NDArray[np.void]:
    """`events` (dtype workloads.sky.EVENT, by time; in these segments of a second) with signals beside others."""
    own = np.flatnonzero(np.isin(events["cls"], _SIGNALS))
    signals = events[own]
    other, same = _others(signals["time_s"], signals["snr"], segment[own])
    near = np.flatnonzero(other >= 0)
    after_s = signals["time_s"][other[near]] - signals["time_s"][near]
    cell = cell_of(same[near], after_s, signals["snr"][other[near]] / signals["snr"][near])
    kind = np.searchsorted(_SIGNALS, signals["cls"][near])
    changed = events.copy()
    changed["cls"][own[near]] = FIRST + cell * _SIGNALS.size + kind
    return changed


def plain(cls: NDArray[Any]) -> Numbers:
    """Classes (event,) without what is close by: of signals beside others those of the sky, of looks likewise."""
    numbers = np.asarray(cls, np.int64)
    signals = _SIGNALS[(numbers - FIRST) % _SIGNALS.size]
    looks = len(ARRIVING) + (numbers - AHEAD) % len(premerger.LOOKS)
    return np.where(numbers < FIRST, numbers, np.where(numbers < AHEAD, signals, looks))


def cells(cls: NDArray[Any]) -> NDArray[Any]:
    """What is close to events of these classes (event,), in words; '' where nothing is, and for looks."""
    texts = np.array(["", *map(str, CELLS), ""], dtype=object)
    return texts[np.clip((np.asarray(cls, np.int64) - FIRST) // _SIGNALS.size + 1, 0, len(CELLS) + 1)]


def widened(decision: Decision, profile: Profile | None = None) -> Decision:
    """`decision` with rows for looks ahead and for signals beside others; without a measured profile as if alone.

    ProfileError where overlaps were measured in other cells than these.
    """
    rows = decision.responses
    if rows.shape[0] < FIRST:
        rows = premerger.blind(rows)
    wider = np.vstack([rows, np.zeros((len(CELLS) * _SIGNALS.size, rows.shape[1]))])
    return replace(decision, responses=filled(wider, decision.edges, profile))


def filled(table: Array, edges: Array, profile: Profile | None) -> Array:
    """`table` (class, SNR bin) with the rows of signals beside others made from those of the same signals alone.

    What an overlap makes a search miss is a factor on what it finds alone, what it makes it find one on the rest.
    """
    measured = () if profile is None else profile.overlaps
    if profile is not None and measured and tuple((o.same, o.after_s, o.ratio) for o in measured) != CELLS:
        again = command(profile.workload, "--overlaps", profile.hardware, profile.threads)
        raise ProfileError(f"overlaps of {profile.workload} were measured in other cells: run '{again}' again")
    alone, table = table[_SIGNALS], table.copy()
    beside = [alone] * len(CELLS)
    for k, one in enumerate(measured):
        kept, gained = _shares(one, edges)
        beside[k] = np.where(alone < 0.0, alone, alone * kept + (1.0 - alone) * gained)
    table[FIRST:AHEAD] = np.vstack(beside)
    return table


def told(scenario: Scenario, programs: Programs) -> Iterator[tuple[str, str, str, str]]:
    """Key, value, standing and source of what overlaps do to every search of a scenario in which they count."""
    searches = [use for use in programs.uses if use.stage not in scenario.live]
    for use in searches if counted(scenario) else ():
        stage = scenario.stages[use.stage]
        if use.program.decision is None or stage.role != "trigger" or premerger.measured(stage):
            continue
        key = f"overlaps at stages.{use.stage} on {use.pool} ({use.variant}: {use.profile.workload})"
        if not use.profile.overlaps:
            remedy = f"'ettwin measure {use.profile.workload} --overlaps' measures it"
            yield key, ALONE, "assumed", remedy
            continue
        passport = use.profile.passport
        n = sum(sum(o.kept.n) for o in use.profile.overlaps)
        source = f"{passport['machine']}, {passport['date']}, n={n} found alone; black holes, one other each"
        yield key, _loss(use.profile.overlaps), str(passport["standing"]), source
    if counted(scenario):
        yield "overlaps at stages that flag", "signals are judged as if they were alone", "assumed", "not measured"


def _loss(measured: Sequence[Overlap]) -> str:
    """What is kept of those found alone: beside a louder one in the same second, and beside any in another."""
    parts = []
    for what, some in (
        ("beside a louder one in the same second", [o for o in measured if o.same and o.ratio[0] >= 1.0]),
        ("beside one in another second", [o for o in measured if not o.same]),
    ):
        (kept, _) = pooled(some)
        parts.append(f"{words.share(kept.count[0] / kept.n[0])} of those found alone {what}")
    return ", ".join(parts)


def _others(time_s: Array, snr: Array, segment: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Which other signal counts for each (signal,), -1 none, and whether it merges in the same second."""
    n = time_s.size
    first, last = (np.searchsorted(segment, segment, side=side) for side in ("left", "right"))
    same = last - first > 1
    loudest = np.lexsort((-snr, segment))  # within each second the loudest one first
    other = np.full(n, -1)
    top, second = loudest[first], loudest[np.minimum(first + 1, max(n - 1, 0))]
    other[same] = np.where(top == np.arange(n), second, top)[same]
    gap_s = np.diff(time_s)
    before_s, after_s = np.append(np.inf, gap_s), np.append(gap_s, np.inf)
    alone = ~same & (np.minimum(before_s, after_s) < REACH_S)
    other[alone] = (np.arange(n) + np.where(after_s <= before_s, 1, -1))[alone]
    return other, same


def _shares(one: Overlap, edges: Array) -> tuple[Array, Array]:
    """What is kept and gained (SNR bin,) between `edges`: as in the measured bin that holds each one's middle."""
    low, high = edges[:-1], edges[1:]
    middle = np.where(np.isfinite(high), np.sqrt(low * np.where(np.isfinite(high), high, low)), low)
    bins = np.clip(np.searchsorted(one.snr_edges, middle, side="right") - 1, 0, len(one.snr_edges) - 2)
    kept, gained = (
        np.divide(part.count, part.n, out=np.full(len(part.n), empty), where=np.array(part.n) > 0)
        for part, empty in ((one.kept, 1.0), (one.gained, 0.0))
    )
    return np.asarray(kept[bins]), np.asarray(gained[bins])
