"""Writes study.json: `python -m benchmarks.study [--points 100] [--replicas 10]`: the engine of studies, measured.

What is told: how much faster a sweep is on all workers than its points one by one in a plain loop, which does a
share of them, in turns in one run, in wall and in CPU time; what a point costs beside its replicas; the same
through Dask; and whether a study that loses a worker, or is killed and begun again, writes the same bytes as an
undisturbed one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import twin
from benchmarks import results
from benchmarks.pages import fill
from twin.cluster.places import Place
from twin.limits import saturated
from twin.metrics import targets
from twin.runner import run, singly
from twin.scenario import Scenario
from twin.studies.answers import Answers
from twin.studies.engine import Engine
from twin.studies.evaluation import Point
from twin.studies.executors import executor
from twin.studies.pieces import piece
from twin.studies.processes import Processes, cores
from twin.studies.quantities import quantities
from twin.studies.saved import save
from twin.studies.study import study
from twin.studies.sweep import Sample, points
from twin.studies.tasks import Executor
from twin.tree import Spot, planted

PATH = Path(__file__).parent / "study.json"
PAGE = Path(__file__).parents[1] / "docs" / "studying.md"
KEY = "stages.localise.time"
ROUNDS = 5
SAME = ("study.yaml", "resolved.yaml", "scenario.yaml", "table.parquet", "values.parquet", "targets.parquet")


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study", description=__doc__)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--replicas", type=int, default=10)
    parser.add_argument("--loop", type=float, default=0.4, metavar="SHARE", help="of the points, one by one")
    parser.add_argument("--horizon", default="7 d", help="of first-light")
    parser.add_argument("--trials", type=int, default=3, help="of each kind of disturbance")
    parser.add_argument("--out", type=Path, default=PATH)
    asked = parser.parse_args(arguments)
    if not 0.0 < asked.loop <= 1.0:
        parser.error(f"--loop {asked.loop}: a share above 0, at most 1")
    changes = {"horizon": asked.horizon} | ({} if asked.horizon == "7 d" else {"timeline": {}})
    scenario = twin.load("first-light").with_(changes)
    measured = {
        "load_before": os.getloadavg()[0],
        "throughput": throughput(scenario, asked.points, asked.replicas, asked.loop),
        "overhead": overhead(),
        "disturbed": disturbed(asked.trials),
        "load_after": os.getloadavg()[0],
    }
    results.merge(asked.out, measured)
    if asked.out == PATH:
        fill(PAGE, "measured: study", told(measured))
    print(json.dumps(measured, indent=1))


def told(measured: Mapping[str, Any]) -> str:
    """What was measured, for the page."""
    found, each, lost = measured["throughput"], measured["overhead"], measured["disturbed"]
    load = f"{measured['load_before']:.1f} to {measured['load_after']:.1f}"
    days, spent, ratio = found["horizon_s"] / 86400.0, found["seconds"], found["loop_over"]
    more, alone, took = found["cpu_over_loop"], found["loop_over_if_alone"], found["cpu_ms_each"]
    lines = (
        f"- {found['points']} points × {found['replicas']} replicas of {days:g} d: {spent['processes']:.0f} s on "
        f"processes, {spent['dask']:.0f} s through Dask; {spent['loop']:.0f} s in the loop for "
        f"{found['loop_points']} of the points; for each replica {ratio['processes']:.2f} times as fast as the "
        f"loop ({ratio['dask']:.2f} through Dask), at a load of {load} by others and this.",
        f"- In CPU time, which others touch less, a replica costs {took['loop']:.0f} ms in the loop, "
        f"{more['processes']:.2f} times that in the engine ({more['dask']:.2f} through Dask): alone on "
        f"{found['workers']} cores it is {alone['processes']:.2f} times as fast ({alone['dask']:.2f}) at best.",
        f"- A point costs {each['beside_process_ms']:.0f} ms of CPU beside its replicas on a process, "
        f"and {each['made_ms']:.0f} ms to be made and checked.",
        f"- Of {lost['trials']} studies that lost a worker and {lost['trials']} that were killed and begun again, "
        f"{lost['worker_killed']['same_bytes']} and {lost['study_killed']['same_bytes']} wrote the bytes of one "
        "that was left alone.",
    )
    return "\n".join("\n".join(textwrap.wrap(line, 118, subsequent_indent="  ")) for line in lines) + "\n"


def swept(scenario: Scenario, n: int) -> list[Point]:
    """So many points of a week that differ in the time of a stage."""
    values = {KEY: {"from": "1 s", "to": "5 s", "steps": n}}
    return points(scenario, planted(values, Spot("benchmark")), Sample(), scenario.seed)


def throughput(scenario: Scenario, n: int, replicas: int, share: float) -> dict[str, Any]:
    """Points one by one (a `share` of them), on all cores and through Dask: in turns, each time other points, as
    ratios of the time for each replica.

    Wall times are of a machine that others may use as well; CPU times (of this process and its workers) are not
    touched by that: how much more the engine spends than the loop bounds what it can be faster.
    """
    every = swept(scenario, n)
    rounds = min(ROUNDS, n)
    blocks = [every[k * n // rounds : (k + 1) * n // rounds] for k in range(rounds)]
    spent: dict[str, list[float]] = {"loop": [], "processes": [], "dask": []}
    did: dict[str, list[int]] = {name: [] for name in spent}
    cpu = dict.fromkeys(spent, 0.0)
    with executor(cores()) as own, executor(cores(), Place("local")) as dask:
        for crew in (own, dask):
            _asked(crew, every[: 2 * cores()], range(1))  # everyone has started, and has the kernel
        _loop(every[:1], 1)
        for block in blocks:
            ways: dict[str, tuple[Sequence[Point], Callable[[Sequence[Point]], None]]] = {
                "loop": (block[: max(1, round(share * len(block)))], lambda part: _loop(part, replicas)),
                "processes": (block, lambda part: _asked(own, part, range(replicas))),
                "dask": (block, lambda part: _asked(dask, part, range(replicas))),
            }
            for name, (part, way) in ways.items():
                before_s, begun_s = _cpu_s(), time.perf_counter()
                way(part)
                spent[name].append(time.perf_counter() - begun_s)
                cpu[name] += _cpu_s() - before_s
                did[name].append(len(part) * replicas)
            told = {name: round(times[-1], 1) for name, times in spent.items()}
            print(f"{len(spent['loop'])} of {rounds}", told, flush=True)
    each = {name: [s / k for s, k in zip(spent[name], did[name], strict=True)] for name in spent}
    ratios = {
        name: [a / b for a, b in zip(each["loop"], each[name], strict=True)] for name in ("processes", "dask")
    }
    wall_s = {name: sum(spent[name]) / sum(did[name]) for name in spent}
    cpu_s = {name: cpu[name] / sum(did[name]) for name in spent}
    return {
        "points": n,
        "loop_points": sum(did["loop"]) // replicas,
        "replicas": replicas,
        "horizon_s": scenario.horizon,
        "workers": cores(),
        "rounds": rounds,
        "seconds": {name: round(sum(times), 3) for name, times in spent.items()},
        "cpu_s": {name: round(times, 3) for name, times in cpu.items()},
        "cpu_ms_each": {name: 1e3 * own_s for name, own_s in cpu_s.items()},
        "replicas_per_s": {name: 1.0 / own_s for name, own_s in wall_s.items()},
        "loop_over": {name: wall_s["loop"] / wall_s[name] for name in ratios},
        "loop_over_min": {name: min(times) for name, times in ratios.items()},
        "loop_over_max": {name: max(times) for name, times in ratios.items()},
        "cpu_over_loop": {name: cpu_s[name] / cpu_s["loop"] for name in ratios},
        "loop_over_if_alone": {name: cores() * cpu_s["loop"] / cpu_s[name] for name in ratios},
    }


def _cpu_s() -> float:
    """That this process and all below it have used."""
    import psutil

    here = psutil.Process()
    times = [one.cpu_times() for one in (here, *here.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def overhead(n: int = 60) -> dict[str, float]:
    """CPU milliseconds of a point with one short replica: made and checked, run as a planner would, run for a
    study, and what the engine adds to that here and on a process."""
    scenario = twin.load("first-light").with_({"horizon": "10 min", "timeline": {}})
    every = swept(scenario, n)
    _bare(every[:1])
    one = Processes(1)
    try:
        with executor(1) as here:
            for crew in (here, one):
                _asked(crew, every[:1], range(1))
            spent = {
                "made": _cpu_of(lambda: swept(scenario, n)),
                "plain": _cpu_of(lambda: _loop(every, 1)),
                "bare": _cpu_of(lambda: _bare(every)),
                "here": _cpu_of(lambda: _asked(here, every, range(1))),
                "process": _cpu_of(lambda: _asked(one, every, range(1))),
            }
    finally:
        one.close()
    each = {f"{name}_ms": 1e3 / n * cpu_s for name, cpu_s in spent.items()}
    return (
        {"points": n} | each | {f"beside_{w}_ms": each[f"{w}_ms"] - each["bare_ms"] for w in ("here", "process")}
    )


def _bare(block: Sequence[Point]) -> None:
    """What has to be done for a replica of each point, and nothing else."""
    for point in block:
        for record in singly(point.scenario, range(1)):
            piece(record)


def _cpu_of(do: Callable[[], object]) -> float:
    before_s = _cpu_s()
    do()
    return _cpu_s() - before_s


def disturbed(trials: int) -> dict[str, Any]:
    """Studies that lose a worker, or are killed and begun again: how many wrote the bytes of an undisturbed
    one."""
    scenario = twin.load("first-light").with_({"horizon": "6 h", "timeline": {}})
    vary = {KEY: ["1 s", "2 s", "3 s", "4 s"]}
    with TemporaryDirectory() as home:
        found = study(scenario, vary=vary, replicas=6, workers=1)
        whole = _bytes(save(found, Path(home) / "whole", "", also=lambda beside: None))
        command = [sys.executable, "-m", "dashboards.cli", "study", "first-light", "--quiet", "--workers", "2"]
        command += [
            "--vary",
            f"{KEY}=1 s,2 s,3 s,4 s",
            "--set",
            "horizon=6 h",
            "--set",
            "timeline={}",
            "--replicas",
            "6",
        ]
        kinds: dict[str, Callable[[Sequence[str], Path, float], int]] = {
            "worker_killed": _worker_killed,
            "study_killed": _study_killed,
        }
        told: dict[str, Any] = {"trials": trials}
        for kind, disturb in kinds.items():
            same, did = 0, 0
            for k in range(trials):
                folder = Path(home) / f"{kind}-{k}"
                did += disturb([*command, "--out", str(folder)], folder, (k + 1) / (trials + 1))
                same += all(_bytes(folder)[name] == whole[name] for name in SAME[3:])
            told[kind] = {"disturbed": did, "same_bytes": same}
    return told


def _worker_killed(command: Sequence[str], folder: Path, share: float) -> int:
    with _begun(command) as process:
        _await(folder, share, process)
        victims = _children(process.pid)
        for pid in victims[:1]:
            os.kill(pid, signal.SIGKILL)
        if process.wait() != 0:
            raise RuntimeError(f"{' '.join(command)} left with {process.returncode}")
    return len(victims[:1])


def _study_killed(command: Sequence[str], folder: Path, share: float) -> int:
    with _begun(command) as process:
        _await(folder, share, process)
        is_under_way = process.poll() is None
        process.kill()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return int(is_under_way)


@contextmanager
def _begun(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _await(folder: Path, share: float, process: subprocess.Popen[bytes]) -> None:
    """Until this share of the 24 replicas is kept, or the study is over."""
    kept = folder.with_name(f"{folder.name}.unfinished") / "answers.jsonl"
    while process.poll() is None and (not kept.exists() or kept.read_bytes().count(b"\n") < 24 * share):
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in told.stdout.split()]


def _bytes(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in SAME}


def _asked(crew: Executor, block: Sequence[Point], replicas: range) -> None:
    Engine(crew, Answers(), seed=1)(block, replicas)


def _loop(block: Sequence[Point], replicas: int) -> None:
    """What a planner would write without studies."""
    for point in block:
        record = run(point.scenario, replicas=replicas)
        quantities(record)
        targets(record)
        saturated(record)


if __name__ == "__main__":
    main()
