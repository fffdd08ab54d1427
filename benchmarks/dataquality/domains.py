"""The domain guard's receiver operating characteristics: data that drifted, signals and glitches of other kinds.

Each kind is held against the usual one of the same loudness: drifted noise against noise, other signals against
binaries of the prior, unknown glitches against the known families.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.dataquality import windows
from benchmarks.dataquality.rates import rate
from workloads import decisions, spec
from workloads.dataquality import domain
from workloads.drift import LADDER
from workloads.sky import GLITCHES
from workloads.spec import Program
from workloads.training import auc

_SEED = 60_023
_FALSE = (0.001, 0.01, 0.1)
_SNR = (12.0, 24.0, 48.0)
Scores = NDArray[np.float64]


def run(effort: float = 1.0) -> dict[str, Any]:
    """Area under the curve, detection at three false-flag rates, and flags at the shipped threshold."""
    program = spec.load("domain-guard")
    n = max(50, round(4_000 * effort))
    quiet = decisions.noise_outputs(program, n, _SEED).score
    drifted = {
        str(drift): decisions.noise_outputs(program, n, _SEED + 1, drift=drift).score for drift in LADDER[1:]
    }
    found: dict[str, Any] = {
        "seed": _SEED,
        "n": n,
        "false_flag": list(_FALSE),
        "threshold": program.threshold,
        "noise": rate(quiet > program.threshold),
        "drifted_noise": {name: _curve(quiet, score, program) for name, score in drifted.items()},
    }
    each = max(50, n // 4)
    for snr in _SNR:
        usual = _signals(program, "bbh", snr, each)
        found[f"signals_of_snr_{snr:g}"] = {
            kind: _curve(usual, _signals(program, kind, snr, each), program)
            for kind in windows.KINDS
            if kind != "bbh"
        }
        known = np.concatenate([_events(program, cls, snr, -(-each // len(GLITCHES))) for cls in GLITCHES])
        found[f"glitches_of_snr_{snr:g}"] = {
            "unknown": _curve(known, _events(program, "unknown", snr, each), program)
        }
    return found


def _curve(usual: Scores, strange: Scores, program: Program) -> dict[str, Any]:
    score = np.concatenate([usual, strange]).astype(np.float32)
    truth = np.arange(len(score)) >= len(usual)
    above = [float(np.mean(strange > np.quantile(usual, 1 - false))) for false in _FALSE]
    return {
        "auc": round(auc(score, truth), 4),
        "detected": [round(a, 4) for a in above],
        "flagged": rate(strange > program.threshold),
    }


def _signals(program: Program, kind: str, snr: float, n: int) -> Scores:
    rng = np.random.default_rng([_SEED, list(windows.KINDS).index(kind), round(snr)])
    return _scores(program, lambda m: windows.signals(kind, np.full(m, snr), rng), n)


def _scores(program: Program, draw: Callable[[int], NDArray[np.float32]], n: int) -> Scores:
    parts = [program.network(domain.features(draw(min(50, n - i))))[:, 0] for i in range(0, n, 50)]
    return np.concatenate(parts).astype(np.float64)


def _events(program: Program, cls: str, snr: float, n: int) -> Scores:
    return decisions.event_outputs(program, cls, np.full(n, snr), _SEED + 2).score
