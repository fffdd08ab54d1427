"""`python -m benchmarks.coverage [--replicas N]`: how often the intervals of studies hold the truth.

An M/M/4 queue, of which theory knows the mean and every quantile of the time in system, is run in many
independent replicas, with four servers and, under the same arrivals and services, with five. Replicas are made
up into studies of `REPLICAS` each, and into studies that stop by themselves (twin.studies.sequential); of each
the 95 % interval of the mean, of the 90 and 99 % quantile and of the paired difference is held against the
truth. Beside them: runs that begin empty, without the warm-up that is left out otherwise; runs so short that few
events lie beyond their quantiles (twin.studies.stated.WELL_BEYOND); and what pairing is worth in a shipped
scenario. Writes benchmarks/coverage.json.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import optimize

import twin
from benchmarks import results
from benchmarks.pages import fill
from benchmarks.theory import exact
from benchmarks.theory.services import exponential
from benchmarks.theory.system import END, WARM, System, observe, stage
from benchmarks.work import Array
from twin.estimates import mean, wilson
from twin.plan import PoolSpec
from twin.studies.evaluation import Outcome, Point
from twin.studies.processes import cores
from twin.studies.quantities import Quantity, quantities
from twin.studies.sequential import Precision, until

RESULTS = results.PATH.with_name("coverage.json")
PAGE = results.PATH.parents[1] / "docs" / "studying.md"
RATE_HZ, SERVERS, JOBS = 2.4, 4, 20_000
"""Load 0.6; jobs of one replica, of which the middle 80 % are looked at."""
REPLICAS, BANK = 10, 8000
"""Of a study, and in all."""
QUANTILES = {"p90": 0.9, "p99": 0.99}
STOPPING, MOST = 2000, 500
"""Studies that stop by themselves, and the replicas they stop at at the latest."""
STOPS_NEAR = 30
"""Studies that stop by themselves ask for what so many replicas give on average."""
EMPTY = " from empty"
CUTS = {" of half the length": 2, " of a tenth of the length": 10}
"""Replicas so many times shorter are looked at as well: fewer events lie beyond their quantiles."""
KINDS = ("", EMPTY, *CUTS)
_PART = 50
SEED = 88_001
SERVICE = exponential()
PAIRS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("first-light", {}, {"stages.alert.gate": None}),
    ("first-light", {"sky.multiplicity": 20}, {"sites.cnaf.pools.alerts.servers": 2}),
)
"""Pairs of which it is measured what pairing is worth: shipped scenario, what both have, what one has besides."""
PAIR_REPLICAS, PAIR_HORIZON = 20, "2 d"


def main() -> None:
    """Run the bank, and write what the intervals of its studies hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--replicas", type=int, default=BANK, help="in all; 2,000 or more")
    asked = parser.parse_args()
    if asked.replicas < 2000:
        parser.error(f"--replicas {asked.replicas}: fewer than 200 studies of {REPLICAS}; give 2,000 or more")
    with ProcessPoolExecutor(cores()) as crew:
        starts = range(0, asked.replicas, _PART)
        sizes = [min(_PART, asked.replicas - first) for first in starts]
        parts = list(crew.map(bank, sizes, [JOBS] * len(sizes), starts))
    known = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    whole = measured(known)
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n")
    fill(PAGE, "measured: coverage", told(whole))
    print(told(whole))


def measured(known: Mapping[str, Array]) -> dict[str, Any]:
    """What studies of the replicas in `known` hold, as coverage.json has it."""
    about = {"rate_hz": RATE_HZ, "servers": SERVERS, "jobs": JOBS, "replicas": len(known["mean"]), "seed": SEED}
    rows = [*fixed(known), *sequential(known)]
    return about | {"truth": truths(), "rows": rows, "pairing": list(pairing())}


