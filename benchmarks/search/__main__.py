"""`python -m benchmarks.search [SEARCH …]` writes benchmarks/search.json: all searches at equal false-alarm rate.

Scores are kept in a folder, so the command may be broken off and given again; it takes hours at full effort.
Naming searches makes their scores only and leaves the file alone: parts of the work that may run side by side.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.search import comparison, scores
from benchmarks.search.costs import BULK, costs
from benchmarks.search.scores import Array, Kept
from workloads import host, spec

RESULTS = results.PATH.with_name("search.json")
SEGMENTS, SIGNALS, GLITCHES, BLOCKS = 100_000, 400, 200, 40
"""Of a full measurement: noise segments, signals per SNR bin, glitches per family, blocks of timed calls."""


def main(arguments: list[str] | None = None) -> None:
    """Make the scores that are missing, compare, time, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    known = [name for name in spec.names() if spec.get(name).task == "search"]
    parser.add_argument("searches", nargs="*", help="make the scores of these only")
    parser.add_argument("--effort", type=float, default=1.0, help="fraction of the full number of tries")
    parser.add_argument("--kept", type=Path, default=Path("runs/search-scores"), help="folder of scores")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    if unknown := set(asked.searches) - set(known):
        parser.error(f"no search {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    if asked.effort < 1 and asked.out == RESULTS and not asked.searches:
        parser.error(
            "less than the full effort is nothing worth keeping: give --out FILE, another than search.json"
        )
    programs = {name: spec.load(name) for name in asked.searches or known}
    found = {name: _scores(Kept(p, asked.kept), asked.effort) for name, p in programs.items()}
    if not asked.searches:
        asked.out.write_text(json.dumps(report(programs, found, asked.effort), indent=1) + "\n")


def report(programs: dict[str, spec.Program], found: dict[str, Any], effort: float) -> dict[str, Any]:
    """Everything as JSON."""
    at = {name: comparison.thresholds(name, noise) for name, (noise, _, _) in found.items()}
    signals: dict[str, Array] = {name: s for name, (_, s, _) in found.items()}
    rates: dict[str, Any] = {}
    for rate in comparison.RATES:
        here = {name: t[rate] for name, t in at.items()}
        rates[rate] = {
            name: comparison.row(signals[name], here[name])
            | {"over_matched_filter": comparison.relative(signals, here, name)}
            | {"glitches": comparison.triggered(found[name][2], here[name])}
            for name in found
        }
    spent = costs(programs, max(2, round(BLOCKS * effort)))
    return {
        "seeds": {"noise": scores.NOISE_SEED, "signals": scores.SIGNAL_SEED, "glitches": scores.GLITCH_SEED},
        "noise_segments": len(next(iter(found.values()))[0]),
        "glitch_snr": scores.LOUD,
        "searches": {n: {"runtime": p.runtime, "weights_sha256": p.weights_sha256} for n, p in programs.items()},
        "machine": results.machine(),
        "versions": host.versions(("numpy", "scipy", "torch", "onnxruntime")),
        "rates": rates,
        "cost_per_second_of_data": spent,
        "cheaper_than_matched_filter": {
            n: {
                "one second at a time": round(spent[comparison.REFERENCE]["p50_ms"] / c["p50_ms"], 2),
                BULK: round(spent[BULK]["p50_ms"] / c["p50_ms"], 2),
            }
            for n, c in spent.items()
        },
    }


def _scores(kept: Kept, effort: float) -> tuple[Array, Array, dict[str, Array]]:
    noise = kept.noise(max(2 * scores.CHUNK, round(SEGMENTS * effort)))
    return noise, kept.signals(max(10, round(SIGNALS * effort))), kept.glitches(max(10, round(GLITCHES * effort)))


if __name__ == "__main__":
    main()
