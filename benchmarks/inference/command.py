"""The command: which parts to measure, and where they go. `__main__` says first on how many threads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import parts, results
from benchmarks.inference import calibrated, cost, sampled
from benchmarks.inference.kept import Kept
from workloads import card, host

RESULTS = Path(__file__).parents[1] / "inference.json"
_SEED = 60_013
_PACKAGES = ("numpy", "scipy", "onnxruntime", "zuko", "dynesty", "healpix", "lalsuite")


def main(arguments: list[str] | None = None) -> None:
    """Run the parts asked for and write what they found."""
    parser = parts.parser("benchmarks.inference", RESULTS)
    asked = parser.parse_args(arguments)
    effort = asked.effort
    known: dict[str, tuple[str, Callable[[Kept], object]]] = {
        "cost": ("npe", lambda kept: cost.run()),
        "beside-sampler": ("npe", lambda kept: sampled.run(effort, kept)),
        "calibration": ("npe", lambda kept: calibrated.run(effort, kept)),
        "sky-map": ("sky-map", lambda kept: parts.judged("sky-map", effort, _SEED, parts.tenths("sky-map"))),
        "source-classes": (
            "source-classes",
            lambda kept: parts.judged("source-classes", effort, _SEED, parts.tenths("source-classes")),
        ),
    }
    for part in parts.chosen(parser, asked.parts, known):
        workload, run = known[part]
        begun, cpu = time.perf_counter(), time.process_time()
        about = {"workload": workload, "weights_sha256": card.read(workload)["weights_sha256"], "effort": effort}
        kept = Kept(asked.out.with_suffix(f".{part}.partial"), about)
        found = run(kept)
        about |= {
            "wall_s": round(time.perf_counter() - begun, 1), "cpu_s": round(time.process_time() - cpu, 1),
            "load_1min": round(os.getloadavg()[0], 2), "machine": results.machine(),
            "versions": host.versions(_PACKAGES),
        }  # fmt: skip
        parts.put(asked.out, part, {**about, "found": found})
        kept.forget()
        print(f"{part}: {about['wall_s']} s")
