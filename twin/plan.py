"""A plan: what the kernel needs to know, as plain arrays and names. Knows no YAML, no profile, no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from twin.state import POOL, QUEUE, ROLES, ROUTES, STAGE, STREAM

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Decision:
    """How one program decides: `responses` (class, SNR bin) between `edges` (bins + 1,); on noise `noise`."""

    edges: Array
    responses: Array
    noise: float


@dataclass(frozen=True)
class Program:
    """What a stage runs on a pool: inverse CDFs of its service time (batch size, point) in s, decisions."""

    service_s: Array
    decision: Decision | None = None


@dataclass(frozen=True)
class PoolSpec:
    """`servers` equal servers at site number `site`."""

    name: str
    site: int
    servers: int


@dataclass(frozen=True)
class StageSpec:
    """One stage: what it runs where (pool name → primary and fallback program) and by which rules."""

    name: str
    on: Mapping[str, tuple[Program, Program | None]]
    after: str | None = None
    role: str = "plain"
    gate: bool = False
    publishes: str = ""
    priority: int = 1
    max_batch: int = 1
    max_wait_s: float = 0.0
    shelf_life_s: float = np.inf
    route: str = "nearest"
    live: bool = False
    key: int = 0
    payload_bytes: float = 0.0


@dataclass(frozen=True)
class Stream:
    """Jobs for `stage` at site `site`: one every `stride_s` from `phase_s` on, or at given sorted `times_s`."""

    stage: str
    count: int
    site: int = 0
    phase_s: float = 0.0
    stride_s: float = 0.0
    times_s: Array = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Control:
    """Something that happens to the computing: 'outage' of a pool, or 'retraining' of a stage."""

    kind: str
    name: str
    at_s: float
    lasts_s: float
    stage: int = -1
    pool: int = -1
    takes_servers: int = 0


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that decides a run, frozen: its digest names the run. Array layouts are in twin.state."""

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
    payload_bytes: Array
    events: NDArray[np.void]
    event_segment: NDArray[np.int64]
    edges: Array
    responses: Array
    noise: Array
    noise_key: int
    spawn_margin: int
    horizon_s: float
    drain_s: float
    bin_s: float
    controls: tuple[Control, ...] = ()

    @property
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


def assemble(
    *,
    geography: Geography,
    pools: Sequence[PoolSpec],
    stages: Sequence[StageSpec],
    streams: Sequence[Stream],
    horizon_s: float,
    drain_s: float = 0.0,
    bin_s: float = 0.0,
    events: NDArray[np.void] | None = None,
    event_segment: NDArray[np.int64] | None = None,
    noise_key: int = 0,
    controls: Sequence[Control] = (),
) -> Plan:
    """The plan of these pools, stages and streams."""
    from workloads.sky import EVENT

    events = np.empty(0, EVENT) if events is None else events
    event_segment = np.empty(0, np.int64) if event_segment is None else event_segment
    names = [s.name for s in stages]
    pool_rows = [p.name for p in pools]
    queues, tables, decisions = _queues(stages, pool_rows)
    edges, responses, noise = _decision_tables(decisions)
    children = [[k for k, child in enumerate(stages) if child.after == s.name] for s in stages]
    delays = np.zeros((len(queues), len(geography.names)))
    for q, queue in enumerate(queues):
        target = pools[queue["pool"]].site
        payload = stages[queue["stage"]].payload_bytes
        delays[q] = [geography.delay_s(site, target, payload) for site in range(len(geography.names))]
    pool_table, pool_queues = _pools(pools, stages, queues)
    stream_table, arrivals = _streams(streams, names)
    busiest = int(np.unique(event_segment, return_counts=True)[1].max()) if event_segment.size else 0
    fan_out = max([len(c) for c in children] + [1]) * max(s.max_batch for s in stages)
    return Plan(
        stage_names=tuple(names),
        products=tuple(s.publishes for s in stages),
        pool_names=tuple(pool_rows),
        site_names=geography.names,
        stages=_stages(stages, queues, children),
        queues=queues,
        pools=pool_table,
        streams=stream_table,
        arrivals=arrivals,
        children=np.array([c for group in children for c in group], np.int64),
        pool_queues=pool_queues,
        tables=tables,
        delays=delays,
        payload_bytes=np.array([stages[q["stage"]].payload_bytes for q in queues]),
        events=events,
        event_segment=event_segment,
        edges=edges,
        responses=responses,
        noise=noise,
        noise_key=noise_key,
        spawn_margin=fan_out * (busiest + 2) + 2,
        horizon_s=horizon_s,
        drain_s=drain_s,
        bin_s=bin_s if bin_s > 0.0 else horizon_s / math.ceil(1000.0 * horizon_s / (horizon_s + drain_s)),
        controls=tuple(controls),
    )


