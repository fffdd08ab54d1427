"""The command: which parts to measure, and where they go. `__main__` says first on how many threads."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from benchmarks import results
from benchmarks.inference import calibrated, cost, sampled
from benchmarks.inference.kept import Kept
from workloads import card, spec

RESULTS = Path(__file__).parents[1] / "inference.json"
_SEED = 60_013
_PACKAGES = ("numpy", "scipy", "onnxruntime", "zuko", "dynesty", "healpix", "lalsuite")


def main(arguments: list[str] | None = None) -> None:
    """Run the parts asked for and write what they found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inference")
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--effort", type=float, default=1.0, help="fraction of the full number of events")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    effort = asked.effort
    parts: dict[str, tuple[str, Callable[[Kept], object]]] = {
        "cost": ("npe", lambda kept: cost.run()),
        "beside-sampler": ("npe", lambda kept: sampled.run(effort, kept)),
        "calibration": ("npe", lambda kept: calibrated.run(effort, kept)),
        "sky-map": ("sky-map", lambda kept: _judged("sky-map", effort)),
        "source-classes": ("source-classes", lambda kept: _judged("source-classes", effort)),
    }
    if unknown := set(asked.parts) - set(parts):
        parser.error(f"no part {', '.join(sorted(unknown))}; known: {', '.join(parts)}")
    for part in asked.parts or parts:
        workload, run = parts[part]
        begun, cpu = time.perf_counter(), time.process_time()
        about = {"workload": workload, "weights_sha256": card.read(workload)["weights_sha256"], "effort": effort}
        kept = Kept(asked.out.with_suffix(f".{part}.partial"), about)
        found = run(kept)
        about |= {
            "wall_s": round(time.perf_counter() - begun, 1), "cpu_s": round(time.process_time() - cpu, 1),
            "load_1min": round(os.getloadavg()[0], 2), "machine": results.machine(),
            "versions": {p: version(p) for p in _PACKAGES},
        }  # fmt: skip
        known = json.loads(asked.out.read_text()) if asked.out.is_file() else {}
        asked.out.write_text(json.dumps(known | {part: {**about, "found": found}}, indent=1) + "\n")
        kept.forget()
        print(f"{part}: {about['wall_s']} s")


def _judged(name: str, effort: float) -> dict[str, object]:
    program = spec.load(name)
    quality = spec.get(name).judge(program, effort, _SEED, _said(name))  # type: ignore[attr-defined]
    return {"runtime": program.runtime, "headline": quality.headline, **quality.figures}


def _said(name: str) -> Callable[[float, str], None]:
    """Tells progress each time another tenth is done."""
    told = [0]

    def said(done: float, text: str) -> None:
        if int(10 * done) > told[0]:
            told[0] = int(10 * done)
            print(f"{name}: {text}", flush=True)

    return said
