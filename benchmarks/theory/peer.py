"""The systems that Ciw can express too, simulated by it: an independent program's answers. Knows no formula.

Same rates, services and warm-up rule; chance is Ciw's own (it has one global generator, hence `ciw.seed`). Ciw has
no batches, forks, joins, shards, verdicts, retries with pauses or breakdowns that hit a server at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ciw
import numpy as np
import pandas as pd

from benchmarks.theory.system import END, WARM
from benchmarks.work import Array

Measure = Callable[[pd.DataFrame], float]
_ONE = ciw.dists.Exponential(1.0)


@dataclass(frozen=True)
class Peer:
    """A system of the table in Ciw: arguments of `ciw.create_network`, and how its quantities are measured."""

    system: str
    rate_hz: float
    network: Mapping[str, Any]
    measures: Mapping[str, Measure]
    simulation: Mapping[str, Any] = field(default_factory=dict)


def simulate(peer: Peer, seed: int, jobs: int) -> Array:
    """What one run of Ciw with about so many jobs says about each of `peer.measures`."""
    horizon_s = jobs / peer.rate_hz
    ciw.seed(seed)
    simulation = ciw.Simulation(ciw.create_network(**peer.network), **peer.simulation)
    simulation.simulate_until_max_time(horizon_s)
    records = pd.DataFrame(simulation.get_all_records())
    arrived_s = records.groupby("id_number")["arrival_date"].transform("min")
    window = records[(arrived_s >= WARM * horizon_s) & (arrived_s < END * horizon_s)]
    return np.array([measure(window) for measure in peer.measures.values()])


def peers() -> dict[str, Peer]:
    """All of them, by the name of the system."""
    known = [
        Peer("M/M/8 0.8", 6.4, _queue(6.4, _ONE, 8), {"mean time in system, s": _sojourn, "P(wait > 0)": _waits}),
        Peer(
            "M/D/4 0.8",
            3.2,
            _queue(3.2, ciw.dists.Deterministic(1.0), 4),
            {"mean time in system, s": _sojourn, "P(wait > 0)": _waits},
        ),
        Peer(
            "M/M/4/10 1.1",
            4.4,
            _queue(4.4, _ONE, 4, queue_capacities=[6]),
            {"fraction turned away": _ended("rejection"), "mean time in system, s": _sojourn},
        ),
        Peer(
            "M/M/8/8, nobody waits",
            6.4,
            _queue(6.4, _ONE, 8, queue_capacities=[0]),
            {"fraction lost": _ended("rejection")},
        ),
        Peer(
            "M/M/1+D 1.2",
            1.2,
            _queue(1.2, _ONE, 1, reneging_time_distributions=[ciw.dists.Deterministic(2.0)]),
            {"fraction gone": _ended("renege"), "mean wait of the served, s": _wait},
        ),
        Peer(
            "M/M/1 with feedback", 0.5, _queue(0.5, _ONE, 1, routing=[[0.3]]), {"mean time in system, s": _whole}
        ),
        _classes(
            "3 classes, head of line 0.8", (0.2, 0.3, 0.3), (_ONE, ciw.dists.Deterministic(1.0), _ONE), False
        ),
        _classes(
            "3 classes, interrupt and resume 0.8",
            (0.2, 0.3, 0.3),
            (_ONE, ciw.dists.Deterministic(1.0), _ONE),
            "resume",
        ),
        _classes("2 classes, interrupt and repeat", (0.2, 0.3), (_ONE, ciw.dists.Uniform(0.5, 1.5)), "restart"),
        _tandem(),
        _shared(),
    ]
    return {peer.system: peer for peer in known}


def _queue(rate_hz: float, service: Any, servers: int, **more: Any) -> dict[str, Any]:
    arrivals = [ciw.dists.Exponential(rate_hz)]
    return {
        "arrival_distributions": arrivals,
        "service_distributions": [service],
        "number_of_servers": [servers],
        **more,
    }


def _classes(system: str, rates: tuple[float, ...], services: tuple[Any, ...], preempt: str | bool) -> Peer:
    names = [f"class {k}" for k in range(len(rates))]
    network = {
        "arrival_distributions": {n: [ciw.dists.Exponential(r)] for n, r in zip(names, rates, strict=True)},
        "service_distributions": {n: [s] for n, s in zip(names, services, strict=True)},
        "number_of_servers": [1],
        "priority_classes": ({n: k for k, n in enumerate(names)}, [preempt]),
    }
    return Peer(system, sum(rates), network, {f"mean time of {n}, s": _sojourn_of(n) for n in names})


def _tandem() -> Peer:
    network = {
        "arrival_distributions": [ciw.dists.Exponential(1.4), None, None],
        "service_distributions": [ciw.dists.Exponential(1 / mean_s) for mean_s in (1.0, 2.0, 4.0)],
        "number_of_servers": [2, 4, 8],
        "routing": [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]],
    }
    measures: dict[str, Measure] = {f"mean time in stage {k}, s": _sojourn_at(k + 1) for k in range(3)}
    return Peer("tandem of M/M/2/4/8", 1.4, network, measures | {"mean time in all, s": _whole})


def _shared() -> Peer:
    sizes, rate_hz = {"0.5": 0.5, "2": 2.0}, 0.28
    network = {
        "arrival_distributions": {n: [ciw.dists.Exponential(rate_hz)] for n in sizes},
        "service_distributions": {n: [ciw.dists.Deterministic(size)] for n, size in sizes.items()},
        "number_of_servers": [float("inf")],
        "ps_thresholds": [1],
    }
    measures = {f"mean time of size {n}, s": _sojourn_of(n) for n in sizes}
    return Peer("PS link, two sizes 0.7", 2 * rate_hz, network, measures, {"node_class": ciw.PSNode})


def _served(records: pd.DataFrame) -> pd.DataFrame:
    return records[records["record_type"] == "service"]


def _sojourn(records: pd.DataFrame) -> float:
    served = _served(records)
    return float((served["exit_date"] - served["arrival_date"]).mean())


def _sojourn_of(name: str) -> Measure:
    return lambda records: _sojourn(records[records["customer_class"] == name])


def _sojourn_at(node: int) -> Measure:
    return lambda records: _sojourn(records[records["node"] == node])


def _whole(records: pd.DataFrame) -> float:
    visits = _served(records).groupby("id_number")
    return float((visits["exit_date"].max() - visits["arrival_date"].min()).mean())


def _wait(records: pd.DataFrame) -> float:
    served = _served(records)
    return float((served["service_start_date"] - served["arrival_date"]).mean())


def _waits(records: pd.DataFrame) -> float:
    served = _served(records)
    return float((served["service_start_date"] > served["arrival_date"]).mean())


def _ended(how: str) -> Measure:
    return lambda records: float((records["record_type"] == how).mean())
