"""Training a workload from nothing but a seed, or from weights it had: weights, exported network, model card.

Knows no recipe and no site. An interrupted training is resumed by the same command, to the same bits.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np

from workloads import card, cost, export, host, runtime, spec
from workloads.packing import Weights
from workloads.recording import Recording
from workloads.spec import FromRecordings, Progress, Workload
from workloads.training import Course, TrainingError

_PACKAGES = ("torch", "numpy", "scipy", "lalsuite", "onnx", "onnxruntime", "openvino", "zuko", "dynesty")


def train(
    name: str,
    out: Path,
    seed: int,
    progress: Progress,
    now: str,
    steps: int | None = None,
    tries: int | None = None,
    refine: str | None = None,
    recorded: Recording | None = None,
) -> Path:
    """Train workload `name`, write weights, ONNX and card into `out`, and return the card's path.

    `now` is today's date for the card; `steps` and `tries` shorten the training and the choice of its settings.
    `refine` is what to start from: a folder with a card, a card's path, or 'shipped'; `recorded` is noise to learn
    from and to be set to, in the place of drawn noise. TrainingError when the workload cannot.
    """
    workload = spec.get(name)
    if recorded is not None and not getattr(workload, "from_recordings", False):
        can = ", ".join(n for n in spec.names() if getattr(spec.get(n), "from_recordings", False))
        raise TrainingError(f"{name} does not learn from recorded data; those that do: {can}")
    meter = cost.Meter()
    start, ancestor = _start(workload, refine)
    out.mkdir(parents=True, exist_ok=True)
    progress(0.0, f"{name}: making what it is taught on")
    checkpoint = out / f"{name}.checkpoint"
    taught = workload.teach(Course(seed, progress, steps, start, checkpoint, recorded))
    undecided = export.trained_program(workload, taught.weights, {"threshold": np.inf})
    if recorded is None:
        settings, chosen = workload.settle(undecided, tries, progress)
    else:
        settings, chosen = cast("FromRecordings", workload).settle(undecided, tries, progress, recorded)
    about = {
        "task": workload.task, "settings": settings, "settings_from": chosen, "held_out": taught.held_out,
        "seed": seed, "steps": taught.steps, "parameters": taught.parameters, "refined_from": ancestor,
        "recorded": None if recorded is None else recorded.as_json(),
        "date": now, "cost": meter.read(taught.earlier_wall_s, taught.earlier_cpu_s).as_json(),
        "versions": {k: v for k, v in host.versions(_PACKAGES).items() if v},
    }  # fmt: skip
    path = _written(workload, taught.weights, about, out)
    checkpoint.unlink(missing_ok=True)
    return path


def _written(workload: Workload, weights: Weights, about: dict[str, Any], out: Path) -> Path:
    """The card's path in `out`, once what is written has been checked; before that `out` stays as it was."""
    with TemporaryDirectory(dir=out) as staged:
        files = export.write(workload, weights, Path(staged), getattr(workload, "stored_bits", 32))
        card.write(workload.name, Path(staged), files, about)
        about["export"] = export.check(workload, weights, about["settings"], Path(staged))
        moved = [file.replace(out / file.name) for file in files]
    return card.write(workload.name, out, moved, about)


def _start(workload: Workload, refine: str | None) -> tuple[Weights | None, dict[str, Any] | None]:
    """Weights to start from, and where they are from; both None from scratch."""
    if refine is None:
        return None, None
    place = Path(refine)
    folder = None if refine == "shipped" else place.parent if place.suffix == ".json" else place
    about = card.read(workload.name, folder)
    ancestor = {k: about.get(k) for k in ("weights_sha256", "seed", "steps", "date")}
    return runtime.stored(workload, folder), ancestor
