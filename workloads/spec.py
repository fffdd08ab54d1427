"""What a workload is: a real program that turns units of input into results. For live runs, training, measuring.

Knows no site, no queue and no clock. Each file of `workloads/models` holds one workload and is found by its name;
listing the names imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from workloads.unit import BadInputError, Unit

if TYPE_CHECKING:
    import torch

    from workloads.profile import Figure
    from workloads.recording import Recording
    from workloads.training import Course, Taught

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

TASKS = ("search", "early-warning", "data-quality", "conditioning", "inference", "sky-map", "classification")
NETWORK = ("onnxruntime", "torch", "openvino", "openvino-bf16", "cuda", "cuda-tf32", "cuda-bf16")
"""Runtimes of a workload whose network is exported, the default first; some need an extra, some a GPU."""
SERVED = "oip"
"""Runtime of a site's own server that holds the exported network; `workloads.serving` says where it is."""
MODELS = Path(__file__).parent / "models"

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
Progress = Callable[[float, str], None]
Settings = Mapping[str, Any]


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


@dataclass(frozen=True)
class Quality:
    """How well a workload does what it does: one sentence with its number, n and CI, and all `figures` (JSON).

    Its card draws the `curves` among them (`workloads.curves`).
    """

    headline: str
    figures: Mapping[str, Any]


class Workload(Protocol):
    """The program around a network: what it wants to see, and how the raw output becomes a result.

    A result is a frozen dataclass whose fields are None, or arrays or lists with one entry per unit. The same
    batch gives the same bits, and a unit the same result (but for rounding) in whatever batch: what is drawn by
    chance follows from a seed that the workload states. Further protocols say what else it is: `InTorch` with
    runtimes of NETWORK, `InNumpy` with runtime 'numpy', `OnSegments` with an outcome, else `Judged` (`UnderDrift`
    where its data can drift), `Slow` if it takes seconds per unit. It may state its `limits` (sentences for its
    model card), its `operations()` per unit where torch cannot count them, and `stored_bits`
    (packing.BITS) to store its weights in fewer than 32.
    """

    name: str  # that of its file, with '-' for '_'
    task: str  # one of TASKS
    unit: Unit
    outcome: str | None  # 'trigger' or 'flag' when it gives Outputs on segments of strain, else None
    runtimes: tuple[str, ...]  # the default first

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Network input, shape (batch * rows, …), from checked units (batch, *unit.shape)."""

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> Any:
        """The result on `units`, from the network's output `raw` on the prepared `rows`."""

    def units(self, n: int, seed: int) -> NDArray[Any]:
        """`n` realistic units (n, *unit.shape), quiet and loud ones: for timing, laws and checks of an export."""

    def teach(self, course: Course) -> Taught:
        """Weights from the course's seed (and from what it starts with), and metrics on held-out data."""

    def settle(self, program: Program, tries: int | None, progress: Progress) -> tuple[Settings, dict[str, Any]]:
        """Settings such as the threshold, and what they were chosen on; `tries` makes it shorter than usual."""


class InTorch(Protocol):
    """A workload with a network: `training.fit` trains it, `export` writes it down."""

    def module(self) -> torch.nn.Module:
        """The network, untrained, from rows (row, …) to (row, …)."""


class InNumpy(Protocol):
    """A workload that runs without torch."""

    def in_numpy(self, weights: Mapping[str, NDArray[Any]]) -> Network:
        """Rows to raw output, with the stored weights."""


class OnSegments(Protocol):
    """A workload that gives Outputs on segments of strain; profiles count its decisions against class and SNR."""

    tries: tuple[int, int]  # segments of pure noise, and events per class and SNR bin, of a full measurement


class FromRecordings(Protocol):
    """A workload that can be refined on recorded noise, and set to it; `from_recordings` says so."""

    from_recordings: bool

    def settle(
        self, program: Program, tries: int | None, progress: Progress, recorded: Recording | None = None
    ) -> tuple[Settings, dict[str, Any]]:
        """As `Workload.settle`, on recorded noise where there is any."""


class Judged(Protocol):
    """A workload whose quality is something else than decisions on segments."""

    def judge(self, program: Program, effort: float, seed: int, progress: Progress) -> Quality:
        """The quality of `program`, on data nothing was chosen on; `effort` 1 is the full number of tries."""


class UnderDrift(Protocol):
    """A judged workload that says how well it does on data that have drifted from those it was made for."""

    drifts: Sequence[Mapping[str, float]]
    """Amounts by kind that it is tried at, one kind at a time; the first is none."""

    def judge_drifted(
        self, program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
    ) -> Mapping[str, Figure]:
        """A few figures of `program` by name, the same ones at every drift; `effort` as in `Judged.judge`."""


