"""What another signal that merges close by does to a search: the real program on strain with one, and with both.

A signal is found where the second that holds its merger triggers no further than NEAR_S from the merger, and
nearer to it than to the other one's: a search gives one trigger for a second, which belongs to one of them. Alone
or not, it is the same signal in the same noise, so that what differs is the other one's doing. Knows no rate: how
often signals are so close is the sky's.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workloads import decisions
from workloads.overlaps import RATIOS, REACH_S, SITUATIONS
from workloads.profile import Overlap, Response
from workloads.sky import SIGNALS, power_law
from workloads.spec import SEGMENT_S, Program, Progress
from workloads.strain import Injection
from workloads.waveform import DURATION_S

SNR_EDGES = (6.0, 10.0, 16.0, 48.0)
"""Bins of the signal's SNR, log-uniform in each; beyond them what holds in the nearest one is taken."""
NEAR_S = 0.1
"""A trigger further from the merger is not the signal's: an echo in a template of other masses, or noise."""
EVENTS = 40
"""Signals per SNR bin and situation of a full measurement."""
_SPACING_S = DURATION_S + 2 * REACH_S
"""From one signal to the next: neither they nor those beside them reach into each other's windows."""


class Tries(NamedTuple):
    """Signals (n,): SNR, merger after the start of their second, time from it to the other's in s, and luck."""

    snr: NDArray[np.float64]
    offset_s: NDArray[np.float64]
    after_s: NDArray[np.float64]
    luck: NDArray[np.float64]


def overlaps(
    program: Program, seed: int, progress: Progress = lambda done, text: None, events: int = EVENTS
) -> tuple[Overlap, ...]:
    """How often a search finds signals with another one close by, in every cell: `events` per SNR bin and cell.

    Both are binary black holes, as `workloads.waveform` draws them. ValueError for what is no search.
    """
    if program.workload.outcome != "trigger":
        raise ValueError(f"{program.workload.name} looks for no signals: overlaps are measured of searches")
    found = []
    for k, (same, after_s) in enumerate(SITUATIONS):
        tries = draw(same, after_s, events, np.random.default_rng([seed, k]))
        alone = _found(program, tries, None, seed + k)
        for j, (low, high) in enumerate(pairwise(RATIOS)):
            done = (k + j / (len(RATIOS) - 1)) / len(SITUATIONS)
            progress(done, f"{program.workload.name}: another signal {after_s[0]:g} to {after_s[1]:g} s away")
            other_snr = tries.snr * low * (high / low) ** tries.luck
            both = _found(program, tries, other_snr, seed + k)
            counts = _counted(both, alone), _counted(both, ~alone)
            found.append(Overlap(same, after_s, (low, high), SNR_EDGES, *counts))
    return tuple(found)


def draw(same: bool, after_s: tuple[float, float], events: int, rng: np.random.Generator) -> Tries:
    """`events` signals per SNR bin, and when another one merges: `after_s` later, in the same second or another.

    All times are as likely as they are in a sky at random; in the same second the other one may as well be
    earlier.
    """
    low, high = after_s
    n = events * (len(SNR_EDGES) - 1)
    snr = np.concatenate([power_law(rng.random(events), a, b, -1.0) for a, b in pairwise(SNR_EDGES)])
    offset_s, later_s = np.zeros(0), np.zeros(0)
    while offset_s.size < n:
        u, d = SEGMENT_S * rng.random(n), rng.uniform(low, high, n)
        d = d * np.where(rng.random(n) < 0.5, -1.0, 1.0) if same else d
        kept = ((u + d >= 0.0) & (u + d < SEGMENT_S)) == same
        offset_s, later_s = np.append(offset_s, u[kept]), np.append(later_s, d[kept])
    return Tries(snr, offset_s[:n], later_s[:n], rng.random(n))


def _found(program: Program, tries: Tries, other_snr: NDArray[np.float64] | None, seed: int) -> NDArray[np.bool_]:
    """Which of the signals (n,) are found, alone or beside others of these SNRs (n,)."""
    n = tries.snr.size
    starts_s = _SPACING_S * np.arange(1, n + 1)
    merger_s = starts_s + tries.offset_s
    signals = enumerate(zip(merger_s, tries.snr, strict=True))
    events = [Injection(float(t), SIGNALS[0], float(s), -1, i) for i, (t, s) in signals]
    other_s = merger_s + tries.after_s
    if other_snr is not None:
        beside = enumerate(zip(other_s, other_snr, strict=True), start=n)
        events += [Injection(float(t), SIGNALS[0], float(s), -1, i) for i, (t, s) in beside]
    out = decisions.outputs(program, decisions.strain_of(program, seed, events), np.asarray(starts_s, np.float64))
    said_s = starts_s + out.time_offset_s
    found: NDArray[np.bool_] = out.outcome & (np.abs(said_s - merger_s) <= NEAR_S)
    if other_snr is not None:
        found &= np.abs(said_s - merger_s) < np.abs(said_s - other_s)
    return found


def _counted(found: NDArray[np.bool_], among: NDArray[np.bool_]) -> Response:
    """How many are `found` of those `among` which they are counted, per SNR bin."""
    bins = len(SNR_EDGES) - 1
    n, count = (x.reshape(bins, -1).sum(axis=1).tolist() for x in (among, found & among))
    return Response(tuple(n), tuple(count))
