"""Stage completions per second of the kernel against plain SimPy and Ciw, on the same work in one run.

Run it with `make bench`. All engines get the same arrivals; kernel and SimPy also the same service times, and
their mean departure must agree. Ciw draws its own from the same distributions and knows no transfer delay.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import ciw
import numpy as np
import simpy

from twin.engine import TwinEnvironment
from twin.plan import Geography, Plan, PoolSpec, Program, StageSpec, Stream, assemble

SERVERS = (2, 4, 8)
MEAN_S = (2.0, 4.0, 8.0)
RATE_HZ = 0.8
CROSSING_S = 0.05
ROUNDS = 5
POINTS = 4097


def exponential(mean_s: float) -> np.ndarray:
    """Inverse CDF of an exponential, linear between points."""
    u = np.linspace(0.0, 1.0, POINTS)
    u[-1] = 1.0 - 0.3 / POINTS
    return -mean_s * np.log1p(-u)


def uniforms(key: int, n: int) -> np.ndarray:
    """The first `n` numbers of a kernel stream (SplitMix64)."""
    with np.errstate(over="ignore"):
        z = np.uint64(key) + np.arange(n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / 2.0**53


def services(key: int, mean_s: float, n: int) -> np.ndarray:
    """Service times the kernel draws for jobs 0 … n-1."""
    return np.interp(uniforms(key, n), np.linspace(0.0, 1.0, POINTS), exponential(mean_s))


def arrivals(rate_hz: float, n: int, seed: int) -> np.ndarray:
    """Poisson arrival times in s."""
    return np.cumsum(np.random.default_rng(seed).exponential(1 / rate_hz, n))


# --- M/M/8 --------------------------------------------------------------------------------------------


def mm8_plan(times_s: np.ndarray) -> Plan:
    """Eight servers, utilisation 0.8."""
    program = (Program(exponential(1.0)[None]), None)
    return assemble(
        geography=Geography(("site",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("pool", 0, 8)],
        stages=[StageSpec("work", {"pool": program}, key=7)],
        streams=[Stream("work", times_s.size, times_s=times_s)],
        horizon_s=times_s[-1] + 1000.0,
    )


def mm8_simpy(times_s: np.ndarray) -> tuple[int, float]:
    """A process per job and one Resource."""
    environment = simpy.Environment()
    pool = simpy.Resource(environment, 8)
    service_s = services(7, 1.0, times_s.size)
    ends: list[float] = []

    def job(k: int):
        with pool.request() as turn:
            yield turn
            yield environment.timeout(service_s[k])
        ends.append(environment.now)

    def source():
        for k, time_s in enumerate(times_s):
            yield environment.timeout(time_s - environment.now)
            environment.process(job(k))

    environment.process(source())
    environment.run()
    return len(ends), float(np.mean(ends))


def mm8_ciw(n: int) -> int:
    """One node of eight servers."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(6.4)],
        service_distributions=[ciw.dists.Exponential(1.0)],
        number_of_servers=[8],
    )
    ciw.seed(1)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(n)
    return n


# --- two sites of three stations, the third shared --------------------------------------------------------


def network_plan(times_s: list[np.ndarray]) -> Plan:
    """Each site's jobs pass its first two stations; the third stage goes to the less loaded site."""
    pools = [PoolSpec(f"{a}{k}", a, c) for a in range(2) for k, c in enumerate(SERVERS)]
    stages = []
    for a in range(2):
        for k, mean_s in enumerate(MEAN_S):
            on = [f"{a}{k}"] if k < 2 else [f"{a}2", f"{1 - a}2"]
            programs = {p: (Program(exponential(mean_s)[None]), None) for p in on}
            after = f"s{a}{k - 1}" if k else None
            stages.append(StageSpec(f"s{a}{k}", programs, after, route="least-loaded", key=10 * a + k))
    crossing = np.array([[0.0, CROSSING_S], [CROSSING_S, 0.0]])
    return assemble(
        geography=Geography(("north", "south"), crossing, np.ones((2, 2))),
        pools=pools,
        stages=stages,
        streams=[Stream(f"s{a}0", t.size, site=a, times_s=t) for a, t in enumerate(times_s)],
        horizon_s=max(t[-1] for t in times_s) + 1000.0,
    )


def network_simpy(times_s: list[np.ndarray]) -> tuple[int, float]:
    """A process per job, a Resource per station."""
    environment = simpy.Environment()
    pools = [[simpy.Resource(environment, c) for c in SERVERS] for _ in range(2)]
    transit = [0, 0]
    service_s = [[services(10 * a + k, m, t.size) for k, m in enumerate(MEAN_S)] for a, t in enumerate(times_s)]
    ends: list[float] = []

    def load(site: int) -> float:
        pool = pools[site][2]
        return (len(pool.queue) + transit[site] + pool.count) / pool.capacity

    def station(site: int, k: int, duration_s: float):
        with pools[site][k].request() as turn:
            yield turn
            yield environment.timeout(duration_s)

    def job(a: int, n: int):
        yield from station(a, 0, service_s[a][0][n])
        yield from station(a, 1, service_s[a][1][n])
        site = a if load(a) <= load(1 - a) else 1 - a
        if site != a:
            transit[site] += 1
            yield environment.timeout(CROSSING_S)
            transit[site] -= 1
        yield from station(site, 2, service_s[a][2][n])
        ends.append(environment.now)

    def source(a: int):
        for n, time_s in enumerate(times_s[a]):
            yield environment.timeout(time_s - environment.now)
            environment.process(job(a, n))

    for a in range(2):
        environment.process(source(a))
    environment.run()
    return 3 * len(ends), float(np.mean(ends))


