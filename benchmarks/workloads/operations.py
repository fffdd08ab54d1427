"""Floating-point operations: how many a workload's unit needs, and how many a second this core can do at most."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from workloads import runtime
from workloads.spec import Workload

_SIZE = 512
"""A product of a millisecond or two: on a shared core some of them run undisturbed."""


@dataclass(frozen=True)
class Operations:
    """Operations of one unit's network, a product and a sum counted as two; None where nobody counted."""

    per_unit: float | None
    how: str


def count(workload: Workload) -> Operations:
    """The workload's own formula if it has one, else what torch counts in its network for one unit."""
    if hasattr(workload, "operations"):
        return Operations(float(workload.operations()), "the workload's formula")
    if "torch" not in workload.runtimes:
        return Operations(None, "not counted: no network")
    rows = workload.prepare(workload.units(1, 1))
    return Operations(of_module(runtime.load_module(workload), rows), "torch.utils.flop_counter: network only")


def of_module(module: Any, rows: Any) -> float:
    """What torch counts when `module` runs on `rows`: convolutions and matrix products, nothing pointwise."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.from_numpy(rows))
    return float(counter.get_total_flops())


def peak_per_s(seconds: float, size: int = _SIZE) -> float:
    """Operations a second of the best single-precision matrix product of `size` within `seconds`, one thread.

    A runtime that computes in bfloat16 may therefore exceed it.
    """
    import torch

    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    a, b = (torch.from_numpy(rng.standard_normal((size, size), dtype=np.float32)) for _ in range(2))
    best_s, end_s = np.inf, time.perf_counter() + seconds
    while time.perf_counter() < end_s or not np.isfinite(best_s):
        start_s = time.perf_counter()
        a @ b
        best_s = min(best_s, time.perf_counter() - start_s)
    return 2 * size**3 / float(best_s)
