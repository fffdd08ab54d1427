"""`python -m benchmarks.premerger [PART …] [--effort X]` writes benchmarks/premerger.json.

Parts: window, coherent, cost, noise, and one for each class of inspirals. Without a part, all. Each part replaces
its own figures only; noise goes on from what there is, so that it can be interrupted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import parts
from benchmarks.premerger import coherent, cost
from workloads import card, host, spec
from workloads.decisions import interval
from workloads.premerger import examples, quality, sources, window
from workloads.waveform import Binary

RESULTS = Path(__file__).parents[1] / "premerger.json"
SEARCHES = ("early-warning-filter", "early-warning")
TRIALS, NOISE_UNITS, CHUNK = 16, 1_000, 100
TYPICAL = {"bns": Binary(1.4, 1.4), "nsbh": Binary(10.0, 1.4), "light-bbh": Binary(10.0, 10.0)}
_SEED = 60_101


def main(arguments: list[str] | None = None) -> None:
    """Run the parts asked for and write what they found."""
    parser = parts.parser("benchmarks.premerger", RESULTS)
    asked = parser.parse_args(arguments)
    programs = {name: spec.load(name) for name in SEARCHES}
    results = _kept(asked.out)
    known: dict[str, Callable[[], object]] = {
        "window": _window,
        "coherent": coherent.run,
        "cost": lambda: cost.run(programs, max(4, round(40 * asked.effort))),
        "noise": lambda: _noise(programs, results, asked.effort, lambda: _write(asked.out, results)),
        **{cls: lambda c=cls: _warned(programs, c, asked.effort) for cls in sources.CLASSES},  # type: ignore[misc]
    }
    for part in parts.chosen(parser, asked.parts, known):
        begun = time.perf_counter()
        found = known[part]()
        about = {"effort": asked.effort, "wall_s": round(time.perf_counter() - begun, 1)}
        about |= {"versions": host.versions(("numpy", "scipy", "torch", "onnxruntime"))}
        results[part] = {**about, "found": found}
        _write(asked.out, results)
        print(f"{part}: {about['wall_s']} s")


def _kept(path: Path) -> dict[str, Any]:
    """What `path` holds, if it was measured with the present weights; else only these."""
    weights = {name: card.read(name)["weights_sha256"] for name in SEARCHES}
    kept = parts.read(path)
    return kept if kept.get("weights_sha256") == weights else {"weights_sha256": weights}


def _write(path: Path, results: dict[str, Any]) -> None:
    path.write_text(json.dumps(results, indent=1) + "\n")


def _window() -> dict[str, Any]:
    """Fraction of the final SNR gathered so long before the merger, and what a window has of that."""
    return {
        cls: {
            f"{ahead_s:g}": {
                "gathered": round(sources.gathered(binary, ahead_s), 4),
                "in_window": round(sources.gathered(binary, ahead_s + window.EDGE_S, window.SEARCHED_S), 4),
            }
            for ahead_s in examples.AHEAD_S
        }
        for cls, binary in TYPICAL.items()
    }


def _noise(
    programs: dict[str, spec.Program], results: dict[str, Any], effort: float, save: Callable[[], None]
) -> dict[str, Any]:
    """False alarms of all programs on the same units of noise."""
    kept = results.get("noise", {}).get("found", {"units": 0, "alarms": dict.fromkeys(programs, 0)})
    done, alarms = _counted(kept["units"], kept["alarms"]), dict(kept["alarms"])
    for first in range(done["units"], round(NOISE_UNITS * effort), CHUNK):
        rng = np.random.default_rng([_SEED, first])
        for _ in range(CHUNK):
            unit = window.noise(1, rng)
            for name, program in programs.items():
                alarms[name] += int(program(unit).warned[0])
        done = _counted(first + CHUNK, dict(alarms))
        results["noise"] = {"found": done}
        save()
        print(f"noise: {done}")
    return done


def _counted(units: int, alarms: dict[str, int]) -> dict[str, Any]:
    rates = {name: [k, units, *(round(x, 6) for x in interval(k, units))] for name, k in alarms.items()}
    wanted = {"wanted": quality.FALSE_ALARM, "stride_s": window.STRIDE_S}
    return {"units": units, "alarms": alarms, "rates": rates if units else {}, **wanted}


def _warned(programs: dict[str, spec.Program], cls: str, effort: float) -> dict[str, Any]:
    """What each program warns of, and the final SNR from which on it warns of half."""
    n = max(2, round(TRIALS * effort))
    found = quality.table(programs, n, _SEED, lambda done, text: None, (cls,))
    return {
        name: {
            "warned": rows["warned"][cls],
            "snr_half_warned": quality.half_warned(rows["warned"][cls]),
            "median_error_of_warned": rows["median_error_of_warned"][cls],
        }
        for name, rows in found.items()
    }


if __name__ == "__main__":
    main()