def network_ciw(n: int) -> int:
    """The same stations with Ciw's JoinShortestQueue."""
    join = ciw.routing.JoinShortestQueue([3, 6])
    straight, leave = ciw.routing.Direct, ciw.routing.Leave()
    rates = [RATE_HZ, None, None, RATE_HZ, None, None]
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(r) if r else None for r in rates],
        service_distributions=[ciw.dists.Exponential(1 / m) for m in (*MEAN_S, *MEAN_S)],
        number_of_servers=[*SERVERS, *SERVERS],
        routing=ciw.routing.NetworkRouting([straight(2), join, leave, straight(5), join, leave]),
    )
    ciw.seed(1)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(n, method="Finish")
    return 3 * n


# --- side by side ---------------------------------------------------------------------------------------


def kernel(plan: Plan) -> int:
    """Completions of the kernel."""
    environment = TwinEnvironment(plan)
    environment.run(until=plan.horizon_s)
    return int(environment.stages["done"].sum())


def rate(run: Callable[[], int]) -> float:
    """Completions per second of one run."""
    start_s = time.perf_counter()
    return run() / (time.perf_counter() - start_s)


def mean_end_s(plan: Plan) -> float:
    """Mean departure of the kernel's jobs, for the check against SimPy."""
    environment = TwinEnvironment(plan, trace=True)
    environment.run(until=plan.horizon_s)
    trace = environment.traced()
    last = [s for s, stage in enumerate(plan.stages) if stage["child_start"] == stage["child_stop"]]
    return float(trace["end_s"][np.isin(trace["stage"], last)].mean())


def compare(
    name: str, big: Plan, small: Plan, plain: Callable[[], tuple[int, float]], peer: Callable[[], int]
) -> dict[str, float]:
    """Rates of one system, engines taking turns; the median of the rounds."""
    if not np.isclose(mean_end_s(small), plain()[1], rtol=1e-12):
        raise AssertionError(f"{name}: kernel and SimPy disagree on the same work")
    rates: dict[str, list[float]] = {"kernel": [], "simpy": [], "ciw": []}
    for _ in range(ROUNDS):
        rates["kernel"].append(rate(lambda: kernel(big)))
        rates["simpy"].append(rate(lambda: plain()[0]))
        rates["ciw"].append(rate(peer))
    row = {f"{engine}_per_s": statistics.median(values) for engine, values in rates.items()}
    pairs = [k / s for k, s in zip(rates["kernel"], rates["simpy"], strict=True)]
    row["kernel_over_simpy"] = statistics.median(pairs)
    row["kernel_over_simpy_min"], row["kernel_over_simpy_max"] = min(pairs), max(pairs)
    row["kernel_over_ciw"] = statistics.median(k / c for k, c in zip(rates["kernel"], rates["ciw"], strict=True))
    print(
        f"{name:8s} kernel {row['kernel_per_s']:12,.0f}/s   SimPy {row['simpy_per_s']:9,.0f}/s   "
        f"Ciw {row['ciw_per_s']:8,.0f}/s   kernel/SimPy {row['kernel_over_simpy']:.1f}x "
        f"({min(pairs):.1f}…{max(pairs):.1f}, n={ROUNDS})   kernel/Ciw {row['kernel_over_ciw']:.0f}x"
    )
    return row


def main() -> None:
    """Print the table and write results.json beside this file."""
    few, many = 30_000, 1_000_000
    times_s = arrivals(6.4, few, 1)
    pair = [arrivals(RATE_HZ, few // 2, 2 + a) for a in range(2)]
    result = {
        "engine": {
            "mm8": compare(
                "M/M/8",
                mm8_plan(arrivals(6.4, many, 1)),
                mm8_plan(times_s),
                lambda: mm8_simpy(times_s),
                lambda: mm8_ciw(few // 3),
            ),
            "network": compare(
                "network",
                network_plan([arrivals(RATE_HZ, many // 4, 2 + a) for a in range(2)]),
                network_plan(pair),
                lambda: network_simpy(pair),
                lambda: network_ciw(few // 6),
            ),
        },
        "machine": {"cpu": cpu(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"},
        "versions": {p: version(p) for p in ("numba", "numpy", "simpy", "ciw")}
        | {"python": platform.python_version()},
    }
    (Path(__file__).parent / "results.json").write_text(json.dumps(result, indent=1) + "\n")


def cpu() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