def told(whole: Mapping[str, Any]) -> str:
    """The table of the page: per cent of studies, with the 95 % interval of that."""
    names = list(whole["truth"])
    heads = [name.replace("difference", "diff.") for name in names]
    lines = [f"| % of studies | beyond p99 | {' | '.join(heads)} |"]
    lines.append("|---" * (len(names) + 2) + "|")
    for study in dict.fromkeys(row["study"] for row in whole["rows"]):
        own = {row["quantity"]: row for row in whole["rows"] if row["study"] == study}
        cut = next((cut for kind, cut in CUTS.items() if study.endswith(kind)), 1)
        share = 1.0 if study.endswith(EMPTY) else END - WARM
        cells = [
            f"{100 * row['coverage']:.1f} ({100 * row['low']:.1f}–{100 * row['high']:.1f})"
            for row in (own[name] for name in names)
        ]
        lines.append(f"| {study} | {whole['jobs'] * share / cut / 100:.0f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def truths() -> dict[str, float]:
    """What theory says of the time in system in s with four servers, and by how much it is more than with five."""
    few, more = (_known(servers) for servers in (SERVERS, SERVERS + 1))
    return few | {f"{name} difference": few[name] - more[name] for name in few}


def _known(servers: int) -> dict[str, float]:
    mean_s = exact.mmc_sojourn_s(RATE_HZ, 1.0, servers)
    return {"mean": mean_s, **{name: quantile_s(RATE_HZ, servers, q) for name, q in QUANTILES.items()}}


def bank(replicas: int, jobs: int = JOBS, first: int = 0) -> dict[str, Array]:
    """By quantity and kind of run its value in every replica from `first` on, and the paired difference."""
    found: dict[str, list[float]] = {}
    for k in range(first, first + replicas):
        few, more = (_told(servers, k, jobs) for servers in (SERVERS, SERVERS + 1))
        for name, value in few.items():
            found.setdefault(name, []).append(value)
            found.setdefault(f"{name} difference", []).append(value - more[name])
    return {name: np.array(values) for name, values in found.items()}


def fixed(known: Mapping[str, Array], size: int = REPLICAS) -> Iterator[dict[str, Any]]:
    """A row per quantity and kind of run: how often intervals of studies of `size` replicas hold the truth."""
    for name, truth in truths().items():
        plain, _, difference = name.partition(" ")
        for kind in KINDS:
            key = f"{plain}{kind} {difference}".strip()
            studies = known[key][: len(known[key]) // size * size].reshape(-1, size)
            found = [mean(values, size) for values in studies]
            intervals = [(one.low, one.high) for one in found]
            yield _row(f"{size} replicas{kind}", name, intervals, truth) | {"replicas": size}


def sequential(known: Mapping[str, Array]) -> Iterator[dict[str, Any]]:
    """The same of studies that stop by themselves: each draws its replicas anew from all that there are."""
    rng = np.random.default_rng(SEED)
    for name, truth in truths().items():
        values = known[name]
        half = 1.96 * float(values.std(ddof=1)) / math.sqrt(STOPS_NEAR) / abs(float(values.mean()))
        precision = Precision(to={name: f"{100.0 * half:.2g} %"}, at_most=MOST)
        drawn = (rng.permutation(values)[:MOST] for _ in range(STOPPING))
        ends = [_stopped(own, name, precision) for own in drawn]
        found = [mean(own, own.size) for own in ends]
        row = _row("stops by itself", name, [(one.low, one.high) for one in found], truth)
        yield row | {"replicas": float(np.mean([own.size for own in ends])), "precision": precision.to[name]}


def pairing() -> Iterator[dict[str, Any]]:
    """Variance of a difference with seeds of its own over that of the paired one, in shipped scenarios."""
    for name, both, one in PAIRS:
        quiet = {"horizon": PAIR_HORIZON, "timeline": {}, "replicas": PAIR_REPLICAS}
        plain = twin.load(name).with_(quiet | both)
        other = plain.with_(one)
        runs = {"plain": (plain, 1), "paired": (other, 1), "alone": (other, 2)}
        told = {run: {q.name: q for q in quantities(twin.run(s, seed=seed))} for run, (s, seed) in runs.items()}
        for quantity, first in told["plain"].items():
            paired, alone = (told[run][quantity].values - first.values for run in ("paired", "alone"))
            if np.isfinite(paired).all() and np.isfinite(alone).all() and paired.var() > 0.0:
                ratio = float(alone.var(ddof=1) / paired.var(ddof=1))
                row = {"scenario": name, "both": both, "one": one, "quantity": quantity, "ratio": ratio}
                yield row | {"replicas": PAIR_REPLICAS, "horizon": PAIR_HORIZON}


def _stopped(values: Array, name: str, precision: Precision) -> Array:
    """The replicas, from the first on, that a study of them uses."""

    def told(points: Sequence[Point], replicas: range) -> list[Outcome]:
        own = Quantity(name, name, "s", values[replicas.start : replicas.stop], len(replicas))
        return [Outcome(points[0].name, [own], [], [], "")]

    point: Any = SimpleNamespace(name="point")
    (outcome,) = until(told, [point], precision)
    return outcome.quantities[0].values


def _row(
    study: str, name: str, intervals: Sequence[tuple[float | None, float | None]], truth: float
) -> dict[str, Any]:
    held = sum(low is not None and high is not None and low <= truth <= high for low, high in intervals)
    low, high = wilson(held, len(intervals))
    row = {"study": study, "quantity": name, "studies": len(intervals), "coverage": held / len(intervals)}
    return row | {"low": low, "high": high}


def _told(servers: int, k: int, jobs: int) -> dict[str, float]:
    """Mean and quantiles of the time in system in s of one replica; the same arrivals and services at any
    `servers`."""
    system = System(
        name="M/M/c",
        pools=(PoolSpec("pool", 0, servers),),
        stages=(stage("work", "pool", SERVICE, publishes="done"),),
        rates={"work": RATE_HZ},
        quantities=(),
    )
    run = observe(system, SEED + k, jobs)
    settled = np.sort(run.born("work"), order="born_s")
    times_s = settled["end_s"] - settled["born_s"]
    each = {"": times_s, EMPTY: run.rows["end_s"] - run.rows["born_s"]}
    each |= {kind: times_s[: times_s.size // cut] for kind, cut in CUTS.items()}
    found = {}
    for kind, own_s in each.items():
        found[f"mean{kind}"] = float(own_s.mean())
        for name, q in QUANTILES.items():
            found[f"{name}{kind}"] = float(np.quantile(own_s, q, method="median_unbiased"))
    return found


def quantile_s(rate_hz: float, servers: int, q: float) -> float:
    """Of the time in system of M/M/c with services of 1 s: a wait that is 0 or exponential, and a service
    (Erlang 1917)."""
    waits, drain = exact.erlang_c(rate_hz, servers), servers - rate_hz

    def beyond(time_s: float) -> float:
        if abs(drain - 1.0) < 1e-9:
            return math.exp(-time_s) * (1.0 + waits * time_s) - (1.0 - q)
        both = (drain * math.exp(-time_s) - math.exp(-drain * time_s)) / (drain - 1.0)
        return (1.0 - waits) * math.exp(-time_s) + waits * both - (1.0 - q)

    return float(optimize.brentq(beyond, 0.0, 100.0))


if __name__ == "__main__":
    main()
