"""A plan: what the kernel needs to know, as plain arrays and names. Knows no YAML, no profile, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Decision:
    """How one program decides: `responses` (class, SNR bin) between `edges` (bins + 1,); on noise `noise`."""

    edges: Array
    responses: Array
    noise: float


@dataclass(frozen=True)
class Program:
    """What a stage runs on a pool.

    Inverse CDFs of its service time in s: (batch size, point), or (idle class, batch size, point) where it depends
    on how long its server has idled; its decisions, the memory it takes of a server, the time to make it ready on
    a server that does not hold it; and by what a server's warmth (WARM_POINTS from 0 to 1) and k busy servers of
    the pool multiply its service time.
    """

    service_s: Array
    decision: Decision | None = None
    memory_bytes: float = 0.0
    load_s: float = 0.0
    warmth: tuple[float, ...] = ()
    crowding: tuple[float, ...] = ()


Ladder = tuple[Program, *tuple[Program | None, ...]]
"""A stage's programs on one pool: its own, then its fallbacks in the order in which they serve. None is none."""


@dataclass(frozen=True)
class PoolSpec:
    """`servers` equal servers at site number `site`; an idle program is given up after `keep_warm_s`.

    Service times are multiplied by `slowness`, and by the factors of `tempo` in turn, each for `tempo_s`.
    """

    name: str
    site: int
    servers: int
    memory_bytes: float = np.inf
    keep_warm_s: float = np.inf
    slowness: float = 1.0
    tempo: tuple[float, ...] = ()
    tempo_s: float = 1.0


@dataclass(frozen=True)
class Awaits:
    """A job waits for the verdict of flag stage `stage` on `span` segments, its own the last, at most so long."""

    stage: str
    timeout_s: float = np.inf
    span: int = 1


@dataclass(frozen=True)
class StageSpec:
    """One stage: what it runs where (pool name → its ladder of programs) and by which rules.

    Without pools it is instant, a point where work forks or meets, or takes a time of its own, drawn from the
    inverse CDF `timer_s` (point,). Its jobs are about `span` segments each. Words are in twin.kernel.state.
    What a flag stage flags is bad, or `outside` of what models were made for; of a `guarded` stage a fallback
    serves such jobs. Shards become stale by themselves, or as a `whole`.
    """

    name: str
    on: Mapping[str, Ladder] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    any: bool = False
    shards: int = 1
    awaits: Awaits | None = None
    role: str = "plain"
    outside: bool = False
    guarded: bool = False
    gate: bool = False
    publishes: str = ""
    priority: int = 1
    preempt: str = "none"
    max_batch: int = 1
    max_wait_s: float = 0.0
    shelf_life_s: float = np.inf
    whole: bool = False
    deadline_s: float = np.inf
    timeout_s: float = np.inf
    failure: float = 0.0
    retries: int = 0
    backoff_s: float = 0.0
    queue_limit: int = 1 << 40
    when_full: str = "drop-newest"
    admit_wait_s: float = np.inf
    route: str = "nearest"
    spill: float = np.inf
    live: bool = False
    timer_s: Array | None = None
    span: int = 1
    key: int = 0
    failure_key: int = 0
    route_key: int = 0
    payload_bytes: float = 0.0


@dataclass(frozen=True)
class Stream:
    """Jobs for `stage` at site `site`: one every `stride_s` from `phase_s` on, or at given sorted `times_s`.

    Job n is about `span` segments, of which number n * span is the first. Regular jobs may come in frames, when
    the one is over in which their data end, and `lag_s` later. `breaks` are (n, m, lag_s): before job n the stream
    goes on with job m, and from there on it has that lag. No job comes before the one before it.
    """

    stage: str
    count: int
    site: int = 0
    phase_s: float = 0.0
    stride_s: float = 0.0
    times_s: Array = field(default_factory=lambda: np.empty(0))
    span: int = 1
    frame_s: float = 0.0
    lag_s: float = 0.0
    breaks: tuple[tuple[int, int, float], ...] = ()


