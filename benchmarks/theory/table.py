"""All systems, what is simulated of each, and the rows that come out. Knows no formula and no printing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.theory import batching, breakdowns, networks, peer, priorities, sharing, single
from benchmarks.theory.statistics import Row, beside_exact, beside_peer
from benchmarks.theory.system import System, simulate
from benchmarks.work import Array

MEAN_FIELD_TOLERANCE = 0.03
"""Relative: theory's answer is for infinitely many queues, and misses that for n of them by something like 1/n."""


@dataclass(frozen=True)
class Effort:
    """Seeds and jobs per run, the kernel's and the peer's; chosen in advance and not for what came out."""

    seeds: range
    jobs: int
    peer_seeds: range
    peer_jobs: int


FULL = Effort(range(1000, 1040), 50_000, range(1000, 1030), 10_000)
SMALL = Effort(range(3), 3_000, range(3), 1_000)


@cache
def systems() -> Mapping[str, System]:
    """Every system with exact answers, by name."""
    modules = (single, priorities, breakdowns, batching, networks, sharing)
    every = [system for module in modules for system in module.systems()]
    return {system.name: system for system in every}


@cache
def asymptotic() -> Mapping[str, System]:
    """Systems whose answers hold in a limit only: they have a tolerance instead of a z."""
    every = [networks.mean_field(load) for load in (0.7, 0.9)]
    return {system.name: system for system in every}


def run(name: str, seeds: Sequence[int], jobs: int) -> Array:
    """What the kernel says about a system's quantities (seed, quantity)."""
    system = systems().get(name) or asymptotic()[name]
    return np.array([simulate(system, seed, jobs) for seed in seeds])


def run_peer(name: str, seeds: Sequence[int], jobs: int) -> Array:
    """What Ciw says about those it can measure (seed, quantity)."""
    return np.array([peer.simulate(peer.peers()[name], seed, jobs) for seed in seeds])


def comparisons() -> int:
    """How many z the whole table has."""
    return exact_comparisons() + peer_comparisons()


def exact_comparisons() -> int:
    """How many of them are with formulas."""
    return sum(len(system.quantities) for system in systems().values())


def peer_comparisons() -> int:
    """How many of them are with Ciw."""
    return sum(len(p.measures) for p in peer.peers().values())


def rows(name: str, runs: Array) -> list[Row]:
    """A row per quantity of a system, from (seed, quantity)."""
    system = systems().get(name) or asymptotic()[name]
    return [
        beside_exact(name, quantity.name, quantity.exact, quantity.source, runs[:, k])
        for k, quantity in enumerate(system.quantities)
    ]


def peer_rows(name: str, runs: Array, theirs: Array) -> list[Row]:
    """A row per quantity that both measured, from the kernel's and Ciw's (seed, quantity)."""
    names = [quantity.name for quantity in systems()[name].quantities]
    return [
        beside_peer(name, quantity, "Ciw", runs[:, names.index(quantity)], theirs[:, k])
        for k, quantity in enumerate(peer.peers()[name].measures)
    ]
