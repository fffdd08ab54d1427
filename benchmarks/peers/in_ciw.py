"""The workloads in Ciw: a node per pool, an infinite one for who is on the way. Ciw has no fork, join or batch."""

from __future__ import annotations

from typing import Any

import ciw
import numpy as np

from benchmarks import et as _et
from benchmarks import mm8 as _mm8
from benchmarks import network as _network
from benchmarks.peers import CannotExpressError, Outcome, Run
from benchmarks.work import Array


class _Given(ciw.dists.Distribution):  # type: ignore[misc]
    """The service times in s of customers 1, 2, …"""

    def __init__(self, service_s: Array) -> None:
        self.service_s = service_s.tolist()

    def sample(self, t: float | None = None, ind: Any = None) -> float:
        """That of customer `ind`."""
        return float(self.service_s[ind.id_number - 1])


def mm8(work: _mm8.Work) -> Run:
    """M/M/8."""

    def network() -> Any:
        return ciw.create_network(
            arrival_distributions=[_gaps(work.times_s)],
            service_distributions=[_Given(work.service_s)],
            number_of_servers=[_mm8.SERVERS],
        )

    return _run(network, work.times_s.size, _mm8.PER_JOB)


class _LessLoaded(ciw.routing.NodeRouting):  # type: ignore[misc]
    """To node `own` or, through `transit`, to node `other`; `back` leads to `own`."""

    def __init__(self, own: int, back: int, other: int, transit: int) -> None:
        self.own, self.back, self.other, self.transit = own, back, other, transit

    def next_node(self, ind: Any) -> Any:
        """The node with fewer customers, who are on the way to it included."""
        nodes = self.simulation.nodes
        here = nodes[self.own].number_of_individuals + nodes[self.back].number_of_individuals
        there = nodes[self.other].number_of_individuals + nodes[self.transit].number_of_individuals
        return nodes[self.own if here <= there else self.transit]


def network(work: _network.Work) -> Run:
    """Two sites, three stations each: nodes 1-3 and 4-6; 7 on the way to the south, 8 to the north."""
    order = np.argsort(np.concatenate(work.times_s))  # Ciw numbers customers as they come
    n = work.times_s[0].size
    stations = []
    for k in range(3):
        both = np.concatenate([work.service_s[0][k], work.service_s[1][k]])
        stations.append(both[order])

    def network() -> Any:
        direct, leave = ciw.routing.Direct, ciw.routing.Leave()
        crossing = ciw.dists.Deterministic(_network.CROSSING_S)
        none = [None, None]
        north = [direct(2), _LessLoaded(3, 8, 6, 7), leave]
        south = [direct(5), _LessLoaded(6, 7, 3, 8), leave]
        return ciw.create_network(
            arrival_distributions=[_gaps(work.times_s[0]), *none, _gaps(work.times_s[1]), *none, *none],
            service_distributions=[*map(_Given, stations), *map(_Given, stations), crossing, crossing],
            number_of_servers=[*_network.SERVERS, *_network.SERVERS, float("inf"), float("inf")],
            routing=ciw.routing.NetworkRouting([*north, *south, direct(6), direct(3)]),
        )

    return _run(network, 2 * n, _network.PER_JOB)


def et(work: _et.Work) -> Run:
    """Not to be said."""
    raise CannotExpressError("Ciw has neither fork and join nor service in batches")


def _gaps(times_s: Array) -> Any:
    """Arrivals at these times and never again."""
    return ciw.dists.Sequential([*np.diff(times_s, prepend=0.0).tolist(), float("inf")])


def _run(network: Any, customers: int, per_customer: int) -> Run:
    def run() -> Outcome:
        simulation = ciw.Simulation(network())
        simulation.simulate_until_max_customers(customers, method="Finish")
        ends = [c.data_records[-1].exit_date for c in simulation.nodes[-1].all_individuals]
        return Outcome(per_customer * len(ends), float(np.mean(ends)))

    return run