DOWN = np.dtype(  # a time in which a detector does not observe
    [
        ("detector", "i8"),
        ("maintained", "i8"),  # 1: it is worked on, 0: it lost lock
        ("start_s", "f8"),
        ("end_s", "f8"),
    ]
)


class Control(Protocol):
    """Something that happens to the computing: data that says when it acts next, and acts (twin.controls)."""

    @property
    def next_s(self) -> float:
        """When it acts next, in s since the start of the run; inf: never again."""

    def act(self, environment: Any) -> None:
        """Do what is due now, and move `next_s` on."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that decides a run, frozen: its digest names the run. Array layouts are in twin.kernel.state.

    `absent` (gap, 2) are segments that no stream delivers: first, and first after them; `down` (time,) when which
    detectors do not observe, dtype DOWN. `looks` (event,) is the
    event that each one is a look at ahead of time, itself for most; empty where there are none. `mergers`
    (event,) is what the signals are, dtype workloads.sky.SOURCE, where they were drawn from a population.
    """

    stage_names: tuple[str, ...]
    products: tuple[str, ...]
    pool_names: tuple[str, ...]
    site_names: tuple[str, ...]
    stages: NDArray[np.void]
    queues: NDArray[np.void]
    pools: NDArray[np.void]
    streams: NDArray[np.void]
    arrivals: Array
    children: NDArray[np.int64]
    pool_queues: NDArray[np.int64]
    tables: Array
    delays: Array
    links: NDArray[np.void]
    segments: int
    events: NDArray[np.void]
    event_segment: NDArray[np.int64]
    edges: Array
    responses: Array
    noise: Array
    warmth: Array
    crowding: Array
    tempo: Array
    breaks: NDArray[np.void]
    absent: NDArray[np.int64]
    down: NDArray[np.void]
    looks: NDArray[np.int64]
    noise_key: int
    spawn_margin: int
    hand_margin: int
    report_s: float
    horizon_s: float
    drain_s: float
    bin_s: float
    controls: tuple[Control, ...] = ()
    mergers: NDArray[np.void] | None = None

    def comes(self, m: int) -> tuple[NDArray[np.int64], Array]:
        """Numbers of the jobs (job,) that stream `m` delivers, and when each comes in s, as the kernel has it."""
        stream = self.streams[m]
        numbers = np.arange(stream["count"])
        if stream["stride_s"] <= 0.0:
            return numbers, np.asarray(self.arrivals[stream["first"] + numbers])
        times_s = stream["phase_s"] + numbers * stream["stride_s"]
        if stream["frame_s"] > 0.0:
            times_s = np.ceil(times_s / stream["frame_s"] - 1e-9) * stream["frame_s"]
        lag_s, come = np.full(numbers.size, stream["lag_s"]), np.ones(numbers.size, bool)
        for row in self.breaks[stream["break"] : stream["break_stop"]]:
            lag_s[row["at"] :], come[row["at"] : row["next"]] = row["lag_s"], False
        return numbers[come], np.maximum.accumulate((times_s + lag_s)[come])

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every field."""
        total = sha256()
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                total.update(f"{f.name}{value.dtype.descr}{value.shape}".encode())
                total.update(np.ascontiguousarray(value).tobytes())
            else:
                total.update(f"{f.name}{value!r}".encode())
        return total.hexdigest()


@dataclass(frozen=True)
class Geography:
    """Sites by number: one-way latency in s and bandwidth in bytes/s between them, both (site, site)."""

    names: tuple[str, ...]
    latency_s: Array
    bandwidth: Array

    def delay_s(self, source: int, target: int, payload_bytes: float) -> float:
        """Time for `payload_bytes` from one site to another; none within a site."""
        if source == target:
            return 0.0
        return float(self.latency_s[source, target] + payload_bytes / self.bandwidth[source, target])