def _queues(stages: Sequence[StageSpec], pools: Sequence[str]) -> tuple[NDArray[np.void], Array, list[Decision]]:
    """One queue per (stage, pool); service tables and decisions of all programs, one after the other."""
    queues: list[NDArray[np.void]] = []
    tables: list[Array] = []
    decisions: list[Decision] = []
    row = 0
    for s, stage in enumerate(stages):
        for pool, programs in stage.on.items():
            queue = np.zeros(1, QUEUE)
            queue["stage"], queue["pool"], queue["head"], queue["timer_s"] = s, pools.index(pool), -1, -1.0
            queue["decide"] = queue["table"] = -1
            for v, program in enumerate(programs):
                if program is None:
                    continue
                queue["table"][0, v] = row
                tables.append(program.service_s)
                row += len(program.service_s)
                if program.decision is not None:
                    queue["decide"][0, v] = len(decisions)
                    decisions.append(program.decision)
            queues.append(queue)
    return np.concatenate(queues), _same_width(tables), decisions


def _same_width(tables: Sequence[Array]) -> Array:
    """Inverse CDFs on one common grid of probabilities, the finest of them."""
    width = max(t.shape[1] for t in tables)
    grid = np.linspace(0.0, 1.0, width)
    rows = [np.interp(grid, np.linspace(0.0, 1.0, t.shape[1]), row) for t in tables for row in t]
    return np.array(rows)


def _decision_tables(decisions: Sequence[Decision]) -> tuple[Array, Array, Array]:
    if not decisions:
        return np.zeros((0, 2)), np.zeros((0, 1, 1)), np.zeros(0)
    bins = max(d.responses.shape[1] for d in decisions)
    edges = np.full((len(decisions), bins + 1), np.inf)
    responses = np.zeros((len(decisions), decisions[0].responses.shape[0], bins))
    for d, decision in enumerate(decisions):
        edges[d, : decision.edges.size] = decision.edges
        responses[d, :, : decision.responses.shape[1]] = decision.responses
        responses[d, :, decision.responses.shape[1] :] = decision.responses[:, -1:]
    return edges, responses, np.array([d.noise for d in decisions])


def _stages(
    stages: Sequence[StageSpec], queues: NDArray[np.void], children: Sequence[Sequence[int]]
) -> NDArray[np.void]:
    table = np.zeros(len(stages), STAGE)
    first_child = 0
    for s, stage in enumerate(stages):
        own = np.flatnonzero(queues["stage"] == s)
        row = table[s]
        row["role"], row["route"] = ROLES.index(stage.role), ROUTES.index(stage.route)
        row["gate"], row["publishes"], row["live"] = stage.gate, bool(stage.publishes), stage.live
        row["priority"], row["max_batch"], row["key"] = stage.priority, stage.max_batch, stage.key
        row["max_wait_s"], row["shelf_life_s"] = stage.max_wait_s, stage.shelf_life_s
        row["queue_start"], row["queue_stop"] = own[0], own[-1] + 1
        row["child_start"], row["child_stop"] = first_child, first_child + len(children[s])
        first_child += len(children[s])
    return table


def _pools(
    pools: Sequence[PoolSpec], stages: Sequence[StageSpec], queues: NDArray[np.void]
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    table = np.zeros(len(pools), POOL)
    order: list[int] = []
    for p, pool in enumerate(pools):
        own = [q for q in range(queues.size) if queues["pool"][q] == p]
        own.sort(key=lambda q: (stages[int(queues["stage"][q])].priority, q))
        row = table[p]
        row["site"], row["servers"], row["up"] = pool.site, pool.servers, 1
        row["queue_start"], row["queue_stop"] = len(order), len(order) + len(own)
        order += own
    return table, np.array(order, np.int64)


def _streams(streams: Sequence[Stream], names: Sequence[str]) -> tuple[NDArray[np.void], Array]:
    table, arrivals, first = np.zeros(len(streams), STREAM), [np.empty(0)], 0
    for m, stream in enumerate(streams):
        row = table[m]
        row["stage"], row["site"] = names.index(stream.stage), stream.site
        row["count"], row["first"] = stream.count, first
        row["stride_s"], row["phase_s"] = stream.stride_s, stream.phase_s
        arrivals.append(stream.times_s)
        first += stream.times_s.size
    return table, np.concatenate(arrivals)
