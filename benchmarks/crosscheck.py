"""`python -m benchmarks.crosscheck [--windows N]`: how far runtimes differ in the scores of the same windows.

Every runtime of the detector and of the glitch classifier looks at the same windows of noise, signals, glitches,
in batches of one, twice (which has to give the same bits), and in batches of 16. Writes the distribution of the
differences for every pair to benchmarks/crosscheck.json, and the quantile that `ettwin replay` allows to
twin/archive/tolerances.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import results
from twin.archive import origin
from twin.archive.tolerance import FILE, difference, pair
from workloads import spec
from workloads.spec import Program

RESULTS = results.PATH.with_name("crosscheck.json")
WORKLOADS = ("detector", "glitch-classifier")
RUNTIMES = ("torch", "onnxruntime", "openvino", "openvino-bf16")
WINDOWS, BATCH = 2_000, 16
QUANTILE = 0.999
"""Of the differences between two runtimes: what is allowed, so that one honest replay in a thousand is refused."""
_SEED = 81_001
_QUANTILES = (0.5, 0.9, 0.99, QUANTILE, 1.0)

Scores = NDArray[np.float64]


def main() -> None:
    """Run every workload in every runtime and write both files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crosscheck", description=__doc__)
    parser.add_argument("--windows", type=int, default=WINDOWS, help="of each workload; 200 or more")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--tolerances", type=Path, default=FILE)
    asked = parser.parse_args()
    if asked.windows < 200:
        parser.error(f"--windows {asked.windows}: a quantile of so few says nothing; give 200 or more")
    about = {
        "windows": asked.windows,
        "quantile": QUANTILE,
        "seed": _SEED,
        "measure": "|a - b| / max(1, |a|, |b|)",
    }
    found = {name: workload(name, asked.windows) for name in WORKLOADS}
    whole = about | {"hardware": origin.hardware(), "versions": origin.versions(), "workloads": found}
    asked.out.write_text(json.dumps(whole, indent=1) + "\n")
    asked.tolerances.write_text(json.dumps(tolerances(whole), indent=1) + "\n")


def workload(name: str, windows: int) -> dict[str, Any]:
    """Differences of one workload, over all pairs of runtimes and of each with itself."""
    units = spec.get(name).units(windows, _SEED)
    programs = {runtime: spec.load(name, runtime) for runtime in RUNTIMES}
    scores = {runtime: scored(program, units, 1) for runtime, program in programs.items()}
    threshold = next(iter(programs.values())).threshold
    apart = {pair(a, b): distribution(scores[a], scores[b], threshold) for a, b in combinations(RUNTIMES, 2)}
    itself = {}
    for runtime, program in programs.items():
        again, together = (scored(program, units, batch) for batch in (1, BATCH))
        itself[runtime] = {
            "again": distribution(scores[runtime], again, threshold),
            f"in batches of {BATCH}": distribution(scores[runtime], together, threshold),
        }
        print(name, runtime, itself[runtime], flush=True)
    for what, row in apart.items():
        print(name, what, row, flush=True)
    return {"weights_sha256": programs["torch"].weights_sha256, "pairs": apart, "itself": itself}


def scored(program: Program, units: NDArray[Any], batch: int) -> Scores:
    """Scores of all `units`, `batch` at a time."""
    return np.concatenate([program(units[i : i + batch]).score for i in range(0, len(units), batch)])


def distribution(a: Scores, b: Scores, threshold: float) -> dict[str, Any]:
    """Quantiles and mean of the differences, how many are none, and how many decisions they change."""
    apart = np.array([difference(float(x), float(y)) for x, y in zip(a, b, strict=True)])
    quantiles = np.quantile(apart, _QUANTILES, method="higher")
    return {
        "n": len(apart),
        "equal": int((apart == 0.0).sum()),
        "mean": float(apart.mean()),
        "quantiles": {f"{q:g}": float(value) for q, value in zip(_QUANTILES, quantiles, strict=True)},
        "decisions_changed": int(((a > threshold) != (b > threshold)).sum()),
    }


def tolerances(whole: Mapping[str, Any]) -> dict[str, Any]:
    """What `twin.archive.tolerance` needs to know of it."""
    return {
        "windows": whole["windows"],
        "quantile": whole["quantile"],
        "measure": whole["measure"],
        "workloads": {
            name: {
                "weights_sha256": found["weights_sha256"],
                "pairs": {
                    what: {"tolerance": row["quantiles"][f"{QUANTILE:g}"], "largest": row["quantiles"]["1"]}
                    for what, row in found["pairs"].items()
                },
            }
            for name, found in whole["workloads"].items()
        },
    }


if __name__ == "__main__":
    main()
