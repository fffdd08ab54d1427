"""What another inspiral in the data does to an early-warning search: the real program with one, and with both.

A search warns of one merger in a stride, and says when that will be. A signal is warned of where this is within
NEAR_S of its merger, and nearer to it than to the other one's. Alone or not, it is the same signal in the same
noise, so that what differs is the other one's doing. Knows no rate: how often another one is there is the sky's.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workloads import waveform
from workloads.premerger import examples, gathering, sources
from workloads.premerger.overlaps import MERGES_S, RATIOS, OverlapAhead
from workloads.premerger.window import noise
from workloads.spec import Program, Progress
from workloads.training import log_uniform
from workloads.waveform import Binary

TRIES = 8
"""Signals per time ahead and cell of a full measurement."""
NEAR_S = 8.0
"""A merger that is foretold further off is another one, or none: half a stride."""
SNR_HEARD = (12.0, 40.0)
"""Of signals in the data, log-uniform: most of them are warned of when they are alone."""
LOUDEST = 300.0
"""Neither signals nor others have a larger SNR in the end."""
Array = NDArray[np.float64]


class Pair(NamedTuple):
    """Strain (detector, sample) of a signal, and of another one that is as loud in the data: see `draw`."""

    signal: Array
    other: Array
    merges_s: float


def overlaps(
    program: Program, seed: int, progress: Progress = lambda done, text: None, tries: int = TRIES
) -> tuple[OverlapAhead, ...]:
    """How often an early-warning search warns of signals with another one in its data, in every cell.

    `tries` per cell and time ahead, of all classes. ValueError for what does not warn of mergers.
    """
    if program.workload.task != "early-warning":
        raise ValueError(f"{program.workload.name} does not warn of mergers")
    situations, ratios = tuple(pairwise(MERGES_S)), tuple(pairwise(RATIOS))
    counts = np.zeros((len(situations), len(ratios), len(examples.AHEAD_S), 3), np.int64)
    for k, merges_s in enumerate(situations):
        for j, ahead_s in enumerate(examples.AHEAD_S):
            done = (k + j / len(examples.AHEAD_S)) / len(situations)
            progress(done, f"{program.workload.name}: another inspiral, {ahead_s:g} s ahead")
            rng = np.random.default_rng([seed, k, j])
            for _ in range(tries):
                counts[k, :, j] += _tried(program, draw(ahead_s, merges_s, rng), ahead_s, rng)
    return tuple(
        OverlapAhead(merges_s, ratio, examples.AHEAD_S, (tries,) * len(examples.AHEAD_S), *_columns(counts[k, i]))
        for k, merges_s in enumerate(situations)
        for i, ratio in enumerate(ratios)
    )


def draw(ahead_s: float, merges_s: tuple[float, float], rng: np.random.Generator) -> Pair:
    """A signal `ahead_s` before its merger, and another one that merges within these times after the data end.

    Both are random binaries of classes that have something in the data then.
    """
    while True:
        other_s = float(rng.uniform(*merges_s))
        own, other = (sources.draw_binary(str(rng.choice(list(sources.CLASSES))), rng) for _ in range(2))
        share, other_share = _heard(own, ahead_s), _heard(other, other_s)
        snr = float(log_uniform(*SNR_HEARD, 1, rng)[0])
        if snr <= LOUDEST * share and RATIOS[-1] * snr <= LOUDEST * other_share:
            break
    signal, alike = (
        sources.strain(sources.spectrum(binary), waveform.draw_antenna(rng), snr / part, at_s)
        for binary, part, at_s in ((own, share, ahead_s), (other, other_share, other_s))
    )
    return Pair(signal, alike, other_s)


def _tried(program: Program, pair: Pair, ahead_s: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Per ratio, whether the signal is warned of alone, then too beside the other one, then only: (ratio, 3)."""
    quiet, luck = noise(1, rng)[0] + pair.signal, rng.random()
    alone = _warned(program, quiet, ahead_s, None)
    told = []
    for low, high in pairwise(RATIOS):
        beside = _warned(program, quiet + low * (high / low) ** luck * pair.other, ahead_s, pair.merges_s)
        told.append((alone, alone and beside, beside and not alone))
    return np.array(told, np.int64)


def _warned(program: Program, unit: Array, ahead_s: float, other_s: float | None) -> bool:
    """Whether the search warns of the merger `ahead_s` after the unit rather than of the other one."""
    out = program(unit[None])
    off_s = abs(float(out.merger_in_s[0]) - ahead_s)
    nearer = other_s is None or off_s < abs(float(out.merger_in_s[0]) - other_s)
    return bool(out.warned[0]) and off_s <= NEAR_S and nearer


def _heard(binary: Binary, ahead_s: float) -> float:
    chirp_msun = waveform.chirp_mass(binary.mass_1_msun, binary.mass_2_msun)
    return float(gathering.heard(np.array([ahead_s]), np.array([chirp_msun]))[0])


def _columns(counts: NDArray[np.int64]) -> list[tuple[int, ...]]:
    return [tuple(column) for column in counts.T.tolist()]
