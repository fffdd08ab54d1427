"""`python -m benchmarks.refinement [--effort X]`: what minutes of drifted data win back, and the cost.

For each workload and drift: decisions of the shipped weights on drifted data, and of weights refined on so many
minutes of recorded noise; all on the same events in the same noise, none of it in the recording. Writes
benchmarks/refinement.json case by case and goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import results
from workloads import ageing, card, drift, spec
from workloads.recording import Recording
from workloads.spec import Program
from workloads.train import train

RESULTS = results.PATH.with_name("refinement.json")
CASES = (
    ("glitch-classifier", "colour=0.1"),
    ("glitch-classifier", "lines=2"),
    ("detector", "colour=0.1"),
    ("detector", "lines=2"),
)
MINUTES = (1.0, 10.0)
STEPS = 500
_SEED, _NOISE, _EVENTS = 60_101, 4_000, 100
_AMONG = ("bbh", "blip", "tomte", "scattered-light")


def main() -> None:
    """Run the cases that the file lacks, for the shipped weights."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refinement", description=__doc__)
    parser.add_argument("--effort", type=float, default=1.0, help="fraction of the full number of tries")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    found = json.loads(asked.out.read_text()) if asked.out.is_file() else {}
    for name, amount in CASES:
        weights = card.read(name)["weights_sha256"]
        for minutes in (0.0, *MINUTES):
            key = f"{name}, {amount}, {minutes:g} min"
            known = found.get(key, {})
            if known.get("weights_sha256") == weights and known.get("effort") == asked.effort:
                continue
            row = {"weights_sha256": weights, "effort": asked.effort, "minutes": minutes}
            found[key] = row | case(name, amount, minutes, asked.effort)
            asked.out.write_text(json.dumps(found, indent=1) + "\n")
            print(key, found[key]["noise"], found[key]["classes"]["bbh"]["count"], flush=True)


def case(name: str, amount: str, minutes: float, effort: float) -> dict[str, Any]:
    """Decisions on data drifted by `amount` after refinement on `minutes` of them; 0: of the shipped weights."""
    if not minutes:
        return _responses(spec.load(name), amount, effort)
    recorded = Recording(drift.parse(amount), minutes, _SEED + round(60 * minutes))
    today = datetime.now(UTC).date().isoformat()
    with TemporaryDirectory() as folder:
        out = Path(folder)
        train(name, out, 1, lambda done, text: None, today, STEPS, refine="shipped", recorded=recorded)
        cost = card.read(name, out)["cost"]
        return {"cost": cost, "steps": STEPS, **_responses(spec.load(name, folder=out), amount, effort)}


def _responses(program: Program, amount: str, effort: float) -> dict[str, Any]:
    noise, events = (max(8, round(n * effort)) for n in (_NOISE, _EVENTS))
    ladder = (drift.parse(amount),)
    aged = ageing.ageing(program, noise, events, _SEED, lambda done, text: None, ladder, _AMONG)[0]
    return {"threshold": program.threshold, **asdict(aged)}


if __name__ == "__main__":
    main()
