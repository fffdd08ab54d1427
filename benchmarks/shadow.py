"""How often shadow mode says something when nothing changes, and how soon when something does.

    python -m benchmarks.shadow

writes shadow.json beside itself (four minutes on one core). The farm is a script: two servers, Poisson arrivals,
service times uniform from half to one and a half of 0.15 s as the profile says, and in some cases from half of the
time on longer by a factor.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from twin.assembly import assemble
from twin.engine import LiveBatch, LiveResult, TwinEnvironment
from twin.farm.journal import Line, arrivals, header
from twin.plan import Geography, Plan, PoolSpec, Program, StageSpec, Stream
from twin.shadow.follower import Follower
from twin.shadow.tail import Tail
from twin.shadow.watch import Settings, Shadow, Window, watch

OUT = Path(__file__).with_suffix(".json")
MEAN_S, SERVERS, SPAN_S, LATE_S = 0.15, 2, 600.0, 1.0
SEEDS = range(6)
CASES = (
    *((rate, 1.0, 30.0, 30.0) for rate in (4.0, 7.0, 10.0, 12.0)),
    (7.0, 1.0, 30.0, 60.0),
    *((6.0, factor, 30.0, 30.0) for factor in (1.1, 1.2, 1.5)),
)
"""Jobs per second, by what service is slower from half-time on, every and ahead in s."""


def plan(rate_per_s: float, seed: int) -> Plan:
    """One live stage, and an alert 50 ms after it."""
    times_s = np.cumsum(np.random.default_rng(seed).exponential(1.0 / rate_per_s, int(rate_per_s * SPAN_S)))
    profile, fixed = Program(np.array([[0.5, 1.5]]) * MEAN_S), Program(np.full((1, 2), 0.05))
    return assemble(
        geography=Geography(("here",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("workers", 0, SERVERS), PoolSpec("alerts", 0, SERVERS)],
        stages=[
            StageSpec("work", {"workers": (profile, None)}, live=True),
            StageSpec("alert", {"alerts": (fixed, None)}, after=("work",), publishes="alert"),
        ],
        streams=[Stream("work", times_s.size, times_s=times_s)],
        horizon_s=SPAN_S,
    )


def log(plan: Plan, factor: float, seed: int) -> list[Line]:
    """What such a farm writes."""
    rng = np.random.default_rng([seed, 1])
    lines = list(arrivals(plan, 0, 0.0, SPAN_S))

    def execute(batch: LiveBatch) -> LiveResult:
        now_s = float(environment.world.record["now_s"])
        takes_s = rng.uniform(0.5, 1.5) * MEAN_S * (factor if now_s >= SPAN_S / 2.0 else 1.0)
        start = {"t": now_s, "what": "start", "batch": batch.order, "stage": "work", "entities": batch.entities}
        lines.extend(
            [start, {"t": now_s + takes_s, "what": "end", "batch": batch.order, "extra": [0], "found": {}}]
        )
        return LiveResult(takes_s, (0,), {})

    environment = TwinEnvironment(plan, execute)
    environment.run(until=SPAN_S)
    told = sorted((line for line in lines if line["t"] < SPAN_S), key=lambda line: line["t"])
    return [header(plan, False, {}), *told, {"t": SPAN_S, "what": "over"}]


def windows(rate_per_s: float, factor: float, every_s: float, ahead_s: float, seed: int) -> Iterator[Window]:
    """What shadow mode says of one farm."""
    planned = plan(rate_per_s, seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in log(planned, factor, seed)))
        with Tail(path) as tail:
            shadow = Shadow(Follower(planned), Settings(every_s, ahead_s, LATE_S, seed=seed))
            yield from watch(tail, shadow, lambda: False)


def measure(case: tuple[float, float, float, float]) -> dict[str, Any]:
    """One case over all seeds: windows before and from two windows after the change, and how many are outside."""
    rate_per_s, factor, every_s, ahead_s = case
    told = [list(windows(*case, seed)) for seed in SEEDS]
    change_s = SPAN_S / 2.0 if factor != 1.0 else SPAN_S
    before = [w for one in told for w in one if w.end_s <= change_s]
    later = [w for one in told for w in one if w.start_s >= change_s + 2.0 * ahead_s]
    first = [next((w.start_s - change_s for w in one if w.outside and w.end_s > change_s), None) for one in told]
    return {
        "rho": round(rate_per_s * MEAN_S / SERVERS, 3),
        "slower": factor,
        "every_s": every_s,
        "ahead_s": ahead_s,
        "unchanged": {"windows": len(before), "outside": sum(bool(w.outside) for w in before)},
        "changed": None if factor == 1.0 else {
            "told_in_windows_that_began_s_after": first,
            "later": {"windows": len(later), "outside": sum(bool(w.outside) for w in later)},
        },
    }  # fmt: skip


if __name__ == "__main__":
    found = [measure(case) for case in CASES]
    about = {"seeds": len(SEEDS), "span_s": SPAN_S, "draws": Settings().draws}
    OUT.write_text(json.dumps({"schema_version": 1, **about, "cases": found}, indent=2) + "\n")
