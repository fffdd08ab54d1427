"""Looks at signals ahead of their merger: what an early-warning search is asked, when, and how often it warns.

A look is an event of a class of its own, such as 'bns@60': 60 s before the merger of a binary neutron star. It has
the final SNR and the luck of its signal, so that a signal that is warned of once is warned of later as well. What
warns of mergers sees looks and nothing else; other searches and data quality do not see them. For the
planner and for who tells of alerts; knows no kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twin.plan import Decision
from workloads.sky import ARRIVING

if TYPE_CHECKING:
    from twin.scenario import Scenario
    from twin.schema_stages import Finds, Stage

WORKS = ("early-warning", "early-warning-filter")
"""Workloads that warn of mergers."""
MEASURED_S = (10.0, 30.0, 60.0, 120.0, 300.0)
"""Times before the merger at which these were measured (workloads.premerger.examples)."""
AHEAD_S = (10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0, 300.0)
"""Times of looks: those, and some between them."""
KINDS = ("bns", "nsbh", "light-bbh", "heavy-bbh")
"""Kinds of binaries with which they were (workloads.premerger.sources)."""
CHIRP_MASSES_MSUN = {"light-bbh": (4.35, 13.06), "heavy-bbh": (13.06, 29.6)}
"""Of binary black holes, in the detectors' frame: those of equal masses of 5, 15 and 34 solar masses."""
STRIDE_S = 16.0
"""How often they ask (workloads.premerger.window)."""
LOW_FREQUENCY_HZ = 5.0
"""From where on they search (workloads.premerger.window)."""
LOOKS = tuple(f"{kind}@{ahead_s:g}" for kind in KINDS for ahead_s in AHEAD_S)
"""Classes of looks; they are numbered after the sky's own classes."""
_BINS = 40
"""SNR bins between the least and the largest SNR that were measured, of equal width in its logarithm."""


def warns(scenario: Scenario) -> bool:
    """Whether any stage of the scenario warns of mergers."""
    return any(early(stage) for stage in scenario.stages.values())


def early(stage: Stage) -> bool:
    """Whether a stage warns of mergers: by what was measured, or by looks that are stated."""
    return measured(stage) or (stage.finds is not None and stage.finds.looks is not None)


def measured(stage: Stage) -> bool:
    """Whether a stage warns of mergers as a workload was measured to."""
    return stage.role == "trigger" and stage.work in WORKS


def with_looks(events: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """`events` (dtype workloads.sky.EVENT, by time) with all looks at them; and which event each is, or looks at.

    Looks before the beginning of the run are left away, and so are black holes whose masses are not known or
    were not measured.
    """
    kinds = kinds_of(events)
    parts, of = [events], [np.arange(events.size)]
    for kind in range(len(KINDS)):
        mine = np.flatnonzero(kinds == kind)
        for k, ahead_s in enumerate(AHEAD_S):
            looks = events[mine].copy()
            looks["time_s"] -= ahead_s
            looks["cls"] = len(ARRIVING) + kind * len(AHEAD_S) + k
            inside = looks["time_s"] >= 0.0
            parts.append(looks[inside])
            of.append(mine[inside])
    every, owner = np.concatenate(parts), np.concatenate(of)
    order = np.argsort(every["time_s"], kind="stable")
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    return every[order], place[owner[order]]


def renumbered(looks: NDArray[np.int64], kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """`looks` of the events that are `kept`, as numbers of those; they go together with their signal."""
    number = np.cumsum(kept) - 1
    return np.asarray(number[looks[kept]], np.int64)


def decision(quality: Mapping[str, Any]) -> Decision:
    """How a measured early-warning search decides on looks, (class, SNR bin): what is no look, it does not see.

    Between the SNRs and the times ahead that were measured, linear in their logarithms. Below the least SNR none
    is warned of; above the largest as many as there. Earlier than what was measured of a kind nothing is seen:
    too little has been gathered then. A stride with nothing that could be seen triggers as noise does.
    """
    warned = quality["warned"]
    points = sorted({float(snr) for kind in warned.values() for cells in kind.values() for snr in cells})
    middle = np.linspace(np.log(points[0]), np.log(points[-1]), 2 * _BINS + 1)
    edges = np.concatenate([[0.0], np.exp(middle[::2])])
    responses = np.full((len(ARRIVING) + len(LOOKS), edges.size), -1.0)
    for k, kind in enumerate(KINDS):
        cells = warned.get(kind, {})
        known = sorted(map(float, cells))
        rates = np.array([[_share(cells[f"{a:g}"][f"{snr:g}"]) for snr in points] for a in known])
        for j, ahead_s in enumerate(AHEAD_S):
            if known and known[0] <= ahead_s <= known[-1]:
                at = [np.interp(np.log(ahead_s), np.log(known), rate) for rate in rates.T]
                between = np.interp(middle[1::2], np.log(points), at)
                responses[len(ARRIVING) + k * len(AHEAD_S) + j] = [0.0, *between, at[-1]]
    responses[responses == 0.0] = -1.0
    return Decision(np.append(edges, np.inf), responses, float(quality["false_alarm_per_unit"]))


def stated(finds: Finds, noise: float) -> Decision:
    """How an early-warning search decides on looks of which it is stated from which SNR on it sees them.

    It reports `noise` of the strides in which there is nothing to see.
    """
    looks = finds.looks or ()
    edges = np.unique([0.0, *(look.min_snr for look in looks), np.inf])
    responses = np.full((len(ARRIVING) + len(LOOKS), edges.size - 1), -1.0)
    for look in looks:
        row = len(ARRIVING) + LOOKS.index(f"{look.of}@{look.ahead:g}")
        responses[row, edges[:-1] >= look.min_snr] = finds.share or -1.0
    return Decision(edges, responses, noise)


def blind(responses: NDArray[np.float64]) -> NDArray[np.float64]:
    """The `responses` (class, SNR bin) of a program that does not see looks, with rows for these."""
    return np.vstack([responses, np.full((len(LOOKS), responses.shape[1]), -1.0)])


def kinds_of(events: NDArray[np.void]) -> NDArray[np.int64]:
    """Which of KINDS each event is, -1 none."""
    kinds = np.full(events.size, -1)
    for cls in ("bns", "nsbh"):
        kinds[events["cls"] == ARRIVING.index(cls)] = KINDS.index(cls)
    if "chirp_mass_msun" in (events.dtype.names or ()):
        bbh, mass = events["cls"] == ARRIVING.index("bbh"), events["chirp_mass_msun"]
        for kind, (low, high) in CHIRP_MASSES_MSUN.items():
            kinds[bbh & (mass >= low) & (mass < high)] = KINDS.index(kind)
    return kinds


def _share(cell: Sequence[float]) -> float:
    """What was warned of, of a cell of [count, n, low, high]."""
    return cell[0] / cell[1]
