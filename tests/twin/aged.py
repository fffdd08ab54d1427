"""Made-up profiles whose decisions were also measured on drifted data, with simple numbers."""

from __future__ import annotations

from dataclasses import replace

from tests.twin.profiles import EDGES, make
from workloads.profile import Aged, Response
from workloads.sky import CLASSES

TRIES = 1000


def aged(drift, signal, glitch, noise):
    """Decisions measured under `drift`: probabilities to react to signals, to glitches, to noise."""
    classes = {
        cls: Response((TRIES,) * 3, (round(TRIES * (signal if cls == "bbh" else glitch)),) * 3) for cls in CLASSES
    }
    count = {"n": TRIES, "count": round(TRIES * noise)}
    return Aged(drift, count, EDGES, classes, claimed=(0.1,), raised=(100,))


AGEING = (
    aged({}, 0.9, 0.3, 0.01),
    aged({"level": 0.1}, 0.45, 0.3, 0.1),
    aged({"level": 0.2}, 0.0, 0.3, 0.2),
    aged({"lines": 2.0}, 0.9, 0.6, 0.01),
)
"""Of a detector that finds half as many signals when noise is a tenth louder."""


def write_all(folder, hardware="epyc-core"):
    """Profiles of three workloads below `folder`, the detector's with its ageing."""
    for runtime in ("onnxruntime", "torch"):
        make("glitch-classifier", 0.01, "flag", 0.0, 0.9, 0.0, hardware, runtime).save(folder)
        detector = make("detector", 0.02, "trigger", 0.9, 0.3, 0.01, hardware, runtime)
        replace(detector, ageing=AGEING).save(folder)
        make("matched-filter", 0.3, "trigger", 1.0, 0.5, 0.001, hardware, runtime).save(folder)
    return folder
