"""The workloads in SimGrid: C++ programs with an actor per job, compiled here, run in a process of their own.

The programs are in benchmarks/simgrid and get their numbers in a file. They time themselves: starting the process
and reading the file is not counted.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks import et as _et
from benchmarks import mm8 as _mm8
from benchmarks import network as _network
from benchmarks.peers import Outcome, Run

_SOURCES = Path(__file__).parents[1] / "simgrid"
_OPTIONS = ("--log=root.thres:error", "--cfg=contexts/stack-size:32", "--cfg=contexts/guard-size:0")


def missing() -> str:
    """What has to be installed first; '' when nothing has."""
    if which("g++") is None:
        return "no C++ compiler: g++ is not installed"
    try:
        _program(_mm8.NAME)
    except subprocess.CalledProcessError as error:
        return f"SimGrid's headers or library are not installed (libsimgrid-dev): {error.stderr.splitlines()[0]}"
    return ""


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="ettwin-simgrid-")


@cache
def _program(name: str) -> str:
    """The compiled program."""
    target = str(Path(_folder().name) / name)
    command = ["g++", "-std=c++17", "-O2", "-o", target, str(_SOURCES / f"{name}.cpp"), "-lsimgrid"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return target


def version() -> str | None:
    """SimGrid's."""
    said = subprocess.run([_program(_mm8.NAME), "--version"], capture_output=True, text=True).stdout
    found = re.search(r"version (\S+)", said)
    return found.group(1).rstrip(".") if found else None


def mm8(work: _mm8.Work) -> Run:
    """M/M/8."""
    return _run(_mm8.NAME, [work.times_s.size, _mm8.SERVERS], work.times_s, work.service_s)


def network(work: _network.Work) -> Run:
    """Two sites, three stations each."""
    n = work.times_s[0].size
    arrays = [array for a in range(2) for array in (work.times_s[a], *work.service_s[a])]
    return _run(_network.NAME, [n, _network.CROSSING_S, *_network.SERVERS], *arrays)


def et(work: _et.Work) -> Run:
    """Segments that fork and join."""
    head = [work.segments, _et.CROSSING_S, _et.MAX_BATCH, *_et.SHARDS, *_et.SERVERS]
    return _run(_et.NAME, head, *(row for stage in work.service_s for row in stage))


def _run(name: str, head: list[float], *arrays: np.ndarray) -> Run:
    def run() -> Outcome:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "numbers"
            np.concatenate([np.array(head, float), *arrays]).tofile(path)
            command = [_program(name), str(path), *_OPTIONS]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        return Outcome(int(said[0]), float(said[1]), float(said[2]))

    return run
