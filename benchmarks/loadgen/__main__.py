"""MLPerf's LoadGen beside our profile and the twin: `python -m benchmarks.loadgen`, into loadgen.json; 9 minutes.

SingleStream's quantiles are held against those of our own timed calls, Offline's throughput against their mean,
and the rate up to which Server keeps its 99 % quantile below a bound against that of a replay of one such server:
fed calls one after the other, calls of a client of our own that sends them as Server does, the same in the tempo
that the machine had, and Server's own in theirs.
Where others used the machine meanwhile, figures are written but no verdict is given.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import results
from benchmarks.loadgen.session import BOUND_S, QUICK, SEED, UNITS, Effort, Session
from benchmarks.loadgen.verdict import verdicts
from twin.farm.contention import Contention
from workloads import host, spec

PATH = results.PATH.with_name("loadgen.json")
WORKLOAD, RUNTIME = "detector", "onnxruntime"


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loadgen", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute, to see that it works; needs --out")
    parser.add_argument("--out", type=Path, default=PATH, help="the file to write")
    asked = parser.parse_args(arguments)
    if asked.quick and asked.out == PATH:
        parser.error("--quick measures nothing worth keeping: give --out FILE, another than loadgen.json")
    watch, begun_s = Contention(), time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun_s:5.0f} s  {text}", file=sys.stderr, flush=True)

    watch.start([os.getpid()])
    content = measured(QUICK if asked.quick else Effort(), say)
    used = watch.stop([os.getpid()])
    content["date"] = datetime.now(UTC).date().isoformat()
    content["contention"] = used.as_dict() | {"unfit": used.unfit}
    content["verdicts"] = verdicts(content)
    asked.out.write_text(json.dumps(content, indent=1) + "\n")
    print("\n".join(lines(content)))


def measured(effort: Effort, say: Any) -> dict[str, Any]:
    """Everything as JSON but what others did meanwhile."""
    session = Session(spec.load(WORKLOAD, RUNTIME), effort, say)
    closed = session.closed_loop()
    server = session.server()
    server["of_offline"] = round(server["per_s"] / closed["offline"]["per_s"], 4)
    p50_s, p90_s, p99_s = np.quantile(session.profile_s, (0.5, 0.9, 0.99))
    return {
        "workload": WORKLOAD,
        "runtime": RUNTIME,
        "threads": 1,
        "weights_sha256": session.program.weights_sha256,
        "units": UNITS,
        "seed": SEED,
        "machine": results.machine(),
        "versions": host.versions(("numpy", "onnxruntime", "mlcommons-loadgen")),
        "profile": {
            "n": len(session.profile_s),
            "mean_ms": round(1e3 * float(np.mean(session.profile_s)), 4),
            **{f"{k}_ms": round(1e3 * float(v), 4) for k, v in (("p50", p50_s), ("p90", p90_s), ("p99", p99_s))},
        },
        **closed,
        "server": server,
    }


def lines(content: dict[str, Any]) -> list[str]:
    """What the file says, as text."""
    stream, offline, server = content["single_stream"], content["offline"], content["server"]
    said = [
        f"SingleStream  p50 {stream['p50_ms']:.2f} ms, {told(stream['p50_over_profile'])}; n={stream['n']}",
        f"              p90 {stream['p90_ms']:.2f} ms, {told(stream['p90_over_profile'])}",
        f"Offline       {offline['per_s']:.0f}/s, {told(offline['over_profile'])}",
        f"Server        {server['per_s']:.0f}/s with p99 within {1e3 * BOUND_S:g} ms; "
        f"{server['of_offline']:.2f} of Offline",
    ]
    for name, twin in server["twin"].items():
        low, high = twin["per_s_of_95_percent_of_runs"]
        said.append(
            f"  the twin, {name}: {twin['per_s']:.0f}/s ({low:.0f} to {high:.0f} in 95 % of such runs); "
            f"LoadGen over twin {twin['loadgen_over_twin']:.3f}"
        )
    return [*said, *(f"{what}: {verdict}" for what, verdict in content["verdicts"].items())]


def told(ratio: dict[str, Any]) -> str:
    """A ratio and its interval, as the table of docs/serving.md has it."""
    return f"{ratio['ratio']:.3f} of the profile's ({ratio['low']:.3f} to {ratio['high']:.3f})"


if __name__ == "__main__":
    main()
