"""What executes programs: hardware, versions of packages, models of a scenario's live stages. Runs none."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from twin.scenario import Scenario
from workloads import host

PACKAGES = ("et-twin", "numpy", "scipy", "lalsuite", "torch", "onnxruntime", "openvino")
_KINDS = ("cpu family", "model", "stepping", "flags")
"""What decides which instructions numerical libraries choose."""


def hardware() -> dict[str, str]:
    """The processor's name, and a digest of its kind and instructions, which names of virtual ones hide."""
    told = Path("/proc/cpuinfo")
    first = told.read_text().split("\n\n", 1)[0].splitlines() if told.is_file() else []
    lines = sorted(line for line in first if line.split(":", 1)[0].strip() in _KINDS)
    kind = sha256("\n".join([platform.machine(), *lines]).encode()).hexdigest()[:16]
    return {"processor": host.processor(), "kind": kind}


def versions() -> dict[str, str | None]:
    """Of Python and of every package that has a say in a score; None for what is not installed."""
    return {"python": platform.python_version(), **host.versions(PACKAGES)}


def executed(scenario: Scenario, here: bool) -> dict[str, Any]:
    """What the manifest of a run says of its live stages: models by stage and variant, hardware and versions.

    With workers that are not `here`, hardware, versions and models are theirs: None.
    """
    if not here:
        return {"hardware": None, "versions": None, "programs": None}
    return {"hardware": hardware(), "versions": versions(), "programs": _programs(scenario)}


def _programs(scenario: Scenario) -> Mapping[str, list[dict[str, Any]]]:
    from twin.archive.store import described
    from twin.strained import named

    found: dict[str, list[dict[str, Any]]] = {}
    for stage in scenario.live:
        found[stage] = []
        for workload, runtime, threads in named(scenario, stage):
            model = described(workload)
            about = {"workload": workload, "runtime": runtime, "threads": threads, "version": model.version}
            about["weights_sha256"] = model.files[f"{workload}.safetensors"]
            found[stage].append(about | {"threshold": float(model.settings["threshold"])})
    return found
