"""The workloads as Cimba models: a process per server, compiled by numba, over an engine in C. For in_cimba.

Times of arrival come from a trace. Service times are drawn inside, with the kernel's own generator: a table of one
time per job would be copied into every trial. Local names for constants, because compiled code sees no module.
"""

from __future__ import annotations

import time
from typing import Any

import cimba as cb
import numba
import numpy as np

from benchmarks import et as _et
from benchmarks import mm8 as _mm8
from benchmarks import network as _network
from benchmarks.peers import Outcome
from benchmarks.work import Array, exponential
from twin.kernel.chance import uniform

_MM8_TABLE = exponential(1.0)
_NETWORK_TABLES = np.array([exponential(m) for m in _network.MEAN_S])
_NETWORK_KEYS = np.array([[_network.key(a, k) for k in range(3)] for a in range(2)], np.uint64)
_ET_TABLES = tuple(np.array(rows) for rows in _et.TABLES)
_CONDITION_TABLE, _DQ_TABLE, _SEARCH_TABLES, _CANDIDATE_TABLE = _ET_TABLES
_CONDITION_KEY, _DQ_KEY, _SEARCH_KEY, _CANDIDATE_KEY = (np.uint64(k) for k in _et.KEYS)
_CONDITION_SHARDS, _DQ_SHARDS, _SEARCH_SHARDS, _ = _et.SHARDS
_MM8_KEY = np.uint64(_mm8.KEY)
_ET_CROSSING_S, _CROSSING_S, _MAX_BATCH = _et.CROSSING_S, _network.CROSSING_S, _et.MAX_BATCH


@numba.njit
def _drawn(key: Any, n: Any, table: Any) -> Any:
    """The service time of job `n`, as in twin.kernel.batches."""
    x = uniform(key, n) * (table.size - 1)
    i = int(x)
    return table[i] + (x - i) * (table[i + 1] - table[i])


class MM8(cb.Model):  # type: ignore[misc]
    """Eight servers at one store of job numbers."""

    gap: cb.Input[float]
    waiting: cb.Store[int]
    done: cb.Output[int]
    total_s: cb.Output[float]

    @cb.on_start
    def begin(self) -> None:
        """Nothing is done yet."""
        self.done = 0
        self.total_s = 0.0

    @cb.process
    def source(self) -> None:
        """Jobs come."""
        jobs = self.gap.remaining()
        for k in range(jobs):
            cb.hold(self.gap.next())
            self.waiting.put(k)

    @cb.process(copies=_mm8.SERVERS)
    def server(self) -> None:
        """Jobs are served."""
        while True:
            k = self.waiting.get()
            cb.hold(_drawn(_MM8_KEY, k, _MM8_TABLE))
            self.done += 1
            self.total_s += cb.now()


