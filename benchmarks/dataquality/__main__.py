"""`python -m benchmarks.dataquality [PART …] [--wheel PATH] [--effort X]` writes benchmarks/dataquality.json.

Parts: anomalies, domains, real-glitches (wants --wheel, see `real_glitches`), witnesses, subtraction, calibration.
Without a part, all that can run. Each part replaces its own figures only.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from benchmarks.dataquality import anomalies, domains, real_glitches, witnesses
from workloads import card, spec

RESULTS = Path(__file__).parents[1] / "dataquality.json"
_SEED = 60_041


def main() -> None:
    """Run the parts asked for and write what they found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dataquality")
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--wheel", type=Path, help="wheel of deepextractor 0.1.4, for real-glitches")
    parser.add_argument("--effort", type=float, default=1.0, help="fraction of the full number of tries")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    parts: dict[str, tuple[str, Callable[[], object]]] = {
        "anomalies": ("anomaly-detector", lambda: anomalies.run(asked.effort)),
        "domains": ("domain-guard", lambda: domains.run(asked.effort)),
        "witnesses": ("witness", lambda: witnesses.run(asked.effort)),
        "subtraction": ("noise-subtraction", lambda: _judged("noise-subtraction", asked.effort)),
        "calibration": ("calibration-check", lambda: _judged("calibration-check", asked.effort)),
    }
    if asked.wheel is not None:
        parts["real-glitches"] = ("glitch-classifier", lambda: real_glitches.run(asked.wheel, asked.effort))
    unknown = set(asked.parts) - set(parts)
    if unknown:
        parser.error(
            f"no part {', '.join(sorted(unknown))}; known: {', '.join(parts)} (real-glitches with --wheel)"
        )
    results = json.loads(asked.out.read_text()) if asked.out.is_file() else {}
    for part in asked.parts or parts:
        workload, run = parts[part]
        begun = time.perf_counter()
        found = run()
        about = {"workload": workload, "weights_sha256": card.read(workload)["weights_sha256"]}
        about |= {"effort": asked.effort, "wall_s": round(time.perf_counter() - begun, 1)}
        about |= {"versions": {p: version(p) for p in ("numpy", "scipy", "torch")}}
        results[part] = {**about, "found": found}
        asked.out.write_text(json.dumps(results, indent=1) + "\n")
        print(f"{part}: {about['wall_s']} s")


def _judged(name: str, effort: float) -> dict[str, object]:
    program = spec.load(name)
    quality = spec.get(name).judge(program, effort, _SEED, lambda done, text: None)  # type: ignore[attr-defined]
    return {"runtime": program.runtime, "headline": quality.headline, **quality.figures}


if __name__ == "__main__":
    main()
