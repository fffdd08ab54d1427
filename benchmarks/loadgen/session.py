"""One session: profile blocks and LoadGen's scenarios taking turns on the same program. Knows no JSON file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.loadgen.capacity import predicted_per_s, search, taken_s, tempo
from benchmarks.loadgen.under_test import Array, UnderTest, latency_s
from workloads.occupancy import IDLE_EDGES_S
from workloads.profile import QUANTILES
from workloads.spec import Program

UNITS, SEED = 64, 80_021
BOUND_S = 0.020
"""Within which 99 % are to be done."""
LOAD = 0.7
"""Of the server, when our own client measures what a call takes it among arrivals and after idling."""
_LEAST = 30
"""Calls that the table of an idle class is made of; with fewer it is that of the class below."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """Seconds of a block and of a Server run, turns of SingleStream and Offline, searches, seeds of the twin."""

    block_s: float = 3.0
    rounds: int = 8
    run_s: float = 15.0
    searches: int = 3
    seeds: int = 20


QUICK = Effort(block_s=0.2, rounds=2, run_s=0.5, searches=1, seeds=3)


@dataclass
class Session:
    """What is asked of `program`, and the seconds of all timed calls of our own so far."""

    program: Program
    effort: Effort
    say: Say
    profile_s: list[float] = field(default_factory=list)
    open_loop_s: list[Array] = field(default_factory=list)
    """Spans (call, 2) of each block among arrivals."""
    idle_s: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._units = self.program.workload.units(UNITS, SEED)
        self._system = UnderTest(self.program, self._units)
        self.block()
        self.profile_s.clear()  # that was the warm-up

    def block(self) -> list[float]:
        """Calls of the program one by one for a block's time, as `ettwin measure` times them."""
        times: list[float] = []
        end_s = time.perf_counter() + self.effort.block_s
        while time.perf_counter() < end_s:
            k = len(times) % UNITS
            start_s = time.perf_counter()
            self.program(self._units[k : k + 1])
            times.append(time.perf_counter() - start_s)
        self.profile_s += times
        return times

    def among_arrivals(self) -> None:
        """Calls on the server's own thread while others arrive: what hand-over, arrivals and idling cost."""
        rng = np.random.default_rng([SEED, len(self.open_loop_s)])
        per_s = LOAD / float(np.mean(self.profile_s))
        spans_s, idle_s = self._system.open_loop(self.effort.block_s, per_s, rng)
        self.open_loop_s.append(spans_s)
        self.idle_s.append(idle_s)

    def closed_loop(self) -> dict[str, Any]:
        """SingleStream and Offline over our own blocks, round by round."""
        ratios: dict[str, list[float]] = {"p50": [], "p90": [], "throughput": []}
        streams, offline, queries = [], [], 0
        for k in range(self.effort.rounds):
            before = self.block()
            one = self._system.single_stream(self.effort.block_s)
            queries += len(self._system.spans_s)
            per_s = 1.0 / float(np.mean(before))
            all_at_once = float(self._system.offline(self.effort.block_s, per_s)["result_samples_per_second"])
            ours = before + self.block()
            stream = latency_s(one, 50), latency_s(one, 90)
            streams.append(stream)
            offline.append(all_at_once)
            ratios["p50"].append(stream[0] / float(np.quantile(ours, 0.5)))
            ratios["p90"].append(stream[1] / float(np.quantile(ours, 0.9)))
            ratios["throughput"].append(all_at_once * float(np.mean(ours)))
            self.say(f"round {k + 1} of {self.effort.rounds}: p50 {ratios['p50'][-1]:.3f} of the profile's")
        p50_s, p90_s = np.median(streams, axis=0)
        return {
            "single_stream": {
                "n": queries,
                "p50_ms": round(1e3 * float(p50_s), 4),
                "p90_ms": round(1e3 * float(p90_s), 4),
                "p50_over_profile": interval(ratios["p50"]),
                "p90_over_profile": interval(ratios["p90"]),
            },
            "offline": {
                "per_s": round(float(np.median(offline)), 2),
                "over_profile": interval(ratios["throughput"]),
            },
        }

    def server(self) -> dict[str, Any]:
        """Searches for the highest valid rate, the twin's prediction, and their ratio."""
        runs: list[dict[str, Any]] = []
        spans_s: list[Array] = []

        def valid(per_s: float, seed: int) -> bool:
            self.among_arrivals()
            told = self._system.server(self.effort.run_s, per_s, BOUND_S, seed)
            spans_s.append(self._system.spans_s)
            p99_s = latency_s(told, 99)
            run = {"per_s": round(per_s, 2), "n": len(self._system.spans_s), "p99_ms": round(1e3 * p99_s, 3)}
            runs.append(run | {"in_time": p99_s <= BOUND_S, "loadgen": told["result_validity"]})
            self.say(f"Server at {per_s:.1f}/s: p99 {1e3 * p99_s:.2f} ms, {told['result_validity']}")
            return p99_s <= BOUND_S

        most = 1.0 / float(np.mean(self.profile_s))
        found = [
            search(lambda rate, s=SEED + k: valid(rate, s), 0.6 * most, 0.9 * most)
            for k in range(self.effort.searches)
        ]
        measured = [(low + high) / 2 for low, high in found]
        factors, even = tempo(self.open_loop_s)
        own_factors, own_even = tempo(spans_s)
        return {
            "bound_ms": 1e3 * BOUND_S,
            "run_s": self.effort.run_s,
            "per_s": round(float(np.median(measured)), 2),
            "searches": [{"valid_per_s": round(low, 2), "invalid_per_s": round(high, 2)} for low, high in found],
            "twin": {
                "fed the profile": self._twin(table(self.profile_s), measured),
                "fed calls among arrivals": self._twin(self._idling(taken_s(self.open_loop_s)), measured),
                "fed calls among arrivals and their tempo": self._twin(
                    self._idling(np.concatenate(even)), measured, factors
                ),
                "fed the runs' own calls and their tempo": self._twin(
                    table(np.concatenate(own_even)), measured, own_factors
                ),
            },
            "service_mean_ms": {
                "profile": milliseconds(self.profile_s),
                "among arrivals": milliseconds(taken_s(self.open_loop_s)),
                "runs": milliseconds(taken_s(spans_s)),
            },
            "runs": runs,
        }

    def _idling(self, busy_s: Array) -> Array:
        """Inverse CDFs (idle class, 1, point) of `busy_s`, which calls among arrivals take (call,)."""
        idle_s = np.concatenate(self.idle_s)
        of_class = np.searchsorted(IDLE_EDGES_S, idle_s, side="left")
        tables = [table(busy_s)]
        for k in range(len(IDLE_EDGES_S) + 1):
            own = busy_s[of_class == k]
            tables.append(table(own) if own.size >= _LEAST else tables[-1])
        return np.stack(tables[1:])

    def _twin(
        self, service_s: Array, measured: Sequence[float], factors: Sequence[float] | Array = (1.0,)
    ) -> dict[str, Any]:
        """The twin's capacity with these inverse CDFs in this tempo, in runs as long as LoadGen's."""
        capacity = predicted_per_s(service_s, BOUND_S, self.effort.run_s, range(self.effort.seeds), factors)
        low, high = np.quantile(capacity, (0.025, 0.975))
        predicted = float(np.median(capacity))
        return {
            "per_s": round(predicted, 2),
            "per_s_of_95_percent_of_runs": [round(float(low), 2), round(float(high), 2)],
            "loadgen_over_twin": round(float(np.median(measured)) / predicted, 4),
        }


def table(samples_s: Sequence[float] | Array) -> Array:
    """The inverse CDF of `samples_s` as a profile holds it, shape (1, QUANTILES)."""
    return np.quantile(samples_s, np.linspace(0.0, 1.0, QUANTILES))[None]


def milliseconds(samples_s: Sequence[float] | Array) -> Mapping[str, Any]:
    """Their mean and number."""
    return {"mean": round(1e3 * float(np.mean(samples_s)), 4), "n": len(samples_s)}


def interval(ratios: Sequence[float]) -> Mapping[str, Any]:
    """The median of the rounds' ratios and its 95 % interval, by drawing the rounds again."""
    drawn = np.random.default_rng(SEED).choice(ratios, (2000, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return {
        "ratio": round(float(np.median(ratios)), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "rounds": len(ratios),
    }
