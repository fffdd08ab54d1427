"""`python -m benchmarks.watching`: what it costs a farm that somebody watches its validation.

One server runs the detector at 0.8 of its capacity, in turn watched and not, on the same arrivals. Told are the
CPU time that a look takes the driver, what part of the time all looks take, and the latency when watched over that
when not, pair by pair: median, least and most. How far two runs that nobody watches are apart stands beside it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twin.farm.bench import Bench
from twin.farm.driver import Farm
from twin.farm.occupied import usual_s
from twin.validation.cases import Arrivals, Case
from twin.validation.foretold import observed, plan
from twin.validation.goals import QUANTILES
from twin.validation.watched import Watched

CASE = Case("load 0.8", 0.8)
PROGRAMS = [("detector", "onnxruntime", 1)]
Array = NDArray[np.float64]


def main() -> None:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs of a run (10,000)")
    parser.add_argument("--pairs", type=int, default=5, help="runs that are watched, and as many that are not (5)")
    asked = parser.parse_args()
    plain, watched, looks = _turns(asked.jobs, asked.pairs)
    looks_s = np.concatenate([one for one, _ in looks])
    share = float(np.median([one.sum() / run_s for one, run_s in looks]))
    median_ms, most_ms = 1e3 * np.median(looks_s), 1e3 * looks_s.max()
    print(f"{looks_s.size} looks: median {median_ms:.2f} ms, longest {most_ms:.2f} ms, {share:.3%} of the time")
    for name, q in QUANTILES.items():
        ratios = np.quantile(watched, q, axis=1) / np.quantile(plain, q, axis=1)
        again = np.quantile(plain[1:], q, axis=1) / np.quantile(plain[:-1], q, axis=1)
        print(f"{name}: watched over not {_spread(ratios)}; not watched, over the one before {_spread(again)}")


def _turns(jobs: int, pairs: int) -> tuple[Array, Array, list[tuple[Array, float]]]:
    """Latencies (run, job) in s of runs that nobody watched and that were watched; of each of these its looks, and
    how long it took, in s."""
    plain, seen, looks = [], [], []
    with Bench(PROGRAMS, 1) as bench, tempfile.TemporaryDirectory() as folder:
        per_s = CASE.rho / usual_s(bench)
        arrivals = CASE.arrivals(jobs, per_s, np.random.default_rng(1))
        for _ in range(pairs):
            run = observed(CASE, arrivals, bench.run(plan(CASE, arrivals)).traced())
            plain.append(run.latency_s)
            with Watched(Path(folder) / "now.json") as watched:
                watched.begins("detector on onnxruntime", 1, pairs)
                watched.foretold(CASE, arrivals, [run] * 20)
                latency_s, looks_s, run_s = _watched(bench, arrivals, watched)
            seen.append(latency_s)
            looks.append((looks_s, run_s))
    return np.array(plain), np.array(seen), looks


def _watched(bench: Bench, arrivals: Arrivals, watched: Watched) -> tuple[Array, Array, float]:
    told: list[float] = []
    look, spent_s = watched.repeat(0, told.append), []

    def timed(farm: Farm) -> None:
        before, begun_s = len(told), time.thread_time()
        look(farm)
        if len(told) > before:  # else it was too early for another
            spent_s.append(time.thread_time() - begun_s)

    begun_s = time.perf_counter()
    farm = bench.run(plan(CASE, arrivals), look=timed)
    run_s = time.perf_counter() - begun_s
    return observed(CASE, arrivals, farm.traced()).latency_s, np.array(spent_s), run_s


def _spread(values: Array) -> str:
    if not values.size:
        return "–"
    return f"{np.median(values):.3f} ({values.min():.3f} to {values.max():.3f})"


if __name__ == "__main__":
    main()
