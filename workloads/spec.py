"""What a workload is: a real program that turns strain into decisions. For live runs, training and measurement.

Knows no site, no queue and no clock. One unit of work is one segment: SEGMENT_S of new data of all streams.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

RATE_HZ = 2048
STREAMS = 3
SEGMENT_S = 1.0
BAND_HZ = (20.0, 900.0)
"""Band of every SNR that is quoted and of the whitened data."""
WHITEN_HALF_S = 0.1875
"""Half length of the whitening filter: that much data is needed after the last whitened sample."""
RINGDOWN_S = 0.0625
"""Whitened data after the searched second, so that a merger at its very end is still seen."""
LOOKAHEAD_S = WHITEN_HALF_S + RINGDOWN_S
"""Data after the searched second that a window must hold: a latency of the data, not of the computing."""

NAMES = {
    "detector": "workloads.models.detector",
    "matched-filter": "workloads.models.matched_filter",
    "glitch-classifier": "workloads.models.glitch_classifier",
}
"""Workloads and the module in which each one's `WORKLOAD` lives."""

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Outputs:
    """Decisions on a batch of segments, every array of shape (batch,).

    `outcome` says whether a segment triggers (or is flagged): `score` above the workload's threshold.
    `time_offset_s` is where the loudest moment lies after the start of the searched second.
    """

    score: NDArray[np.float64]
    outcome: NDArray[np.bool_]
    label: list[str] | None
    time_offset_s: NDArray[np.float64]


class Workload(Protocol):
    """The program around a network: what it wants to see, and how its raw output becomes a decision."""

    name: str
    outcome: str  # 'trigger' or 'flag'
    window_s: float  # strain wanted, ending LOOKAHEAD_S after the searched second
    runtimes: tuple[str, ...]

    def prepare(self, strain: NDArray[np.float64]) -> NDArray[np.float32]:
        """Network input, shape (batch * rows, …), from strain (batch, detector, sample)."""

    def decide(self, raw: NDArray[np.float32], batch: int, threshold: float) -> Outputs:
        """Decisions on `batch` segments from the network's raw output."""

    def module(self) -> torch.nn.Module:
        """The network, untrained."""


@dataclass(frozen=True)
class Program:
    """A workload ready to run: weights loaded and verified, runtime chosen."""

    workload: Workload
    network: Network
    threshold: float
    runtime: str
    weights_sha256: str

    def __call__(self, strain: NDArray[np.float64]) -> Outputs:
        """Decisions on strain of shape (batch, detector, sample), float64."""
        check_strain(self.workload, strain)
        return self.workload.decide(self.network(self.workload.prepare(strain)), len(strain), self.threshold)


def get(name: str) -> Workload:
    """The workload called `name`."""
    if name not in NAMES:
        raise ValueError(f"no workload '{name}'; known: {', '.join(NAMES)}")
    workload: Workload = import_module(NAMES[name]).WORKLOAD
    return workload


def load(name: str, runtime: str | None = None, threads: int = 1) -> Program:
    """The trained workload `name` on `runtime` (by default its first), on one thread unless told otherwise."""
    from workloads import card
    from workloads import runtime as executors

    workload = get(name)
    chosen = runtime or workload.runtimes[0]
    if chosen not in workload.runtimes:
        raise ValueError(f"workload '{name}' has no runtime '{chosen}'; it has: {', '.join(workload.runtimes)}")
    about: dict[str, Any] = card.read(name)
    network = executors.executor(workload, chosen, threads)
    return Program(workload, network, float(about["threshold"]), chosen, str(about["weights_sha256"]))


def check_strain(workload: Workload, strain: NDArray[np.float64]) -> None:
    """Raise ValueError unless `strain` has the shape, type and finite values that `workload` wants."""
    wanted = (STREAMS, round(workload.window_s * RATE_HZ))
    if strain.ndim != 3 or strain.shape[1:] != wanted or len(strain) == 0:
        raise ValueError(
            f"{workload.name}: strain has shape {strain.shape}; wanted (batch, {wanted[0]}, {wanted[1]}), "
            f"{workload.window_s} s at {RATE_HZ} Hz. Cut the window with Strain.window"
        )
    if strain.dtype != np.float64:
        raise ValueError(f"{workload.name}: strain is {strain.dtype}; wanted float64 (1e-24 underflows in less)")
    if not np.isfinite(strain).all():
        raise ValueError(f"{workload.name}: strain holds NaN or infinite samples. Mark the gap upstream")
