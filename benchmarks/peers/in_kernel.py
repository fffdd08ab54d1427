"""The workloads in ettwin's compiled kernel."""

from __future__ import annotations

import numpy as np

from benchmarks import et as _et
from benchmarks import mm8 as _mm8
from benchmarks import network as _network
from benchmarks.peers import Outcome, Run
from twin.engine import TwinEnvironment
from twin.plan import Plan


def mm8(work: _mm8.Work, trace: bool = False) -> Run:
    """M/M/8."""
    return _run(_mm8.plan(work), trace)


def network(work: _network.Work, trace: bool = False) -> Run:
    """Two sites, three stations each."""
    return _run(_network.plan(work), trace)


def et(work: _et.Work, trace: bool = False) -> Run:
    """Segments that fork and join."""
    return _run(_et.plan(work.segments), trace)


def _run(plan: Plan, trace: bool) -> Run:
    """A run; its mean departure is known only with a trace, which costs time."""

    def run() -> Outcome:
        environment = TwinEnvironment(plan, trace=trace)
        environment.run(until=plan.horizon_s)
        mean_s = float("nan")
        if trace:
            traced = environment.traced()
            last = np.flatnonzero(plan.stages["child_start"] == plan.stages["child_stop"])
            mean_s = float(traced["end_s"][np.isin(traced["stage"], last)].mean())
        return Outcome(int(environment.world.stages["done"].sum()), mean_s)

    return run