class AnyStreams(Protocol):
    """A workload that is there for other detectors than a triangle as well, untrained or made anew by itself."""

    def of_streams(self, number: int) -> Workload:
        """The same for so many streams, with a threshold still to be settled; ValueError where there is none."""


class Slow(Protocol):
    """A workload that takes seconds per unit: whoever tries it out makes do with less of it."""

    few: int  # the largest batch that is timed, and the units that laws and checks look at: 3 or more

    def brisk(self, program: Program) -> Program:
        """`program` with so little work, and so poor results, that all laws can be tried on it in a minute."""


@dataclass(frozen=True)
class Program:
    """A workload ready to run: weights loaded and verified, runtime chosen, settings read from the card."""

    workload: Workload
    network: Network
    settings: Settings
    runtime: str
    weights_sha256: str

    @property
    def threshold(self) -> float:
        """The score above which a segment triggers or is flagged."""
        return float(self.settings["threshold"])

    def __call__(self, units: NDArray[Any]) -> Any:
        """The workload's result on units of shape (batch, *unit.shape); BadInputError when it has no answer."""
        self.workload.unit.check(self.workload.name, units)
        units = np.ascontiguousarray(units)  # sums depend on how the numbers lie
        rows = self.workload.prepare(units)
        raw = self.network(rows)
        if not np.isfinite(raw).all():
            raise BadInputError(
                f"{self.workload.name}: the network's output is not finite; the largest prepared value is "
                f"{np.abs(rows).max():.3g}. Leave out units that loud"
            )
        return self.workload.decide(raw, rows, units, self.settings)


def names() -> tuple[str, ...]:
    """Names of all workloads, in alphabetical order; imports none."""
    return tuple(sorted(p.stem.replace("_", "-") for p in MODELS.glob("*.py") if not p.stem.startswith("_")))


def get(name: str) -> Workload:
    """The workload called `name`."""
    if name not in names():
        raise ValueError(f"no workload '{name}'; known: {', '.join(names())}")
    workload: Workload = import_module(f"workloads.models.{name.replace('-', '_')}").WORKLOAD
    return workload


def runtimes(workload: Workload) -> tuple[str, ...]:
    """What may execute `workload`: its own runtimes, and a server if its network is exported."""
    return (*workload.runtimes, SERVED) if "onnxruntime" in workload.runtimes else workload.runtimes


def streams(workload: Workload) -> int | None:
    """How many detectors' streams `workload` is made for, by its unit or as it states; None where any number."""
    stated: int | None = getattr(workload, "streams", None)
    unit = workload.unit
    return unit.shape[0] if stated is None and unit.axes[0] == "detector" else stated


def of_streams(workload: Workload, number: int) -> Workload:
    """`workload` for data of so many streams; ValueError with what to do where it is not made for them."""
    if streams(workload) in (None, number):
        return workload
    if hasattr(workload, "of_streams"):
        return cast("AnyStreams", workload).of_streams(number)
    raise ValueError(
        f"workload '{workload.name}' is made for the {streams(workload)} streams of a triangle, not for {number}: "
        "for those it has to be made, and trained if it learns, as a workload of its own (CONTRIBUTING.md)"
    )


def few(workload: Workload, usual: int) -> int:
    """As many units as checks of `workload` take: `usual`, or what a slow one states."""
    return min(usual, getattr(workload, "few", usual))


def within_reach(workload: Workload, batches: Sequence[int]) -> list[int]:
    """Those of `batches` that `workload` is timed at, rising; always 1 if a slow one can do none of them."""
    return [b for b in sorted(set(batches)) if b <= few(workload, b)] or [1]


def brisk(program: Program) -> Program:
    """`program`, or what a slow workload has in its place for trying out its laws."""
    return cast("Slow", program.workload).brisk(program) if hasattr(program.workload, "brisk") else program


def load(
    name: str, runtime: str | None = None, threads: int = 1, folder: Path | None = None, streams: int = STREAMS
) -> Program:
    """The trained workload `name` on `runtime` (by default its first), on one thread unless told otherwise.

    Weights and card are the shipped ones unless `folder` holds others. For other than a triangle's `streams` it is
    not settled: its threshold is infinite until `Workload.settle` finds one.
    """
    from workloads import card
    from workloads import runtime as executors

    shipped = get(name)
    workload = of_streams(shipped, streams)
    chosen = runtime or workload.runtimes[0]
    if chosen not in runtimes(workload):
        raise ValueError(f"workload '{name}' has no runtime '{chosen}'; it has: {', '.join(runtimes(workload))}")
    about = card.read(name, folder)
    network = executors.executor(workload, chosen, threads, folder)
    settings = about["settings"] if workload is shipped else {"threshold": np.inf}
    return Program(workload, network, settings, chosen, str(about["weights_sha256"]))
