"""From specifications to the arrays of a plan. Knows no YAML and no profile."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twin.kernel.state import (
    LINK,
    MOST_CROWD,
    POOL,
    PREEMPTIONS,
    QUEUE,
    ROLES,
    ROUTES,
    STAGE,
    STREAM,
    TRIGGER,
    WHEN_FULL,
)
from twin.plan import Array, Control, Decision, Geography, Plan, PoolSpec, StageSpec, Stream
from workloads.occupancy import IDLE_EDGES_S, WARM_POINTS
from workloads.sky import EVENT

IDLE_CLASSES = len(IDLE_EDGES_S) + 1
"""Service tables of a program that depends on how long its server has idled."""


def assemble(
    *,
    geography: Geography,
    pools: Sequence[PoolSpec],
    stages: Sequence[StageSpec],
    streams: Sequence[Stream],
    horizon_s: float,
    drain_s: float = 0.0,
    bin_s: float = 0.0,
    report_s: float = 10.0,
    events: NDArray[np.void] | None = None,
    event_segment: NDArray[np.int64] | None = None,
    noise_key: int = 0,
    controls: Sequence[Control] = (),
) -> Plan:
    """The plan of these pools, stages and streams; ValueError for what no kernel could run."""
    check(pools, stages, streams, len(geography.names))
    events = np.empty(0, EVENT) if events is None else events
    event_segment = np.empty(0, np.int64) if event_segment is None else event_segment
    queues, tables, decisions, warmth, crowding = _queues(pools, stages)
    edges, responses, noise = _decision_tables(decisions)
    children = [[k for k, child in enumerate(stages) if s.name in child.after] for s in stages]
    pool_table, pool_queues = _pools(pools, stages, queues)
    stream_table, arrivals = _streams(streams, [s.name for s in stages])
    margin, hand_margin = _margins(stages, children, event_segment)
    bins = horizon_s / math.ceil(1000.0 * horizon_s / (horizon_s + drain_s))
    return Plan(
        stage_names=tuple(s.name for s in stages),
        products=tuple(s.publishes for s in stages),
        pool_names=tuple(p.name for p in pools),
        site_names=geography.names,
        stages=_stages(stages, streams, queues, children),
        queues=queues,
        pools=pool_table,
        streams=stream_table,
        arrivals=arrivals,
        children=np.array([c for group in children for c in group], np.int64),
        pool_queues=pool_queues,
        tables=tables,
        delays=_delays(geography, pools, stages, queues),
        links=_links(geography),
        segments=max([s.count for s in streams], default=0),
        events=events,
        event_segment=event_segment,
        edges=edges,
        responses=responses,
        noise=noise,
        warmth=warmth,
        crowding=crowding,
        tempo=np.array([factor for pool in pools for factor in pool.tempo]),
        noise_key=noise_key,
        spawn_margin=margin,
        hand_margin=hand_margin,
        report_s=report_s if any(s.route == "stale-least-loaded" for s in stages) else 0.0,
        horizon_s=horizon_s,
        drain_s=drain_s,
        bin_s=bin_s if bin_s > 0.0 else bins,
        controls=tuple(controls),
    )


def check(pools: Sequence[PoolSpec], stages: Sequence[StageSpec], streams: Sequence[Stream], sites: int) -> None:
    """Raise ValueError for what the kernel, which checks no index, could not run."""
    names, pool_names = [s.name for s in stages], [p.name for p in pools]
    for pool in pools:
        if pool.servers < 0 or not 0 <= pool.site < sites:
            raise ValueError(f"pool {pool.name}: needs 0 or more servers at a site from 0 to {sites - 1}")
        if not min(pool.slowness, pool.tempo_s, *pool.tempo, 1.0) > 0.0:
            raise ValueError(f"pool {pool.name}: slowness, tempo and the time its factors hold are more than 0")
    for k, stage in enumerate(stages):
        where = f"stage {stage.name}"
        for parent in stage.after:
            if parent not in names[:k]:
                raise ValueError(f"{where}: comes after {parent!r}, which is not a stage before it")
        if stage.awaits is not None and stage.awaits.stage not in names[:k]:
            raise ValueError(f"{where}: awaits {stage.awaits.stage!r}, which is not a stage before it")
        if not stage.on and (stage.shards > 1 or stage.role != "plain"):
            raise ValueError(f"{where}: an instant stage has one shard and role plain")
        if min(stage.shards, stage.max_batch, stage.queue_limit) < 1 or stage.retries < 0:
            raise ValueError(f"{where}: shards, max_batch and queue_limit are at least 1, retries at least 0")
        for pool_name, programs in stage.on.items():
            _check_programs(f"{where} on {pool_name}", stage, pools[pool_names.index(pool_name)], programs)
    for stream in streams:
        if stream.stride_s <= 0.0 and stream.times_s.size < stream.count:
            raise ValueError(
                f"a stream for {stream.stage} has {stream.times_s.size} times for {stream.count} jobs"
            )
        steps_s = np.diff(stream.times_s, prepend=0.0)
        if not stream.phase_s >= 0.0 or not (steps_s >= 0.0).all():
            raise ValueError(
                f"a stream for {stream.stage} has times before the run's start, or not in their order"
            )
    # Candidates of two searches are numbered alike: what they find can only meet its own.
    for stage in stages:
        if len({_search(stages, parent) for parent in stage.after}) > 1:
            raise ValueError(f"stage {stage.name}: what meets there has to come from the same trigger stage")


def _check_programs(where: str, stage: StageSpec, pool: PoolSpec, programs: Sequence[object]) -> None:
    from twin.plan import Program

    for program in programs:
        if not isinstance(program, Program):
            continue
        classes = program.service_s.shape[0] if program.service_s.ndim == 3 else IDLE_CLASSES
        if classes != IDLE_CLASSES or len(program.warmth) not in (0, WARM_POINTS):
            raise ValueError(f"{where}: needs {IDLE_CLASSES} idle classes and {WARM_POINTS} of warmth, or none")
        if not min((1.0, *program.warmth, *program.crowding)) > 0.0:
            raise ValueError(f"{where}: needs warmth and crowding of more than 0")
        if program.service_s.shape[-2] < stage.max_batch or program.service_s.shape[-1] < 2:
            raise ValueError(
                f"{where}: needs a service table (batch sizes up to {stage.max_batch}, 2 or more points)"
            )
        if program.memory_bytes > pool.memory_bytes:
            raise ValueError(
                f"{where}: needs {program.memory_bytes:g} bytes; a server has {pool.memory_bytes:g} bytes"
            )
        if stage.role != "plain" and program.decision is None:
            raise ValueError(f"{where}: role {stage.role} needs decisions")


def _search(stages: Sequence[StageSpec], name: str) -> str:
    """The trigger stage at or before the stage called `name`; '' when there is none."""
    stage = next(s for s in stages if s.name == name)
    if stage.role == "trigger":
        return stage.name
    return _search(stages, stage.after[0]) if stage.after else ""


def _margins(
    stages: Sequence[StageSpec], children: Sequence[Sequence[int]], event_segment: NDArray[np.int64]
) -> tuple[int, int]:
    """What one event may add at most to any array, and what one job that is handed on may."""
    handed = [0] * len(stages)
    for s in reversed(range(len(stages))):
        here = 2 * stages[s].shards + 1
        handed[s] = here if stages[s].on else here + sum(handed[c] for c in children[s])
    hand_margin = max(handed, default=1) + 1
    busiest = int(np.unique(event_segment, return_counts=True)[1].max()) if event_segment.size else 0
    spread = max([len(c) for c in children], default=1) or 1
    jobs = max(s.max_batch for s in stages) * spread * (busiest + 2)
    return jobs * hand_margin + 8, hand_margin


def _delays(
    geography: Geography, pools: Sequence[PoolSpec], stages: Sequence[StageSpec], queues: NDArray[np.void]
) -> Array:
    """Time to each queue from each site over an idle link (queue, site) in s: what 'nearest' compares."""
    sites = range(len(geography.names))
    delays = np.zeros((len(queues), len(sites)))
    for q, queue in enumerate(queues):
        payload = stages[queue["stage"]].payload_bytes
        delays[q] = [geography.delay_s(site, pools[queue["pool"]].site, payload) for site in sites]
    return delays


def _links(geography: Geography) -> NDArray[np.void]:
    links = np.zeros(len(geography.names) ** 2, LINK)
    links["latency_s"], links["bandwidth"] = geography.latency_s.ravel(), geography.bandwidth.ravel()
    links["share"], links["open"], links["top"] = 1.0, 1, -1
    return links


def _queues(
    pools: Sequence[PoolSpec], stages: Sequence[StageSpec]
) -> tuple[NDArray[np.void], Array, list[Decision], Array, Array]:
    """One queue per (stage, pool); tables, decisions, warmth and crowding of all programs, one after the other."""
    names = [p.name for p in pools]
    queues: list[NDArray[np.void]] = [np.zeros(0, QUEUE)]
    tables: list[Array] = []
    decisions: list[Decision] = []
    warmth: list[Array] = [np.zeros((0, WARM_POINTS))]
    crowding: list[Array] = [np.zeros((0, MOST_CROWD))]
    slots = [0] * len(pools)
    row = 0
    for s, stage in enumerate(stages):
        for pool, programs in stage.on.items():
            queue = np.zeros(1, QUEUE)
            p = names.index(pool)
            queue["stage"], queue["pool"], queue["slot"], queue["timer_s"] = s, p, slots[p], -1.0
            slots[p] += 2
            for name in ("decide", "table", "warm", "crowd", "head", "suspended", "hold_since_s"):
                queue[name] = -1
            for v, program in enumerate(programs):
                if program is None:
                    continue
                queue["table"][0, v] = row
                tables += list(program.service_s) if program.service_s.ndim == 3 else [program.service_s]
                rows = program.service_s.shape[-2]
                queue["idle_rows"][0, v] = rows if program.service_s.ndim == 3 else 0
                row += program.service_s.size // program.service_s.shape[-1]
                if program.warmth:
                    queue["warm"][0, v] = len(warmth) - 1
                    warmth.append(np.array(program.warmth))
                if program.crowding:
                    queue["crowd"][0, v] = len(crowding) - 1
                    crowding.append(_filled(program.crowding))
                queue["memory_bytes"][0, v], queue["load_time_s"][0, v] = program.memory_bytes, program.load_s
                if program.decision is not None:
                    queue["decide"][0, v] = len(decisions)
                    decisions.append(program.decision)
            alone = programs[0].service_s.reshape(-1, programs[0].service_s.shape[-1])[0]
            queue["mean_s"] = float(np.mean((alone[1:] + alone[:-1]) / 2))
            queues.append(queue)
    return np.concatenate(queues), _same_width(tables), decisions, np.vstack(warmth), np.vstack(crowding)


def _filled(crowding: Sequence[float]) -> Array:
    """Factors for up to MOST_CROWD busy servers, the last given one for all beyond."""
    return np.array([crowding[min(k, len(crowding) - 1)] for k in range(MOST_CROWD)])


def _same_width(tables: Sequence[Array]) -> Array:
    """Inverse CDFs on one common grid of probabilities, the finest of them."""
    if not tables:
        return np.zeros((0, 2))
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
    stages: Sequence[StageSpec],
    streams: Sequence[Stream],
    queues: NDArray[np.void],
    children: Sequence[Sequence[int]],
) -> NDArray[np.void]:
    names = [s.name for s in stages]
    awaited = sorted({s.awaits.stage for s in stages if s.awaits is not None})
    table = np.zeros(len(stages), STAGE)
    first_child = first_queue = 0
    for s, stage in enumerate(stages):
        row = table[s]
        row["role"], row["route"] = ROLES.index(stage.role), ROUTES.index(stage.route)
        row["preempt"], row["when_full"] = PREEMPTIONS.index(stage.preempt), WHEN_FULL.index(stage.when_full)
        row["publishes"] = bool(stage.publishes)
        row["needs"] = len(stage.after) + sum(m.stage == stage.name for m in streams if not stage.after)
        row["verdict"] = awaited.index(stage.name) if stage.name in awaited else -1
        row["awaits"], row["await_timeout_s"] = -1, np.inf
        if stage.awaits is not None:
            row["awaits"], row["await_timeout_s"] = names.index(stage.awaits.stage), stage.awaits.timeout_s
            row["await_span"] = stage.awaits.span
        row["ages"] = min(stage.shelf_life_s, stage.deadline_s) < np.inf
        for name in _COPIED:
            row[name] = getattr(stage, name)
        row["queue_start"], row["queue_stop"] = first_queue, first_queue + len(stage.on)
        row["child_start"], row["child_stop"] = first_child, first_child + len(children[s])
        first_queue, first_child = row["queue_stop"], row["child_stop"]
    for s in reversed(range(len(stages))):
        row = table[s]
        told = row["role"] != TRIGGER and any(table["tells"][c] or table["needs"][c] > 1 for c in children[s])
        row["tells"] = row["verdict"] >= 0 or told
    return table


_COPIED = (
    "any", "shards", "gate", "priority", "max_batch", "max_wait_s", "shelf_life_s", "deadline_s", "timeout_s",
    "failure", "retries", "backoff_s", "queue_limit", "admit_wait_s", "spill", "payload_bytes", "live", "key",
    "failure_key", "route_key",
)  # fmt: skip


def _pools(
    pools: Sequence[PoolSpec], stages: Sequence[StageSpec], queues: NDArray[np.void]
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    table = np.zeros(len(pools), POOL)
    order: list[int] = []
    first_tempo = 0
    for p, pool in enumerate(pools):
        own = [q for q in range(queues.size) if queues["pool"][q] == p]
        own.sort(key=lambda q: (stages[int(queues["stage"][q])].priority, q))
        row = table[p]
        row["site"], row["servers"], row["up"], row["open"] = pool.site, pool.servers, 1, 1
        row["slowness"], row["memory_bytes"], row["keep_warm_s"] = (
            pool.slowness,
            pool.memory_bytes,
            pool.keep_warm_s,
        )
        row["tempo"], row["tempo_n"], row["tempo_s"] = first_tempo, len(pool.tempo), pool.tempo_s
        first_tempo += len(pool.tempo)
        row["resident"] = bool((queues["load_time_s"][own] > 0.0).any())
        mine = [stages[int(queues["stage"][q])] for q in own]
        row["holds"] = any(s.max_wait_s > 0.0 for s in mine)
        row["watchful"] = any(s.preempt != "none" or min(s.shelf_life_s, s.deadline_s) < np.inf for s in mine)
        row["free"], row["outage_since_s"] = -1, 0.0 if pool.servers == 0 else -1.0
        row["queue_start"], row["queue_stop"] = len(order), len(order) + len(own)
        order += own
    return table, np.array(order, np.int64)


def _streams(streams: Sequence[Stream], names: Sequence[str]) -> tuple[NDArray[np.void], Array]:
    table, arrivals, first = np.zeros(len(streams), STREAM), [np.empty(0)], 0
    table["next_s"] = np.inf
    for m, stream in enumerate(streams):
        row = table[m]
        row["stage"], row["site"] = names.index(stream.stage), stream.site
        row["count"], row["first"] = stream.count, first
        row["stride_s"], row["phase_s"] = stream.stride_s, stream.phase_s
        arrivals.append(stream.times_s)
        first += stream.times_s.size
    return table, np.concatenate(arrivals)