class Site(cb.Model):  # type: ignore[misc]
    """Three stations; a job is 2 n + the site it comes from. `load` counts who is, or will be, at the third."""

    number: cb.Param[int]
    gap: cb.Input[float]
    other: cb.Ref[Site]
    first: cb.Store[int]
    second: cb.Store[int]
    third: cb.Store[int]
    road: cb.Store[int]
    sent_s: cb.Array[float]
    load: int = 0
    done: cb.Output[int]
    total_s: cb.Output[float]

    @cb.on_start
    def begin(self) -> None:
        """Nothing is done yet."""
        self.done = 0
        self.total_s = 0.0

    @cb.process
    def source(self) -> None:
        """Jobs come."""
        jobs = self.gap.remaining()
        for n in range(jobs):
            cb.hold(self.gap.next())
            self.first.put(2 * n + self.number)

    @cb.process(copies=_network.SERVERS[0])
    def serve_first(self) -> None:
        """Jobs are served and go on."""
        while True:
            job = self.first.get()
            cb.hold(_drawn(_NETWORK_KEYS[self.number, 0], job // 2, _NETWORK_TABLES[0]))
            self.done += 1
            self.second.put(job)

    @cb.process(copies=_network.SERVERS[1])
    def serve_second(self) -> None:
        """Jobs are served and choose."""
        while True:
            job = self.second.get()
            cb.hold(_drawn(_NETWORK_KEYS[self.number, 1], job // 2, _NETWORK_TABLES[1]))
            self.done += 1
            if self.load <= self.other.load:
                self.load += 1
                self.third.put(job)
            else:
                self.other.load += 1
                self.sent_s[job // 2] = cb.now()
                self.road.put(job)

    @cb.process
    def cross(self) -> None:
        """Jobs reach the other site."""
        while True:
            job = self.road.get()
            cb.hold(self.sent_s[job // 2] + _CROSSING_S - cb.now())
            self.other.third.put(job)

    @cb.process(copies=_network.SERVERS[2])
    def serve_third(self) -> None:
        """Jobs are served and leave."""
        while True:
            job = self.third.get()
            cb.hold(_drawn(_NETWORK_KEYS[job % 2, 2], job // 2, _NETWORK_TABLES[2]))
            self.done += 1
            self.load -= 1
            self.total_s += cb.now()


class Network(cb.Model):  # type: ignore[misc]
    """Two sites."""

    north: Site
    south: Site


class ET(cb.Model):  # type: ignore[misc]
    """Segments that fork and join: stores hold shard numbers, arrays count how many shards have come.

    `waiting` counts those in `searching`: a store of numbers does not tell how many it holds.
    """

    segments: cb.Param[int]
    conditioning: cb.Store[int]
    checking: cb.Store[int]
    searching: cb.Store[int]
    publishing: cb.Store[int]
    out: cb.Store[int]
    joining: cb.Store[int]
    conditioned: cb.Array[int]
    checked: cb.Array[int]
    searched: cb.Array[int]
    branches: cb.Array[int]
    sent_s: cb.Array[float]
    waiting: int = 0
    done: cb.Output[int]
    total_s: cb.Output[float]

    @cb.on_start
    def begin(self) -> None:
        """Nothing is done yet."""
        self.done = 0
        self.total_s = 0.0

    @cb.process
    def source(self) -> None:
        """Segments come."""
        for k in range(self.segments):
            cb.hold(1.0)
            for i in range(_CONDITION_SHARDS):
                self.conditioning.put(k * _CONDITION_SHARDS + i)

    @cb.process(copies=_et.SERVERS[_et.CONDITION])
    def condition(self) -> None:
        """Shards are conditioned; their segment forks."""
        while True:
            n = self.conditioning.get()
            cb.hold(_drawn(_CONDITION_KEY, n, _CONDITION_TABLE[0]))
            self.done += 1
            k = n // _CONDITION_SHARDS
            self.conditioned[k] += 1
            if self.conditioned[k] == _CONDITION_SHARDS:
                for i in range(_DQ_SHARDS):
                    self.checking.put(k * _DQ_SHARDS + i)
                self.sent_s[k] = cb.now()
                self.out.put(k)

    @cb.process
    def cross(self) -> None:
        """Segments reach site B."""
        while True:
            k = self.out.get()
            cb.hold(self.sent_s[k] + _ET_CROSSING_S - cb.now())
            self.waiting += _SEARCH_SHARDS
            for i in range(_SEARCH_SHARDS):
                self.searching.put(k * _SEARCH_SHARDS + i)

    @cb.process(copies=_et.SERVERS[_et.DQ])
    def dq(self) -> None:
        """Shards are checked; their segment may join."""
        while True:
            n = self.checking.get()
            cb.hold(_drawn(_DQ_KEY, n, _DQ_TABLE[0]))
            self.done += 1
            k = n // _DQ_SHARDS
            self.checked[k] += 1
            if self.checked[k] == _DQ_SHARDS:
                self.branches[k] += 1
                if self.branches[k] == 2:
                    self.sent_s[k] = cb.now()
                    self.joining.put(k)

    @cb.process(copies=_et.SERVERS[_et.SEARCH])
    def search(self) -> None:
        """Shards are searched in batches; their segments may join."""
        batch = np.zeros(_MAX_BATCH, np.int64)
        while True:
            batch[0] = self.searching.get()
            n = 1
            while n < _MAX_BATCH and self.waiting > n:
                batch[n] = self.searching.get()
                n += 1
            self.waiting -= n
            cb.hold(_drawn(_SEARCH_KEY, batch[0], _SEARCH_TABLES[n - 1]))
            self.done += n
            for i in range(n):
                k = batch[i] // _SEARCH_SHARDS
                self.searched[k] += 1
                if self.searched[k] == _SEARCH_SHARDS:
                    self.branches[k] += 1
                    if self.branches[k] == 2:
                        self.publishing.put(k)

    @cb.process
    def join(self) -> None:
        """Segments whose check was last reach site B."""
        while True:
            k = self.joining.get()
            cb.hold(self.sent_s[k] + _ET_CROSSING_S - cb.now())
            self.publishing.put(k)

    @cb.process(copies=_et.SERVERS[_et.CANDIDATE])
    def candidate(self) -> None:
        """Segments end."""
        while True:
            k = self.publishing.get()
            cb.hold(_drawn(_CANDIDATE_KEY, k, _CANDIDATE_TABLE[0]))
            self.done += 1
            self.total_s += cb.now()


def _mm8_model(work: _mm8.Work) -> tuple[Any, list[Any]]:
    model = MM8()
    model.gap = _gaps(work.times_s)
    return model, [model]


def _network_model(work: _network.Work) -> tuple[Any, list[Any]]:
    model = Network()
    model.north, model.south = Site(), Site()
    sites = [model.north, model.south]
    for a, site in enumerate(sites):
        site.number, site.other = a, sites[1 - a]
        site.gap, site.sent_s = _gaps(work.times_s[a]), cb.Array(work.times_s[a].size)
    return model, sites


def _et_model(work: _et.Work) -> tuple[Any, list[Any]]:
    model = ET()
    model.segments = work.segments
    for name in ("conditioned", "checked", "searched", "branches", "sent_s"):
        setattr(model, name, cb.Array(work.segments))
    return model, [model]


def _gaps(times_s: Array) -> Any:
    return cb.inputs.trace(np.diff(times_s, prepend=0.0))


_MODELS = {_mm8.NAME: _mm8_model, _network.NAME: _network_model, _et.NAME: _et_model}
_PER_JOB = {w.NAME: w.PER_JOB for w in (_mm8, _network, _et)}


def carry_out(name: str, work: Any) -> Outcome:
    """Run workload `name` once on one core, setting up the model not counted."""
    model, parts = _MODELS[name](work)
    experiment = cb.Experiment(model)
    start_s = time.perf_counter()
    results = experiment.run(workers=1, on_failure="raise")
    wall_s = time.perf_counter() - start_s
    done = sum(int(results[part].done.values[0, 0]) for part in parts)
    total_s = sum(float(results[part].total_s.values[0, 0]) for part in parts)
    return Outcome(done, total_s / (work.completions // _PER_JOB[name]), wall_s)
