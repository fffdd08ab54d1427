"""The workloads in Cimba, in a process of their own.

Cimba adds to numba's rules for records and has to be there before numba compiles anything; the kernel, in this
process, may have been compiled already. The other process compiles each model once and times its own runs.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib.util import find_spec
from multiprocessing import get_context

from benchmarks import et as _et
from benchmarks import mm8 as _mm8
from benchmarks import network as _network
from benchmarks.peers import Outcome, Run

if find_spec("cimba") is None:
    raise ModuleNotFoundError("No module named 'cimba'", name="cimba")


def mm8(work: _mm8.Work) -> Run:
    """M/M/8."""
    return lambda: _carry_out(_mm8.NAME, work)


def network(work: _network.Work) -> Run:
    """Two sites, three stations each."""
    return lambda: _carry_out(_network.NAME, work)


def et(work: _et.Work) -> Run:
    """Segments that fork and join."""
    return lambda: _carry_out(_et.NAME, work)


@cache
def _elsewhere() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"))


def _carry_out(name: str, work: object) -> Outcome:
    return _elsewhere().submit(_there, name, work).result()


def _there(name: str, work: object) -> Outcome:
    from benchmarks.peers.cimba_models import carry_out

    return carry_out(name, work)
