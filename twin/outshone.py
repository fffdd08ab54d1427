"""Looks ahead of mergers with another inspiral in the data: which those are, and how often they are warned of.

Such a look is an event of a class of its own, one for each of its classes and cell of
`workloads.premerger.overlaps`; these are numbered after signals beside others. A search warns of one merger in a
stride: all looks in it see the same data. Nothing was measured with more than one other: the loudest counts that
is still to merge and searched for, as those hide a signal, else the loudest of all. For programs, the planner, and
who tells of inputs. Knows no kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin import beside, premerger, words
from twin.beside import AHEAD
from twin.plan import Array, Decision
from workloads.premerger.overlaps import CELLS, MERGES_S, RATIOS, SOUGHT_S, OverlapAhead, cell_of, pooled
from workloads.profile import Profile, ProfileError, command
from workloads.sky import ARRIVING

if TYPE_CHECKING:
    from twin.programs import Programs
    from twin.scenario import Scenario

_LOOKS = len(premerger.LOOKS)
_AT_ONCE = 1 << 20
"""Pairs of a stride and a signal in its data that are held in memory."""
Numbers = NDArray[np.int64]


class _Signals(NamedTuple):
    """Inspirals (signal,) by the time of their merger: their numbers as events, and what makes them loud."""

    number: Numbers
    time_s: Array
    snr: Array
    chirp_msun: Array


def marked(events: NDArray[np.void], looks: Numbers) -> NDArray[np.void]:
    """`events` (dtype workloads.sky.EVENT or DETAILED, by time) with the looks that have others in their data.

    `looks` (event,) says which event each is, or looks at. What is fainter in the data than was measured is taken
    not to be there, and neither are signals of kinds that nothing warns of.
    """
    ahead = np.flatnonzero(looks != np.arange(events.size))
    signals, changed = _signals(events), events.copy()
    strides, of = np.unique(np.floor(events["time_s"][ahead] / premerger.STRIDE_S), return_inverse=True)
    ends_s = (strides + 1.0) * premerger.STRIDE_S
    low, high = (np.searchsorted(signals.time_s, ends_s + edge) for edge in (MERGES_S[0], MERGES_S[-1]))
    parts = np.cumsum(high - low) // _AT_ONCE
    for part in np.unique(parts):
        inside = np.flatnonzero(parts == part)
        first, after = int(inside[0]), int(inside[-1]) + 1
        mine = slice(*np.searchsorted(of, (first, after)).tolist())
        own = np.searchsorted(signals.number, looks[ahead[mine]])
        cell = _cells(signals, ends_s[first:after], low[first:after], high[first:after], of[mine] - first, own)
        near = np.flatnonzero(cell >= 0)
        here = ahead[mine][near]
        changed["cls"][here] = AHEAD + cell[near] * _LOOKS + events["cls"][here] - len(ARRIVING)
    return changed


def widened(decision: Decision, profile: Profile | None = None) -> Decision:
    """`decision` with rows for looks with another one in their data; without a measured profile as if alone.

    Its rows reach up to those of signals beside others. What the other one makes a search miss is a factor on what
    it warns of alone, what it makes it warn of one on the rest. ProfileError where overlaps were measured in other
    cells than these.
    """
    measured = () if profile is None else profile.overlaps_ahead
    if profile is not None and measured and tuple((o.merges_s, o.ratio) for o in measured) != CELLS:
        again = command(profile.workload, "--overlaps", profile.hardware, profile.threads)
        raise ProfileError(f"overlaps of {profile.workload} were measured in other cells: run '{again}' again")
    alone = decision.responses[len(ARRIVING) : len(ARRIVING) + _LOOKS]
    rows = [alone] * len(CELLS)
    for k, one in enumerate(measured):
        kept, gained = (np.tile(share, len(premerger.KINDS))[:, None] for share in _shares(one))
        rows[k] = np.where(alone < 0.0, alone, alone * kept + (1.0 - alone) * gained)
    return replace(decision, responses=np.vstack([decision.responses, *rows]))


def told(scenario: Scenario, programs: Programs) -> Iterator[tuple[str, str, str, str]]:
    """Key, value, standing and source of what overlaps do to every search of a scenario that warns of mergers."""
    for use in programs.uses if beside.counted(scenario) else ():
        if use.stage in scenario.live or not premerger.measured(scenario.stages[use.stage]):
            continue
        key = f"overlaps at stages.{use.stage} on {use.pool} ({use.variant}: {use.profile.workload})"
        if not use.profile.overlaps_ahead:
            remedy = f"'ettwin measure {use.profile.workload} --overlaps' measures it"
            yield key, beside.ALONE, "assumed", remedy
            continue
        passport = use.profile.passport
        _, n = pooled(use.profile.overlaps_ahead)
        source = f"{passport['machine']}, {passport['date']}, n={n} warned of alone; one other each"
        yield key, _loss(use.profile.overlaps_ahead), str(passport["standing"]), source


def _loss(measured: Sequence[OverlapAhead]) -> str:
    """What is kept of those warned of alone, beside a louder and beside a fainter one that is still to merge."""
    parts = []
    for what, louder in (("louder", True), ("fainter", False)):
        sought = [o for o in measured if SOUGHT_S[0] <= o.merges_s[0] < SOUGHT_S[1]]
        kept, n = pooled([o for o in sought if (o.ratio[0] >= 1.0) == louder])
        share = words.share(kept / n) if n else "none tried"
        parts.append(f"{share} of those warned of alone beside a {what} one to merge")
    return ", ".join(parts)


def _signals(events: NDArray[np.void]) -> _Signals:
    """The inspirals among `events` of kinds that were measured."""
    from workloads.premerger.sources import typical
    from workloads.waveform import chirp_mass

    kinds = premerger.kinds_of(events)
    number = np.flatnonzero(kinds >= 0)
    binaries = [typical(kind) for kind in premerger.KINDS]
    usual = np.array([chirp_mass(b.mass_1_msun, b.mass_2_msun) for b in binaries])[kinds[number]]
    own = events[number]
    known = own["chirp_mass_msun"] if "chirp_mass_msun" in (events.dtype.names or ()) else usual
    chirp_msun = np.where(np.isfinite(known), known, usual)
    return _Signals(number, own["time_s"].copy(), own["snr"].copy(), chirp_msun)


def _cells(signals: _Signals, ends_s: Array, low: Numbers, high: Numbers, of: Numbers, own: Numbers) -> Numbers:
    """The cell of each look (look,), -1 none: in stride `of`, of signal `own`.

    The data of a stride (stride,) end at `ends_s`, and the signals from `low` up to `high` may be in them.
    """
    from workloads.premerger.gathering import heard

    counts = high - low
    stride = np.repeat(np.arange(ends_s.size), counts)
    signal = np.arange(stride.size) + np.repeat(low - (np.cumsum(counts) - counts), counts)
    merges_s = signals.time_s[signal] - ends_s[stride]
    loud = signals.snr[signal] * heard(merges_s, signals.chirp_msun[signal])
    own_loud = signals.snr[own] * heard(signals.time_s[own] - ends_s[of], signals.chirp_msun[own])
    sought = np.flatnonzero((merges_s >= SOUGHT_S[0]) & (merges_s < SOUGHT_S[1]))
    among = (np.arange(stride.size), sought)
    any_one, to_merge = (_loudest_other(stride[a], signal[a], loud[a], ends_s.size, of, own, a) for a in among)
    hides = (to_merge >= 0) & (loud[to_merge] >= RATIOS[0] * own_loud)
    other = np.where(hides, to_merge, any_one)
    there = np.flatnonzero((other >= 0) & (own_loud > 0.0))
    ratio = loud[other[there]] / own_loud[there]
    there, ratio = there[ratio >= RATIOS[0]], ratio[ratio >= RATIOS[0]]
    cell = np.full(of.size, -1)
    cell[there] = cell_of(merges_s[other[there]], ratio)
    return cell


def _loudest_other(
    stride: Numbers, signal: Numbers, loud: Array, strides: int, of: Numbers, own: Numbers, number: Numbers
) -> Numbers:
    """By look, the `number` of the pair (pair,) of the loudest signal in its stride but its own, -1 none."""
    order = np.lexsort((-loud, stride))
    first = np.searchsorted(stride[order], np.arange(strides))[of]
    padded, ended = np.append(order, [-1, -1]), np.append(stride[order], [-1, -1])
    top, second = (np.where(ended[first + k] == of, padded[first + k], -1) for k in (0, 1))
    mine = (top >= 0) & (np.append(signal, -1)[top] == own)
    found = np.where(mine, second, top)
    return np.where(found >= 0, np.append(number, -1)[found], -1)


def _shares(one: OverlapAhead) -> tuple[Array, Array]:
    """What is kept and gained (time,) at the times of looks: between measured ones, linear in their logarithm."""
    alone = np.array(one.alone)
    rest = np.array(one.n) - alone
    return _share(one, one.kept, alone, 1.0), _share(one, one.gained, rest, 0.0)


def _share(one: OverlapAhead, count: Sequence[int], of: Numbers, unknown: float) -> Array:
    """`count` over `of` at the times of looks; at times at which there are none, as at all times together."""
    whole = sum(count) / of.sum() if of.any() else unknown
    measured = np.divide(count, of, out=np.full(of.size, whole), where=of > 0)
    return np.asarray(np.interp(np.log(premerger.AHEAD_S), np.log(one.ahead_s), measured))
