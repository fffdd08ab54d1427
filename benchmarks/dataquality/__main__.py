"""`python -m benchmarks.dataquality [PART …] [--wheel PATH] [--effort X]` writes benchmarks/dataquality.json.

Parts: anomalies, domains, real-glitches (wants --wheel, see `real_glitches`), witnesses, subtraction, calibration.
Without a part, all that can run. Each part replaces its own figures only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import parts
from benchmarks.dataquality import anomalies, domains, real_glitches, witnesses
from workloads import card, host

RESULTS = Path(__file__).parents[1] / "dataquality.json"
_SEED = 60_041


def main() -> None:
    """Run the parts asked for and write what they found."""
    parser = parts.parser("benchmarks.dataquality", RESULTS)
    parser.add_argument("--wheel", type=Path, help="wheel of deepextractor 0.1.4, for real-glitches")
    asked = parser.parse_args()
    known: dict[str, tuple[str, Callable[[], object]]] = {
        "anomalies": ("anomaly-detector", lambda: anomalies.run(asked.effort)),
        "domains": ("domain-guard", lambda: domains.run(asked.effort)),
        "witnesses": ("witness", lambda: witnesses.run(asked.effort)),
        "subtraction": ("noise-subtraction", lambda: parts.judged("noise-subtraction", asked.effort, _SEED)),
        "calibration": ("calibration-check", lambda: parts.judged("calibration-check", asked.effort, _SEED)),
    }
    if asked.wheel is not None:
        known["real-glitches"] = ("glitch-classifier", lambda: real_glitches.run(asked.wheel, asked.effort))
    for part in parts.chosen(parser, asked.parts, known, " (real-glitches with --wheel)"):
        workload, run = known[part]
        begun = time.perf_counter()
        found = run()
        about = {"workload": workload, "weights_sha256": card.read(workload)["weights_sha256"]}
        about |= {"effort": asked.effort, "wall_s": round(time.perf_counter() - begun, 1)}
        about |= {"versions": host.versions(("numpy", "scipy", "torch"))}
        parts.put(asked.out, part, {**about, "found": found})
        print(f"{part}: {about['wall_s']} s")


if __name__ == "__main__":
    main()
