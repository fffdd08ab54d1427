"""Made-up profiles with simple numbers, for tests of what the twin makes of profiles."""

from __future__ import annotations

import numpy as np

from workloads.profile import QUANTILES, Decisions, Profile, Response, Service
from workloads.sky import CLASSES

EDGES = (6.0, 8.0, 12.0, 100.0)
PASSPORT = {
    "standing": "measured",
    "machine": "a test's imagination",
    "versions": {"numpy": "0"},
    "date": "2026-01-01",
    "weights_sha256": "0" * 64,
}


def make(
    workload,
    seconds,
    outcome,
    signal=1.0,
    glitch=1.0,
    noise=0.0,
    hardware="host",
    runtime="onnxruntime",
    batches=4,
):
    """A profile whose service takes about `seconds` per segment and reacts with these probabilities."""
    spread = np.linspace(0.9, 1.3, QUANTILES)
    service = tuple(
        Service(
            b, 1000, True, seconds * b * 1.1, seconds * b * 1.1, seconds * b * 1.3, tuple(seconds * b * spread)
        )
        for b in (1, batches)
    )
    tries = 1000
    classes = {
        cls: Response((tries,) * 3, (round(tries * (signal if cls == "bbh" else glitch)),) * 3) for cls in CLASSES
    }
    decisions = Decisions(
        outcome, 8.0, {"n": tries, "count": round(tries * noise)}, EDGES, classes, "made up for a test"
    )
    return Profile(workload, runtime, hardware, 1, PASSPORT, service, decisions)


def write_all(folder, hardware="host"):
    """Profiles of the three workloads below `folder`, as `ettwin measure` would leave them."""
    for runtime in ("onnxruntime", "torch"):
        make("glitch-classifier", 0.01, "flag", 0.01, 0.9, 0.001, hardware, runtime).save(folder)
        make("detector", 0.02, "trigger", 0.9, 0.3, 0.001, hardware, runtime).save(folder)
        make("matched-filter", 0.3, "trigger", 0.95, 0.5, 0.001, hardware, runtime).save(folder)
    return folder
